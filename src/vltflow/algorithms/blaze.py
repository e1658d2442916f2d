"""Blaze of traces: how the light of a lamp runs along them, without the pixels' own response."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vltflow.algorithms.blocks import over_blocks
from vltflow.algorithms.compiled import compiled
from vltflow.algorithms.slit import SlitImage

_LEAST_ROWS = 3
_LEAST_COLUMNS = 7
"""Columns that a local parabola needs."""
_STEP = 4
"""Columns from one parabola to the next."""
_ROUNDS = 3
_CLIPPED = 4.0
"""Robust sigma about the smooth light beyond which a column does not count."""
_WEAK = 100.0
"""Signal to noise ratio of a column below which four times as many are smoothed together."""


@dataclass(frozen=True)
class Blaze:
    """Smooth light of a lamp along the traces; arrays (traces, columns), NaN unknown."""

    light: np.ndarray
    """Mean over the slit, units of the flat."""
    error: np.ndarray
    """Of the smooth light."""
    level: float
    """Mean over the chip: the light divided by it is the blaze."""
    measured: np.ndarray
    """Mean over the slit of each column alone."""


def measure_blaze(
    flat: np.ndarray,
    variance: np.ndarray,
    response: np.ndarray,
    bad: np.ndarray,
    slit: SlitImage,
    *,
    half_width: int = 20,
    threads: int = 1,
) -> Blaze:
    """Measure the light of a lamp along traces and smooth it along x.

    Each column's light is the mean over the slit of flat / response, weighted by the errors,
    pixels beyond 4 robust sigma left out. It is smoothed by parabolas over `half_width`
    columns on each side (Savitzky & Golay 1964, Anal. Chem. 36, 1627, with gaps), columns
    that deviate left out; where light is weak, over four times as many.

    Parameters
    ----------
    flat, variance
        Light of the lamp without background, and its squared errors, (rows, columns).
    response
        Of the pixels.
    bad
        Pixels not to be used (not 0).
    slit
        Windows.
    """
    shape = slit.centre.shape
    measured, noise = np.full(shape, np.nan), np.full(shape, np.nan)
    light, error = np.full(shape, np.nan), np.full(shape, np.nan)

    def work(start: int, stop: int) -> None:
        for n in range(start, stop):
            _mean_light(flat, variance, response, bad, slit.centre[n], slit.low[n], slit.high[n],
                        measured[n], noise[n])  # fmt: skip
            known = np.isfinite(measured[n]) & (noise[n] > 0)
            if known.sum() < _LEAST_COLUMNS:
                continue
            weak = np.median(measured[n][known] / np.sqrt(noise[n][known])) < _WEAK
            reach = half_width * (4 if weak else 1)
            used = known.copy()
            for _ in range(_ROUNDS):
                _smooth(measured[n], noise[n], used, reach, light[n], error[n])
                rest = np.abs(measured[n] - light[n]) / np.sqrt(np.where(known, noise[n], 1.0))
                inside = known & np.isfinite(rest)
                if not inside.any():
                    break
                scatter = max(1.0, 1.4826 * float(np.median(rest[inside])))
                used = inside & (rest <= _CLIPPED * scatter)

    over_blocks(work, [(n, n + 1) for n in range(shape[0])], threads=threads)
    known = np.isfinite(light)
    level = float(np.mean(light[known])) if known.any() else float("nan")
    return Blaze(light, error, level, measured)


@compiled
def _mean_light(
    flat: np.ndarray,
    variance: np.ndarray,
    response: np.ndarray,
    bad: np.ndarray,
    centre: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    light: np.ndarray,
    noise: np.ndarray,
) -> None:
    rows = flat.shape[0]
    values, errors, ordered = np.empty(rows), np.empty(rows), np.empty(rows)
    for x in range(len(centre)):
        if not (high[x] > low[x]):
            continue
        count = 0
        first = max(0, int(np.ceil(centre[x] + low[x])))
        for row in range(first, min(rows - 1, int(np.floor(centre[x] + high[x]))) + 1):
            part = response[row, x]
            if bad[row, x] == 0 and np.isfinite(flat[row, x]) and part > 0.1:
                values[count] = flat[row, x] / part
                errors[count] = variance[row, x] / (part * part)
                count += 1
        if count < _LEAST_ROWS:
            continue
        middle, spread = _middle(values, ordered, count)
        # Equal weights: those of single pixels would follow their noise.
        total, squares, used = 0.0, 0.0, 0
        for i in range(count):
            if abs(values[i] - middle) <= _CLIPPED * spread + 1e-12:
                total += values[i]
                squares += errors[i]
                used += 1
        light[x], noise[x] = total / used, squares / (used * used)


@compiled
def _middle(values: np.ndarray, ordered: np.ndarray, count: int) -> tuple[float, float]:
    """Median and robust sigma of some tens of values, which are put in order into `ordered`."""
    for i in range(count):
        value, k = values[i], i
        while k > 0 and ordered[k - 1] > value:
            ordered[k] = ordered[k - 1]
            k -= 1
        ordered[k] = value
    middle = 0.5 * (ordered[(count - 1) // 2] + ordered[count // 2])
    # The deviations grow from the middle to both ends: the smaller one is the next.
    below, above = (count - 1) // 2, (count - 1) // 2 + 1
    last, before = 0.0, 0.0
    for _ in range(count // 2 + 1):
        before = last
        low = middle - ordered[below] if below >= 0 else np.inf
        high = ordered[above] - middle if above < count else np.inf
        last = min(low, high)
        if low <= high:
            below -= 1
        else:
            above += 1
    return middle, 1.4826 * (last if count % 2 else 0.5 * (before + last))


@compiled
def _smooth(
    light: np.ndarray,
    noise: np.ndarray,
    used: np.ndarray,
    reach: int,
    smooth: np.ndarray,
    error: np.ndarray,
) -> None:
    """Parabola through the used columns around every fourth one; NaN where they are too few.

    What is smooth over many columns is straight between two of them.
    """
    columns = len(light)
    s = np.zeros(5)
    t = np.zeros(3)
    smooth[:], error[:] = np.nan, np.nan
    for x in range(0, columns, _STEP):
        s[:], t[:] = 0.0, 0.0
        count, spread = 0, 0.0
        for k in range(max(0, x - reach), min(columns, x + reach + 1)):
            if not used[k]:
                continue
            u = (k - x) / reach
            power = 1.0
            for i in range(5):
                s[i] += power
                if i < 3:
                    t[i] += power * light[k]
                power *= u
            spread += noise[k]
            count += 1
        if count < _LEAST_COLUMNS:
            continue
        # First row of the inverse by its minors; a kernel that calls LAPACK loads scipy for it.
        a, b, c = s[2] * s[4] - s[3] * s[3], s[2] * s[3] - s[1] * s[4], s[1] * s[3] - s[2] * s[2]
        det = s[0] * a + s[1] * b + s[2] * c
        if abs(det) < 1e-9:
            continue
        smooth[x] = (a * t[0] + b * t[1] + c * t[2]) / det
        error[x] = np.sqrt(a / det * spread / count)
    _between(light, smooth, error)


@compiled
def _between(light: np.ndarray, smooth: np.ndarray, error: np.ndarray) -> None:
    """Straight lines between the columns with a parabola; NaN beyond the columns of a trace."""
    columns = len(light)
    for x in range(columns):
        a = x - x % _STEP
        b = a + _STEP if a + _STEP < columns else a
        part = (x - a) / _STEP
        if x != a:
            smooth[x] = smooth[a] * (1.0 - part) + smooth[b] * part
            error[x] = error[a] * (1.0 - part) + error[b] * part
    for x in range(columns):
        if not np.isfinite(light[x]):
            smooth[x] = error[x] = np.nan
