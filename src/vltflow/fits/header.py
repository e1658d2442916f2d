"""Headers as read-only mappings, and the two ways in which keywords are written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, overload

FitsValue = str | int | float | bool | complex | None

_OF_ONE_UNIT = frozenset(
    {
        *("SIMPLE", "XTENSION", "BITPIX", "NAXIS", "PCOUNT", "GCOUNT", "GROUPS", "EXTEND"),
        *("BLOCKED", "INHERIT", "EXTNAME", "EXTVER", "EXTLEVEL", "CHECKSUM", "DATASUM"),
        *("BSCALE", "BZERO", "BLANK"),
    }
)


def keyword(name: str) -> str:
    """FITS form of a keyword as ESO's documents write it.

    Parameters
    ----------
    name : str
        Dotted (``DET.WIN1.BINX``) or plain (``MJD-OBS``).

    Returns
    -------
    str
        As headers here are indexed: ``ESO DET WIN1 BINX`` (without HIERARCH), ``MJD-OBS``.
    """
    return "ESO " + name.replace(".", " ") if "." in name else name


class Header(Mapping[str, FitsValue]):
    """The valued keywords of one HDU, typed, in the order of the file.

    Keys are in FITS form without HIERARCH (``ESO DET WIN1 BINX``). A keyword that
    stands twice has its first value, as in astropy and CFITSIO. Undefined values are
    None. COMMENT, HISTORY and keyword-less cards are no keys: see `commentary`.

    Parameters
    ----------
    values : dict
        Taken over, not copied.
    commentary : tuple of str, optional
        Cards without a value, 80 characters each, in the order of the file.
    """

    __slots__ = ("_commentary", "_values")

    def __init__(self, values: dict[str, FitsValue], commentary: tuple[str, ...] = ()) -> None:
        self._values = values
        self._commentary = commentary

    def __getitem__(self, key: str) -> FitsValue:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __repr__(self) -> str:
        return f"Header({self._values!r})"

    @overload
    def get(self, key: str, /) -> FitsValue: ...
    @overload
    def get(self, key: str, default: Any, /) -> Any: ...
    def get(self, key: str, default: Any = None, /) -> Any:
        """Value of a keyword, or `default` where it is absent."""
        return self._values.get(key, default)

    def to_dict(self) -> dict[str, FitsValue]:
        """A new dictionary with all values."""
        return self._values.copy()

    def commentary(self, name: str) -> tuple[str, ...]:
        """Texts of all cards called `name`: ``COMMENT``, ``HISTORY`` or an empty name."""
        label = f"{name:8}"
        return tuple(card[8:].rstrip() for card in self._commentary if card[:8] == label)

    @property
    def commentary_cards(self) -> tuple[str, ...]:
        """All cards without a value, in the order of the file."""
        return self._commentary

    def with_values(self, changes: Mapping[str, FitsValue]) -> Header:
        """A copy in which `changes` took the place of the old values or joined them."""
        return Header({**self._values, **changes}, self._commentary)

    def over(self, primary: Header) -> Header:
        """Header of this extension with what it lacks taken from the primary header.

        Keywords that describe one HDU only (structure, scaling, name, checksums) are
        not handed down. ESO writes the keywords of the exposure into the primary
        header of multi-extension files only, with or without INHERIT = T.
        """
        handed_down = {
            key: value
            for key, value in primary.items()
            if key not in _OF_ONE_UNIT and not _numbered_axis(key)
        }
        return Header({**handed_down, **self._values}, self._commentary)


def _numbered_axis(key: str) -> bool:
    return key.startswith("NAXIS") and key[5:].isdigit()
