"""Numbers of a flat and of its pixel response, without a copy of the images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vltflow.algorithms.blocks import over_blocks, shares
from vltflow.algorithms.compiled import compiled
from vltflow.algorithms.response import PixelResponse
from vltflow.algorithms.statistics import Histogram

_HALF = 1 << 16
"""Values of one half of a float's bits."""


@dataclass(frozen=True, slots=True)
class Illumination:
    """Light of a flat."""

    mean: float
    """Mean of all pixels that are known; NaN if none is."""
    share: float
    """Share of illuminated pixels."""
    level: float
    """Median of the illuminated pixels; NaN if there are none."""
    snr: float
    """Median of their signal to noise ratios; NaN if there are none."""


def illumination(
    flat: np.ndarray, variance: np.ndarray, *, minimum_snr: float, threads: int
) -> Illumination:
    """Give the light of a flat; pixels above a signal to noise ratio count as illuminated.

    The medians are exact (of an even number of values the lower of the two in the middle):
    positive floats order as their bits do (IEEE 754), so counts of the upper 16 bits, then of
    the lower 16 bits of those in the middle, find them in two passes over the image.

    Parameters
    ----------
    flat, variance
        (rows, columns) float32.
    minimum_snr
        Signal to noise ratio.
    threads
        Threads to use.
    """
    limit = np.float32(minimum_snr)
    # By row: sums over the shares of threads would depend on the number of threads.
    sums = np.zeros((len(flat), 2))

    def count(upper: np.ndarray) -> np.ndarray:
        def work(start: int, stop: int) -> np.ndarray:
            counts, rows = np.zeros((2, _HALF), np.uint32), slice(start, stop)
            _count_lit(flat[rows], variance[rows], limit, upper, counts, sums[rows])
            return counts

        parts = over_blocks(work, shares(len(flat), threads), threads=threads)
        return np.asarray(np.sum(parts, axis=0))

    counts = count(np.full(2, -1, np.int32))
    total, number = sums.sum(axis=0)
    mean = total / number if number else float("nan")
    lit = int(counts[0].sum())
    if not lit:
        return Illumination(mean, 0.0, float("nan"), float("nan"))
    wanted = (lit - 1) // 2
    upper, before = _places(counts, np.array([wanted, wanted]))
    lower, _ = _places(count(upper), wanted - before)
    level, ratio = ((upper << 16) | lower).astype(np.int32).view(np.float32)
    return Illumination(mean, lit / flat.size, float(level), float(ratio))


def _places(counts: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bin of each row of counts that holds the wanted value, and the values in bins before."""
    cumulated = np.cumsum(counts, axis=1)
    found = [
        np.searchsorted(row, rank, "right") for row, rank in zip(cumulated, wanted, strict=True)
    ]
    places = np.array(found, np.int32)
    rows = np.arange(len(counts))
    return places, cumulated[rows, places] - counts[rows, places]


@dataclass(frozen=True, slots=True)
class ResponseStatistics:
    """Numbers of the pixels whose response was measured."""

    share: float
    """Share of pixels that were measured."""
    rms: float
    """Rms of the response of pixels without flag, their noise taken out."""
    flagged: int
    """Dead and hot pixels, and those that had the flag before."""
    histogram: Histogram
    light: np.ndarray
    """Sum of the flat of each row, (rows,)."""


def flag_response(
    result: PixelResponse,
    quality: np.ndarray,
    *,
    limits: tuple[float, float],
    bits: tuple[int, int],
    threads: int,
) -> ResponseStatistics:
    """Flag pixels that are dead or hot by their response, and measure the others.

    Parameters
    ----------
    result
        Response of each pixel.
    quality
        (rows, columns) uint8, changed in place.
    limits
        Response below which a pixel is dead and above which it is hot.
    bits
        Values of the two flags.
    threads
        Threads to use.
    """
    light, sums = np.zeros(len(quality)), np.zeros((len(quality), 5))
    edges = np.float32(limits[0]), np.float32(limits[1])
    flags = np.uint8(bits[0]), np.uint8(bits[1])

    def work(start: int, stop: int) -> np.ndarray:
        counts = np.zeros(_SHOWN_BINS, np.int64)
        rows = slice(start, stop)
        _flag_and_sum(
            result.flat[rows], result.response[rows], result.variance[rows],
            result.quality[rows], quality[rows], edges, flags, sums[rows], counts, light[rows],
        )  # fmt: skip
        return counts

    parts = over_blocks(work, shares(len(quality), threads), threads=threads)
    number, flagged, total, squares, noise = sums.sum(axis=0)
    good = max(number - flagged, 1.0)
    spread = squares / good - (total / good) ** 2 - noise / good
    return ResponseStatistics(
        float(number / quality.size),
        float(np.sqrt(max(spread, 0.0))),
        int(flagged),
        Histogram(_SHOWN[0], _SHOWN_WIDTH, np.sum(parts, axis=0)),
        light,
    )


_SHOWN = (0.9, 1.1)
_SHOWN_BINS = 200
_SHOWN_WIDTH = (_SHOWN[1] - _SHOWN[0]) / _SHOWN_BINS


@compiled
def _count_lit(
    flat: np.ndarray,
    variance: np.ndarray,
    minimum_snr: np.float32,
    upper: np.ndarray,
    counts: np.ndarray,
    sums: np.ndarray,
) -> None:
    """Count the bits of value and signal to noise ratio: the upper half, or the lower of some."""
    rows, columns = flat.shape
    pair = np.empty(2, np.float32)
    keys = pair.view(np.int32)
    for row in range(rows):
        total = 0.0
        number = 0
        for x in range(columns):
            value = flat[row, x]
            if not np.isfinite(value):
                continue
            total += value
            number += 1
            ratio = value / np.sqrt(variance[row, x])
            if not ratio > minimum_snr:
                continue
            pair[0] = value
            pair[1] = ratio
            for place in range(2):
                high = keys[place] >> 16
                if upper[place] < 0:
                    counts[place, high] += 1
                elif upper[place] == high:
                    counts[place, keys[place] & (_HALF - 1)] += 1
        sums[row, 0] = total
        sums[row, 1] = number


@compiled
def _flag_and_sum(
    flat: np.ndarray,
    response: np.ndarray,
    variance: np.ndarray,
    unmeasured: np.ndarray,
    quality: np.ndarray,
    limits: tuple[np.float32, np.float32],
    bits: tuple[np.uint8, np.uint8],
    sums: np.ndarray,
    counts: np.ndarray,
    light: np.ndarray,
) -> None:
    rows, columns = response.shape
    either = bits[0] | bits[1]
    for row in range(rows):
        total = 0.0
        squares = 0.0
        noise = 0.0
        for x in range(columns):
            if unmeasured[row, x]:
                continue
            value = response[row, x]
            light[row] += flat[row, x]
            sums[row, 0] += 1
            place = (np.float64(value) - _SHOWN[0]) / _SHOWN_WIDTH
            if 0 <= place < _SHOWN_BINS:
                counts[np.int64(place)] += 1
            if value < limits[0]:
                quality[row, x] |= bits[0]
            if value > limits[1]:
                quality[row, x] |= bits[1]
            if quality[row, x] & either:
                sums[row, 1] += 1
            else:
                deviation = np.float64(value) - 1.0
                total += deviation
                squares += deviation * deviation
                noise += variance[row, x]
        sums[row, 2] = total
        sums[row, 3] = squares
        sums[row, 4] = noise
