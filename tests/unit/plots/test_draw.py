import io
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.image import imread

from vltflow.plots import style
from vltflow.plots.draw import draw
from vltflow.plots.trend import Trend, draw_trend
from vltflow.records import QcFigure

CHANCE = np.random.default_rng(4)
LINE = QcFigure(
    name="rows", title="Row <medians>", kind="line",
    x=np.arange(3000.0), y=CHANCE.normal(150, 1, 3000),
    x_label="row [pixel]", y_label="level [ADU]", marks={"median": 150.0},
)  # fmt: skip
HISTOGRAM = replace(LINE, name="histogram", kind="histogram", x=np.arange(3001.0), y=np.abs(LINE.y))
IMAGE = replace(
    LINE, name="image", kind="image", x=np.empty(0), y=CHANCE.normal(150, 1, (300, 500))
)
KINDS = [LINE, HISTOGRAM, IMAGE]
ODD = [
    replace(LINE, x=np.empty(0), y=np.empty(0)),
    replace(LINE, y=np.full(3000, np.nan)),
    replace(LINE, y=np.full(3000, 3.0)),
    replace(LINE, marks={"nowhere": np.nan, "a very long name of a mark in a legend": 1e30}),
    replace(LINE, title="$\\frac{1", x_label="$_^", marks={"$x_1$": 1.0, "$y": 2.0}),
    replace(LINE, x=np.arange(1.0), y=np.ones(1)),
    replace(LINE, y=np.where(LINE.y > 150, np.inf, LINE.y)),
    replace(HISTOGRAM, y=np.zeros(3000)),
    replace(HISTOGRAM, x=np.arange(3.0), y=np.array([1.0, 1e7])),
    replace(IMAGE, y=np.full((3, 3), 7.0)),
    replace(IMAGE, y=np.full((3, 3), np.nan)),
    replace(IMAGE, y=np.ones((5000, 1))),
    replace(IMAGE, y=np.empty((0, 0))),
    replace(IMAGE, y=np.arange(12, dtype=np.uint16).reshape(3, 4)),
]


@pytest.mark.parametrize("figure", KINDS, ids=lambda figure: figure.kind)
def test_a_png_is_as_large_as_declared_and_shows_something(figure):
    pixels = imread(io.BytesIO(draw(figure, file_format="png")))
    assert pixels.shape[1] == round(style.WIDTH_IN * style.PNG_DPI)
    assert pixels[..., :3].std() > 0.02


@pytest.mark.parametrize("figure", KINDS, ids=lambda figure: figure.kind)
def test_an_svg_scales_names_itself_and_takes_the_colour_of_the_page(figure):
    root = ET.fromstring(draw(figure))
    assert root.get("viewBox") is not None
    assert root.get("width") is None
    assert (root.get("role"), root.get("aria-label")) == ("img", "Row <medians>")
    text = ET.tostring(root, encoding="unicode")
    assert "currentColor" in text
    assert style.INK not in text


@pytest.mark.parametrize("figure", KINDS, ids=lambda figure: figure.kind)
def test_equal_arrays_give_equal_bytes_and_prefixes_keep_pictures_apart(figure):
    first, again, other = draw(figure), draw(figure), draw(figure, prefix="x")
    assert first == again
    ids = [set(re.findall(rb'\bid="([^"]+)"', one)) for one in (first, other)]
    assert ids[0]
    assert not ids[0] & ids[1]
    references = set(re.findall(rb'(?:href="#|url\(#)([^")]+)', other))
    assert references <= ids[1]


@pytest.mark.slow
@pytest.mark.parametrize("figure", ODD)
@pytest.mark.parametrize("file_format", ["svg", "png"])
def test_odd_arrays_and_texts_are_drawn_all_the_same(figure, file_format):
    assert len(draw(figure, file_format=file_format)) > 1000


def test_an_outlier_is_seen_among_many_points():
    spike = LINE.y.copy()
    spike[1234] = 500.0
    plain, spiked = (
        imread(io.BytesIO(draw(replace(LINE, y=y, marks={}), file_format="png")))
        for y in (LINE.y, spike)
    )
    assert np.abs(plain - spiked).max() > 0.5


@pytest.mark.slow
def test_threads_draw_side_by_side_without_touching_global_settings():
    before = dict(mpl.rcParams)
    expected = [draw(figure) for figure in KINDS]
    with ThreadPoolExecutor(4) as pool:
        drawn = list(pool.map(draw, KINDS * 4))
    assert drawn == expected * 4
    assert dict(mpl.rcParams) == before


def test_a_mark_beyond_the_range_of_an_image_leaves_the_picture_alone():
    def upper_part(value: float) -> np.ndarray:
        picture = draw(replace(IMAGE, marks={"pixels joined": value}), file_format="png")
        return imread(io.BytesIO(picture))[:350]

    assert np.array_equal(upper_part(6.0), upper_part(7.0))
    assert not np.array_equal(upper_part(6.0), upper_part(150.0))


def test_an_image_of_joined_pixels_has_the_coordinates_of_the_detector():
    joined = draw(replace(IMAGE, x=np.array([10.0])))
    assert joined != draw(IMAGE)


def _trend(**fields) -> Trend:
    values = {
        "label": "QC RON: 2 & 3", "history": [(1.0, 2.0), (2.0, 2.5)], "mjd": 3.0, "value": 2.0,
        "low": 1.0, "high": 4.0, "colour": "green",
    }  # fmt: skip
    return Trend(**values | fields)


def _shapes(picture: bytes) -> list[str]:
    return [element.tag.rpartition("}")[2] for element in ET.fromstring(picture)]


def test_a_trend_shows_history_limits_and_value():
    picture = draw_trend(_trend())
    assert _shapes(picture) == ["title", "rect", "path", "path", "circle", "circle", "circle"]
    assert ET.fromstring(picture)[0].text == "QC RON: 2 & 3"


def test_good_bad_and_unscored_values_differ_by_shape_not_by_colour_alone():
    pictures = {colour: draw_trend(_trend(colour=colour)) for colour in ("green", "red", "grey")}
    shapes = {re.sub(rb"#[0-9a-f]{6}", b"", picture) for picture in pictures.values()}
    assert len(shapes) == 3


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"history": []},
        {"value": None},
        {"value": float("nan"), "history": [(1.0, float("inf"))]},
        {"history": [], "value": None, "low": None, "high": None},
        {"low": None},
        {"high": None},
        {"low": 2.0, "high": 2.0, "history": [(3.0, 2.0)]},
        {"value": 1e300, "low": -1e300},
    ],
)
def test_every_trend_stays_inside_its_frame(fields):
    numbers = re.findall(rb' (?:cx|cy|y)="([^"]+)"', draw_trend(_trend(**fields)))
    assert all(0.0 <= float(number) <= 160.0 for number in numbers)
