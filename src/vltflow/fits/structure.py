"""How many bytes follow a header: FITS standard 4.0, sections 4.4.1, 6 and 7."""

from __future__ import annotations

import math
from typing import TypeGuard

from vltflow.core.errors import InvalidHeader
from vltflow.fits.header import FitsValue, Header

BLOCK = 2880
_BITPIX = (8, 16, 32, 64, -32, -64)
_MOST_AXES = 999


def padded(length: int) -> int:
    """Length rounded up to whole blocks."""
    return -(-length // BLOCK) * BLOCK


def data_length(header: Header, where: str) -> int:
    """Bytes of the data unit that follows a header, without padding.

    Parameters
    ----------
    header : Header
        As it stands in the file (a compressed image as the table that it is).
    where : str
        File and HDU, for the message.

    Raises
    ------
    InvalidHeader
        If BITPIX, NAXIS, NAXISn, PCOUNT or GCOUNT is absent or impossible.
    """
    axes = shape(header, where)
    bitpix = header.get("BITPIX")
    if not _is_integer(bitpix) or bitpix not in _BITPIX:
        raise _impossible(header, "BITPIX", where)
    if not axes:
        return 0
    groups = axes[-1] == 0 and header.get("GROUPS") is True
    if groups:
        axes = axes[:-1]
    if "XTENSION" not in header and not groups:
        return abs(bitpix) // 8 * math.prod(axes)
    parameters = _count(header, "PCOUNT", 0, where)
    repeats = _count(header, "GCOUNT", 1, where)
    return abs(bitpix) // 8 * repeats * (parameters + math.prod(axes))


def shape(header: Header, where: str, prefix: str = "") -> tuple[int, ...]:
    """Lengths of the axes as numpy orders them: the last one is NAXIS1.

    Raises
    ------
    InvalidHeader
        If NAXIS or a NAXISn is absent or impossible.
    """
    number = header.get(f"{prefix}NAXIS")
    if not _is_integer(number) or not 0 <= number <= _MOST_AXES:
        raise _impossible(header, f"{prefix}NAXIS", where)
    names = [f"{prefix}NAXIS{axis}" for axis in range(number, 0, -1)]
    return tuple(_count(header, name, None, where) for name in names)


def _count(header: Header, name: str, default: int | None, where: str) -> int:
    value = header.get(name, default)
    if not _is_integer(value) or value < 0:
        raise _impossible(header, name, where)
    return value


def _is_integer(value: FitsValue) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _impossible(header: Header, name: str, where: str) -> InvalidHeader:
    found = f"is {header[name]!r}" if name in header else "is missing"
    return InvalidHeader(
        f"{where}: {name} {found}, so the size of the data is unknown",
        hint="The header is damaged: fetch the file again from the archive",
    )
