"""Orders on new bins and merged, on light whose truth is known to the last photon."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import erf

from vltflow.algorithms.merge import mean_pixel, merge_orders, sum_orders
from vltflow.algorithms.orders import OrderSpectra
from vltflow.algorithms.peaks import find_peaks
from vltflow.algorithms.quality import Quality
from vltflow.algorithms.resample import Grid, linear_grid, logarithmic_grid, pixel_edges, resampling

COLUMNS, CONSTANT = 1500, 466_000.0
ORDERS = np.arange(110, 122)
LINES = np.arange(3870.0, 4200.0, 1.37)
SIGMA = 0.03
"""Angstrom: 3.2 pixels FWHM."""


def edges_of(order):
    u = (np.arange(COLUMNS + 1) - 0.5 - 0.5 * COLUMNS) / (0.5 * COLUMNS)
    return CONSTANT / order * (1 + 0.0052 * u + 0.0003 * u**2)


def star(edges, depth=0.5):
    """Integral of the star's flux density, 1 with absorption lines and a slope, up to edges."""
    step = erf((edges[:, None] - LINES) / (SIGMA * np.sqrt(2)))
    lines = depth * SIGMA * np.sqrt(np.pi / 2) * step.sum(axis=1)
    return edges + 0.5 * (edges - 4000.0) ** 2 / 1000.0 - lines


def echelle(level=1000.0, *, noise=3.0, seed=None, width=1.0, depth=0.5):
    """Orders of a star; `width` below 1 leaves gaps between them."""
    rng = np.random.default_rng(seed)
    wave, flux, blaze = (np.empty((len(ORDERS), COLUMNS)) for _ in range(3))
    for row, order in enumerate(ORDERS):
        edges = CONSTANT / order + width * (edges_of(order) - CONSTANT / order)
        wave[row] = 0.5 * (edges[1:] + edges[:-1])
        lamp = np.sinc((order - CONSTANT / wave[row]) * 0.9) ** 2 * (1 + 0.1 * np.sin(wave[row]))
        blaze[row] = lamp * np.diff(edges)
        flux[row] = level * lamp * np.diff(star(edges, depth))
    # What a pixel of the mean blaze sees of a star of density 1 is `level`.
    norm = blaze.mean()
    blaze, flux = blaze / norm, flux / norm
    variance = flux / 1.5 + noise**2
    if seed is not None:
        flux = flux + rng.normal(size=flux.shape) * np.sqrt(variance)
    zero = np.zeros_like(flux)
    return OrderSpectra(ORDERS, wave, flux, variance, zero.astype(np.uint8), zero, blaze)


def grid_of(spectra, step=2 / 3):
    return linear_grid(spectra.wave.min(), spectra.wave.max(), step * mean_pixel(spectra))


def truth_on(grid, depth=0.5):
    return np.diff(star(grid.edges, depth)) / grid.widths


def test_resampling_keeps_all_light_and_its_place():
    rng = np.random.default_rng(1)
    edges = 10 + np.cumsum(rng.uniform(0.8, 1.2, 301))
    values = rng.uniform(0, 10, 300)
    grid = linear_grid(edges[0] - 3, edges[-1] + 3, 0.61)
    whole = resampling(edges, np.ones(300, bool), grid)
    assert whole(values).sum() == pytest.approx(values.sum(), rel=1e-12)
    # A parabola is reproduced exactly inside.
    even = resampling(np.arange(301.0), np.ones(300, bool), linear_grid(2, 298, 0.61))
    sums = np.diff(np.arange(301.0) ** 3 / 3)
    bins = linear_grid(2, 298, 0.61).edges
    inner = slice(5, -5)
    np.testing.assert_allclose(even(sums)[inner], np.diff(bins**3 / 3)[inner], rtol=1e-10)


def test_covariance_is_that_of_many_repetitions():
    rng = np.random.default_rng(2)
    edges = np.arange(61.0) + 0.2 * np.sin(np.arange(61) / 9)
    good = np.ones(60, bool)
    good[30] = False
    grid = linear_grid(5, 55, 0.67)
    into = resampling(edges, good, grid)
    sigma = rng.uniform(0.5, 2, 60)
    scale = rng.uniform(0.5, 2, len(grid.widths))
    dense = np.zeros((len(grid.widths), 60))
    for row, (first, weights) in enumerate(zip(into.first, into.weights, strict=True)):
        dense[row, first : first + len(weights)] = weights
    dense *= scale[:, None]
    exact = dense @ np.diag(sigma**2) @ dense.T
    band = into.covariance(sigma**2, scale, 8)
    for lag in range(8):
        np.testing.assert_allclose(band[lag, : len(scale) - lag], np.diag(exact, lag), atol=1e-12)
    assert np.abs(np.tril(exact, -9)).max() == 0.0
    np.testing.assert_allclose(into.total_covariance(sigma**2, scale), exact.sum(axis=1))


@pytest.mark.parametrize("level", [10.0, 400.0, 20_000.0])
def test_flux_and_errors_of_merged_orders_are_right(level):
    spectra = echelle(level, seed=3, depth=0.0)
    grid = grid_of(spectra)
    merged = merge_orders(spectra, grid, threads=2)
    flux = merged.flux * mean_pixel(spectra) / level
    truth = truth_on(grid, 0.0)
    good = np.isfinite(flux)
    assert good.mean() > 0.99
    assert np.sum((flux - truth)[good]) / truth[good].sum() == pytest.approx(0, abs=0.003)
    pull = (flux - truth) * level / mean_pixel(spectra) / np.sqrt(merged.variance)
    assert np.std(pull[good]) == pytest.approx(1.0, abs=0.02)
    # Sums of 40 bins deviate by more than independent bins would: as the factor says.
    sums = (merged.flux - truth * level / mean_pixel(spectra))[20 : 20 + 40 * 550].reshape(-1, 40)
    naive = merged.variance[20 : 20 + 40 * 550].reshape(-1, 40).sum(axis=1)
    spread = np.std(sums.sum(axis=1) / np.sqrt(naive))
    assert spread == pytest.approx(np.sqrt(merged.covariance_factor), rel=0.1)
    assert 1.5 < merged.covariance_factor < 1.9


def test_orders_agree_where_they_overlap_and_a_wrong_one_is_told():
    spectra = echelle(5000.0, seed=4)
    steps = merge_orders(spectra, grid_of(spectra)).steps
    assert len(steps) == len(ORDERS) - 1
    pulls = np.array([(one.ratio - 1) / one.sigma for one in steps])
    assert np.abs(pulls).max() < 4
    flux = spectra.flux.copy()
    flux[5] *= 1.05
    changed = {
        one.order: one for one in merge_orders(replace(spectra, flux=flux), grid_of(spectra)).steps
    }
    assert changed[ORDERS[5]].ratio == pytest.approx(1.05, abs=5 * changed[ORDERS[5]].sigma)
    assert changed[ORDERS[4]].ratio == pytest.approx(1 / 1.05, abs=5 * changed[ORDERS[4]].sigma)


@pytest.mark.parametrize("grid", ["linear", "log"])
def test_lines_stay_where_they_are_and_as_sharp_as_they_were(grid):
    spectra = echelle(1e6, noise=1.0)
    low, high = spectra.wave.min(), spectra.wave.max()
    step = 2 / 3 * mean_pixel(spectra)
    bins = (
        linear_grid(low, high, step)
        if grid == "linear"
        else logarithmic_grid(low, high, step / (0.5 * (low + high)))
    )
    merged = merge_orders(spectra, bins)
    depth = 1e6 * 1.3 / mean_pixel(spectra) - np.nan_to_num(merged.flux)
    inverted = np.where(np.isfinite(merged.flux), depth - np.nanmin(depth), 0.0)
    found = find_peaks(inverted, merged.variance, fwhm=4.8, threshold=50)
    wave = np.interp(found["x"], np.arange(len(bins.centres)), bins.centres)
    nearest = LINES[np.argmin(np.abs(wave[:, None] - LINES), axis=1)]
    ours = np.abs(wave - nearest) < 0.03
    shift = (wave - nearest)[ours] / mean_pixel(spectra)
    assert ours.sum() > 150
    assert abs(np.median(shift)) < 0.005
    assert np.percentile(np.abs(shift), 95) < 0.02


def test_lines_come_out_as_sharp_as_they_were():
    edges = np.arange(201.0)
    sigma = 3.2 / 2.3548
    profile = np.diff(erf((edges - 100.3) / sigma / np.sqrt(2)))
    grid = linear_grid(10, 190, 2 / 3)
    made = resampling(edges, np.ones(200, bool), grid)(profile)
    place = np.average(grid.centres, weights=made)
    width = np.sqrt(np.average((grid.centres - place) ** 2, weights=made))
    before = np.hypot(sigma, 1 / np.sqrt(12))
    assert place == pytest.approx(100.3, abs=1e-3)
    # The pixel's own width is undone; a box would leave 1.026.
    assert width / before == pytest.approx(0.988, abs=0.002)
    assert made.max() / (profile.max() * 2 / 3) > 0.97


def test_gaps_between_orders_are_empty_and_do_not_ring():
    spectra = echelle(1000.0, width=0.5, depth=0.0)
    grid = grid_of(spectra)
    merged = merge_orders(spectra, grid)
    inside = np.zeros(len(grid.centres), bool)
    for wave in spectra.wave:
        inside |= (grid.edges[:-1] >= wave.min()) & (grid.edges[1:] <= wave.max())
    assert np.isnan(merged.flux[~inside]).mean() > 0.99
    assert (merged.quality[np.isnan(merged.flux)] == Quality.NO_DATA).all()
    assert not merged.quality[inside].any()
    flux = merged.flux[inside] * mean_pixel(spectra) / 1000.0
    np.testing.assert_allclose(flux, truth_on(grid, 0.0)[inside], rtol=1e-4)
    assert merged.steps == ()


def test_bad_pixels_leave_their_bins_and_no_others():
    spectra = echelle(1000.0, depth=0.0)
    grid = grid_of(spectra)
    row, column = 6, COLUMNS // 2
    flux, quality = spectra.flux.copy(), spectra.quality.copy()
    flux[row, column : column + 4] = np.nan
    quality[row, column + 100] = Quality.SATURATED
    flux[row, column + 100] *= 50
    merged = merge_orders(replace(spectra, flux=flux, quality=quality), grid)
    near = np.abs(grid.centres[:, None] - spectra.wave[row, [column + 1, column + 100]]).min(axis=1)
    wrong = np.abs(merged.flux * mean_pixel(spectra) / 1000.0 / truth_on(grid, 0.0) - 1) > 0.001
    assert np.isnan(merged.flux[near < mean_pixel(spectra)]).any()
    assert set(merged.quality[wrong]) == {int(Quality.SATURATED)}
    assert (near[wrong] < 1.5 * mean_pixel(spectra)).all()


def test_where_another_order_is_clean_flagged_pixels_do_not_count():
    spectra = echelle(1000.0, depth=0.0)
    grid = grid_of(spectra)
    low, high = spectra.wave[5], spectra.wave[6]
    there = np.flatnonzero((low < high.max()) & (low > high.max() - 1.0))
    flux, quality = spectra.flux.copy(), spectra.quality.copy()
    flux[5, there], quality[5, there] = 1e6, Quality.REJECTED
    merged = merge_orders(replace(spectra, flux=flux, quality=quality), grid)
    region = (grid.centres > high.max() - 0.9) & (grid.centres < high.max() - 0.1)
    made = merged.flux[region] * mean_pixel(spectra) / 1000.0
    np.testing.assert_allclose(made, truth_on(grid, 0.0)[region], rtol=1e-3)
    assert not merged.quality[region].any()


def test_falling_wavelengths_and_cut_ends_give_the_same_flux():
    spectra = echelle(1000.0, depth=0.0)
    turned = OrderSpectra(
        spectra.orders,
        *(getattr(spectra, name)[:, ::-1] for name in
          ("wave", "flux", "variance", "quality", "sky", "blaze")),
    )  # fmt: skip
    grid = grid_of(spectra)
    ahead, back = merge_orders(spectra, grid), merge_orders(turned, grid)
    np.testing.assert_allclose(ahead.flux, back.flux, rtol=1e-9)
    cut = merge_orders(spectra, grid, cuts=(1.0, 1.0))
    both = np.isfinite(cut.flux)
    np.testing.assert_allclose(cut.flux[both], ahead.flux[both], rtol=0.01)
    assert np.nanmedian(cut.variance / ahead.variance) >= 1.0


def test_wavelengths_that_turn_back_are_refused_by_order():
    spectra = echelle()
    wave = spectra.wave.copy()
    wave[3, 700:] = wave[3, 700:][::-1]
    with pytest.raises(ValueError, match="order 113"):
        merge_orders(replace(spectra, wave=wave), grid_of(spectra))
    with pytest.raises(ValueError, match="no bins"):
        linear_grid(4000, 3000, 0.1)


def test_light_of_all_orders_is_added_without_their_blaze():
    spectra = echelle(1000.0, depth=0.0)
    grid = grid_of(spectra)
    light = sum_orders(spectra, grid)
    assert np.nansum(light * grid.widths) == pytest.approx(spectra.flux.sum(), rel=1e-3)


def test_edges_of_pixels_lie_midway():
    np.testing.assert_allclose(pixel_edges(np.array([1.0, 2.0, 4.0])), [0.5, 1.5, 3.0, 5.0])
    assert Grid(np.array([1.0, 2.0, 4.0])).centres.tolist() == [1.5, 3.0]
