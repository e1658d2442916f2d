"""Peaks of one-dimensional profiles, found and measured: spectral lines, cuts through traces."""

from __future__ import annotations

import math

import numpy as np

from vltflow.algorithms.compiled import compiled

PEAK = np.dtype([("x", "f8"), ("sigma_x", "f8"), ("height", "f8"), ("fwhm", "f8")])
"""Centre and its error (pixels from 0), height over the background, full width (pixels)."""

_TO_FWHM = 2.0 * math.sqrt(2.0 * math.log(2.0))
_ROUNDS = 12


def find_peaks(
    profile: np.ndarray, variance: np.ndarray, *, fwhm: float, threshold: float
) -> np.ndarray:
    """Give the peaks of a profile, each measured with a Gaussian on a constant background.

    Parameters
    ----------
    profile, variance
        Values and their squared errors, shape (n,); NaN where there is none.
    fwhm
        Expected width, pixels: the fit starts from it and looks as far to both sides.
    threshold
        Smallest height in units of its error.

    Returns
    -------
    numpy.ndarray
        Of dtype `PEAK`, by position. Fits that leave their window, or whose width is less
        than a third or more than three times the expected one, are left out.
    """
    values = np.ascontiguousarray(profile, dtype=np.float64)
    noise = np.ascontiguousarray(variance, dtype=np.float64)
    found = np.empty((len(values) // 2 + 1, 4))
    count = _find(values, noise, fwhm, threshold, found)
    return np.ascontiguousarray(found[:count]).view(PEAK)[:, 0]


@compiled
def _find(
    values: np.ndarray, variance: np.ndarray, fwhm: float, threshold: float, found: np.ndarray
) -> int:
    reach = max(3, math.ceil(1.3 * fwhm))
    count = 0
    for i in range(reach, len(values) - reach):
        top = values[i]
        low_left = low_right = top
        highest = True
        for k in range(1, reach + 1):
            left, right = values[i - k], values[i + k]
            if not (math.isfinite(left) and math.isfinite(right)):
                highest = False
                break
            if k <= max(1, reach // 2) and (left > top or right >= top):
                highest = False
                break
            low_left, low_right = min(low_left, left), min(low_right, right)
        if not highest or not math.isfinite(top):
            continue
        height = top - max(low_left, low_right)
        if height <= threshold * math.sqrt(max(variance[i], 1e-30)):
            continue
        good = _measure(values, variance, i, reach, fwhm, found[count])
        if good and found[count, 2] > threshold * math.sqrt(max(variance[i], 1e-30)):
            count += 1
    return count


@compiled
def _measure(
    values: np.ndarray, variance: np.ndarray, peak: int, reach: int, fwhm: float, out: np.ndarray
) -> bool:
    """Gauss-Newton with damping: height, centre, width, background; False if it went astray."""
    p = np.empty(4)
    low = min(values[peak - reach], values[peak + reach])
    p[0], p[1], p[2], p[3] = values[peak] - low, 0.0, fwhm / _TO_FWHM, low
    matrix, right = np.empty((4, 4)), np.empty(4)
    damping = 1e-3
    last = _normal(values, variance, peak, reach, p, matrix, right)
    for _ in range(_ROUNDS):
        damped = matrix.copy()
        for k in range(4):
            damped[k, k] *= 1.0 + damping
        if abs(np.linalg.det(damped)) < 1e-300:
            return False
        trial = p + np.linalg.solve(damped, right)
        if abs(trial[1]) > 0.5 * reach or trial[2] <= 0.1 or trial[2] > 3.0 * reach:
            damping *= 10.0
            continue
        m2, r2 = np.empty((4, 4)), np.empty(4)
        new = _normal(values, variance, peak, reach, trial, m2, r2)
        if new <= last:
            step = abs(trial[1] - p[1])
            p, matrix, right, damping = trial, m2, r2, damping * 0.1
            gain, last = last - new, new
            if step < 1e-5 and gain < 1e-3 * max(new, 1e-30):
                break
        else:
            damping *= 10.0
    if abs(np.linalg.det(matrix)) < 1e-300:
        return False
    width = p[2] * _TO_FWHM
    out[0], out[1] = peak + p[1], math.sqrt(max(0.0, np.linalg.inv(matrix)[1, 1]))
    out[2], out[3] = p[0], width
    return p[0] > 0.0 and fwhm / 3.0 < width < 3.0 * fwhm


@compiled
def _normal(
    values: np.ndarray,
    variance: np.ndarray,
    peak: int,
    reach: int,
    p: np.ndarray,
    matrix: np.ndarray,
    right: np.ndarray,
) -> float:
    """Normal equations of the fit around p; gives chi square."""
    matrix[:], right[:] = 0.0, 0.0
    gradient = np.empty(4)
    total = 0.0
    for k in range(-reach, reach + 1):
        u = (k - p[1]) / p[2]
        shape = math.exp(-0.5 * u * u)
        gradient[0], gradient[3] = shape, 1.0
        gradient[1] = p[0] * shape * u / p[2]
        gradient[2] = p[0] * shape * u * u / p[2]
        weight = 1.0 / max(variance[peak + k], 1e-30)
        rest = values[peak + k] - p[0] * shape - p[3]
        total += weight * rest * rest
        for a in range(4):
            right[a] += weight * rest * gradient[a]
            for b in range(4):
                matrix[a, b] += weight * gradient[a] * gradient[b]
    return total
