"""Cards are typed as the FITS standard says, and as astropy reads them."""

from __future__ import annotations

import string
import warnings
from collections.abc import Iterator

import pytest
from astropy.io import fits as astropy_fits
from hypothesis import given, settings
from hypothesis import strategies as st

from vltflow.fits import Header, keyword
from vltflow.fits.cards import COMMENTARY, parse_card, parse_header


def card(text: str) -> str:
    assert len(text) <= 80
    return text.ljust(80)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NAXIS   =                    2 / axes", ("NAXIS", 2)),
        ("NEGATIVE=                  -17", ("NEGATIVE", -17)),
        ("ZEROS   =                 0012", ("ZEROS", 12)),
        ("EXPTIME =              25.0016 / s", ("EXPTIME", 25.0016)),
        ("POINT   =                   5.", ("POINT", 5.0)),
        ("HALF    =                  -.5", ("HALF", -0.5)),
        ("SMALL   =              1.5E-10", ("SMALL", 1.5e-10)),
        ("DOUBLE  =  1.23456789012345D+3", ("DOUBLE", 1234.56789012345)),
        ("lower   = 1.5d3", ("LOWER", 1500.0)),
        ("BLANKS  = - 1.5 E 3 / loose", ("BLANKS", -1500.0)),
        ("SIMPLE  =                    T / yes", ("SIMPLE", True)),
        ("EXTEND  =                    F", ("EXTEND", False)),
        ("COMPLEX =           (1.0, -2.5)", ("COMPLEX", 1 - 2.5j)),
        ("COMPLEX = (1,2D1)", ("COMPLEX", 1 + 20j)),
        ("NOTHING =", ("NOTHING", None)),
        ("NOTHING =                      / undefined", ("NOTHING", None)),
        ("OBJECT  = 'BIAS    '           / what", ("OBJECT", "BIAS")),
        ("OBJECT  = '  two  leading'", ("OBJECT", "  two  leading")),
        ("OBJECT  = ''", ("OBJECT", "")),
        ("OBJECT  = 'O''Brien''s'", ("OBJECT", "O'Brien's")),
        ("OBJECT  = ''''", ("OBJECT", "'")),
        ("OBJECT  = 'a / b' / comment's end", ("OBJECT", "a / b")),
        ("OBJECT  = 'a'' / b'", ("OBJECT", "a' / b")),
        ("OBJECT  = 'it's' / careless", ("OBJECT", "it's")),
        ("HIERARCH ESO DET WIN1 BINX = 2 / Binning", ("ESO DET WIN1 BINX", 2)),
        ("HIERARCH ESO DPR CATG= 'CALIB' / no blank", ("ESO DPR CATG", "CALIB")),
        ("HIERARCH  ESO  TEL  ALT =  45.0", ("ESO TEL ALT", 45.0)),
        ("HIERARCH eso ins mode ='RED'", ("ESO INS MODE", "RED")),
        ("EARLY = 5 / equal sign too early", ("EARLY", 5)),
        ("HIERARCH ESO A=5", ("ESO A", 5)),
        ("HIERARCH= 5", ("HIERARCH", 5)),
        ("BAD     = nonsense", ("BAD", "nonsense")),
        ("OPEN    = 'never closed", ("OPEN", "'never closed")),
    ],
)
def test_card_has_the_value_that_the_standard_gives_it(text: str, expected: tuple) -> None:
    name, value = parse_card(card(text))
    assert (name, value) == expected
    assert type(value) is type(expected[1])


@pytest.mark.parametrize(
    "text",
    [
        *("COMMENT = 5 is no value", "HISTORY done", "", "NOVALUE here", "        blank name"),
        "HIERARCH NO SIGN",
    ],
)
def test_cards_without_value_are_commentary(text: str) -> None:
    assert parse_card(card(text)) is COMMENTARY


def test_long_string_is_joined_from_its_continue_cards() -> None:
    text = (
        card("LONG    = 'It''s one&'") + card("CONTINUE  ' and &'") + card("CONTINUE  'two' / end")
    )
    assert dict(parse_header(text)) == {"LONG": "It's one and two"}


def test_doubled_quote_that_astropy_parted_is_joined_again() -> None:
    text = card("LONG    = 'before'&'") + card("CONTINUE  ''behind'")
    assert parse_header(text)["LONG"] == "before'behind"


def test_continue_card_behind_a_closed_string_is_commentary() -> None:
    text = card("SHORT   = 'closed'") + card("CONTINUE  'orphan'") + card("NEXT    = 'x&'")
    header = parse_header(text)
    assert dict(header) == {"SHORT": "closed", "NEXT": "x&"}
    assert header.commentary("CONTINUE") == ("  'orphan'",)


def test_first_of_two_equal_keywords_counts() -> None:
    header = parse_header(card("A       = 1") + card("B       = 2") + card("A       = 3"))
    assert list(header.items()) == [("A", 1), ("B", 2)]


def test_commentary_is_kept_beside_the_mapping() -> None:
    header = parse_header(
        card("A       = 1") + card("HISTORY one") + card("HISTORY two") + card("")
    )
    assert list(header) == ["A"]
    assert header.commentary("HISTORY") == ("one", "two")
    assert header.commentary("COMMENT") == ()


def test_dotted_keyword_becomes_its_fits_form() -> None:
    assert keyword("DET.WIN1.BINX") == "ESO DET WIN1 BINX"
    assert keyword("MJD-OBS") == "MJD-OBS"


def test_extension_header_takes_from_the_primary_what_is_not_its_own_structure() -> None:
    primary = Header({"SIMPLE": True, "NAXIS": 0, "INSTRUME": "UVES", "EXPTIME": 1.0, "BZERO": 5})
    extension = Header({"XTENSION": "IMAGE", "NAXIS": 2, "NAXIS1": 7, "EXPTIME": 2.0})
    merged = extension.over(primary)
    assert merged["INSTRUME"] == "UVES"
    assert merged["EXPTIME"] == 2.0
    assert "SIMPLE" not in merged
    assert "BZERO" not in merged


def test_header_cannot_be_written() -> None:
    header = Header({"A": 1})
    with pytest.raises(TypeError):
        header["A"] = 2  # type: ignore[index]
    assert header.with_values({"A": 2})["A"] == 2
    assert header["A"] == 1


PRINTABLE = st.characters(min_codepoint=0x20, max_codepoint=0x7E)
STANDARD_NAMES = st.text(string.ascii_uppercase + string.digits + "_-", min_size=1, max_size=8)
WORDS = st.text(string.ascii_uppercase + string.digits, min_size=1, max_size=3)
NAMES = STANDARD_NAMES | st.lists(WORDS, min_size=2, max_size=3).map(
    lambda words: " ".join(["ESO", *words])
)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = (
    st.booleans()
    | st.integers(-(10**17), 10**17)
    | FLOATS
    | st.builds(complex, FLOATS, FLOATS)
    | st.none()
    | st.text(PRINTABLE, max_size=40)
)
# Without quotes: astropy parts a doubled quote between two cards, which breaks the standard.
LONG_TEXTS = st.text(PRINTABLE, min_size=60, max_size=300).map(lambda text: text.replace("'", "`"))
RESERVED = {"COMMENT", "HISTORY", "CONTINUE", "END", "HIERARCH"}


def written_by_astropy(values: dict[str, object]) -> str:
    header = astropy_fits.Header()
    with warnings.catch_warnings():
        # HIERARCH cards for long names, comments cut off: as wanted.
        warnings.simplefilter("ignore")
        for name, value in values.items():
            header.append((f"HIERARCH {name}" if " " in name else name, value, "a comment"))
        return header.tostring(endcard=False, padding=False)


def agree(ours: object, given: object, theirs: object) -> bool:
    """Strings as they were given (but for blanks at their end), all else as astropy reads it."""
    if isinstance(given, str):
        return ours == given.rstrip(" ")
    if given is None:
        return ours is None
    return type(ours) is type(theirs) and ours == theirs


@pytest.fixture(scope="module", autouse=True)
def _plain_strings() -> Iterator[None]:
    """Let astropy read 'AXIS.1: 2' as the text that it is."""
    with astropy_fits.conf.set_temp("enable_record_valued_keyword_cards", value=False):
        yield


@settings(deadline=None, max_examples=200)
@given(st.dictionaries(NAMES.filter(lambda name: name not in RESERVED), VALUES, max_size=12))
def test_what_astropy_wrote_is_read_as_it_was_given(values: dict[str, object]) -> None:
    try:
        text = written_by_astropy(values)
    except ValueError:
        return  # astropy refuses what does not fit on one card
    header = parse_header(text)
    theirs = astropy_fits.Header.fromstring(text)
    assert list(header) == list(values)
    assert [n for n, v in values.items() if not agree(header[n], v, theirs[n])] == []


@settings(deadline=None, max_examples=100)
@given(LONG_TEXTS, STANDARD_NAMES.filter(lambda name: name not in RESERVED))
def test_long_strings_of_astropy_are_read_whole(value: str, name: str) -> None:
    assert parse_header(written_by_astropy({name: value}))[name] == value.rstrip(" ")


@settings(deadline=None, max_examples=300)
@given(st.text(st.characters(max_codepoint=0x7E, min_codepoint=0x20), min_size=80, max_size=80))
def test_any_text_is_a_card_of_some_kind(text: str) -> None:
    name, _ = parse_card(text)
    assert name == name.upper().strip()
