"""Images on a screen."""

import io

import numpy as np
import pytest
from PIL import Image

from vltflow.plots.display import CUTS, MAPS, STRETCHES, Window, levels, picture, shrunk


def _rows(image):
    return lambda start, stop: image[start:stop]


def test_screen_pixels_are_means_of_the_pixels_under_them() -> None:
    image = np.arange(64.0).reshape(8, 8)
    found = shrunk(_rows(image), Window(0, 0, 8, 8), 4)
    assert np.allclose(found, image.reshape(4, 2, 4, 2).mean(axis=(1, 3)))


def test_pixels_without_a_value_do_not_count_and_stay_undefined_alone() -> None:
    image = np.ones((4, 4))
    image[0, 0] = np.nan
    image[2:, 2:] = np.nan
    found = shrunk(_rows(image), Window(0, 0, 4, 4), 2)
    assert found[0, 0] == 1
    assert np.isnan(found[1, 1])


def test_a_window_is_shown_pixel_by_pixel_when_it_is_small() -> None:
    image = np.arange(100.0).reshape(10, 10)
    assert np.array_equal(shrunk(_rows(image), Window(2, 3, 6, 9), 50), image[3:9, 2:6])


def test_no_more_than_a_block_of_rows_is_read_at_once() -> None:
    asked = []

    def rows(start, stop):
        asked.append(stop - start)
        return np.zeros((stop - start, 10_000), dtype=np.float32)

    shrunk(rows, Window(0, 0, 10_000, 4_000), 500)
    assert max(asked) * 10_000 <= 4_000_000


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        (Window(-5, -5, 5, 5), Window(0, 0, 10, 10)),
        (Window(95, 0, 105, 10), Window(90, 0, 100, 10)),
        (Window(0, 0, 999, 999), Window(0, 0, 100, 50)),
        (Window(7, 7, 7, 7), Window(7, 7, 8, 8)),
    ],
)
def test_a_window_is_moved_into_the_image(asked: Window, given: Window) -> None:
    assert asked.within(100, 50) == given


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("value", [np.nan, 5.0])
def test_levels_rise_even_where_nothing_varies(cut: str, value: float) -> None:
    image = np.full((20, 20), value)
    low, high = levels(_rows(image), 20, 20, cut)
    assert low < high


@pytest.mark.parametrize("stretch", STRETCHES)
@pytest.mark.parametrize("colours", MAPS)
def test_the_picture_rises_with_the_values_from_the_lowest_row_up(stretch, colours) -> None:
    content = picture(np.array([[0.0, 1.0], [2.0, np.nan]]), 0, 2, stretch=stretch, colours=colours)
    shown = np.asarray(Image.open(io.BytesIO(content)))
    assert shown[1, 0] == 0  # FITS counts rows from below
    assert 0 < shown[1, 1] < shown[0, 0] == 254
    assert shown[0, 1] == 255  # no value: a colour of its own
