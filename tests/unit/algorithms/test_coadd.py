"""Exposures added: what was put in comes out, cosmic rays do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from vltflow.algorithms.coadd import Exposures, coadd, scales_of
from vltflow.algorithms.quality import Quality

CONAD, NOISE = 1.84, 5.0
WAVE = 3300.0 + 0.01 * np.arange(20_000)


@pytest.fixture(scope="module")
def star():
    flux = 100.0 * (1 + 0.3 * np.sin(WAVE / 50)) * np.where(np.sin(WAVE * 3) > 0.97, 0.3, 1.0)
    for centre in np.linspace(3305, 3495, 60):
        flux = flux + 3000.0 * np.exp(-0.5 * ((WAVE - centre) / 0.03) ** 2)
    return flux


def expose(star, number, *, seed, cosmics=0.0, factors=None):
    """Exposures of different depth, and where cosmic rays fell; errors follow the data."""
    rng = np.random.default_rng(seed)
    factors = rng.uniform(0.7, 1.3, number) if factors is None else np.array(factors)
    slope = 1 + 0.1 * rng.normal(size=number)[:, None] * (WAVE - 3400.0) / 100.0
    factors = factors[:, None] * slope
    light = factors * star
    flux = light + rng.normal(size=light.shape) * np.sqrt(light / CONAD + NOISE**2)
    hit = rng.random(light.shape) < cosmics
    flux[hit] += rng.exponential(500.0, hit.sum()) + 150.0
    variance = np.maximum(flux, 0) / CONAD + NOISE**2
    quality = np.zeros(light.shape, np.int32)
    spectra = Exposures(flux, variance, 1.7 * variance, 0.1 * light, quality)
    return spectra, hit, factors.mean(axis=0) * star


def added(spectra, times=None, **options):
    times = np.full(len(spectra.flux), 1000.0) if times is None else times
    return coadd(spectra, scales_of(WAVE, spectra, times), **options)


@pytest.mark.slow
@pytest.mark.parametrize("number", [2, 3, 5, 9])
def test_noise_falls_with_the_root_of_the_number_and_errors_are_honest(star, number):
    spectra, _, truth = expose(star, number, seed=number)
    stack = added(spectra, threads=2)
    pull = (stack.flux - truth) / np.sqrt(stack.variance)
    assert np.std(pull) == pytest.approx(1.0, abs=0.03)
    assert abs(np.mean(pull)) < 0.1
    gain = np.median(np.sqrt(spectra.variance) / spectra.flux) / np.median(
        np.sqrt(stack.variance) / truth
    )
    assert gain == pytest.approx(np.sqrt(number), rel=0.05)
    np.testing.assert_allclose(stack.total, 1.7 * stack.variance, rtol=1e-9)
    assert (stack.count == number).mean() > 0.999


@pytest.mark.parametrize("number", [2, 3, 5, 9])
def test_cosmic_rays_are_left_out_and_lines_stay(star, number):
    spectra, hit, truth = expose(star, number, seed=20 + number, cosmics=1e-3)
    stack = added(spectra)
    pull = (stack.flux - truth) / np.sqrt(stack.variance)
    # In bright lines a few percent are no error, and nobody can tell where all are hit.
    assert not (np.abs(pull) > 5)[(star < 1000) & ~hit.all(axis=0)].any()
    assert stack.rejected[hit].mean() > 0.9
    assert stack.rejected[~hit].mean() < 1e-4
    lines = star > 1000.0
    assert np.mean(stack.flux[lines] / truth[lines]) == pytest.approx(1.0, abs=0.003)
    assert np.isfinite(stack.flux).all()
    undecided = (stack.quality & Quality.REJECTED) > 0
    assert undecided.any() == (number == 2)


def test_rejection_does_not_shift_the_mean_of_faint_light():
    spectra, _, _ = expose(np.full(len(WAVE), 2.0), 5, seed=7, factors=[1.0] * 5)
    stack = coadd(spectra, np.ones_like(spectra.flux))
    error = np.sqrt(np.mean(stack.variance) / len(WAVE))
    # Weights of single bins' variances would give 1.73.
    assert np.mean(stack.flux) == pytest.approx(2.0, abs=4 * error)


def test_exposures_may_have_gaps_and_end_elsewhere(star):
    spectra, _, truth = expose(star, 4, seed=5)
    flux = spectra.flux.copy()
    flux[0, :3000], flux[1:3, 9000:12_000], flux[:, 15_000:15_100] = np.nan, np.nan, np.nan
    stack = added(replace(spectra, flux=flux))
    assert stack.count[[100, 10_000, 15_050, 19_000]].tolist() == [3, 2, 0, 4]
    empty = np.isnan(stack.flux)
    assert empty.sum() == 100
    assert (stack.quality[empty] == Quality.NO_DATA).all()
    good = ~empty
    assert np.median(stack.flux[good] / truth[good]) == pytest.approx(1.0, abs=0.003)


def test_flagged_values_count_only_where_no_other_is(star):
    spectra, _, truth = expose(star, 3, seed=6)
    flux, quality = spectra.flux.copy(), spectra.quality.copy()
    flux[0, 500:600] += 50.0
    quality[0, 500:600] = Quality.HOT
    quality[:, 700:710] = Quality.SATURATED
    stack = added(replace(spectra, flux=flux, quality=quality))
    assert (stack.count[500:600] == 2).all()
    assert not stack.quality[500:600].any()
    assert (stack.quality[700:710] == Quality.SATURATED).all()
    assert np.mean(stack.flux[500:600] / truth[500:600]) == pytest.approx(1.0, abs=0.03)


def test_where_the_light_does_not_tell_the_scale_exposure_times_do():
    spectra, _, _ = expose(np.zeros(len(WAVE)), 2, seed=8)
    scales = scales_of(WAVE, spectra, np.array([500.0, 1500.0]))
    np.testing.assert_allclose(scales[:, 0], [0.5, 1.5])


def test_one_exposure_is_its_own_stack(star):
    spectra, _, _ = expose(star, 1, seed=9)
    stack = added(spectra)
    np.testing.assert_allclose(stack.flux, spectra.flux[0])
    np.testing.assert_allclose(stack.variance, spectra.variance[0])
    assert (stack.count == 1).all()
