"""Surfaces that bend only as far as their points ask for."""

from __future__ import annotations

import numpy as np
import pytest

from vltflow.algorithms.likely_surface import fit_likely_surface
from vltflow.algorithms.surface import Surface, fit_surface

INTERVALS = ((0.0, 4000.0), (80.0, 120.0))
DEGREES = (5, 4)
GRID = np.meshgrid(np.linspace(0.0, 4000.0, 41), np.linspace(80.0, 120.0, 41))


def truth(wiggles):
    """Large and smooth, with coefficients of this size in the highest powers."""
    coefficients = np.zeros((6, 5))
    coefficients[:3, :2] = [[2e5, -3.0], [2e3, 12.0], [-100.0, -1.5]]
    coefficients[np.indices((6, 5)).sum(axis=0) >= 5] = wiggles
    return Surface(*INTERVALS, coefficients)


def points(surface, rng, count=400):
    """Few at the rims; errors of all sizes."""
    x, m = rng.beta(1.5, 1.5, count) * 4000.0, 80.0 + np.floor(rng.beta(2, 2, count) * 41.0)
    sigma = 10.0 ** rng.uniform(-2.0, -0.7, count)
    return x, m, surface(x, m) + rng.normal(0.0, sigma), sigma


def fitted(x, m, values, sigma):
    return fit_likely_surface(
        x, m, values, intervals=INTERVALS, degrees=DEGREES, sigma=sigma, kappa=4.0
    )


@pytest.mark.parametrize("wiggles", [0.0, 0.1])
def test_a_surface_is_followed_into_its_corners_and_its_error_is_honest(wiggles):
    surface, rng, ours, plain, pulls = truth(wiggles), np.random.default_rng(3), [], [], []
    for _ in range(20):
        x, m, values, sigma = points(surface, rng)
        fit = fitted(x, m, values, sigma)
        off = fit.surface(*GRID) - surface(*GRID)
        ours.append(np.abs(off).max())
        pulls.append(off / fit.error(*(one.ravel() for one in GRID)).reshape(off.shape))
        other = fit_surface(
            x, m, values, intervals=INTERVALS, degrees=DEGREES, sigma=sigma, kappa=4.0
        )
        plain.append(np.abs(other.surface(*GRID) - surface(*GRID)).max())
    assert np.median(ours) < (0.7 if wiggles == 0.0 else 0.4) * np.median(plain)
    assert np.std(pulls) == pytest.approx(1.0, abs=0.25)


def test_a_wrong_point_alone_in_a_corner_is_left_out_and_a_right_one_is_not():
    surface, rng = truth(0.02), np.random.default_rng(4)
    x, m, values, sigma = points(surface, rng)
    x[:2], m[:2], sigma[:2] = 4000.0, (80.0, 120.0), 0.01
    values[:2] = surface(x[:2], m[:2]) + np.array((1.0, 0.0))
    fit = fitted(x, m, values, sigma)
    assert list(fit.used[:2]) == [False, True]
    assert fit.used.mean() > 0.98


def test_fewer_points_than_coefficients_fix_no_surface():
    x, m, values, sigma = points(truth(0.0), np.random.default_rng(5), count=20)
    with pytest.raises(ValueError, match="20 points do not fix"):
        fitted(x, m, values, sigma)
