"""How light of a point source spreads along the slit: found with its sky in one fit.

The light of one wavelength along the slit is f P(y - c) + s. P is a Moffat function (Moffat
1969, A&A 3, 455; a Gaussian in the limit of large beta) integrated over the pixels. Object f and
sky s are free in every column, centre c and width in every stretch of a trace; the exponent
is one for the chip. Fitting the wings together with the sky keeps them out of it: a profile
that is measured after the sky was subtracted loses what its wings lift the sky by.
"""

from __future__ import annotations

import math

import numpy as np

from vltflow.algorithms.blocks import over_blocks
from vltflow.algorithms.column_fit import (
    MOST_PIXELS,
    Noise,
    clean_column,
    factorise,
    solve_column,
    substitute,
)
from vltflow.algorithms.compiled import compiled
from vltflow.algorithms.slit import SlitImage, window_pixels

_TO_SIGMA = 1.0 / (2.0 * math.sqrt(2.0 * math.log(2.0)))
GAUSSIAN = 1e-3
"""Inverse exponents below this are a Gaussian's."""
_ROUNDS = 8
_MOVED, _OF_ERROR = 1e-3, 0.02
"""Last step of a fit that has settled: pixels (or a share of the width), and share of the error."""
_HOPELESS = 4.0
"""Signal to noise ratio of a stretch whose fit is given up: nothing will come of it."""
_KNOWN, _MOST_TOGETHER = 16.0, 32
"""Signal to noise ratio that a column's light needs, else columns share it; so many at most."""
_SHAPE = np.dtype(
    [("x", "f8"), ("centre", "f8"), ("log_width", "f8"), ("centre_error", "f8"),
     ("width_error", "f8"), ("signal", "f8"), ("chi2", "f8"), ("pixels", "f8")]
)  # fmt: skip


@compiled
def point_light(
    distance: float, width: float, shape: tuple[float, float, float], out: np.ndarray
) -> None:
    """Share of a point source's light in a pixel, and its derivatives.

    Parameters
    ----------
    distance
        Of the pixel from the source, pixels.
    width
        Full width at half maximum, pixels.
    shape
        As of `unit_shape`.
    out
        Output: the share, its derivative by the source's place and by the logarithm of the
        width. Gauss-Legendre quadrature with three points over the pixel.
    """
    k, beta, peak = shape
    part = 1.0 / width
    share, place, size = 0.0, 0.0, 0.0
    for q in range(3):
        z = (distance + (q - 1) * 0.3872983346207417) * part
        if beta == 0.0:
            value, steep = math.exp(-k * z * z), 2.0 * k * z
        else:
            # A logarithm and an exponential take less time than a power.
            base = 1.0 + k * z * z
            value, steep = math.exp(-beta * math.log(base)), 2.0 * k * beta * z / base
        value *= 8.0 / 18.0 if q == 1 else 5.0 / 18.0
        share += value
        place += value * steep
        size += value * (z * steep - 1.0)
    peak *= part
    out[0], out[1], out[2] = share * peak, place * peak * part, size * peak


def unit_shape(inverse_beta: float) -> tuple[float, float, float]:
    """Give k and beta of the Moffat function (1 + k z^2)^-beta of full width 1, and its peak.

    The peak is that at which its integral is 1. A Gaussian exp(-k z^2) has a beta of 0 here.
    """
    if inverse_beta < GAUSSIAN:
        return 4.0 * math.log(2.0), 0.0, math.sqrt(4.0 * math.log(2.0) / math.pi)
    beta, k = 1.0 / inverse_beta, 4.0 * (2.0**inverse_beta - 1.0)
    peak = math.exp(math.lgamma(beta) - math.lgamma(beta - 0.5)) * math.sqrt(k / math.pi)
    return k, beta, peak


_GAUSS = unit_shape(0.0)


def fit_shapes(
    image: np.ndarray,
    bad: np.ndarray,
    slit: SlitImage,
    noise: Noise,
    *,
    centre: np.ndarray,
    width: np.ndarray,
    inverse_beta: float,
    linear_sky: bool = False,
    chunks: int = 12,
    step: int = 1,
    threads: int = 1,
) -> np.ndarray:
    """Fit centre and width of the source in stretches of every trace, sky included.

    Gauss-Newton in (c, ln w); light and sky of each column are solved for inside (variable
    projection, Golub & Pereyra 1973, SIAM J. Num. Anal. 10, 413).

    Parameters
    ----------
    centre, width
        First guess of every trace and stretch, pixels, shape (traces, chunks).
    inverse_beta
        Of the Moffat function.
    linear_sky
        Whether the sky may have a slope along the slit.
    chunks
        Stretches of a trace.
    step
        Only every so many columns are looked at.

    Returns
    -------
    numpy.ndarray
        Shape (traces, chunks) with x (middle of the stretch), centre, log_width, their errors,
        signal (light in units of its error, all columns together), chi2 (with the sum of
        ln variance: -2 ln of the likelihood but for a constant) and pixels. NaN where
        there is too little light, or a fit ran away.
    """
    traces, columns = slit.centre.shape
    edges = np.linspace(0, columns, chunks + 1).astype(int)
    found = np.full((traces, chunks), np.nan, _SHAPE)
    plain = found.view(np.float64).reshape(traces, chunks, len(_SHAPE.names or ()))
    shape = unit_shape(inverse_beta)

    def work(start: int, stop: int) -> None:
        for n in range(start, stop):
            for k in range(chunks):
                _fit(image, bad, slit.centre[n], slit.lean(n), slit.low[n], slit.high[n],
                     int(edges[k]), int(edges[k + 1]), step, centre[n, k], math.log(width[n, k]),
                     shape, 3 if linear_sky else 2, noise.read, noise.conad, _ROUNDS,
                     plain[n, k])  # fmt: skip

    over_blocks(work, [(n, n + 1) for n in range(traces)], threads=threads)
    return found


@compiled
def _fit(
    image: np.ndarray,
    bad: np.ndarray,
    centre: np.ndarray,
    lean: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    start: int,
    stop: int,
    step: int,
    place: float,
    log_width: float,
    shape: tuple[float, float, float],
    free: int,
    read: float,
    conad: float,
    rounds: int,
    out: np.ndarray,
) -> None:
    sums = np.empty(9)
    # The same for all shapes: likelihoods of other columns, or groups of them, do not compare.
    typical = _typical_light(image, bad, centre, lean, low, high, start, stop, step, place,
                             math.exp(log_width), _GAUSS)  # fmt: skip
    # A cosmic ray in a column would count with the square of its light.
    limit = 5.0 * typical[0] + 8.0 * typical[1]
    error = math.sqrt((read * typical[2]) ** 2 + typical[0] / conad)
    together = _together(typical[0], error)
    lights = np.full((stop - start) // max(step, together) + 1, typical[0])
    for n in range(rounds):
        tolerance = 0.5 if n == 0 and rounds > 1 else 0.15
        _accumulate(image, bad, centre, lean, low, high, (start, stop), step, place, log_width,
                    shape, free, (read, conad), tolerance, limit,
                    together, lights, sums)  # fmt: skip
        if sums[8] < 3:
            return
        det = sums[0] * sums[2] - sums[1] * sums[1]
        if rounds == 1 or det <= 0.0:
            break
        move = (sums[2] * sums[3] - sums[1] * sums[4]) / det
        grow = (sums[0] * sums[4] - sums[1] * sums[3]) / det
        move, grow = max(-1.0, min(1.0, move)), max(-0.3, min(0.3, grow))
        place += move
        log_width += grow
        if not (-0.7 < log_width < 4.0) or abs(place) > 1e3:
            return
        if n > 1 and sums[5] < _HOPELESS:
            return
        if n > 1 and _settled(move, grow, sums):
            break
    det = sums[0] * sums[2] - sums[1] * sums[1]
    out[0], out[1], out[2] = 0.5 * (start + stop - 1), place, log_width
    out[3] = math.sqrt(max(sums[2] / det, 0.0)) if det > 0.0 else math.nan
    out[4] = math.sqrt(max(sums[0] / det, 0.0)) if det > 0.0 else math.nan
    out[5], out[6], out[7] = sums[5], sums[6], sums[7]
    # The errors are those of the columns looked at; all columns carry as much each.
    out[5] *= math.sqrt(max(step, together) / together)


@compiled
def _settled(move: float, grow: float, sums: np.ndarray) -> bool:
    """Whether place and width moved by next to nothing, or by a fiftieth of their errors."""
    det = sums[0] * sums[2] - sums[1] * sums[1]
    return bool(
        abs(move) < max(_MOVED, _OF_ERROR * math.sqrt(sums[2] / det))
        and abs(grow) < max(_MOVED, _OF_ERROR * math.sqrt(sums[0] / det))
    )


@compiled
def _accumulate(
    image: np.ndarray,
    bad: np.ndarray,
    centre: np.ndarray,
    lean: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    ends: tuple[int, int],
    step: int,
    place: float,
    log_width: float,
    shape: tuple[float, float, float],
    free: int,
    detector: tuple[float, float],
    tolerance: float,
    brightest: float,
    together: int,
    known: np.ndarray,
    sums: np.ndarray,
) -> None:
    """Normal equations in (c, ln w) after light and sky of each column were projected out.

    `known`: light of each group of columns, of the last round and then of this one; seven of
    them together tell the photon noise. `sums`: three elements of the matrix, two of the
    right side, light over its error, -2 ln of the likelihood, pixels, columns.
    """
    size = together * min(MOST_PIXELS, image.shape[0])
    pixels = np.empty((6, size))
    basis = np.empty((5, size))  # P, 1, y, dP/dc, dP/dlnw
    variance = np.empty(size)
    width = math.exp(log_width)
    lights, inverse = 0.0, 0.0
    sums[:] = 0.0
    group, before = -1, known.copy()
    for first in range(ends[0], ends[1], max(step, together)):
        group += 1
        part = (first, min(first + together, ends[1]))
        count = _gather(image, bad, centre, lean, low, high, part, place, pixels)
        if count < 5:
            continue
        _fill(pixels, basis, variance, count, place, width, shape)
        light, sky, slope = solve_column(pixels, basis, variance, count, free)
        if not math.isfinite(light) or (together == 1 and abs(light) > brightest):
            continue
        light, sky, slope, outliers = clean_column(
            pixels, basis, variance, count, free, detector[0], detector[1], tolerance,
            max(np.mean(before[max(0, group - 3) : group + 4]), 0.0), light, sky, slope,
        )  # fmt: skip
        if not math.isfinite(light):
            continue
        known[group] = light
        # As if an outlier were at the limit: else a shape gained by each one more left out.
        sums[6] += 25.0 * outliers
        solved = light, sky, slope
        good = _project(pixels, basis, variance, count, free, detector[0], solved, sums)
        if good > 0.0:
            lights += light * good
            inverse += good
            sums[8] += 1.0
    sums[5] = lights / math.sqrt(inverse) if inverse > 0.0 else 0.0


@compiled
def _gather(
    image: np.ndarray,
    bad: np.ndarray,
    centre: np.ndarray,
    lean: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    ends: tuple[int, int],
    place: float,
    pixels: np.ndarray,
) -> int:
    """Pixels of the windows of several columns, one after the other; gives their number."""
    count = 0
    for x in range(ends[0], ends[1]):
        if high[x] > low[x]:
            count += window_pixels(
                image, bad, centre, lean, low[x], high[x], x, place, pixels[:, count:]
            )
    return count


@compiled
def _fill(
    pixels: np.ndarray,
    basis: np.ndarray,
    variance: np.ndarray,
    count: int,
    place: float,
    width: float,
    shape: tuple[float, float, float],
) -> None:
    """Profile, 1, distance and the profile's derivatives at each pixel, all weighted alike."""
    one = np.empty(3)
    for i in range(count):
        point_light(pixels[1, i] - place, width, shape, one)
        basis[0, i], basis[1, i], basis[2, i] = one[0], 1.0, pixels[1, i]
        basis[3, i], basis[4, i] = one[1], one[2]
        variance[i] = 1.0


@compiled
def _together(light: float, error: float) -> int:
    """Columns that share one light and sky, so that these are known in the fit of the shape.

    With as many unknown lights as columns, the shape of a faint source comes out wrong however
    many columns there are (Neyman & Scott 1948, Econometrica 16, 1).
    """
    if light <= 0.0:
        return _MOST_TOGETHER
    wanted = (_KNOWN * error / light) ** 2
    return int(min(max(wanted, 1.0), _MOST_TOGETHER))


@compiled
def _typical_light(
    image: np.ndarray,
    bad: np.ndarray,
    centre: np.ndarray,
    lean: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    start: int,
    stop: int,
    step: int,
    place: float,
    width: float,
    shape: tuple[float, float, float],
) -> tuple[float, float, float]:
    """Median and robust scatter of the columns' light, and its error for a noise of 1 a pixel."""
    pixels = np.empty((6, MOST_PIXELS))
    one = np.empty(3)
    values = np.empty((stop - start) // step + 1)
    found, error = 0, 0.0
    for x in range(start, stop, step):
        if not (high[x] > low[x]):
            continue
        count = window_pixels(image, bad, centre, lean, low[x], high[x], x, place, pixels)
        n, sp, sd, spp, spd = 0.0, 0.0, 0.0, 0.0, 0.0
        for i in range(count):
            if pixels[3, i] > 0.0:
                point_light(pixels[1, i] - place, width, shape, one)
                n += 1.0
                sp += one[0]
                sd += pixels[0, i]
                spp += one[0] * one[0]
                spd += one[0] * pixels[0, i]
        det = n * spp - sp * sp
        if n >= 5.0 and det > 1e-12:
            values[found] = (n * spd - sp * sd) / det
            error += math.sqrt(n / det)
            found += 1
    if found < 3:
        return 0.0, 0.0, 1.0
    middle = np.median(values[:found])
    spread = 1.4826 * np.median(np.abs(values[:found] - middle))
    return max(middle, 0.0), spread, error / found


@compiled
def _project(
    pixels: np.ndarray,
    basis: np.ndarray,
    variance: np.ndarray,
    count: int,
    free: int,
    read: float,
    solution: tuple[float, float, float],
    sums: np.ndarray,
) -> float:
    """Add a column's part to the normal equations; gives the inverse variance of its light.

    Wings raise the model's noise: chi square alone, without ln variance, is least with too many.
    """
    light, sky, slope = solution
    size = free + 2
    matrix, right, one = np.zeros((5, 5)), np.zeros(2), np.empty(5)
    chi2, used = 0.0, 0.0
    for i in range(count):
        if pixels[3, i] == 0.0:
            continue
        weight = 1.0 / variance[i]
        rest = pixels[0, i] - light * basis[0, i] - sky - slope * pixels[1, i]
        # Loops: slices would be made anew for every pixel.
        for a in range(free):
            one[a] = basis[a, i]
        one[free], one[free + 1] = light * basis[3, i], light * basis[4, i]
        chi2 += weight * rest * rest + math.log(variance[i] / (read * read))
        used += 1.0
        for a in range(size):
            for b in range(a + 1):
                matrix[a, b] += weight * one[a] * one[b]
        right[0] += weight * rest * one[free]
        right[1] += weight * rest * one[free + 1]
    inner = matrix[:3, :3].copy()
    factorise(inner, free)
    if used <= free or not math.isfinite(inner[free - 1, free - 1]):
        return 0.0
    # Cholesky's elimination of light and sky leaves what fixes place and width.
    for b in range(free):
        matrix[b:size, b] /= math.sqrt(matrix[b, b])
        for c in range(b + 1, size):
            matrix[c:size, c] -= matrix[c:size, b] * matrix[c, b]
    sums[0] += matrix[free, free]
    sums[1] += matrix[free + 1, free]
    sums[2] += matrix[free + 1, free + 1]
    sums[3] += right[0]
    sums[4] += right[1]
    sums[6] += chi2
    sums[7] += used - free
    unit = np.zeros(3)
    unit[0] = 1.0
    substitute(inner, unit, free)
    return 1.0 / unit[0]
