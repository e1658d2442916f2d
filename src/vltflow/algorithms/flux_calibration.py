"""From counts to physical flux: the air, and what a standard star tells of the instrument."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.interpolate import BSpline

PLANCK_LIGHT = 1.98644586e-8
"""Planck's constant times the speed of light, erg Angstrom (CODATA 2018)."""
_FLOOR = 0.003
"""Relative error of a point that photon noise does not explain: ripples of the merged orders."""
_LEAST_POINTS = 5


def photons(flux: np.ndarray, wave: np.ndarray) -> np.ndarray:
    """Photons (per s, cm2 and Angstrom) of a flux in erg/s/cm2/Angstrom at Angstrom."""
    return np.asarray(flux * wave / PLANCK_LIGHT)


@dataclass(frozen=True)
class Points:
    """What was measured at the points where a response may be fitted; arrays (points,)."""

    wave: np.ndarray
    """Angstrom, ascending."""
    sensitivity: np.ndarray
    """Counts over the star's flux; NaN where nothing could be measured."""
    sigma: np.ndarray
    """Its error by noise."""


def measure_points(
    wave: np.ndarray,
    counts: np.ndarray,
    total: np.ndarray,
    star: np.ndarray,
    points: np.ndarray,
    *,
    window: float,
) -> Points:
    """Ratio of the counts to the star's flux around each point: that of the sums in a window.

    Parameters
    ----------
    wave
        Bins, Angstrom, (bins,).
    counts
        Measured, air corrected, NaN where bad, (bins,).
    total
        Sum of the covariances of each bin with all bins, (bins,).
    star
        Catalogued flux at the bins, (bins,); NaN outside the catalogue.
    points
        Angstrom, ascending.
    window
        Half width of the windows, Angstrom; less than half of good bins gives NaN.
    """
    good = np.isfinite(counts) & np.isfinite(star) & (star > 0) & np.isfinite(total)
    sums = [
        np.concatenate([[0.0], np.cumsum(np.where(good, values, 0.0))])
        for values in (counts, star, total, np.ones(len(wave)))
    ]
    first, last = np.searchsorted(wave, points - window), np.searchsorted(wave, points + window)
    light, flux, noise, number = (values[last] - values[first] for values in sums)
    enough = (number > 0.5 * np.maximum(last - first, 1)) & (light > 0)
    # Windows that reach beyond the spectrum are lopsided.
    enough &= (points - window >= wave[0]) & (points + window <= wave[-1])
    safe = np.where(enough, flux, 1.0)
    value = np.where(enough, light / safe, np.nan)
    return Points(points, value, np.where(enough, np.sqrt(noise) / safe, np.nan))


@dataclass(frozen=True)
class ResponseFit:
    """The logarithm of the sensitivity as a smooth curve."""

    spline: BSpline
    covariance: np.ndarray
    """Of the coefficients."""
    used: np.ndarray
    """Points that count, bool."""
    scatter: float
    """Rms of the points used about the curve, relative."""

    def sensitivity(self, wave: np.ndarray, beyond: float) -> tuple[np.ndarray, np.ndarray]:
        """Counts over flux and its relative error; NaN far from the points.

        Parameters
        ----------
        wave
            Angstrom, any number.
        beyond
            Distance from the outermost points up to which the curve is drawn on, straight.
        """
        low, high = self.spline.t[self.spline.k], self.spline.t[-self.spline.k - 1]
        inside = np.clip(wave, low, high)
        basis = self._basis(inside)
        # One Angstrom inwards gives the slope at the ends.
        inner = np.where(wave > high, inside - 1.0, inside + 1.0)
        outside = np.abs(wave - inside)
        basis = basis + outside[:, None] * (basis - self._basis(np.clip(inner, low, high)))
        error = np.sqrt(np.sum((basis @ self.covariance) * basis, axis=1))
        value = np.exp(basis @ self.spline.c)
        near = outside <= beyond
        return np.where(near, value, np.nan), np.where(near, error, np.nan)

    def _basis(self, wave: np.ndarray) -> np.ndarray:
        return _design(wave, self.spline.t, self.spline.k)


def fit_response(points: Points, *, knots: float, kappa: float = 3.0) -> ResponseFit:
    """Smooth curve through the points: least squares, cubic spline of the logarithm.

    Parameters
    ----------
    points
        Those with a positive value count.
    knots
        Distance of the knots, Angstrom; each span holds two points at least.
    kappa
        Points further off than so many robust sigma are left out, one round after the other.

    Raises
    ------
    ValueError
        If fewer than five points have a value.
    """
    valid = np.isfinite(points.sensitivity) & (points.sensitivity > 0)
    if valid.sum() < _LEAST_POINTS:
        raise ValueError(f"{valid.sum()} points with light, {_LEAST_POINTS} are needed")
    y = np.log(np.where(valid, points.sensitivity, 1.0))
    sigma = np.hypot(points.sigma / np.where(valid, points.sensitivity, 1.0), _FLOOR)
    used = valid
    for _ in range(20):
        spline, covariance = _fitted(points.wave[used], y[used], sigma[used], knots)
        residuals = np.where(valid, y - spline(points.wave), np.inf)
        scatter = 1.4826 * float(np.median(np.abs(residuals[used])))
        kept = valid & (np.abs(residuals) <= max(kappa * scatter, kappa * _FLOOR))
        if np.array_equal(kept, used) or kept.sum() < _LEAST_POINTS:
            break
        used = kept
    free = max(1, int(used.sum()) - len(spline.c))
    chi2 = float(np.sum((residuals[used] / sigma[used]) ** 2)) / free
    rms = float(np.sqrt(np.mean(residuals[used] ** 2)))
    return ResponseFit(spline, covariance * max(1.0, chi2), used, rms)


def _fitted(
    x: np.ndarray, y: np.ndarray, sigma: np.ndarray, knots: float
) -> tuple[BSpline, np.ndarray]:
    degree = min(3, len(x) - 1)
    inner = _inner_knots(x, knots, degree)
    places = np.concatenate([[x[0]] * (degree + 1), inner, [x[-1]] * (degree + 1)])
    weighted = _design(x, places, degree) / sigma[:, None]
    normal = np.linalg.pinv(weighted.T @ weighted)
    return BSpline(places, normal @ weighted.T @ (y / sigma), degree), normal


def _inner_knots(x: np.ndarray, distance: float, degree: int) -> np.ndarray:
    """Knots between points, never closer than the distance or two points."""
    chosen: list[float] = []
    last, since = x[0], 0
    for left, right in pairwise(x[1:-1]):
        since += 1
        middle = 0.5 * (left + right)
        if middle - last >= distance and since >= 2 and x[-1] - middle >= distance:
            chosen.append(float(middle))
            last, since = middle, 0
    return np.array(chosen[: max(0, len(x) - degree - 1)])


def _design(x: np.ndarray, places: np.ndarray, degree: int) -> np.ndarray:
    return np.asarray(BSpline.design_matrix(np.atleast_1d(x), places, degree).toarray())
