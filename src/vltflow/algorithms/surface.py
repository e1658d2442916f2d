"""Smooth functions of two variables, fitted to points of which some are wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev

Interval = tuple[float, float]

_PATIENCE = 3.0
"""Factor by which points may be further off in the first round; less by 0.7 every round."""
_ROUNDS = 25


@dataclass(frozen=True)
class Surface:
    """Product of Chebyshev polynomials in two variables; smooth beyond its intervals' points."""

    first: Interval
    """Range of the first variable that is mapped to -1 ... 1."""
    second: Interval
    coefficients: np.ndarray
    """Shape (degree in the first + 1, degree in the second + 1)."""

    def __call__(self, first: np.ndarray | float, second: np.ndarray | float) -> np.ndarray:
        """Values at points; the two arguments broadcast."""
        return _values(on_unit(first, self.first), on_unit(second, self.second), self.coefficients)

    def slope(self, first: np.ndarray | float, second: np.ndarray | float) -> np.ndarray:
        """Derivative by the first variable at points."""
        derived = chebyshev.chebder(self.coefficients, axis=0)
        values = _values(on_unit(first, self.first), on_unit(second, self.second), derived)
        return values * 2.0 / np.ptp(self.first)


def _values(u: np.ndarray, v: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    if u.ndim == v.ndim == 2 and len(u) == 1 and v.shape[1] == 1:
        # On a grid each polynomial of the first variable is computed once, not in every row.
        grid = chebyshev.chebgrid2d(u[0], v[:, 0], coefficients)
        return np.ascontiguousarray(grid.T)
    u, v = np.broadcast_arrays(u, v)
    return np.asarray(chebyshev.chebval2d(u, v, coefficients))


def through(
    function: Callable[[np.ndarray, np.ndarray], np.ndarray],
    intervals: tuple[Interval, Interval],
    degrees: tuple[int, int],
) -> Surface:
    """Surface through a function: exact for polynomials of these degrees.

    Parameters
    ----------
    function
        Values at (first, second); arrays that broadcast.
    intervals
        Ranges of the two variables.
    degrees
        In the first and second variable, each up to its full degree.
    """
    nodes = [chebyshev.chebpts1(degree + 1) for degree in degrees]
    places = [
        0.5 * (low + high) + 0.5 * (high - low) * part
        for (low, high), part in zip(intervals, nodes, strict=True)
    ]
    values = function(places[0][:, None], places[1][None, :])
    left, right = (chebyshev.chebvander(part, len(part) - 1) for part in nodes)
    return Surface(*intervals, np.linalg.solve(left, np.linalg.solve(right, values.T).T))


@dataclass(frozen=True)
class Fit:
    """A surface with what it was fitted to."""

    surface: Surface
    used: np.ndarray
    """Whether each point counts, bool."""
    residuals: np.ndarray
    """Values minus surface of all points, used or not."""

    @property
    def rms(self) -> float:
        """Rms of the residuals of the points used, free parameters taken into account."""
        count = int(self.used.sum())
        free = max(1, count - np.count_nonzero(self.surface.coefficients))
        return float(np.sqrt(np.sum(self.residuals[self.used] ** 2) / free))


def on_unit(values: np.ndarray | float, interval: Interval) -> np.ndarray:
    """Values of a range mapped to -1 ... 1."""
    middle, half = 0.5 * (interval[0] + interval[1]), 0.5 * (interval[1] - interval[0])
    return np.asarray((np.asarray(values, dtype=float) - middle) / half)


def fit_surface(
    first: np.ndarray,
    second: np.ndarray,
    values: np.ndarray,
    *,
    intervals: tuple[Interval, Interval],
    degrees: tuple[int, int],
    sigma: np.ndarray | None = None,
    kappa: float = np.inf,
    floor: float = 0.0,
) -> Fit:
    """Least-squares surface through points, outliers left out one round after the other.

    Parameters
    ----------
    first, second, values
        The points; one length.
    intervals
        Ranges of the two variables.
    degrees
        In the first and second variable; their sum never exceeds the larger one.
    sigma
        Error of each value; equal if None.
    kappa
        Points whose residual, in units of its error, exceeds so many times the robust scatter
        of the others are left out.
    floor
        Residuals up to here are never left out: scatter below is not believed.

    Returns
    -------
    Fit
        The median absolute deviation gives the scatter; at most 25 rounds.

    Raises
    ------
    ValueError
        If there are fewer points than coefficients.
    """
    degrees = (degrees[0], min(degrees[1], len(np.unique(second)) - 1))
    basis, terms = _basis(first, second, intervals, degrees)
    weight = np.ones(len(values)) if sigma is None else 1.0 / sigma
    solution, used = _clipped(basis, values, weight, kappa, floor)
    return Fit(_surface(solution, terms, intervals, degrees), used, values - basis @ solution)


def _clipped(
    basis: np.ndarray,
    values: np.ndarray,
    weight: np.ndarray,
    kappa: float,
    floor: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients, and the points that they were fitted to."""
    weighted = basis * weight[:, None]
    used = finite = np.isfinite(values)
    for turn in range(_ROUNDS):
        solution = _solved(weighted, values * weight, used)
        residuals = np.abs(values - basis @ solution)
        pulls = residuals * weight
        scatter = 1.4826 * float(np.median(pulls[used]))
        # Loosely at first: where a surface bends, all points are off until it has bent.
        patience = max(1.0, _PATIENCE * 0.7**turn)
        kept = finite & ((pulls <= patience * kappa * scatter) | (residuals <= floor))
        if np.isinf(kappa) or (patience == 1.0 and np.array_equal(kept, used)):
            break
        used = kept
    return solution, used


def _surface(
    solution: np.ndarray,
    terms: np.ndarray,
    intervals: tuple[Interval, Interval],
    degrees: tuple[int, int],
) -> Surface:
    coefficients = np.zeros((degrees[0] + 1) * (degrees[1] + 1))
    coefficients[terms] = solution
    return Surface(*intervals, coefficients.reshape(degrees[0] + 1, degrees[1] + 1))


def _basis(
    first: np.ndarray,
    second: np.ndarray,
    intervals: tuple[Interval, Interval],
    degrees: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray]:
    """Polynomials at the points, shape (points, terms), and the places of the terms."""
    basis = chebyshev.chebvander2d(
        on_unit(first, intervals[0]), on_unit(second, intervals[1]), list(degrees)
    )
    # Products of two high powers would bend the corners, where points are few.
    powers = np.indices((degrees[0] + 1, degrees[1] + 1)).reshape(2, -1)
    terms = np.flatnonzero(powers.sum(axis=0) <= max(degrees))
    return basis[:, terms], terms


def _solved(weighted: np.ndarray, values: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Least-squares solution of the points used."""
    if used.sum() < weighted.shape[1]:
        raise ValueError(f"{used.sum()} points do not fix {weighted.shape[1]} coefficients")
    # Chebyshev polynomials are close to orthogonal: the normal equations are safe here.
    part = weighted[used]
    return np.asarray(np.linalg.lstsq(part.T @ part, part.T @ values[used], rcond=None)[0])
