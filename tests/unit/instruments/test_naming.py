import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vltflow.core.errors import ConfigurationError
from vltflow.instruments.naming import product_name, render


def test_words_keywords_alternatives_and_formats_are_filled():
    keys = {"DET.BINX": 2, "INS.G2.WLEN": 580, "chip": "REDL"}
    pattern = "{chip}_{DET.BINX}_{INS.G1.WLEN|INS.G2.WLEN:.1f}nm"
    assert render(pattern, keys) == "REDL_2_580.0nm"


def test_a_keyword_without_value_shows_as_such():
    assert render("{A.B}x{C.D:g}", {"A.B": None}) == "NAxNA"


def test_a_format_that_does_not_fit_names_pattern_keyword_and_value():
    with pytest.raises(ConfigurationError, match=r"A\.B is 'red', not fit for format 'g'"):
        render("{A.B:g}", {"A.B": "red"})


@given(st.text(max_size=30))
def test_product_names_hold_only_safe_characters(value):
    name = product_name(
        "{prefix}_{date}{letter}_{chip}_{K}.fits",
        prefix="UV", date="150226", letter="A", chip="BLUE", keys={"K": value},
    )  # fmt: skip
    assert set(name) <= set(string.ascii_letters + string.digits + "._+-")
    assert name.startswith("UV_150226A_BLUE_")
