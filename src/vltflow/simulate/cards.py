"""Header cards: from a table of keywords to the 80 characters of a FITS line.

Written out here and not with a FITS library because ESO's conventions are narrow: numbers
keep their decimal point, HIERARCH lines keep their comment as far as it fits, and a frame
has 400 cards of which most never change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from importlib.resources.abc import Traversable

CardValue = str | int | float | bool
_LINE = 80


@dataclass(frozen=True, slots=True)
class Card:
    """A keyword in FITS form (``ESO DPR CATG``), its value and comment."""

    keyword: str
    value: CardValue
    comment: str = ""


@dataclass(frozen=True, slots=True)
class _Row:
    flags: frozenset[str]
    keyword: str
    value: CardValue
    reference: str
    comment: str


@lru_cache(maxsize=65_536, typed=True)  # 1, 1.0 and T are equal keys, and other cards
def line(keyword: str, value: CardValue, comment: str) -> bytes:
    """The card as 80 bytes; a comment that does not fit is cut, a value never.

    Raises
    ------
    ValueError
        If keyword and value need more than 80 characters.
    """
    text = _value_text(value)
    if keyword.startswith("ESO "):
        card = f"HIERARCH {keyword} = {text}"
    elif isinstance(value, str):
        card = f"{keyword:<8}= {text:<20}"
    else:
        card = f"{keyword:<8}= {text:>20}"
    if len(card.rstrip()) > _LINE:
        raise ValueError(f"the card {keyword} = {text} is longer than {_LINE} characters")
    if comment:
        card = f"{card} / {comment}"
    return card[:_LINE].ljust(_LINE).encode("ascii")


def _value_text(value: CardValue) -> str:
    if isinstance(value, bool):
        return "T" if value else "F"
    if isinstance(value, str):
        return "'" + value.replace("'", "''").ljust(8) + "'"
    if isinstance(value, int):
        return str(value)
    text = repr(float(value))  # always with a point or an exponent
    return text.upper() if "e" not in text or "." in text else text.upper().replace("E", ".0E")


class CardTable:
    """A table of cards (see the head of a ``cards.txt``), filled in for one frame at a time."""

    def __init__(self, file: Traversable) -> None:
        self._sections: dict[str, list[_Row]] = {}
        rows: list[_Row] = []
        for text in file.read_text(encoding="ascii").splitlines():
            if text.startswith("["):
                rows = self._sections.setdefault(text.strip("[]"), [])
            elif text and not text.startswith("#"):
                rows.append(_row(text))

    def fill(
        self, section: str, flags: frozenset[str], quantities: Mapping[str, CardValue]
    ) -> list[Card]:
        """The section's cards for a frame with these flags and quantities.

        Raises
        ------
        KeyError
            If the table asks for a quantity that is not given.
        """
        return [
            Card(
                row.keyword.format_map(quantities) if "{" in row.keyword else row.keyword,
                quantities[row.reference] if row.reference else row.value,
                row.comment,
            )
            for row in self._sections[section]
            if row.flags <= flags
        ]


def _row(text: str) -> _Row:
    flags, keyword, value, comment = (part.strip() for part in f"{text} ".split(" | ", 3))
    name = f"ESO {keyword.replace('.', ' ')}" if "." in keyword else keyword
    reference = value[1:] if value.startswith("$") else ""
    literal = "" if reference else _literal(value)
    return _Row(frozenset(flags) - {"-"}, name, literal, reference, comment)


def _literal(text: str) -> CardValue:
    if text.startswith("'"):
        return text[1:-1]
    if text in ("T", "F"):
        return text == "T"
    return int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)


def header_bytes(cards: Iterable[Card]) -> bytes:
    """Header of an HDU: the cards, END, and blanks up to a multiple of 2880 bytes."""
    lines = [line(card.keyword, card.value, card.comment) for card in cards]
    lines.append(b"END".ljust(_LINE))
    block = b"".join(lines)
    return block.ljust(-(-len(block) // 2880) * 2880)
