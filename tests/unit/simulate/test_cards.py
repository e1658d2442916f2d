"""Header cards as text."""

from __future__ import annotations

import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from vltflow.simulate.cards import Card, header_bytes, line

TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)


def test_numbers_keep_their_decimal_point() -> None:
    assert line("BSCALE", 1.0, "") == b"BSCALE  =                  1.0".ljust(80)
    assert b"= 1.0E-07" in line("ESO INS X", 1e-7, "")
    assert b"= 1" in line("ESO INS N", 1, "")
    assert b"1.0" not in line("ESO INS N", 1, "")


@given(value=st.one_of(st.integers(-(10**12), 10**12), st.booleans(), TEXTS,
                       st.floats(allow_nan=False, allow_infinity=False)),
       hierarch=st.booleans())  # fmt: skip
def test_astropy_reads_what_was_written(*, value: str | float | bool, hierarch: bool) -> None:
    keyword = "ESO TST VALUE" if hierarch else "TSTVALUE"
    text = header_bytes([Card(keyword, value, "a comment")])
    read = fits.Header.fromstring(text)[keyword]
    assert read == (value.rstrip() if isinstance(value, str) else value)
    assert type(read) is type(value)
    assert len(text) % 2880 == 0


def test_a_long_comment_is_cut_and_a_long_value_refused() -> None:
    assert len(line("ESO TST", "x", "c" * 90)) == 80
    with pytest.raises(ValueError, match="longer than 80"):
        line("ESO TST", "x" * 90, "")
