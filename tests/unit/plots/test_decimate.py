import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vltflow.plots.decimate import decimate_line, merge_bins, shrink_image

numbers = st.floats(-1e6, 1e6) | st.just(np.nan)


@given(arrays(np.float64, st.integers(1, 500), elements=numbers), st.integers(1, 40))
def test_a_line_keeps_its_extremes_its_ends_and_its_order(y, bins):
    x = np.arange(y.size, dtype=float)
    shown_x, shown_y = decimate_line(x, y, bins)
    assert len(shown_y) <= max(3 * bins + 2, 1)
    assert np.array_equal(shown_y, y[shown_x.astype(int)], equal_nan=True)
    assert (np.diff(shown_x) > 0).all()
    assert {shown_x[0], shown_x[-1]} == {0.0, y.size - 1.0}
    if np.isfinite(y).any():
        assert (np.nanmin(shown_y), np.nanmax(shown_y)) == (np.nanmin(y), np.nanmax(y))


def test_a_gap_stays_a_gap():
    y = np.ones(1000)
    y[500:505] = np.nan
    _, shown = decimate_line(np.arange(1000.0), y, 20)
    assert np.isnan(shown).any()


@given(arrays(np.int64, st.integers(1, 300), elements=st.integers(0, 10**6)), st.integers(1, 50))
def test_merged_bins_keep_every_count_and_the_range(counts, bins):
    edges = np.linspace(-3.0, 8.0, counts.size + 1)
    shown_edges, shown = merge_bins(edges, counts, bins)
    assert shown.size <= bins
    assert shown_edges.size == shown.size + 1
    assert shown.sum() == counts.sum()
    assert (shown_edges[0], shown_edges[-1]) == (-3.0, 8.0)
    assert (np.diff(shown_edges) > 0).all()


def test_a_small_image_stays_as_it_is():
    image = np.arange(12.0).reshape(3, 4)
    assert shrink_image(image, 4) is image


def test_an_image_is_averaged_within_the_noise():
    image = np.random.default_rng(5).normal(100.0, 2.0, (301, 407))
    shown = shrink_image(image, 100)
    assert shown.shape == (76, 82)
    assert abs(shown.mean() - 100.0) < 0.05
    assert shown.std() < 0.6


def test_a_hot_pixel_survives_and_undefined_pixels_do_not_count():
    image = np.random.default_rng(6).normal(100.0, 2.0, (200, 200))
    image[20, 30] = 5000.0
    image[100:104, 100:104] = np.nan
    image[150, 150] = np.nan
    shown = shrink_image(image, 50)
    assert shown.shape == (50, 50)
    assert shown[5, 7] == 5000.0
    assert np.isnan(shown[25, 25])
    assert abs(shown[37, 37] - 100.0) < 3.0


def test_a_long_strip_is_cut_along_its_length_only():
    assert shrink_image(np.zeros((3000, 40)), 300).shape == (300, 40)
