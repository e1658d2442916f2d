from __future__ import annotations

import threading
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vltflow.algorithms import (
    Histogram,
    clipped_mean,
    difference_histogram,
    downsample,
    flag_deviating,
    over_blocks,
    region_grid,
    region_statistics,
    row_blocks,
    structure,
    sum_below,
    summarise,
    to_product,
    to_raw,
)


@given(
    turns=st.integers(0, 3),
    mirrored=st.booleans(),
    shape=st.tuples(st.integers(1, 6), st.integers(1, 6)),
)
def test_turning_there_and_back_changes_nothing(turns, mirrored, shape):
    image = np.arange(shape[0] * shape[1]).reshape(shape)
    product = to_product(image, turns, mirrored=mirrored)
    assert np.array_equal(to_raw(product, turns, mirrored=mirrored), image)
    assert np.shares_memory(product, image)


def test_blue_and_red_chips_turn_as_esos_pipeline_turns_them():
    raw = np.arange(12).reshape(4, 3)
    blue, red = to_product(raw, 3), to_product(raw, 1, mirrored=True)
    for row, column in np.ndindex(4, 3):
        # Found by running uves_cal_mbias 6.1.8 on frames with single bright pixels.
        assert blue[column, 3 - row] == raw[row, column]
        assert red[2 - column, 3 - row] == raw[row, column]


@given(rows=st.integers(1, 5000), row_bytes=st.integers(1, 10**6), threads=st.integers(1, 8))
def test_blocks_cover_all_rows_once(rows, row_bytes, threads):
    blocks = row_blocks(rows, row_bytes, budget=64_000_000, threads=threads)
    assert blocks[0][0] == 0
    assert blocks[-1][1] == rows
    assert all(a[1] == b[0] for a, b in pairwise(blocks))
    largest = max(stop - start for start, stop in blocks)
    assert largest <= 8 or largest * row_bytes * threads <= 64_000_000


def test_results_come_in_the_order_of_blocks_from_several_threads():
    meeting = threading.Barrier(2, timeout=10)
    seen = over_blocks(lambda a, b: (meeting.wait(), a, b)[1:], [(0, 4), (4, 8)], threads=2)
    assert seen == [(0, 4), (4, 8)]


def test_the_error_of_a_block_is_raised():
    with pytest.raises(ZeroDivisionError):
        over_blocks(lambda a, b: a // (b - 8), [(0, 4), (4, 8)], threads=2)


def test_summary_is_numpys():
    image = np.random.default_rng(1).normal(200, 3, (90, 70)).astype("f4")
    image[3, 4] = np.nan
    image[:, 9] = np.nan
    whole = summarise(image, centre=200, reach=30, threads=2)
    expected = np.nanmean(image, axis=1, dtype=float)
    assert np.allclose(whole.y_profile, expected)
    assert np.isnan(whole.x_profile[9])
    assert whole.mean == pytest.approx(np.nanmean(image, dtype=float))
    assert whole.histogram.total + whole.histogram.outside == image.size - 91
    assert whole.histogram.quantile(0.5) == pytest.approx(np.nanmedian(image), abs=0.02)
    assert whole.histogram.moments(170, 230)[1] == pytest.approx(np.nanstd(image), rel=1e-3)


@given(shift=st.integers(-2000, 2000), seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_differences_of_whole_numbers_are_counted_without_loss(shift, seed):
    rng = np.random.default_rng(seed)
    first = rng.integers(5000, 5100, (20, 30)).astype("u2")
    second = (rng.integers(5000, 5100, (20, 30)) + shift).astype("u2")
    counts = difference_histogram(first, second, width=1)
    histogram = Histogram(-4096.5, 1.0, counts[:-1], int(counts[-1]))
    difference = first.astype(int) - second.astype(int)
    mean, sigma, number = histogram.moments(-1e9, 1e9)
    assert number == difference.size
    assert mean == pytest.approx(difference.mean())
    assert sigma == pytest.approx(difference.std())


def test_differences_beyond_the_histogram_are_counted_apart():
    counts = difference_histogram(np.full((2, 2), 60000, "u2"), np.zeros((2, 2), "u2"), width=1)
    assert counts[-1] == 4


def test_clipped_mean_forgets_a_tail():
    values = np.random.default_rng(2).normal(10, 2, 100_000)
    values[:3000] += 300
    counts, edges = np.histogram(values, bins=4000, range=(-100, 400))
    mean, sigma, number = clipped_mean(Histogram(edges[0], edges[1] - edges[0], counts))
    assert mean == pytest.approx(10, abs=0.03)
    assert sigma == pytest.approx(2, rel=0.01)
    assert number == pytest.approx(97_000, abs=50)


def test_clipped_mean_of_nothing_is_nan():
    assert np.isnan(clipped_mean(Histogram(0, 1, np.zeros(10, int)))[0])


def test_structure_is_the_scatter_within_two_adu():
    profile = np.array([100.0, 101, 99, 100, 150])
    assert structure(profile[:4]) == pytest.approx(profile[:4].std(ddof=1))
    assert structure(profile) == -1
    assert structure(np.array([np.nan, 1.0, 2.0])) == pytest.approx(np.sqrt(0.5))


def test_downsampling_averages_squares_and_keeps_small_images():
    image = np.arange(1030 * 20, dtype="f4").reshape(1030, 20)
    small = downsample(image)
    assert small.shape == (343, 6)
    assert small[0, 0] == pytest.approx(image[:3, :3].mean())
    assert np.array_equal(downsample(image[:20]), image[:20])
    assert np.isnan(downsample(np.full((600, 600), np.nan, "f4"))).all()


def test_sums_leave_out_what_is_saturated_or_nan():
    assert sum_below(np.array([[1, 2, 70, 80]], "u2"), 70) == (3.0, 2, 2)
    assert sum_below(np.array([[1, np.nan, 70]], "f4"), 70) == (1.0, 1, 1)


def test_flags_add_to_what_is_there_and_nan_is_no_outlier():
    image = np.array([[10, 12, np.nan, 30]], "f4")
    quality = np.array([[0, 4, 0, 4]], "u1")
    profiles = (np.array([10.0, 12, 0, 0]), np.zeros(1))
    assert flag_deviating(image, profiles, (-5, 5), quality=quality, bit=2) == 1
    assert quality.tolist() == [[0, 4, 0, 6]]


def test_regions_lie_where_esos_dark_recipe_puts_them():
    regions = {(r.i, r.j): r for r in region_grid((2048, 3000))}
    assert (regions[0, 0].x_start, regions[0, 0].x_stop) == (99, 200)
    assert (regions[3, 1].x_start, regions[3, 1].y_start) == (99 + 3 * 700, 99 + 462)


@given(rows=st.integers(60, 3000), columns=st.integers(60, 3000))
def test_regions_fit_any_detector_and_do_not_overlap(rows, columns):
    cover = np.zeros((rows, columns), "u1")
    for region in region_grid((rows, columns)):
        assert region.x_stop <= columns
        assert region.y_stop <= rows
        cover[region.y_start : region.y_stop, region.x_start : region.x_stop] += 1
    assert cover.max() == 1


def test_region_statistics_are_numpys():
    image = np.random.default_rng(3).normal(size=(300, 300))
    regions = region_grid(image.shape)
    window = image[regions[5].y_start : regions[5].y_stop, regions[5].x_start : regions[5].x_stop]
    expected = [window.min(), window.max(), window.mean(), np.median(window), window.std()]
    assert region_statistics(image, regions)[5].tolist() == pytest.approx(expected)
    image[:] = np.nan
    assert np.isnan(region_statistics(image, regions)).all()
