"""How values are written, and pictures without styles."""

import pytest

from vltflow.web.figures import without_styles
from vltflow.web.words import number, query, seconds, size


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (0.04, "0.0"), (9.96, "10.0"), (12.4, "12"), (185.0, "3:05")]
)
def test_durations_are_short(value: float | None, text: str) -> None:
    assert seconds(value) == text


def test_numbers_and_sizes_are_short() -> None:
    assert (number(None), number(3.14159265), size(2880), size(3_400_000)) == (
        "–", "3.14159", "2.88 kB", "3.4 MB"
    )  # fmt: skip


def test_addresses_leave_out_what_is_empty() -> None:
    assert query({"q": "", "sort": None}) == ""
    assert query({"q": "a b", "x": "<&>"}) == "?q=a+b&x=%3C%26%3E"


def test_styles_of_a_drawing_become_attributes() -> None:
    drawn = (
        '<svg viewBox="0 0 1 1"><style type="text/css">*{a: b}</style>'
        '<path style="fill: none; stroke: #123456"/><text style="font: bold 9px \'DejaVu Sans\', '
        'sans; text-anchor: end">x</text></svg>'
    )
    assert without_styles(drawn) == (
        '<svg stroke-linejoin="round" stroke-linecap="butt" viewBox="0 0 1 1">'
        '<path fill="none" stroke="#123456"/><text font-weight="bold" font-size="9" '
        'font-family="&#x27;DejaVu Sans&#x27;, sans" text-anchor="end">x</text></svg>'
    )
