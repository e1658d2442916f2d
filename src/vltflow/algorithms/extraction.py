"""Light of traces: optimal weights along the slit, sky fitted with the source, cosmic rays out.

Horne 1986, PASP 98, 609, with three changes. Source and sky are solved for together, so that
what the wings give is not taken for sky. Weights and errors come from the *model's* photons,
never from a pixel's own count, which would make low values count more. Along a tilted slit,
pixels of equal wavelength are gathered by whole shifts along x; what is left of the shift (half a
pixel at most) is corrected in the model (Zechmeister et al. 2014, A&A 561, A59 for profiles
that are not resampled): the data are never interpolated, and extracted pixels stay independent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from vltflow.algorithms.blocks import over_blocks
from vltflow.algorithms.column_fit import MOST_PIXELS
from vltflow.algorithms.compiled import compiled
from vltflow.algorithms.profile_table import ProfileTable, profile_at
from vltflow.algorithms.quality import Quality
from vltflow.algorithms.slit import SlitImage, window_pixels

_LEAST_SHARE = 0.1
"""Share of the source's light in good pixels below which a column has no value."""
_FAINT = 10.0
"""Signal to noise ratio below which the light of five columns tells the photon noise."""
_HIT, _NEXT = 18.0, 6.0
"""-2 ln of the chance that a cosmic ray hits a pixel (1e-4), and its neighbour too (5 %)."""
_DOUBT = 1.8
"""Cost per degree of freedom from which another solution is looked for."""
_GROWTH = 0.6
"""Neighbours of a cosmic ray are left out at this part of the limit."""
_REJECTED, _SATURATED, _NO_DATA = (
    int(Quality.REJECTED), int(Quality.SATURATED), int(Quality.NO_DATA)
)  # fmt: skip

Weights = Literal["optimal", "sum"]


@dataclass(frozen=True)
class Detector:
    """The light on the chip and what is known of its errors."""

    image: np.ndarray
    """Light, background subtracted, divided by the pixel response, float32 (rows, columns)."""
    quality: np.ndarray
    """Bits of `Quality`, uint8, same shape."""
    response_variance: np.ndarray | None
    """Squared relative error of the pixel response that was divided out, same shape."""
    variance: np.ndarray
    """Squared error at each trace without any light in the slit, shape (traces, columns)."""
    conad: float
    """Electrons per unit of the image."""


@dataclass(frozen=True)
class Rules:
    """How light is extracted."""

    weights: Weights = "optimal"
    """Optimal weights for one source, or all light in the slit, every pixel weighted alike."""
    sky_terms: int = 1
    """0: none; 1: constant; 2: linear along the slit."""
    kappa: float = 6.0
    """Pixels further from the model are cosmic rays (or dead), sigma."""
    tolerance: float = 0.05
    """Relative deviation of the profile from the model that is no cosmic ray's."""
    unusable: int = int(Quality.DEAD | Quality.HOT | Quality.SATURATED | Quality.NO_DATA)
    """Bits that a pixel must not have."""


@dataclass(frozen=True)
class TraceLight:
    """What was extracted; arrays (traces, columns) in the units of the image."""

    flux: np.ndarray
    variance: np.ndarray
    sky: np.ndarray
    """Sky in the source's effective aperture."""
    level: np.ndarray
    """Sky in one pixel along the slit."""
    quality: np.ndarray
    chi2: np.ndarray
    """Of the good pixels, per degree of freedom."""
    rejected: np.ndarray
    """Pixels left out as cosmic rays, bool, shape (rows, columns)."""


def extract(
    detector: Detector, slit: SlitImage, profile: ProfileTable, rules: Rules, *, threads: int = 1
) -> TraceLight:
    """Extract the light of all traces.

    Parameters
    ----------
    detector
        Light and errors.
    slit
        Windows.
    profile
        Of the source.
    rules
        Weights, sky and rejection.

    Returns
    -------
    TraceLight
        NaN with `Quality.NO_DATA` where the window is off the chip, or too few pixels are good.
    """
    shape = slit.centre.shape
    flux, variance, sky, level, chi2 = (np.full(shape, np.nan) for _ in range(5))
    quality = np.full(shape, _NO_DATA, np.uint8)
    rejected = np.zeros(detector.image.shape, np.uint8)
    relative = detector.response_variance
    noisy = relative if relative is not None else np.zeros((1, 1), np.float32)
    bad = detector.quality & np.uint8(rules.unusable)

    def work(start: int, stop: int) -> None:
        for n in range(start, stop):
            _trace(detector.image, bad, noisy, rejected,
                   slit.centre[n], slit.tilt[n], slit.low[n], slit.high[n],
                   profile.centre[n], profile.values[n], profile.start, profile.spacing,
                   detector.variance[n], detector.conad, rules.sky_terms,
                   int(rules.weights == "optimal"), rules.kappa, rules.tolerance,
                   flux[n], variance[n], sky[n], level[n], quality[n], chi2[n])  # fmt: skip

    over_blocks(work, [(n, n + 1) for n in range(shape[0])], threads=threads)
    return TraceLight(flux, variance, sky, level, quality, chi2, rejected.astype(bool))


@compiled
def _trace(
    image: np.ndarray,
    bad: np.ndarray,
    relative: np.ndarray,
    rejected: np.ndarray,
    centre: np.ndarray,
    tilt: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    source: np.ndarray,
    values: np.ndarray,
    start: float,
    spacing: float,
    floor: np.ndarray,
    conad: float,
    sky_terms: int,
    optimal: int,
    kappa: float,
    tolerance: float,
    flux: np.ndarray,
    variance: np.ndarray,
    sky: np.ndarray,
    level: np.ndarray,
    quality: np.ndarray,
    chi2: np.ndarray,
) -> None:
    columns = len(centre)
    first = np.zeros((2, columns))
    pixels, basis, noise = (
        np.empty((6, MOST_PIXELS)),
        np.empty((4, MOST_PIXELS)),
        np.empty(MOST_PIXELS),
    )
    out = np.empty(6)
    # First round: each column alone. Then its neighbours' light is known, which tells how
    # steep the spectrum is (tilted slits) and how noisy (faint light). Third: cosmic rays
    # that were found tell where their faint ends are.
    for round_ in range(3):
        if round_ == 1:
            _fill_gaps(first)
        for x in range(columns):
            if not (high[x] > low[x]):
                continue
            count = window_pixels(image, bad, centre, tilt, low[x], high[x], x, source[x], pixels)
            if count < sky_terms + 3:
                continue
            if round_ == 2 and not _touched(pixels, count, rejected):
                continue
            for i in range(count):
                distance = pixels[1, i] - source[x]
                basis[0, i] = profile_at(values, start, spacing, x, distance)
                basis[1, i], basis[2, i] = 1.0, pixels[1, i]
                # Relative error of the response, squared.
                row, column = int(pixels[4, i]), int(pixels[5, i])
                basis[3, i] = relative[row, column] if len(relative) > 1 else 0.0
            if round_ > 0:
                _straighten(pixels, basis, count, first, x)
            _column(pixels, basis, noise, count, floor[x], conad, sky_terms, kappa, tolerance,
                    rejected, round_, _around(first, x, columns), out)  # fmt: skip
            if round_ == 0:
                first[0, x], first[1, x] = out[0], out[2]
                continue
            _store(pixels, basis, noise, count, bad, rejected, optimal, sky_terms, out, x,
                   flux, variance, sky, level, quality, chi2)  # fmt: skip


@compiled
def _fill_gaps(first: np.ndarray) -> None:
    """Columns without a value take the last one's: their slope must not be invented."""
    for k in range(first.shape[0]):
        last = 0.0
        for x in range(first.shape[1]):
            if math.isfinite(first[k, x]):
                last = first[k, x]
            else:
                first[k, x] = last


@compiled
def _around(first: np.ndarray, x: int, columns: int) -> tuple[float, float]:
    """Mean light of five columns, and median of the three on each side."""
    total, count = 0.0, 0
    for k in range(max(0, x - 2), min(columns, x + 3)):
        total += first[0, k]
        count += 1
    sides, n = np.empty(6), 0
    for k in (x - 3, x - 2, x - 1, x + 1, x + 2, x + 3):
        if 0 <= k < columns:
            sides[n] = first[0, k]
            n += 1
    return max(total / count, 0.0), np.median(sides[:n])


@compiled
def _touched(pixels: np.ndarray, count: int, rejected: np.ndarray) -> bool:
    """Whether the column has a rejected pixel, or one beside it."""
    for i in range(count):  # noqa: SIM110 - numba knows no generators
        if _near(rejected, int(pixels[4, i]), int(pixels[5, i])):
            return True
    return False


@compiled
def _near(rejected: np.ndarray, row: int, column: int) -> bool:
    for a in range(max(0, row - 1), min(rejected.shape[0], row + 2)):
        for b in range(max(0, column - 1), min(rejected.shape[1], column + 2)):
            if rejected[a, b] != 0:
                return True
    return False


@compiled
def _straighten(
    pixels: np.ndarray, basis: np.ndarray, count: int, first: np.ndarray, x: int
) -> None:
    """Take out what a pixel differs by because its wavelength is not the column's own.

    First order for the source, whose pixels lie evenly to both sides; second order for the
    sky, which is known better than any of its pixels.
    """
    last = first.shape[1] - 1
    a, b = max(x - 1, 0), min(x + 1, last)
    if a == b:
        return
    rise = (first[0, b] - first[0, a]) / (b - a)
    climb = (first[1, b] - first[1, a]) / (b - a)
    bend = first[1, b] - 2.0 * first[1, x] + first[1, a] if b - a == 2 else 0.0
    for i in range(count):
        rest = pixels[2, i]
        pixels[0, i] -= basis[0, i] * rise * rest + (climb + 0.5 * bend * rest) * rest


@compiled
def _column(
    pixels: np.ndarray,
    basis: np.ndarray,
    noise: np.ndarray,
    count: int,
    floor: float,
    conad: float,
    sky_terms: int,
    kappa: float,
    tolerance: float,
    rejected: np.ndarray,
    round_: int,
    around: tuple[float, float],
    out: np.ndarray,
) -> None:
    """Solve one column; `out`: light, its variance, sky, its slope, cost, unknowns.

    The pixel furthest from the model goes first. Where that leaves a doubt (a bad fit, or
    pixels of the core left out), a second solution begins with the neighbours' light: two
    pixels of a narrow core that one cosmic ray hit hold the first one captive. Each pixel
    left out costs what a cosmic ray is unlikely by; the cheaper solution is taken.
    """
    free, usable = 1 + sky_terms, pixels[3, :count].copy()
    _weigh(pixels, basis, noise, count, floor, conad, 0.0, 0.0, 0.0)
    _solve(pixels, basis, noise, count, free, out)
    args = (floor, conad, kappa, tolerance)
    cost = _clean(pixels, basis, noise, count, free, args, rejected, round_, around[0], out)
    good = pixels[3, :count].sum()
    if round_ == 0 or not math.isfinite(out[0]) or cost < _DOUBT * max(good - free, 1.0):
        return
    if out[0] - around[1] < 3.0 * math.sqrt(out[1]):
        return
    first, mask = out.copy(), pixels[3, :count].copy()
    pixels[3, :count] = usable
    out[0] = max(around[1], 0.0)
    if not _start_from(pixels, basis, noise, count, free, args, out):
        out[:], pixels[3, :count] = first, mask
        return
    other = _clean(pixels, basis, noise, count, free, args, rejected, round_, around[0], out)
    if not math.isfinite(out[0]) or other >= cost:
        out[:], pixels[3, :count] = first, mask
        _weigh(pixels, basis, noise, count, floor, conad, max(out[0], 0.0), out[2], out[3])


@compiled
def _start_from(
    pixels: np.ndarray,
    basis: np.ndarray,
    noise: np.ndarray,
    count: int,
    free: int,
    args: tuple[float, float, float, float],
    out: np.ndarray,
) -> bool:
    """Leave out all pixels far above a given light (with the sky found before), and solve."""
    floor, conad, kappa, tolerance = args
    _weigh(pixels, basis, noise, count, floor, conad, out[0], out[2], out[3])
    for i in range(count):
        light = out[0] * basis[0, i]
        rest = pixels[0, i] - light - out[2] - out[3] * pixels[1, i]
        if rest > 0.0 and rest * rest > kappa * kappa * noise[i] + (tolerance * light) ** 2:
            pixels[3, i] = 0.0
    _solve(pixels, basis, noise, count, free, out)
    return bool(math.isfinite(out[0]))


@compiled
def _clean(
    pixels: np.ndarray,
    basis: np.ndarray,
    noise: np.ndarray,
    count: int,
    free: int,
    args: tuple[float, float, float, float],
    rejected: np.ndarray,
    round_: int,
    typical: float,
    out: np.ndarray,
) -> float:
    """Leave out one pixel after the other until all agree; gives the solution's cost."""
    floor, conad, kappa, tolerance = args
    for turn in range(16):
        light = max(out[0], 0.0)
        if round_ > 0 and out[0] < _FAINT * math.sqrt(max(out[1], 0.0)):
            light = typical
        _weigh(pixels, basis, noise, count, floor, conad, light, out[2], out[3])
        if turn == 0:
            # Weights without light do not know which pixels are noisy: once more.
            _solve(pixels, basis, noise, count, free, out)
        found = _reject(pixels, basis, noise, count, args, rejected, round_, out)
        if not found and turn > 0:
            break
        _solve(pixels, basis, noise, count, free, out)
    return _cost(pixels, basis, noise, count, kappa, tolerance, out)


@compiled
def _cost(
    pixels: np.ndarray,
    basis: np.ndarray,
    noise: np.ndarray,
    count: int,
    kappa: float,
    tolerance: float,
    out: np.ndarray,
) -> float:
    """Chi square of the pixels used, and -2 ln of a cosmic ray's chance for those left out."""
    cost, last = 0.0, -9
    for i in range(count):
        light = out[0] * basis[0, i]
        rest = pixels[0, i] - light - out[2] - out[3] * pixels[1, i]
        far = rest * rest / (noise[i] + (tolerance * light / kappa) ** 2)
        if pixels[3, i] > 0.0:
            cost += far
        elif far > 9.0:
            # Pixels beside each other are hit by the same one.
            cost += _NEXT if i - last == 1 else _HIT
            last = i
    return cost


@compiled
def _weigh(
    pixels: np.ndarray,
    basis: np.ndarray,
    noise: np.ndarray,
    count: int,
    floor: float,
    conad: float,
    light: float,
    sky: float,
    slope: float,
) -> None:
    """Variance of each pixel by the model's light."""
    for i in range(count):
        model = light * basis[0, i] + max(sky + slope * pixels[1, i], 0.0)
        noise[i] = floor + model / conad + basis[3, i] * model * model


@compiled
def _reject(
    pixels: np.ndarray,
    basis: np.ndarray,
    noise: np.ndarray,
    count: int,
    args: tuple[float, float, float, float],
    rejected: np.ndarray,
    round_: int,
    out: np.ndarray,
) -> bool:
    """Leave out the pixel that is furthest from what all others say, if beyond the limit.

    A pixel of a narrow profile's core draws the light to itself: its distance is that from
    the solution without it (deleted residual; Cook & Weisberg 1982, Residuals and Influence
    in Regression, section 2.2), its noise that of the light without it.
    """
    _, conad, kappa, tolerance = args
    worst, highest = -1, 1.0
    for i in range(count):
        if pixels[3, i] == 0.0:
            continue
        p = basis[0, i]
        rest = pixels[0, i] - out[0] * p - out[2] - out[3] * pixels[1, i]
        own = min(p * p * out[1] / noise[i], 0.9)
        rest /= 1.0 - own
        light = (out[0] * p - own * rest) if own > 0.05 else out[0] * p
        variance = max(noise[i] - (out[0] * p - max(light, 0.0)) / conad, 0.25 * noise[i])
        limit = kappa
        if round_ == 2 and rest > 0.0 and _near(rejected, int(pixels[4, i]), int(pixels[5, i])):
            limit = kappa * _GROWTH
        variance /= 1.0 - own
        far = rest * rest / (limit * limit * variance + (tolerance * light) ** 2)
        if far > highest:
            worst, highest = i, far
    if worst >= 0:
        pixels[3, worst] = 0.0
    return worst >= 0


@compiled
def _solve(
    pixels: np.ndarray,
    basis: np.ndarray,
    noise: np.ndarray,
    count: int,
    free: int,
    out: np.ndarray,
) -> None:
    """Weighted least squares by elimination; light NaN where the pixels do not fix it."""
    m00, m01, m02, m11, m12, m22 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    r0, r1, r2 = 0.0, 0.0, 0.0
    share = 0.0
    for i in range(count):
        if pixels[3, i] == 0.0:
            continue
        weight, p, y, value = 1.0 / noise[i], basis[0, i], pixels[1, i], pixels[0, i]
        share += p
        m00 += weight * p * p
        m01 += weight * p
        m02 += weight * p * y
        m11 += weight
        m12 += weight * y
        m22 += weight * y * y
        r0 += weight * p * value
        r1 += weight * value
        r2 += weight * y * value
    out[0], out[1], out[2], out[3], out[5] = math.nan, math.nan, 0.0, 0.0, free
    if share < _LEAST_SHARE or m00 <= 0.0:
        return
    # Slope, then sky are eliminated; what is left is the light.
    if free > 2 and m22 > 0.0:
        a, b, c, d = m00 - m02 * m02 / m22, m01 - m02 * m12 / m22, m11 - m12 * m12 / m22, m22
        e, f = r0 - m02 * r2 / m22, r1 - m12 * r2 / m22
    else:
        a, b, c, d, e, f = m00, m01, m11, 0.0, r0, r1
    if free > 1:
        if c <= 1e-12 * m11:
            return
        det = a - b * b / c
        if det <= 1e-9 * a:
            return
        light = (e - b * f / c) / det
        sky = (f - b * light) / c
    else:
        det, light, sky = a, e / a, 0.0
    out[0], out[1], out[2] = light, 1.0 / det, sky
    if free > 2 and d > 0.0:
        out[3] = (r2 - m02 * light - m12 * sky) / d


@compiled
def _store(
    pixels: np.ndarray,
    basis: np.ndarray,
    noise: np.ndarray,
    count: int,
    bad: np.ndarray,
    rejected: np.ndarray,
    optimal: int,
    sky_terms: int,
    out: np.ndarray,
    x: int,
    flux: np.ndarray,
    variance: np.ndarray,
    sky: np.ndarray,
    level: np.ndarray,
    quality: np.ndarray,
    chi2: np.ndarray,
) -> None:
    flags, squares, good = 0, 0.0, 0.0
    weight, shares = 0.0, 0.0
    total, errors, below, whole = 0.0, 0.0, 0.0, 0.0
    for i in range(count):
        row, column = int(pixels[4, i]), int(pixels[5, i])
        p, under = basis[0, i], out[2] + out[3] * pixels[1, i]
        whole += p
        if pixels[3, i] > 0.0:
            rest = pixels[0, i] - out[0] * p - under
            squares += rest * rest / noise[i]
            good += 1.0
            weight += p * p / noise[i]
            shares += p / noise[i]
            total += pixels[0, i] - under
            errors += noise[i]
            below += under
            continue
        if bad[row, column] == 0 and math.isfinite(out[0]):
            rejected[row, column] = 1
            # In the wings it cost nothing.
            flags |= _REJECTED if p > 0.02 or not optimal else 0
        elif p > 0.02 or not optimal:
            flags |= _SATURATED if (bad[row, column] & _SATURATED) != 0 else 0
        # What a bad pixel would have held, by the model.
        total += out[0] * p
        errors += out[1] * p * p
    quality[x] = flags
    if not math.isfinite(out[0]):
        flux[x] = variance[x] = sky[x] = level[x] = math.nan
        quality[x] = flags | _NO_DATA
        return
    level[x] = out[2]
    chi2[x] = squares / max(good - 1.0 - sky_terms, 1.0)
    if optimal:
        flux[x], variance[x], sky[x] = out[0], out[1], out[2] * shares / weight
    else:
        # Whole rows hold more or less of the slit as the trace crosses them.
        flux[x], variance[x], sky[x] = total / whole, errors / (whole * whole), below / whole
