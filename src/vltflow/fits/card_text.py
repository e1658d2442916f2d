"""Values to cards: the counterpart of `cards`, for headers that we write ourselves.

FITS standard 4.0, section 4; HIERARCH for keywords of several words and CONTINUE for long
strings (section 4.2.1.2).
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from vltflow.fits.header import FitsValue
from vltflow.fits.structure import BLOCK

LENGTH = 80
_LONGEST_KEYWORD = 8
_PIECE = 65
"""Characters of a long string in one card, quotes and ampersand not counted."""


def header_text(cards: Iterable[tuple[str, FitsValue, str]]) -> str:
    """Whole blocks of a header from keywords (FITS form), values and comments, END included.

    Numbers keep all their digits. Characters that FITS does not allow become question marks;
    comments that do not fit are cut.

    Raises
    ------
    ValueError
        If a value is not finite, or too long for its card.
    """
    text = "".join(card(*one) for one in cards) + "END".ljust(LENGTH)
    return text.ljust(-(-len(text) // BLOCK) * BLOCK)


def card(name: str, value: FitsValue, comment: str = "") -> str:
    """One card of 80 characters; several of them for a long string.

    Raises
    ------
    ValueError
        If the value is not finite, or too long for its card.
    """
    short = " " not in name and len(name) <= _LONGEST_KEYWORD
    head = f"{name:8}= " if short else f"HIERARCH {name} = "
    written = _written(value)
    field = (
        (written.ljust(20) if isinstance(value, str) else written.rjust(20)) if short else written
    )
    text = f"{head}{field}"
    if len(text.rstrip()) > LENGTH:
        if short and isinstance(value, str):
            return _long_string(head, _printable(value))
        raise ValueError(f"{name} = {value!r} does not fit into one card")
    return (f"{text} / {comment}" if comment else text)[:LENGTH].ljust(LENGTH)


def _written(value: FitsValue) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{_printable(value).replace(chr(39), chr(39) * 2):8}'"
    if isinstance(value, bool):
        return "T" if value else "F"
    if isinstance(value, complex):
        return f"({_written(value.real)}, {_written(value.imag)})"
    if not math.isfinite(value):
        raise ValueError(f"{value} is no number that FITS knows")
    if not isinstance(value, float):
        return str(int(value))
    digits, exponent, power = repr(float(value)).partition("e")
    return f"{digits if '.' in digits else f'{digits}.0'}{exponent.upper()}{power}"


def _printable(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    return "".join(letter if " " <= letter <= "~" else "?" for letter in text)


def _long_string(head: str, text: str) -> str:
    """Cards of a string that goes on: each but the last one ends in an ampersand."""
    pieces, piece = [], ""
    for letter in text:
        quoted = "''" if letter == "'" else letter
        if len(piece) + len(quoted) > _PIECE:
            pieces.append(piece)
            piece = ""
        piece += quoted
    heads = [head, *["CONTINUE  "] * len(pieces)]
    ends = [*["&"] * len(pieces), ""]
    return "".join(
        f"{start}'{part}{end}'".ljust(LENGTH)
        for start, part, end in zip(heads, [*pieces, piece], ends, strict=True)
    )
