"""Stacking of frames: median or clipped mean of each pixel, with variance and flags."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from vltflow.algorithms.compiled import compiled
from vltflow.algorithms.order_statistics import mean_variance, median_variance
from vltflow.algorithms.quality import Quality

TILE = 64
"""Pixels sorted side by side: the processor compares many of them in one instruction."""

_SATURATED = int(Quality.SATURATED)
_REJECTED = int(Quality.REJECTED)
_NO_DATA = int(Quality.NO_DATA)


@dataclass(frozen=True, slots=True)
class StackRule:
    """How the values of one pixel become one."""

    mean: bool
    """Clipped mean; otherwise the median."""
    low: float
    """Values this many sigma below the centre are rejected (mean) or only flagged (median)."""
    high: float
    iterations: int
    """Rounds of clipping at most."""
    trimmed: int
    """Lowest and highest values left out before clipping (mean only)."""
    read_noise: float
    """Read noise of one frame, ADU."""
    conad: float
    """Electrons per ADU; infinity where signal brings no photon noise (bias)."""
    saturation: float
    """Values from here on are left out, raw ADU."""


def combine_block(
    frames: np.ndarray,
    rule: StackRule,
    *,
    offsets: np.ndarray,
    scales: np.ndarray,
    background: np.ndarray | None = None,
    background_variance: np.ndarray | None = None,
    out: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    """Combine a block of rows of all frames; write value, variance and quality to `out`.

    Each value is (raw - offset - background) * scale. The noise of one value is known from
    read noise and photon noise, so outliers stand out even among three frames; the variance
    of the result is that noise times the exact factor of the estimator, plus the variance
    of the background that all frames share.

    Parameters
    ----------
    frames
        (frames, rows, columns), uint16 or float32; values that are not finite are left out.
    rule
        Estimator, limits and noise model.
    offsets, scales
        One value a frame, ADU and dimensionless.
    background, background_variance
        (rows, columns) float32, subtracted from every frame: master bias, scaled dark. They may
        be the arrays of `out`: each pixel is read before it is written.
    out
        Data (float32), variance (float32) and quality (uint8), each (rows, columns); any
        strides. Quality bits are or-ed to what is there.
    """
    nothing = np.zeros((0, 0), np.float32)
    _combine(
        frames,
        nothing if background is None else background,
        nothing if background_variance is None else background_variance,
        np.asarray(offsets, np.float32),
        np.asarray(scales, np.float32),
        (rule.mean, rule.trimmed, rule.iterations),
        (
            np.float32(rule.low),
            np.float32(rule.high),
            np.float32(rule.read_noise**2),
            np.float32(1 / rule.conad),
            np.float32(rule.saturation),
        ),
        _sorting_network(len(frames)),
        _variance_factors(len(frames), mean=rule.mean, trimmed=rule.trimmed),
        *out,
    )


@lru_cache(maxsize=64)
def _sorting_network(count: int) -> np.ndarray:
    """Compare-exchange pairs that sort `count` values: Batcher's merge exchange.

    Knuth, The Art of Computer Programming 3, 2nd ed., algorithm 5.2.2M.
    """
    pairs: list[tuple[int, int]] = []
    top = 1 << max(0, (count - 1).bit_length() - 1)
    p = top
    while p > 0:
        q, r, d = top, 0, p
        while True:
            pairs += [(i, i + d) for i in range(count - d) if (i & p) == r]
            if q == p:
                break
            d, q, r = q - p, q >> 1, p
        p >>= 1
    return np.array(pairs, np.int64).reshape(-1, 2)


@lru_cache(maxsize=64)
def _variance_factors(count: int, *, mean: bool, trimmed: int) -> np.ndarray:
    """Variance of the estimator by number of valid values, in units of one value's variance.

    For a mean it is multiplied with the number of values that trimming leaves, so that the
    kernel divides by the number that clipping leaves.
    """
    factors = np.full(count + 1, np.nan, np.float32)
    for valid in range(1, count + 1):
        cut = _trim(valid, trimmed)
        factors[valid] = (
            mean_variance(valid, cut) * (valid - 2 * cut) if mean else median_variance(valid)
        )
    return factors


def _trim(valid: int, trimmed: int) -> int:
    return min(trimmed, (valid - 1) // 2)


@compiled
def _combine(
    frames: np.ndarray,
    background: np.ndarray,
    background_variance: np.ndarray,
    offsets: np.ndarray,
    scales: np.ndarray,
    method: tuple[bool, int, int],
    limits: tuple[np.float32, ...],
    network: np.ndarray,
    factors: np.ndarray,
    data: np.ndarray,
    variance: np.ndarray,
    quality: np.ndarray,
) -> None:
    count, rows, columns = frames.shape
    mean, trimmed, iterations = method
    low, high, read_variance, photon, saturation = limits
    tile = np.empty((count, TILE), np.float32)
    keys = tile.view(np.int32)
    nought = np.zeros(TILE, np.float32)
    values = np.zeros((rows, TILE), np.float32)
    variances = np.zeros((rows, TILE), np.float32)
    lost = np.empty(TILE, np.int32)
    full = np.empty(TILE, np.int32)
    value = np.empty(TILE, np.float32)
    used = np.ones(TILE, np.int32)
    outlying = np.zeros(TILE, np.int32)
    scale = np.float32(scales.mean())
    noise = (read_variance, photon, scale, np.float32((scales * scales).mean()))
    for left in range(0, columns, TILE):
        width = min(TILE, columns - left)
        inside = slice(left, left + width)
        if background.size > 0:
            _copy(background[:, inside], values)
        if background_variance.size > 0:
            _copy(background_variance[:, inside], variances)
        elif left > 0:
            variances[:] = 0
        for row in range(rows):
            plane = values[row] if background.size > 0 else nought
            _load(frames, row, left, (plane, offsets, scales), saturation, tile, lost, full)
            _sort(keys, network)
            if mean:
                _clipped_means(tile, lost, noise, (low, high), (trimmed, iterations),
                               value, used, outlying)  # fmt: skip
            else:
                _medians(tile, lost, noise, (low, high), value, outlying)
            _estimate(value, lost, used, noise, factors, values[row], variances[row])
            _flag(lost, full, outlying, count, quality[row, inside])
        _copy(values[:, :width], data[:, inside])
        _copy(variances[:, :width], variance[:, inside])


@compiled
def _copy(source: np.ndarray, target: np.ndarray) -> None:
    """Copy a tile to or from an image that may be turned: along its memory, not across.

    The columns of a turned image lie a multiple of 4096 bytes apart where its side is a power of
    two: going along them, each would push the others out of the cache.
    """
    rows, columns = source.shape[0], min(source.shape[1], target.shape[1])
    turned = abs(source.strides[0]) < abs(source.strides[1]) or (
        abs(target.strides[0]) < abs(target.strides[1])
    )
    if turned:
        for column in range(columns):
            for row in range(rows):
                target[row, column] = source[row, column]
    else:
        for row in range(rows):
            for column in range(columns):
                target[row, column] = source[row, column]


@compiled
def _estimate(
    value: np.ndarray,
    lost: np.ndarray,
    used: np.ndarray,
    noise: tuple[np.float32, ...],
    factors: np.ndarray,
    values: np.ndarray,
    variances: np.ndarray,
) -> None:
    """Values and variances of a row of a tile; `variances` holds those of the background."""
    read_variance, photon, scale, scale2 = noise
    count = len(factors) - 1
    for w in range(TILE):
        # Without any valid value the factor is NaN.
        factor = factors[count - lost[w]]
        signal = max(value[w] / scale, np.float32(0))
        own = (read_variance + signal * photon) * scale2 * factor / np.float32(used[w])
        variances[w] = own + variances[w] * scale * scale
        values[w] = value[w] if factor > 0 else np.float32(np.nan)


@compiled
def _flag(
    lost: np.ndarray, full: np.ndarray, outlying: np.ndarray, count: int, quality: np.ndarray
) -> None:
    some = 0
    for w in range(TILE):
        some |= lost[w] | full[w] | outlying[w]
    if some == 0:
        return
    for w in range(len(quality)):
        flags = 0
        if lost[w] == count:
            flags |= _NO_DATA
        elif outlying[w] > 0:
            flags |= _REJECTED
        if full[w] > 0:
            flags |= _SATURATED
        if flags != 0:
            quality[w] |= flags


@compiled
def _medians(
    tile: np.ndarray,
    lost: np.ndarray,
    noise: tuple[np.float32, ...],
    limits: tuple[np.float32, ...],
    value: np.ndarray,
    outlying: np.ndarray,
) -> None:
    """Medians of the columns of a sorted tile, and whether a value lies far from them."""
    read_variance, photon, scale, scale2 = noise
    low, high = limits
    count = tile.shape[0]
    first = tile[(count - 1) // 2]
    second = tile[count // 2]
    for w in range(TILE):
        value[w] = np.float32(0.5) * (first[w] + second[w])
    for w in range(TILE):
        if lost[w] > 0 and lost[w] < count:
            valid = count - lost[w]
            value[w] = np.float32(0.5) * (tile[(valid - 1) // 2, w] + tile[valid // 2, w])
    for w in range(TILE):
        signal = value[w] / scale
        sigma = np.sqrt((read_variance + max(signal, np.float32(0)) * photon) * scale2)
        highest = tile[max(count - lost[w] - 1, 0), w]
        below = tile[0, w] < value[w] - low * sigma
        outlying[w] = below or highest > value[w] + high * sigma


@compiled
def _clipped_means(
    tile: np.ndarray,
    lost: np.ndarray,
    noise: tuple[np.float32, ...],
    limits: tuple[np.float32, ...],
    rounds: tuple[int, int],
    value: np.ndarray,
    used: np.ndarray,
    outlying: np.ndarray,
) -> None:
    """Trimmed and clipped means of the columns of a sorted tile."""
    read_variance, photon, scale, scale2 = noise
    low, high = limits
    count = tile.shape[0]
    first = min(rounds[0], (count - 1) // 2)
    last = count - 1 - first
    # Nearly all pixels have all their values, none of which contradicts the others: those are
    # done side by side.
    value[:] = 0
    for f in range(first + 1, last + 1):
        for w in range(TILE):
            value[w] += tile[f, w] - tile[first, w]
    for w in range(TILE):
        value[w] = tile[first, w] + value[w] / np.float32(last - first + 1)
        used[w] = last - first + 1
        outlying[w] = 0
    for w in range(TILE):
        centre = np.float32(0.5) * (tile[(count - 1) // 2, w] + tile[count // 2, w])
        signal = max(centre / scale, np.float32(0))
        sigma = np.sqrt((read_variance + signal * photon) * scale2)
        below = tile[first, w] < centre - low * sigma
        above = tile[last, w] > centre + high * sigma
        if lost[w] > 0 or below or above:
            value[w], used[w], outlying[w] = _clipped_mean(
                tile, w, count - lost[w], noise, limits, rounds
            )


@compiled
def _clipped_mean(
    tile: np.ndarray,
    w: int,
    valid: int,
    noise: tuple[np.float32, ...],
    limits: tuple[np.float32, ...],
    rounds: tuple[int, int],
) -> tuple[np.float32, int, bool]:
    """Mean of one column, the number of values in it, and whether one was an outlier.

    The values are sorted, so what is kept is always one range of them.
    """
    if valid == 0:
        return np.float32(np.nan), 1, False
    read_variance, photon, scale, scale2 = noise
    low, high = limits
    start = min(rounds[0], (valid - 1) // 2)
    stop = valid - start
    centre = np.float32(0.5) * (tile[(valid - 1) // 2, w] + tile[valid // 2, w])
    signal = max(centre / scale, np.float32(0))
    sigma = np.sqrt((read_variance + signal * photon) * scale2)
    outlying = False
    for _ in range(rounds[1]):
        first = start
        last = stop
        while first < last and tile[first, w] < centre - low * sigma:
            first += 1
        while last > first and tile[last - 1, w] > centre + high * sigma:
            last -= 1
        if last - first == stop - start:
            break
        outlying = True
        if first == last:
            # All contradict each other: nothing tells which is right, so all stay.
            break
        start = first
        stop = last
        centre = _mean(tile, start, stop, w)
    return _mean(tile, start, stop, w), stop - start, outlying


@compiled
def _mean(
    tile: np.ndarray,
    start: int,
    stop: int,
    w: int,
) -> np.float32:
    # Summed from the first value: float32 keeps its digits whatever the level.
    base = tile[start, w]
    total = np.float32(0)
    for f in range(start + 1, stop):
        total += tile[f, w] - base
    return base + total / np.float32(stop - start)


@compiled
def _sort(
    keys: np.ndarray,
    network: np.ndarray,
) -> None:
    """Sort the columns of a tile of float32, given as int32.

    The bits of floats, the lower 31 flipped where the sign is set, order as integers do
    (IEEE 754), and compilers turn integer minima and maxima into vector instructions.
    """
    for f in range(keys.shape[0]):
        for w in range(TILE):
            keys[f, w] ^= (keys[f, w] >> 31) & 0x7FFFFFFF
    for pair in range(network.shape[0]):
        i = network[pair, 0]
        j = network[pair, 1]
        for w in range(TILE):
            a = keys[i, w]
            b = keys[j, w]
            keys[i, w] = min(a, b)
            keys[j, w] = max(a, b)
    for f in range(keys.shape[0]):
        for w in range(TILE):
            keys[f, w] ^= (keys[f, w] >> 31) & 0x7FFFFFFF


@compiled
def _load(
    frames: np.ndarray,
    row: int,
    left: int,
    correction: tuple[np.ndarray, np.ndarray, np.ndarray],
    saturation: np.float32,
    tile: np.ndarray,
    lost: np.ndarray,
    full: np.ndarray,
) -> None:
    """Fill a tile with corrected values; what is saturated or not finite goes to the end."""
    plane, offsets, scales = correction
    infinite = np.float32(np.inf)
    lost[:] = 0
    full[:] = 0
    for f in range(frames.shape[0]):
        line = frames[f, row, left : left + TILE]
        offset = offsets[f]
        scale = scales[f]
        for w in range(len(line)):
            raw = np.float32(line[w])
            value = (raw - offset - plane[w]) * scale
            over = raw >= saturation
            bad = over or not (abs(value) < infinite)
            tile[f, w] = infinite if bad else value
            full[w] += np.int32(over)
            lost[w] += np.int32(bad)
        for w in range(len(line), TILE):
            tile[f, w] = infinite
