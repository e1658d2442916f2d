"""Cards to values: the 80 characters of a FITS header line, typed.

FITS standard 4.0, section 4 (headers), and the conventions ESO's headers use:
HIERARCH keywords and CONTINUE for long strings (section 4.2.1.2).

Most cards of a night's frames are equal, so parsed cards are remembered, up to a bound;
so are keywords, which are the same even where no value is. Cards that are strictly standard
take one regular expression; all others, such as lower-case exponents, blanks inside numbers
or a missing slash, take a slower way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from vltflow.fits.header import FitsValue, Header

CARD_LENGTH = 80
_KEYWORD_LENGTH = 8
_REMEMBERED = 4096
"""Cards, and keywords: enough for the headers of a night, few enough to stay near the processor."""

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[ED][+-]?\d+)?"
_STRICT_NAME = re.compile(r"HIERARCH +([^=]*[^= ]) *|([A-Z0-9_-]{1,8}) *(?<=^.{8})")
# One alternative a type; the number of the last group that matched tells which it was.
_STRICT_VALUE = re.compile(
    r" *(?:'([^']*(?:''[^']*)*)'"
    r"|([+-]?\d+)"
    rf"|({_NUMBER})"
    r"|([TF])"
    rf"|(\( *{_NUMBER} *, *{_NUMBER} *\))"
    r"|) *(?:/|$)"
).match
_STRICT_STRING = re.compile(r" *'(?P<string>[^']*(?:''[^']*)*)' *(?:/|$)")

_LOOSE_NUMBER = r"[+-]? *(?:\d+\.?\d*|\.\d+) *(?:[DEde] *[+-]? *\d+)?"
# A string ends at the first quote with a blank, a slash or nothing behind it.
_LOOSE = re.compile(
    r" *(?:'(?P<string>.*?)'(?=$|/| )"
    rf"|(?P<number>{_LOOSE_NUMBER})"
    r"|(?P<logical>[TF])"
    rf"|\( *(?P<real>{_LOOSE_NUMBER}) *, *(?P<imaginary>{_LOOSE_NUMBER}) *\)"
    r"|) *(?:/|$)"
)

Pair = tuple[str, FitsValue]

COMMENTARY: Pair = ("", None)
_COMMENTARY_NAMES = frozenset({"COMMENT", "HISTORY", "", "END"})
_CONTINUE_NAME = "CONTINUE"


class _Names(dict[str, str]):
    """Keywords by what stands before the equals sign; empty where that is not standard."""

    def __missing__(self, head: str) -> str:
        if len(self) >= _REMEMBERED:
            self.clear()
        match = _STRICT_NAME.fullmatch(head)
        name = (match[2] or _hierarch_name(match[1])) if match else ""
        self[head] = name
        return name


class _Pairs(dict[str, Pair]):
    """Pairs by card; a card not seen yet is parsed on the way."""

    def __missing__(self, card: str) -> Pair:
        if len(self) >= _REMEMBERED:
            self.clear()
        pair = self[card] = parse_card(card)
        return pair


_name_of = _Names().__getitem__
_pair_of = _Pairs().__getitem__


def parse_header(text: str) -> Header:
    """Header from its cards, without the END card.

    Parameters
    ----------
    text : str
        Whole cards of 80 ASCII characters, one after the other.
    """
    cards = [text[start : start + CARD_LENGTH] for start in range(0, len(text), CARD_LENGTH)]
    pairs = list(map(_pair_of, cards))
    values = dict(pairs)
    if _CONTINUE_NAME in values:
        return _with_long_strings(cards)
    commentary: tuple[str, ...] = ()
    without_value = pairs.count(COMMENTARY) if "" in values else 0
    if without_value:
        del values[""]
        commentary = tuple(
            card for card, pair in zip(cards, pairs, strict=True) if pair is COMMENTARY
        )
    if len(values) + without_value != len(pairs):
        values = _first_of_each(pair for pair in pairs if pair is not COMMENTARY)
    return Header(values, commentary)


def parse_card(card: str) -> Pair:
    """Keyword and value of one card; `COMMENTARY` where it has no value.

    A value that follows no rule at all is given as its text, so that nothing is lost
    and a check of types can show it.
    """
    head, sign, field = card.partition("=")
    name = _name_of(head)
    match = _STRICT_VALUE(field) if name and sign else None
    # Eight columns before the sign are a plain keyword: a blank has to follow the sign.
    if match is None or (len(head) == _KEYWORD_LENGTH and not field.startswith(" ")):
        return _parse_loosely(card)
    if name in _COMMENTARY_NAMES:
        return COMMENTARY
    kind = match.lastindex
    return name, None if kind is None else _VALUE_OF[kind](match[kind])


def _hierarch_name(text: str) -> str:
    return text if text.isupper() and "  " not in text else " ".join(text.upper().split())


def _parse_loosely(card: str) -> Pair:
    name = card[:8].rstrip().upper()
    if name in _COMMENTARY_NAMES:
        return COMMENTARY
    if name == _CONTINUE_NAME:
        return name, card
    if card[:9].upper() == "HIERARCH " and "=" in card:
        name, _, field = card[9:].partition("=")
    else:
        name, indicator, field = card.partition("= ")
        if not indicator or len(name) > 8:
            return COMMENTARY
    name = _hierarch_name(name.strip())
    return (name, _loose_value(field)) if name else COMMENTARY


def _loose_value(field: str) -> FitsValue:
    match = _LOOSE.match(field)
    if match is None:
        return field.strip()
    if match["string"] is not None:
        return _unquoted(match["string"])
    if match["number"] is not None:
        return _loose_number(match["number"])
    if match["logical"] is not None:
        return match["logical"] == "T"
    if match["real"] is not None:
        return complex(_loose_number(match["real"]), _loose_number(match["imaginary"]))
    return None


def _loose_number(text: str) -> int | float:
    text = text.replace(" ", "").upper().replace("D", "E")
    return int(text) if text.lstrip("+-").isdigit() else float(text)


def _unquoted(text: str) -> str:
    return text.replace("''", "'").rstrip(" ")


def _real(text: str) -> float:
    return float(text.replace("D", "E"))


def _is_true(text: str) -> bool:
    return text == "T"


def _complex(text: str) -> complex:
    real, imaginary = text[1:-1].split(",")
    return complex(_real(real), _real(imaginary))


_VALUE_OF: tuple[Callable[[str], FitsValue], ...] = (str, _unquoted, int, _real, _is_true, _complex)
"""By the number of the group in `_STRICT_VALUE`."""


def _first_of_each(pairs: Iterable[Pair]) -> dict[str, FitsValue]:
    values: dict[str, FitsValue] = {}
    for name, value in pairs:
        values.setdefault(name, value)
    return values


def _with_long_strings(cards: list[str]) -> Header:
    """Header with CONTINUE cards joined to the strings that they continue.

    As the standard says, a string is continued only where it ends in an ampersand
    and a CONTINUE card with a string follows; an orphan CONTINUE is commentary.
    """
    pairs: list[Pair] = []
    commentary: list[str] = []
    unfinished = ""  # text of the string before, quotes still doubled, if it may go on
    for card in cards:
        pair = _pair_of(card)
        if pair[0] == _CONTINUE_NAME:
            part = _string_field(card[8:]) if unfinished else None
            if part is not None:
                unfinished = unfinished.rstrip(" ")[:-1] + part
                pairs[-1] = (pairs[-1][0], _unquoted(unfinished))
                unfinished = unfinished if _goes_on(unfinished) else ""
                continue
            pair = COMMENTARY
        unfinished = ""
        if pair is COMMENTARY:
            commentary.append(card)
            continue
        pairs.append(pair)
        if isinstance(pair[1], str) and _goes_on(pair[1]):
            unfinished = _string_field(card.partition("=")[2]) or ""
    return Header(_first_of_each(pairs), tuple(commentary))


def _goes_on(text: str) -> bool:
    return text.rstrip(" ").endswith("&")


def _string_field(field: str) -> str | None:
    """Text between the quotes, as it stands there; astropy may part doubled quotes."""
    match = _STRICT_STRING.match(field) or _LOOSE.match(field)
    return match["string"] if match else None
