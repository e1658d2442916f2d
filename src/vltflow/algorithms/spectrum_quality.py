"""How good a reduced spectrum is, from its own arrays."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

_NOISE = 1.482602 / np.sqrt(6.0)
"""Standard deviation of white noise over the median of abs(2 f[i] - f[i-2] - f[i+2])."""
_BLOCK = 400
"""Bins over which a spectrum hardly changes but for its lines."""
_FEWEST = 20
"""Bins in which two orders must overlap to compare them."""


def good_bins(flux: np.ndarray, error: np.ndarray, quality: np.ndarray) -> np.ndarray:
    """Bins with a flux, a positive error and no flag, (n,) of bool."""
    with np.errstate(invalid="ignore"):
        return np.isfinite(flux) & np.isfinite(error) & (error > 0) & (quality == 0)


def negative_share(flux: np.ndarray, error: np.ndarray, *, sigma: float = 3.0) -> float:
    """Share of bins that are negative by more than `sigma` errors [%].

    Noise alone gives 0.13 % at zero flux.
    """
    return 100.0 * float(np.mean(flux < -sigma * error)) if flux.size else float("nan")


def measured_over_expected(flux: np.ndarray, error: np.ndarray) -> float:
    """Signal to noise as measured from neighbouring bins, over that of the errors.

    Noise is that of third differences two bins apart (DER_SNR: Stoehr et al. 2008, ASP Conf.
    Ser. 394, 505), which lines and slopes hardly touch and which resampling, that correlates
    neighbours only, leaves as it is. Median of blocks of 400 bins; NaN if there is none.

    Parameters
    ----------
    flux, error : ndarray of float, (n,)
        Of good bins, in their order.
    """
    count = flux.size // _BLOCK
    if not count:
        return float("nan")
    blocks = flux[: count * _BLOCK].reshape(count, _BLOCK)
    third = np.abs(2 * blocks[:, 2:-2] - blocks[:, :-4] - blocks[:, 4:])
    noise = _NOISE * np.median(third, axis=1)
    expected = np.median(error[: count * _BLOCK].reshape(count, _BLOCK), axis=1)
    told = noise > 0
    return float(np.median(expected[told] / noise[told])) if told.any() else float("nan")


def merging_step(
    orders: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]],
) -> float:
    """Difference of neighbouring orders where they overlap, median of all pairs [% of the flux].

    Flux of each pair is compared bin by bin with weights from both errors.

    Parameters
    ----------
    orders
        Wavelength (ascending), flux and error of each order, (n,) each, in any order.
    """
    ordered = sorted(orders, key=lambda one: float(one[0][0]))
    steps = [
        step for first, second in pairwise(ordered) if (step := _step(first, second)) is not None
    ]
    return 100.0 * float(np.median(np.abs(steps))) if steps else float("nan")


def _step(
    first: tuple[np.ndarray, np.ndarray, np.ndarray],
    second: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> float | None:
    wave, flux, error = first
    there = (wave >= second[0][0]) & (wave <= second[0][-1])
    if np.count_nonzero(there) < _FEWEST:
        return None
    other = np.interp(wave[there], second[0], second[1])
    other_error = np.interp(wave[there], second[0], second[2])
    variance = error[there] ** 2 + other_error**2
    known = np.isfinite(variance) & (variance > 0) & np.isfinite(flux[there] + other)
    known &= (flux[there] != 0) & (other != 0)
    if np.count_nonzero(known) < _FEWEST:
        return None
    weight = 1.0 / variance[known]
    mean = float(np.sum(weight * (flux[there] + other)[known]) / 2)
    if mean <= 0:
        return None
    return float(np.sum(weight * (other - flux[there])[known])) / mean
