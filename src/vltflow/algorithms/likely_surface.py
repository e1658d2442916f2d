"""Smooth functions of two variables that bend only as far as their points ask for.

High powers of a polynomial fit noise where points are few, in the corners; without them a
surface cannot bend where it should. So each of their coefficients is held small by an expected
size, and that is the one under which the points are most likely (the evidence: MacKay 1992,
Neural Computation 4, 415, section 4).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev

from vltflow.algorithms.surface import Fit, Interval, Surface, on_unit

_FREE = 4
"""Coefficients of powers that add up to less are free."""
_SIZES = np.logspace(-1.5, 2.5, 9)
"""Expected sizes of the coefficients beyond, in units of the points' median error."""
_DECAYS = np.array((0.125, 0.25, 0.5, 1.0))
"""Factors by which they are smaller with each further power."""
_ROUNDS = 25
_REACH = 2.5
"""Distance beyond which a point has no weight, in units of that up to which it is called used."""
_LEAST = 1e-3
"""Share of a point that others tell, at least."""


@dataclass(frozen=True)
class LikelyFit(Fit):
    """A surface with what it was fitted to, and how well it is known."""

    covariance: np.ndarray
    """Of the coefficients, shape (terms, terms)."""

    def error(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Error of the surface (1 sigma) at points, shape (points,)."""
        degrees = [length - 1 for length in self.surface.coefficients.shape]
        basis = _polynomials(first, second, (self.surface.first, self.surface.second), degrees)
        return np.sqrt(_quadratic(basis, self.covariance))


def fit_likely_surface(
    first: np.ndarray,
    second: np.ndarray,
    values: np.ndarray,
    *,
    intervals: tuple[Interval, Interval],
    degrees: tuple[int, int],
    sigma: np.ndarray,
    kappa: float,
) -> LikelyFit:
    """Least-squares surface through points, wiggles held as small as the points allow.

    Points count less the further off they are, in units of the robust scatter (the biweight of
    Beaton and Tukey 1974, Technometrics 16, 147), and far ones not at all. How far off each is,
    is told by the surface of all others (its deleted residual over the error of that; Cook and
    Weisberg 1982, Residuals and Influence in Regression, section 2.2.1): a point that fixes the
    surface alone has a small residual whether it is right or wrong.

    Parameters
    ----------
    first, second, values
        The points; one length.
    intervals
        Ranges of the two variables.
    degrees
        In the first and second variable, each up to its full degree.
    sigma
        Error of each value. The size of the wiggles depends on it.
    kappa
        Points that are off by more than so many times the robust scatter are not called used;
        from there to 2.5 times as much their weight falls from 0.7 to nothing.

    Raises
    ------
    ValueError
        If there are fewer points than coefficients.
    """
    degrees = (degrees[0], min(degrees[1], len(np.unique(second)) - 1))
    weighted = _polynomials(first, second, intervals, degrees) / sigma[:, None]
    powers = np.indices((degrees[0] + 1, degrees[1] + 1)).sum(axis=0).ravel()
    # What is left beside the free terms: differences of large numbers would lose digits.
    plain = np.zeros(len(powers))
    plain[powers < _FREE] = np.linalg.lstsq(
        weighted[:, powers < _FREE], values / sigma, rcond=None
    )[0]
    target = values / sigma - weighted @ plain
    tried = _expected(powers, float(np.median(sigma)))
    solution, covariance, used = _robust(weighted, target, tried, kappa)
    coefficients = (plain + solution).reshape(degrees[0] + 1, degrees[1] + 1)
    residuals = (target - weighted @ solution) * sigma
    return LikelyFit(Surface(*intervals, coefficients), used, residuals, covariance)


def _polynomials(
    first: np.ndarray,
    second: np.ndarray,
    intervals: tuple[Interval, Interval],
    degrees: tuple[int, int] | list[int],
) -> np.ndarray:
    u, v = on_unit(first, intervals[0]), on_unit(second, intervals[1])
    return np.asarray(chebyshev.chebvander2d(u, v, list(degrees)))


def _quadratic(basis: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Variance of each row's sum."""
    return np.asarray(np.einsum("pi,pi->p", basis @ covariance, basis))


def _robust(
    weighted: np.ndarray, target: np.ndarray, tried: np.ndarray, kappa: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coefficients, their covariance, and which points are near the surface."""
    weight, used = np.ones(len(target)), np.ones(len(target), bool)
    for _ in range(_ROUNDS):
        if used.sum() < weighted.shape[1]:
            raise ValueError(f"{used.sum()} points do not fix {weighted.shape[1]} coefficients")
        part = weighted * weight[:, None]
        normal, right = part.T @ weighted, part.T @ target
        covariance = np.linalg.inv(normal + np.diag(_likeliest(normal, right, tried)))
        solution = covariance @ right
        own = _quadratic(weighted, covariance)
        others = np.maximum(1.0 - weight * own, _LEAST)
        pulls = np.abs(target - weighted @ solution) / np.sqrt(others * (others + own))
        scatter = 1.4826 * np.median(pulls[used])
        before, used = used, pulls <= kappa * scatter
        weight = np.maximum(1.0 - (pulls / (_REACH * kappa * scatter)) ** 2, 0.0) ** 2
        if np.array_equal(used, before):
            break
    return solution, covariance, used


def _expected(powers: np.ndarray, unit: float) -> np.ndarray:
    """Inverse squares of expected sizes of the coefficients, shape (tried, terms)."""
    bound = powers >= _FREE
    sizes, decays = (one.ravel()[:, None] for one in np.meshgrid(_SIZES * unit, _DECAYS))
    precision = np.zeros((len(sizes), len(powers)))
    precision[:, bound] = (sizes * decays ** (powers[bound] - _FREE)) ** -2.0
    return precision


def _likeliest(normal: np.ndarray, right: np.ndarray, tried: np.ndarray) -> np.ndarray:
    """Of the inverse squares of expected sizes those under which the points are most likely."""
    matrices = normal + tried[:, :, None] * np.eye(len(right))
    explained = np.linalg.solve(matrices, right[None, :, None])[:, :, 0] @ right
    prior = np.log(tried, out=np.zeros_like(tried), where=tried > 0.0).sum(axis=1)
    evidence = explained - np.linalg.slogdet(matrices)[1] + prior
    return tried[int(np.argmax(evidence))]
