"""Peaks of one-dimensional profiles, found and measured: spectral lines, cuts through traces."""

from __future__ import annotations

import math

import numpy as np

from vltflow.algorithms.compiled import compiled

PEAK = np.dtype([("x", "f8"), ("sigma_x", "f8"), ("height", "f8"), ("fwhm", "f8")])
"""Centre and its error (pixels from 0), height over the background, full width (pixels)."""

_TO_FWHM = 2.0 * math.sqrt(2.0 * math.log(2.0))
_ROUNDS = 12
_REACH = 1.3
"""Expected widths to both sides of a peak that its fit sees."""
_WINGS = 0.1
"""Weights of pixels are 1 / (Gaussian of height 1 + this), for all peaks alike.

The image of a slit is neither a Gaussian nor quite symmetric. With weights by photon noise the
wings would count more the brighter a peak is, and bright lines would be displaced against faint
ones (UVES 390 nm: by 0.03 pixel).
"""
_WIDE = 2.2
"""Reach of the fit that gives the width, where the errors are those of the photons alone."""


def find_peaks(
    profile: np.ndarray, variance: np.ndarray, *, fwhm: float | np.ndarray, threshold: float
) -> np.ndarray:
    """Give the peaks of a profile, each measured with a Gaussian on a constant background.

    Parameters
    ----------
    profile, variance
        Values and their squared errors, shape (n,); NaN where there is none.
    fwhm
        Expected width, pixels, one or one a pixel: the fit starts from it and looks 1.3 times
        as far to both sides.
    threshold
        Smallest height in units of its error.

    Returns
    -------
    numpy.ndarray
        Of dtype `PEAK`, by position. Fits that leave their window, or whose width is less
        than a third or more than three times the expected one, are left out.
    """
    values, noise, expected = _prepared(profile, variance, fwhm)
    found = np.empty((len(values) // 2 + 1, 4))
    count = _find(values, noise, expected, threshold, found)
    return np.ascontiguousarray(found[:count]).view(PEAK)[:, 0]


def measure_peaks(
    profile: np.ndarray,
    variance: np.ndarray,
    x: np.ndarray,
    *,
    fwhm: float | np.ndarray,
    search: int = 0,
) -> np.ndarray:
    """Measure peaks whose places are known.

    Parameters
    ----------
    profile, variance
        As for `find_peaks`.
    x
        Where the peaks are, pixels.
    fwhm
        As for `find_peaks`.
    search
        The peak is the highest pixel within so many pixels of its place.

    Returns
    -------
    numpy.ndarray
        Of dtype `PEAK`, one for each place; NaN where there is none.
    """
    values, noise, expected = _prepared(profile, variance, fwhm)
    found = np.full((len(x), 4), np.nan)
    _measure_all(values, noise, expected, np.asarray(x, float), search, found)
    return found.view(PEAK)[:, 0]


def measure_widths(
    profile: np.ndarray, variance: np.ndarray, x: np.ndarray, *, fwhm: float | np.ndarray
) -> np.ndarray:
    """Full widths of Gaussians on sloped backgrounds, errors of the pixels as given, pixels.

    As ESO's pipelines measure them (columns Xwidth and Slope of the UVES pipeline's LINE_TABLE).
    A line with a flat top is some per cent wider at half of its height.

    Parameters
    ----------
    profile, variance, x, fwhm
        As for `measure_peaks`; the fit looks 2.2 widths to both sides.

    Returns
    -------
    numpy.ndarray
        NaN where the fit failed.
    """
    values, noise, expected = _prepared(profile, variance, fwhm)
    widths = np.full(len(x), np.nan)
    _widths(values, noise, expected, np.asarray(x, float), widths)
    return widths


def _prepared(
    profile: np.ndarray, variance: np.ndarray, fwhm: float | np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    values = np.ascontiguousarray(profile, dtype=np.float64)
    noise = np.ascontiguousarray(variance, dtype=np.float64)
    expected = np.ascontiguousarray(np.broadcast_to(fwhm, values.shape), dtype=np.float64)
    return values, noise, expected


@compiled
def _find(
    values: np.ndarray, variance: np.ndarray, fwhm: np.ndarray, threshold: float, found: np.ndarray
) -> int:
    count = 0
    for i in range(3, len(values) - 3):
        top = values[i]
        # Most pixels are no peaks: the cheapest question first.
        if not (top >= values[i - 1] and top > values[i + 1]):
            continue
        reach = max(3, math.ceil(_REACH * fwhm[i]))
        if i < reach or i >= len(values) - reach:
            continue
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
        if not highest:
            continue
        height = top - max(low_left, low_right)
        if height <= threshold * math.sqrt(max(variance[i], 1e-30)):
            continue
        good = _measure(values, variance, i, reach, fwhm[i], False, found[count])
        if good and found[count, 2] > threshold * math.sqrt(max(variance[i], 1e-30)):
            count += 1
    return count


@compiled
def _measure_all(
    values: np.ndarray,
    variance: np.ndarray,
    fwhm: np.ndarray,
    x: np.ndarray,
    search: int,
    found: np.ndarray,
) -> None:
    for n in range(len(x)):
        peak = round(x[n])
        if peak < search or peak >= len(values) - search:
            continue
        reach = max(3, math.ceil(_REACH * fwhm[peak]))
        top = peak
        for k in range(peak - search, peak + search + 1):
            if values[k] > values[top]:
                top = k
        if not _measure(values, variance, top, reach, fwhm[peak], False, found[n]):
            found[n] = math.nan


@compiled
def _widths(
    values: np.ndarray, variance: np.ndarray, fwhm: np.ndarray, x: np.ndarray, widths: np.ndarray
) -> None:
    measured = np.empty(4)
    for n in range(len(x)):
        peak = round(x[n])
        reach = max(4, math.ceil(_WIDE * fwhm[peak]))
        if _measure(values, variance, peak, reach, fwhm[peak], True, measured):
            widths[n] = measured[3]


@compiled
def _measure(
    values: np.ndarray,
    variance: np.ndarray,
    peak: int,
    reach: int,
    fwhm: float,
    photons: bool,  # noqa: FBT001 - numba knows no keywords-only
    out: np.ndarray,
) -> bool:
    """Height, centre, width, background of a peak; False if there is none."""
    if peak < reach or peak >= len(values) - reach:
        return False
    count = 5 if photons else 4
    p, matrix, step = np.zeros(count), np.empty((count, count)), np.empty(count)
    low = min(values[peak - reach], values[peak + reach])
    p[0], p[2], p[3] = values[peak] - low, fwhm / _TO_FWHM, low
    weight = np.ones(2 * reach + 1)
    for k in range(2 * reach + 1):
        at = peak - reach + k
        if not math.isfinite(values[at] + variance[at]):
            return False
        if photons:
            weight[k] = 1.0 / max(variance[at], 1e-30)
    if not _converge(values, weight, peak, reach, p, matrix):
        return False
    if not photons:
        for k in range(2 * reach + 1):
            u = (k - reach - p[1]) * _TO_FWHM / fwhm
            weight[k] = 1.0 / (_WINGS + math.exp(-0.5 * u * u))
        if not _converge(values, weight, peak, reach, p, matrix):
            return False
    width = p[2] * _TO_FWHM
    centre = np.zeros(count)
    centre[1] = 1.0
    if not _solve(matrix, centre, 0.0, step):
        return False
    out[0], out[2], out[3] = peak + p[1], p[0], width
    out[1] = _error(variance, weight, peak, reach, p, step)
    return p[0] > 0.0 and fwhm / 3.0 < width < 3.0 * fwhm


@compiled
def _converge(
    values: np.ndarray,
    weight: np.ndarray,
    peak: int,
    reach: int,
    p: np.ndarray,
    matrix: np.ndarray,
) -> bool:
    """Gauss-Newton with damping, in p and its normal matrix; False if it went astray."""
    count = len(p)
    trial, step, right = np.empty(count), np.empty(count), np.empty(count)
    new_matrix, new_right = np.empty((count, count)), np.empty(count)
    damping = 1e-3
    last = _normal(values, weight, peak, reach, p, matrix, right)
    for _ in range(_ROUNDS):
        if not _solve(matrix, right, damping, step):
            return False
        for k in range(count):
            trial[k] = p[k] + step[k]
        if abs(trial[1]) > 0.5 * reach or trial[2] <= 0.1 or trial[2] > 3.0 * reach:
            damping *= 10.0
            continue
        new = _normal(values, weight, peak, reach, trial, new_matrix, new_right)
        if new > last:
            damping *= 10.0
            continue
        gain, last = last - new, new
        p[:], matrix[:], right[:] = trial, new_matrix, new_right
        damping *= 0.1
        if abs(step[1]) < 1e-5 and gain < 1e-3 * max(new, 1e-30):
            break
    return True


@compiled
def _error(
    variance: np.ndarray,
    weight: np.ndarray,
    peak: int,
    reach: int,
    p: np.ndarray,
    row: np.ndarray,
) -> float:
    """Error of the centre from the pixels' errors; the weights are not their inverse squares."""
    total = 0.0
    for k in range(-reach, reach + 1):
        u = (k - p[1]) / p[2]
        shape = math.exp(-0.5 * u * u)
        along = p[0] * shape * u / p[2]
        share = row[0] * shape + row[1] * along + row[2] * along * u + row[3]
        if len(row) > 4:
            share += row[4] * k
        total += (weight[k + reach] * share) ** 2 * variance[peak + k]
    return math.sqrt(total)


@compiled
def _solve(matrix: np.ndarray, right: np.ndarray, damping: float, step: np.ndarray) -> bool:
    """Cholesky's way through the damped normal equations; False if they are singular."""
    count = len(right)
    lower = np.zeros((count, count))
    for i in range(count):
        for j in range(i + 1):
            total = matrix[i, j] * (1.0 + damping if i == j else 1.0)
            for k in range(j):
                total -= lower[i, k] * lower[j, k]
            if i > j:
                lower[i, j] = total / lower[j, j]
            elif total > 1e-14 * matrix[i, i]:
                lower[i, i] = math.sqrt(total)
            else:
                return False
    for i in range(count):
        total = right[i]
        for k in range(i):
            total -= lower[i, k] * step[k]
        step[i] = total / lower[i, i]
    for i in range(count - 1, -1, -1):
        total = step[i]
        for k in range(i + 1, count):
            total -= lower[k, i] * step[k]
        step[i] = total / lower[i, i]
    return True


@compiled
def _normal(
    values: np.ndarray,
    weight: np.ndarray,
    peak: int,
    reach: int,
    p: np.ndarray,
    matrix: np.ndarray,
    right: np.ndarray,
) -> float:
    """Normal equations of the fit around p, a fifth of which is a slope; gives chi square."""
    matrix[:], right[:] = 0.0, 0.0
    count = len(p)
    gradient = np.empty(count)
    total = 0.0
    for k in range(-reach, reach + 1):
        u = (k - p[1]) / p[2]
        shape = math.exp(-0.5 * u * u)
        gradient[0], gradient[3] = shape, 1.0
        gradient[1] = p[0] * shape * u / p[2]
        gradient[2] = p[0] * shape * u * u / p[2]
        w = weight[k + reach]
        rest = values[peak + k] - p[0] * shape - p[3]
        if count > 4:
            gradient[4] = k
            rest -= p[4] * k
        total += w * rest * rest
        for a in range(count):
            right[a] += w * rest * gradient[a]
            for b in range(a + 1):
                matrix[a, b] += w * gradient[a] * gradient[b]
    return total
