"""The response of single pixels, from a flat field whose light varies smoothly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vltflow.algorithms.blocks import over_blocks, row_blocks
from vltflow.algorithms.compiled import compiled

if TYPE_CHECKING:
    from collections.abc import Callable

OUTLIER = 0.25
"""Pixels that deviate by more than this from their neighbours do not shape the smooth light."""

AGREEMENT = 0.1
"""Two rows on each side that agree so well tell what the light of a deviating row should be."""

STEEPEST = 0.04
"""Largest relative change of the smooth light from one row to the next: beyond lies an order
edge, where a slight tilt of the order makes the light along x anything but smooth."""


@dataclass(frozen=True, slots=True)
class PixelResponse:
    """Relative response of each pixel and the light that was divided out."""

    response: np.ndarray
    """float32; exactly 1 where it could not be measured."""
    variance: np.ndarray
    """float32; 0 where it could not be measured."""
    smooth: np.ndarray
    """Blaze, lamp and slit: the flat without its pixels, float32; NaN where not measured."""
    measured: np.ndarray
    """bool."""


def pixel_response(
    flat: np.ndarray,
    variance: np.ndarray,
    *,
    half_width: int,
    minimum_snr: float,
    threads: int,
) -> PixelResponse:
    """Divide a flat by its local smooth light along the rows (dispersion direction).

    The smooth light at a pixel is the parabola fitted to the illuminated pixels within
    `half_width` along its row (Savitzky & Golay 1964, Anal. Chem. 36, 1627, with gaps). A
    second round leaves out what deviates strongly from the first. A parabola follows the
    blaze; a window of 31 pixels leaves 7 % of a pixel's own deviation in it, which is
    corrected for. A detector column of low response that runs along the dispersion looks
    smooth by itself: where a row's light leaves that of the two rows on each side, theirs is
    taken.

    Parameters
    ----------
    flat, variance
        Bias-subtracted combined flat and its variance, any unit, (rows, columns).
    half_width
        Pixels on each side.
    minimum_snr
        Signal to noise ratio of the flat from which a pixel is measured.
    threads
        Threads to use.

    Returns
    -------
    PixelResponse
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        lit = np.isfinite(flat) & (flat > minimum_snr * np.sqrt(variance))
    good = np.zeros_like(lit)
    _in_blocks(_select, threads, (flat, lit, good))
    smooth = np.empty(flat.shape, np.float32)
    leverage = np.empty(flat.shape, np.float32)
    own = _parabola_weights(half_width)
    _in_blocks(_fit_rows, threads, (flat, good, smooth, leverage), own)
    with np.errstate(invalid="ignore", divide="ignore"):
        good = lit & (np.abs(flat / smooth - 1) < OUTLIER)
    _in_blocks(_fit_rows, threads, (flat, good, smooth, leverage), own)
    smooth, leverage = _bridge_rows(smooth, leverage, threads)
    return _divide(flat, variance, (smooth, leverage, good), minimum_snr)


def _divide(
    flat: np.ndarray,
    variance: np.ndarray,
    fit: tuple[np.ndarray, np.ndarray, np.ndarray],
    minimum_snr: float,
) -> PixelResponse:
    smooth, leverage, good = fit
    with np.errstate(invalid="ignore", divide="ignore"):
        # A fitted pixel pulls the parabola towards itself by its leverage h: its residual
        # is (1 - h) of its true deviation. Pixels left out of the fit pull nothing.
        own = np.where(good, leverage, 0)
        deviation = (flat / smooth - 1) / (1 - own)
        # Its own noise, and that of the neighbours in the parabola: h of one pixel's variance.
        noise = variance / smooth**2 * (1 + leverage)
        measured = (
            np.isfinite(deviation)
            & (own < 0.5)
            & (smooth > minimum_snr * np.sqrt(variance))
            & (_steepness(smooth) < STEEPEST)
        )
    # The neighbours' own responses stand in the parabola too: h of one pixel's scatter.
    noise = noise + leverage * _scatter(deviation[measured], noise[measured])
    return PixelResponse(
        np.where(measured, 1 + deviation, 1).astype(np.float32),
        np.where(measured, noise, 0).astype(np.float32),
        np.where(measured, smooth, np.nan).astype(np.float32),
        measured,
    )


def _scatter(deviation: np.ndarray, noise: np.ndarray) -> float:
    """Variance of the response from pixel to pixel: what the noise does not explain."""
    if not deviation.size:
        return 0.0
    spread = 1.4826 * np.median(np.abs(deviation))
    return float(max(spread**2 - np.median(noise), 0.0))


def _parabola_weights(half_width: int) -> np.ndarray:
    """Weights of a full window in the fitted value at its middle (Savitzky & Golay)."""
    u = np.arange(-half_width, half_width + 1) / half_width
    design = np.stack([np.ones_like(u), u, u**2], axis=1)
    return np.linalg.pinv(design)[0]


def _steepness(smooth: np.ndarray) -> np.ndarray:
    """Largest relative change of the smooth light to the rows above and below."""
    change = np.abs(np.diff(smooth, axis=0)) / np.minimum(smooth[1:], smooth[:-1])
    change = np.where(np.isfinite(change), change, np.inf)
    result = np.zeros_like(smooth)
    result[:-1] = change
    result[1:] = np.maximum(result[1:], change)
    return result


def _bridge_rows(
    smooth: np.ndarray, leverage: np.ndarray, threads: int
) -> tuple[np.ndarray, np.ndarray]:
    """Replace the smooth light of deviating rows by that of their neighbours."""
    light, weight = smooth.copy(), leverage.copy()
    over_blocks(
        lambda start, stop: _bridge(smooth, light, weight, start, stop),
        row_blocks(len(smooth), 1, budget=1 << 30, threads=threads),
        threads=threads,
    )
    return light, weight


def _in_blocks(
    kernel: Callable[..., None],
    threads: int,
    arrays: tuple[np.ndarray, ...],
    *constants: np.ndarray,
) -> None:
    over_blocks(
        lambda start, stop: kernel(*(array[start:stop] for array in arrays), *constants),
        row_blocks(len(arrays[0]), 1, budget=1 << 30, threads=threads),
        threads=threads,
    )


@compiled
def _select(
    flat: np.ndarray,
    lit: np.ndarray,
    good: np.ndarray,
) -> None:
    """Choose lit pixels that resemble the median of themselves and two neighbours a side."""
    rows, columns = flat.shape
    window = np.empty(5, np.float32)
    for row in range(rows):
        for column in range(columns):
            if not lit[row, column]:
                good[row, column] = False
                continue
            for place in range(5):
                x = min(max(column + place - 2, 0), columns - 1)
                value = flat[row, x]
                window[place] = value if np.isfinite(value) else np.float32(0)
            middle = np.sort(window)[2]
            good[row, column] = abs(flat[row, column] - middle) < OUTLIER * middle


@compiled
def _fit_rows(
    flat: np.ndarray,
    good: np.ndarray,
    smooth: np.ndarray,
    leverage: np.ndarray,
    weights: np.ndarray,
) -> None:
    """Fit a parabola around each pixel; leave the value and the pixel's own weight in it."""
    rows, columns = flat.shape
    half_width = len(weights) // 2
    for row in range(rows):
        inside = 0
        for column in range(min(half_width, columns)):
            inside += good[row, column]
        for column in range(columns):
            if column + half_width < columns:
                inside += good[row, column + half_width]
            if column > half_width:
                inside -= good[row, column - half_width - 1]
            if inside == len(weights):
                total = 0.0
                for place in range(len(weights)):
                    total += weights[place] * flat[row, column - half_width + place]
                smooth[row, column] = total
                leverage[row, column] = weights[half_width]
            elif inside >= half_width:
                value, own = _fit_with_gaps(flat[row], good[row], column, half_width)
                smooth[row, column] = value
                leverage[row, column] = own
            else:
                smooth[row, column] = np.nan
                leverage[row, column] = np.nan


@compiled
def _fit_with_gaps(
    flat: np.ndarray,
    good: np.ndarray,
    column: int,
    half_width: int,
) -> tuple[float, float]:
    """Value at `column` of the parabola through the good pixels around it, and its weight."""
    s0 = s1 = s2 = s3 = s4 = 0.0
    t0 = t1 = t2 = 0.0
    for x in range(max(0, column - half_width), min(len(flat) - 1, column + half_width) + 1):
        if good[x]:
            # In units of the half width the normal equations stay well conditioned.
            u = (x - column) / half_width
            v = np.float64(flat[x])
            s0 += 1.0
            s1 += u
            s2 += u * u
            s3 += u * u * u
            s4 += u * u * u * u
            t0 += v
            t1 += v * u
            t2 += v * u * u
    # First row of the adjugate of [[s0 s1 s2] [s1 s2 s3] [s2 s3 s4]]: the value at u = 0.
    c0 = s2 * s4 - s3 * s3
    c1 = s2 * s3 - s1 * s4
    c2 = s1 * s3 - s2 * s2
    determinant = s0 * c0 + s1 * c1 + s2 * c2
    if determinant < 1e-6 * s0 * s0 * s0:
        return np.nan, np.nan
    return (c0 * t0 + c1 * t1 + c2 * t2) / determinant, c0 / determinant


@compiled
def _bridge(
    smooth: np.ndarray, light: np.ndarray, weight: np.ndarray, start: int, stop: int
) -> None:
    rows, columns = smooth.shape
    for row in range(max(2, start), min(rows - 2, stop)):
        for column in range(columns):
            a = smooth[row - 2, column]
            b = smooth[row - 1, column]
            c = smooth[row + 1, column]
            d = smooth[row + 2, column]
            mean = (a + b + c + d) / np.float32(4)
            spread = max(a, b, c, d) - min(a, b, c, d)
            # NaN fails both comparisons: dark rows have no say and are not replaced.
            agreed = spread < AGREEMENT * mean
            if agreed and abs(smooth[row, column] - mean) > OUTLIER * mean:
                light[row, column] = mean
                weight[row, column] = 0
