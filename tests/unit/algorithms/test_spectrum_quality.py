"""Quality of a spectrum from its own arrays, against noise that is known."""

import numpy as np
import pytest

from vltflow.algorithms.photon_law import far_below, fit_photon_law
from vltflow.algorithms.spectrum_quality import (
    good_bins,
    measured_over_expected,
    merging_step,
    negative_share,
)


def noisy(size=20_000, level=100.0, sigma=5.0, seed=1):
    chance = np.random.default_rng(seed)
    slope = level * (1 + 0.3 * np.sin(np.arange(size) / 900.0))
    return slope + chance.normal(0, sigma, size), np.full(size, sigma)


def test_honest_error_bars_agree_with_the_scatter():
    assert measured_over_expected(*noisy()) == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_wrong_error_bars_are_told_by_the_scatter(factor):
    flux, error = noisy()
    assert measured_over_expected(flux, factor * error) == pytest.approx(factor, rel=0.03)


def test_resampling_that_correlates_neighbours_changes_little():
    flux, error = noisy()
    smooth, scale = (flux[1:] + flux[:-1]) / 2, np.sqrt(0.5)
    assert measured_over_expected(smooth, scale * error[1:]) == pytest.approx(1.0, abs=0.05)


def test_too_few_bins_tell_nothing():
    assert np.isnan(measured_over_expected(*noisy(size=100)))
    assert np.isnan(negative_share(np.array([]), np.array([])))


def test_noise_about_zero_is_negative_as_often_as_it_should():
    flux, error = noisy(size=200_000, level=0.0)
    assert negative_share(flux, error) == pytest.approx(0.135, rel=0.2)


def test_flags_zero_errors_and_holes_are_no_good_bins():
    flux = np.array([1.0, np.nan, 1.0, 1.0])
    error = np.array([1.0, 1.0, 0.0, 1.0])
    assert good_bins(flux, error, np.array([0, 0, 0, 8])).tolist() == [True, False, False, False]


def order(start, level, size=2000, seed=0):
    wave = start + 0.01 * np.arange(size)
    noise = np.random.default_rng(seed).normal(0, 1.0, size)
    return wave, level + noise, np.full(size, 1.0)


@pytest.mark.parametrize("step", [0.0, 5.0, 20.0])
def test_the_step_between_orders_is_measured_where_they_overlap(step):
    orders = [order(4000, 100.0), order(4010, 100.0 + step, seed=1)]
    wanted = 100 * step / (100 + step / 2)
    assert merging_step(orders[::-1]) == pytest.approx(wanted, abs=0.3)


def test_orders_that_do_not_overlap_have_no_step():
    assert np.isnan(merging_step([order(4000, 100.0), order(5000, 100.0)]))


def population(number=200, seed=2):
    chance = np.random.default_rng(seed)
    electrons = 10 ** chance.uniform(1.5, 5, number)
    sky = chance.exponential(20.0, number) + 30.0
    snr = 0.9 * electrons / np.sqrt(electrons + sky)
    return electrons, snr * chance.normal(1.0, 0.01, number)


def test_the_law_is_the_envelope_of_shot_noise():
    electrons, snr = population()
    law = fit_photon_law(electrons, snr)
    assert law.scale == pytest.approx(0.9, rel=0.02)
    assert law.used == 100


def test_single_wrong_products_do_not_move_the_law():
    electrons, snr = population()
    snr[:6] *= 3.0  # errors much too small
    snr[6:30] *= 0.3
    law = fit_photon_law(electrons, snr)
    assert law.scale == pytest.approx(0.9, rel=0.05)
    listed = far_below(electrons, snr, law, factor=0.6)
    assert listed[6:30].all()
    bright = electrons > 1000
    assert not listed[30:][bright[30:]].any()


def test_two_products_make_no_law():
    law = fit_photon_law(np.array([100.0, 200.0]), np.array([9.0, 13.0]))
    assert np.isnan(law.scale)
    assert not far_below(np.array([100.0]), np.array([0.1]), law, factor=0.6).any()
