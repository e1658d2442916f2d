"""From counts to physical flux: the air, and what a standard star tells of the instrument."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import BSpline

PLANCK_LIGHT = 1.98644586e-8
"""Planck's constant times the speed of light, erg Angstrom (CODATA 2018)."""
_FLOOR = 0.003
"""Relative error of a point that photon noise does not explain: ripples of the merged orders."""
_LEAST_POINTS = 5
_DEGREE, _PENALTY = 3, 3
"""Of the spline, and order of the differences that count against it."""
_STIFFNESS = 10.0 ** np.arange(-3.0, 10.0, 0.25)
"""Weights of the squared differences that are tried: from a free spline to a parabola."""


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
    """Smooth curve through the points: a cubic spline of the logarithm, bent no more than needed.

    What leaves a parabola counts against it: third differences of its coefficients (Eilers &
    Marx 1996, Statistical Science 11, 89), as much as makes the points most likely (restricted
    maximum likelihood; Wood 2011, J. R. Stat. Soc. B 73, 3). So the curve runs through a gap as
    smoothly as it does through the points, and its error grows there.

    Parameters
    ----------
    points
        Those with a positive value count.
    knots
        Distance of the knots, Angstrom: finer bends are not followed.
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
    rms = float(np.sqrt(np.mean(residuals[used] ** 2)))
    return ResponseFit(spline, covariance, used, rms)


def _fitted(
    x: np.ndarray, y: np.ndarray, sigma: np.ndarray, knots: float
) -> tuple[BSpline, np.ndarray]:
    """Penalised spline, and the covariance of its coefficients."""
    spans = max(1, round((x[-1] - x[0]) / knots))
    places = x[0] + (x[-1] - x[0]) / spans * np.arange(-_DEGREE, spans + _DEGREE + 1)
    # Rounding must not put the outermost points outside.
    places[_DEGREE], places[-_DEGREE - 1] = x[0], x[-1]
    weighted, values = _design(x, places, _DEGREE) / sigma[:, None], y / sigma
    normal, right = weighted.T @ weighted, weighted.T @ values
    bends = np.diff(np.eye(len(normal)), _PENALTY, axis=0)
    free = len(x) - _PENALTY
    fits = []
    for stiffness in _STIFFNESS:
        matrix = normal + stiffness * bends.T @ bends
        coefficients = np.linalg.solve(matrix, right)
        rest = np.sum((values - weighted @ coefficients) ** 2)
        rest += stiffness * np.sum((bends @ coefficients) ** 2)
        unlikely = free * np.log(rest) - len(bends) * np.log(stiffness)
        fits.append((unlikely + np.linalg.slogdet(matrix)[1], stiffness, coefficients, rest))
    _, stiffness, coefficients, rest = min(fits, key=lambda one: one[0])
    covariance = np.linalg.inv(normal + stiffness * bends.T @ bends)
    return BSpline(places, coefficients, _DEGREE), covariance * max(1.0, rest / free)


def _design(x: np.ndarray, places: np.ndarray, degree: int) -> np.ndarray:
    return np.asarray(BSpline.design_matrix(np.atleast_1d(x), places, degree).toarray())
