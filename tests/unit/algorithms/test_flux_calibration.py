"""Response and extinction, on stars whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from vltflow.algorithms.air import transmission
from vltflow.algorithms.flux_calibration import (
    Points,
    fit_response,
    measure_points,
    photons,
)

WAVE = np.arange(3800.0, 5000.0, 0.02)
POINTS = np.arange(3820.0, 4990.0, 40.0)


def true_response(wave):
    return 1e16 * np.exp(-(((np.asarray(wave) - 4400.0) / 900.0) ** 2))


@pytest.fixture(scope="module")
def observed():
    rng = np.random.default_rng(1)
    star = 1e-13 * (WAVE / 4000.0) ** -4
    counts = star * true_response(WAVE)
    variance = np.full(len(WAVE), (0.02 * counts.mean()) ** 2)
    return star, counts + rng.normal(size=len(WAVE)) * np.sqrt(variance), variance


def test_response_is_found_within_its_error(observed):
    star, counts, variance = observed
    points = measure_points(WAVE, counts, variance, star, POINTS, window=6.0)
    fit = fit_response(points, knots=150.0)
    grid = np.arange(3810.0, 4990.0, 5.0)
    value, error = fit.sensitivity(grid, 60.0)
    ratio = value / true_response(grid)
    assert np.abs(ratio - 1).max() < 0.005
    assert np.mean(np.abs(ratio - 1) < 2 * error) > 0.85
    assert np.isnan(fit.sensitivity(np.array([3700.0, 5100.0]), 60.0)[0]).all()


def test_a_line_at_a_point_and_a_hole_do_not_bend_the_response(observed):
    star, counts, variance = observed
    counts = np.where(np.abs(WAVE - POINTS[8]) < 10, 0.6 * counts, counts)
    counts[np.abs(WAVE - POINTS[15]) < 5] = np.nan
    points = measure_points(WAVE, counts, variance, star, POINTS, window=6.0)
    assert np.isnan(points.sensitivity[15])
    fit = fit_response(points, knots=150.0)
    assert not fit.used[8]
    grid = np.arange(3830.0, 4970.0, 5.0)
    assert np.abs(fit.sensitivity(grid, 0.0)[0] / true_response(grid) - 1).max() < 0.01


def test_a_response_runs_through_a_gap_as_smoothly_as_beside_it():
    """No point for 96 nm, where water absorbs; counts over a halogen lamp's, known to 0.3 %."""

    def lamp(wave):
        return wave**-5 / np.expm1(1.4388e8 / 3200.0 / wave)

    wave = np.concatenate([np.arange(8682.0, 8930.0, 40.0), np.arange(9882.0, 10530.0, 40.0)])
    gap = np.arange(8950.0, 9880.0, 10.0)
    pulls = []
    for seed in range(20):
        noise = np.random.default_rng(seed).normal(0.0, 0.003, len(wave))
        level = 1.0 / lamp(wave)
        fit = fit_response(Points(wave, level * (1.0 + noise), 1e-4 * level), knots=150.0)
        value, error = fit.sensitivity(gap, 0.0)
        ratio = value * lamp(gap) - 1.0
        assert np.abs(ratio).max() < 0.01
        pulls.append(ratio / error)
    assert np.std(pulls) == pytest.approx(1.0, abs=0.3)


def test_errors_of_the_points_are_honest():
    pulls = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        star = np.full(len(WAVE), 1e-13)
        variance = np.full(len(WAVE), 25.0)
        counts = 100.0 + 5.0 * rng.normal(size=len(WAVE))
        points = measure_points(WAVE, counts, variance, star, POINTS, window=6.0)
        pulls.append((points.sensitivity - 1e15) / points.sigma)
    assert np.std(pulls) == pytest.approx(1.0, abs=0.1)


def test_too_few_points_give_no_response():
    with pytest.raises(ValueError, match="3 points with light, 5 are needed"):
        fit_response(Points(np.arange(3.0), np.ones(3), np.ones(3)), knots=1.0)


def test_air_and_photons_are_those_of_the_books():
    table = (np.array([3000.0, 5000.0]), np.array([1.0, 0.2]))
    passed = transmission(np.array([3000.0, 4000.0, 6000.0]), 2.0, table)
    np.testing.assert_allclose(passed[:2], [10**-0.8, 10**-0.48])
    assert np.isnan(passed[2])
    # A star of magnitude 0 in V: about 1000 photons a second, cm2 and Angstrom.
    assert photons(np.array(3.631e-9), np.array(5500.0)) == pytest.approx(1005, rel=0.01)
