"""The trend of a parameter over all time."""

from dataclasses import replace

import pytest

from vltflow.plots.long_trend import MOST_SERIES, Point, Series, draw_series

SERIES = Series(
    "LINE_TABLE_BLUE 1x1_390nm_CD#2_0.8",
    [Point(55324.0, 60042.0, imported=True), Point(57080.0, 59000.0, imported=False)],
)


def test_equal_values_give_equal_pictures_and_say_what_they_show():
    first = draw_series("QC RESOLMED", "", [SERIES])
    assert first == draw_series("QC RESOLMED", "", [SERIES])
    assert b'aria-label="QC RESOLMED"' in first
    assert draw_series("QC RESOLMED", "", [SERIES], file_format="png").startswith(b"\x89PNG")


def test_imported_values_are_open_symbols():
    imported = [Point(55324.0, 1.0, imported=True), Point(57080.0, 2.0, imported=True)]
    own = [replace(point, imported=False) for point in imported]
    drawn = [
        draw_series("QC X", "", [Series("all", points)]).decode() for points in (imported, own)
    ]
    in_legend = 1
    assert [picture.count("fill-opacity: 0;") for picture in drawn] == [2 + in_legend, 0]


def test_more_kinds_than_symbols_are_refused():
    with pytest.raises(ValueError, match="at most"):
        draw_series("QC X", "", [SERIES] * (MOST_SERIES + 1))
