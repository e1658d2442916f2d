"""One column of a slit: light, sky, and which of its pixels a cosmic ray hit."""

from __future__ import annotations

import math

import numpy as np

from vltflow.algorithms.compiled import compiled

_LEAST_SHARE = 0.1
"""Share of the source's light in good pixels below which a column has no value."""
FAINT = 10.0
"""Signal to noise ratio below which the light of five columns tells the photon noise."""
_HIT, _NEXT = 18.0, 6.0
"""-2 ln of the chance that a cosmic ray hits a pixel (1e-4), and its neighbour too (5 %)."""
_DOUBT = 1.8
"""Cost per degree of freedom from which another solution is looked for."""
_GROWTH = 0.6
"""Neighbours of a cosmic ray are left out at this part of the limit."""


@compiled
def near_rejected(rejected: np.ndarray, row: int, column: int) -> bool:
    """Whether a pixel, or one beside it, was rejected."""
    for a in range(max(0, row - 1), min(rejected.shape[0], row + 2)):
        for b in range(max(0, column - 1), min(rejected.shape[1], column + 2)):
            if rejected[a, b] != 0:
                return True
    return False


@compiled
def fit_column(
    pixels: np.ndarray,
    basis: np.ndarray,
    noise: np.ndarray,
    count: int,
    floor: float,
    conad: float,
    sky_terms: int,
    kappa: float,
    allowed: float,
    rejected: np.ndarray,
    round_: int,
    around: tuple[float, float],
    out: np.ndarray,
) -> None:
    """Solve one column; `out`: light, its variance, sky, its slope, the sky's variance.

    The pixel furthest from the model goes first. Where that leaves a doubt (a bad fit, or
    pixels of the core left out), a second solution begins with the neighbours' light: two
    pixels of a narrow core that one cosmic ray hit hold the first one captive. Each pixel
    left out costs what a cosmic ray is unlikely by; the cheaper solution is taken. The last row
    of `basis` is the relative deviation that is no cosmic ray's; in a doubt it is `allowed` at
    least.
    """
    free, usable = 1 + sky_terms, pixels[3, :count].copy()
    _weigh(pixels, basis, noise, count, floor, conad, 0.0, 0.0, 0.0)
    _solve(pixels, basis, noise, count, free, out)
    args = (floor, conad, kappa, allowed)
    cost = _clean(pixels, basis, noise, count, free, args, rejected, round_, around[0], out)
    good = pixels[3, :count].sum()
    if round_ == 0 or not math.isfinite(out[0]) or cost < _DOUBT * max(good - free, 1.0):
        return
    if out[0] - around[1] < 3.0 * math.sqrt(out[1]):
        return
    first, mask = out.copy(), pixels[3, :count].copy()
    pixels[3, :count] = usable
    out[0] = max(around[1], 0.0)
    if _start_from(pixels, basis, noise, count, free, args, out):
        other = _clean(pixels, basis, noise, count, free, args, rejected, round_, around[0], out)
    else:
        # All of the core was hit, or it is a line's. Of a line no pixel is far too faint.
        out[0], out[2], out[3] = max(around[1], 0.0), first[2], first[3]
        other = _cost(pixels, basis, noise, count, kappa, allowed, out)
        if not _too_faint(pixels, basis, count, usable - mask, first):
            other = math.inf
        out[0] = math.nan
    if other < cost:
        return
    out[:], pixels[3, :count] = first, mask
    _weigh(pixels, basis, noise, count, floor, conad, max(out[0], 0.0), out[2], out[3])


@compiled
def _too_faint(
    pixels: np.ndarray, basis: np.ndarray, count: int, left_out: np.ndarray, solution: np.ndarray
) -> bool:
    """Whether one of the pixels that were left out lies below a solution: no cosmic ray's."""
    for i in range(count):
        model = solution[0] * basis[0, i] + solution[2] + solution[3] * pixels[1, i]
        if left_out[i] > 0.0 and pixels[0, i] < model:
            return True
    return False


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
    floor, conad, kappa, allowed = args
    _weigh(pixels, basis, noise, count, floor, conad, out[0], out[2], out[3])
    for i in range(count):
        light = out[0] * basis[0, i]
        rest = pixels[0, i] - light - out[2] - out[3] * pixels[1, i]
        misfit = max(basis[4, i], allowed) * light
        if rest > 0.0 and rest * rest > kappa * kappa * noise[i] + misfit**2:
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
    floor, conad, kappa, allowed = args
    for turn in range(16):
        light = max(out[0], 0.0)
        if round_ > 0 and out[0] < FAINT * math.sqrt(max(out[1], 0.0)):
            light = typical
        _weigh(pixels, basis, noise, count, floor, conad, light, out[2], out[3])
        if turn == 0:
            # Weights without light do not know which pixels are noisy: once more.
            _solve(pixels, basis, noise, count, free, out)
        found = _reject(pixels, basis, noise, count, args, rejected, round_, out)
        if not found and turn > 0:
            break
        _solve(pixels, basis, noise, count, free, out)
    return _cost(pixels, basis, noise, count, kappa, allowed, out)


@compiled
def _cost(
    pixels: np.ndarray,
    basis: np.ndarray,
    noise: np.ndarray,
    count: int,
    kappa: float,
    allowed: float,
    out: np.ndarray,
) -> float:
    """Chi square of the pixels used, and -2 ln of a cosmic ray's chance for those left out."""
    cost, last = 0.0, -9
    for i in range(count):
        light = out[0] * basis[0, i]
        rest = pixels[0, i] - light - out[2] - out[3] * pixels[1, i]
        misfit = max(basis[4, i], allowed) * light
        far = rest * rest / (noise[i] + (misfit / kappa) ** 2)
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
    _, conad, kappa, _ = args
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
        if (
            round_ == 2
            and rest > 0.0
            and near_rejected(rejected, int(pixels[4, i]), int(pixels[5, i]))
        ):
            limit = kappa * _GROWTH
        variance /= 1.0 - own
        far = rest * rest / (limit * limit * variance + (basis[4, i] * light) ** 2)
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
    out[0], out[1], out[2], out[3], out[4] = math.nan, math.nan, 0.0, 0.0, 0.0
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
        out[4] = a / (c * det)
    else:
        det, light, sky = a, e / a, 0.0
    out[0], out[1], out[2] = light, 1.0 / det, sky
    if free > 2 and d > 0.0:
        out[3] = (r2 - m02 * light - m12 * sky) / d
