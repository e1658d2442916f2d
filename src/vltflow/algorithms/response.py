"""The response of single pixels, from a flat field whose light varies smoothly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vltflow.algorithms.blocks import over_blocks
from vltflow.algorithms.compiled import compiled
from vltflow.algorithms.quality import Quality
from vltflow.algorithms.shadows import leave_out_shadows

OUTLIER = 0.25
"""Pixels that deviate by more than this from their neighbours do not shape the smooth light."""

CLEARINGS = 4
"""A shadow draws the light to itself: it is seen whole only when most of it was left out."""

AGREEMENT = 0.1
"""Two rows on each side that agree so well tell what the light of a deviating row should be."""

DEVIATING = 0.5
"""Part of the least signal to noise ratio from which pixels are measured that dust shades, or that
deviate as much: their response is worth more than its error there."""

STEEPEST = 0.04
"""Largest relative change of the smooth light from one row to the next: beyond lies an order
edge, where a slight tilt of the order makes the light along x anything but smooth."""

ROWS = 64
"""Rows of a block: what is between flat and response never exists for more of them."""

HALO = 3
"""Rows beyond a block whose light its own rows are compared with."""

SAMPLED_BLOCKS = 4
"""The scatter of the response, which is part of its errors, is measured on so many blocks."""

RESUMMED = 256
"""Columns after which running sums begin anew, so that their rounding errors stay small."""

_UNMEASURED = np.uint8(Quality.UNMEASURED)


@dataclass(frozen=True, slots=True)
class PixelResponse:
    """Relative response of each pixel."""

    flat: np.ndarray
    """The flat that it was measured on."""
    response: np.ndarray
    """float32; exactly 1 where it could not be measured."""
    variance: np.ndarray
    """float32; 0 where it could not be measured."""
    quality: np.ndarray
    """uint8; UNMEASURED where it could not be measured, otherwise 0."""

    @property
    def measured(self) -> np.ndarray:
        """Where it could be measured, bool."""
        return self.quality == 0

    @property
    def smooth(self) -> np.ndarray:
        """Blaze, lamp and slit: the flat without its pixels; NaN where not measured."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(self.measured, self.flat / self.response, np.float32(np.nan))


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
    second round leaves out what deviates strongly from the first, further ones what dust
    shades; under dust the window is twice as wide. A parabola follows the
    blaze; a window of 31 pixels leaves 7 % of a pixel's own deviation in it, which is
    corrected for. A detector column of low response that runs along the dispersion looks
    smooth by itself: where a row's light leaves that of the two rows on each side, theirs is
    taken.

    The variance holds the pixel's own noise, that of its neighbours in the parabola, and
    their own responses, whose scatter is measured on a sample of the rows.

    Parameters
    ----------
    flat, variance
        Bias-subtracted combined flat and its variance, any unit, (rows, columns) float32.
    half_width
        Pixels on each side.
    minimum_snr
        Signal to noise ratio of the flat from which a pixel is measured; `DEVIATING` of it is
        enough for one that the smooth light left out.
    threads
        Threads to use.

    Returns
    -------
    PixelResponse
    """
    task = _Task(
        PixelResponse(
            flat,
            np.empty(flat.shape, np.float32),
            np.empty(flat.shape, np.float32),
            np.empty(flat.shape, np.uint8),
        ),
        variance,
        half_width,
        np.float32(minimum_snr),
    )
    blocks = [(start, min(start + ROWS, len(flat))) for start in range(0, len(flat), ROWS)]
    sampled = blocks[:: max(1, len(blocks) // SAMPLED_BLOCKS)]
    parts = over_blocks(task.sample, sampled, threads=threads)
    scatter = _scatter(*(np.concatenate(values) for values in zip(*parts, strict=True)))
    over_blocks(lambda start, stop: task.measure(start, stop, scatter), blocks, threads=threads)
    return task.result


@dataclass(frozen=True, slots=True)
class _Task:
    """What is measured block by block."""

    result: PixelResponse
    flat_variance: np.ndarray
    half_width: int
    minimum_snr: np.float32

    def measure(self, start: int, stop: int, scatter: float) -> None:
        """Measure some rows; `scatter` is the variance of the response."""
        flat, variance = self.result.flat, self.flat_variance
        first, last = max(0, start - HALO), min(len(flat), stop + HALO)
        smooth = np.empty((last - first, flat.shape[1]), np.float32)
        leverage = np.empty_like(smooth)
        rows = slice(first, last)
        _fit_rows(flat[rows], variance[rows], self.half_width, self.minimum_snr, smooth, leverage)
        light = smooth.copy()
        _bridge(smooth, light, leverage)
        rows = slice(start, stop)
        _divide(
            flat[rows], variance[rows], light, leverage, start - first,
            (self.minimum_snr, np.float32(scatter)),
            self.result.response[rows], self.result.variance[rows], self.result.quality[rows],
        )  # fmt: skip

    def sample(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Deviations and their noise of the measured pixels of some rows."""
        self.measure(start, stop, 0.0)
        inside = self.result.quality[start:stop] == 0
        return self.result.response[start:stop][inside] - 1, self.result.variance[start:stop][
            inside
        ]


def _scatter(deviation: np.ndarray, noise: np.ndarray) -> float:
    """Variance of the response from pixel to pixel: what the noise does not explain."""
    if not deviation.size:
        return 0.0
    spread = 1.4826 * np.median(np.abs(deviation))
    return float(max(spread**2 - np.median(noise), 0.0))


@compiled
def _fit_rows(
    flat: np.ndarray,
    variance: np.ndarray,
    half_width: int,
    minimum_snr: np.float32,
    smooth: np.ndarray,
    leverage: np.ndarray,
) -> None:
    """Fit a parabola around each pixel; leave the value and the pixel's own weight in it.

    The weight is negative where the pixel itself was left out of the fit.
    """
    rows, columns = flat.shape
    lit = np.empty(columns, np.bool_)
    good = np.empty(columns, np.bool_)
    for row in range(rows):
        for x in range(columns):
            value = flat[row, x]
            # NaN fails the comparison.
            lit[x] = value > np.float32(DEVIATING) * minimum_snr * np.sqrt(variance[row, x])
        _select(flat[row], lit, good)
        _fit_row(flat[row], good, half_width, smooth[row], leverage[row])
        for x in range(columns):
            good[x] = lit[x] and abs(flat[row, x] / smooth[row, x] - np.float32(1)) < OUTLIER
        _fit_row(flat[row], good, half_width, smooth[row], leverage[row])
        _clear_shadows(flat[row], variance[row], lit, good, half_width, smooth[row], leverage[row])
        for x in range(columns):
            if not good[x]:
                leverage[row, x] = -leverage[row, x]


@compiled
def _clear_shadows(
    flat: np.ndarray,
    variance: np.ndarray,
    lit: np.ndarray,
    good: np.ndarray,
    half_width: int,
    smooth: np.ndarray,
    leverage: np.ndarray,
) -> None:
    """Fit a row without what dust shades; there the light comes from twice as far away."""
    if not leave_out_shadows(flat, variance, lit, smooth, good):
        return
    wide, weight = np.empty_like(smooth), np.empty_like(leverage)
    for _ in range(CLEARINGS):
        _fit_row(flat, good, 2 * half_width, wide, weight)
        if not leave_out_shadows(flat, variance, lit, wide, good):
            break
    _fit_row(flat, good, half_width, smooth, leverage)
    for x in range(len(flat)):
        if not good[x]:
            smooth[x], leverage[x] = wide[x], weight[x]


@compiled
def _select(
    flat: np.ndarray,
    lit: np.ndarray,
    good: np.ndarray,
) -> None:
    """Choose lit pixels that resemble the median of themselves and two neighbours a side."""
    columns = len(flat)
    for x in range(columns):
        good[x] = False
        if not lit[x]:
            continue
        # The median of five is that of the middle value and the inner two of the other four.
        a, b = _finite(flat[max(x - 2, 0)]), _finite(flat[max(x - 1, 0)])
        c, d = _finite(flat[min(x + 1, columns - 1)]), _finite(flat[min(x + 2, columns - 1)])
        low = max(min(a, b), min(c, d))
        high = min(max(a, b), max(c, d))
        middle = max(min(low, high), min(max(low, high), flat[x]))
        good[x] = abs(flat[x] - middle) < OUTLIER * middle


@compiled
def _finite(value: np.float32) -> np.float32:
    return value if np.isfinite(value) else np.float32(0)


@compiled
def _fit_row(
    flat: np.ndarray,
    good: np.ndarray,
    half_width: int,
    smooth: np.ndarray,
    leverage: np.ndarray,
) -> None:
    """Values and leverages of one row, from running sums over the window."""
    columns = len(flat)
    for left in range(0, columns, RESUMMED):
        sums: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        for x in range(max(0, left - half_width), min(columns, left + half_width)):
            if good[x]:
                sums = _added(sums, np.float64(x - left), np.float64(flat[x]), 1.0)
        for column in range(left, min(left + RESUMMED, columns)):
            new = column + half_width
            if new < columns and good[new]:
                sums = _added(sums, np.float64(half_width), np.float64(flat[new]), 1.0)
            if sums[0] >= half_width:
                smooth[column], leverage[column] = _parabola(sums, half_width)
            else:
                smooth[column] = np.nan
                leverage[column] = np.nan
            old = column - half_width
            if old >= 0 and good[old]:
                sums = _added(sums, np.float64(-half_width), np.float64(flat[old]), -1.0)
            sums = _shifted(sums)


@compiled
def _added(
    sums: tuple[float, ...], distance: float, value: float, sign: float
) -> tuple[float, ...]:
    """Sums of distance**k (k = 0 to 4) and of distance**k * value (k = 0 to 2) with one more."""
    s0, s1, s2, s3, s4, t0, t1, t2 = sums
    square = distance * distance
    return (
        s0 + sign, s1 + sign * distance, s2 + sign * square, s3 + sign * square * distance,
        s4 + sign * square * square,
        t0 + sign * value, t1 + sign * distance * value, t2 + sign * square * value,
    )  # fmt: skip


@compiled
def _shifted(sums: tuple[float, ...]) -> tuple[float, ...]:
    """The same sums with all distances less by one: seen from the next pixel."""
    s0, s1, s2, s3, s4, t0, t1, t2 = sums
    return (
        s0, s1 - s0, s2 - 2 * s1 + s0, s3 - 3 * s2 + 3 * s1 - s0,
        s4 - 4 * s3 + 6 * s2 - 4 * s1 + s0, t0, t1 - t0, t2 - 2 * t1 + t0,
    )  # fmt: skip


@compiled
def _parabola(sums: tuple[float, ...], half_width: int) -> tuple[float, float]:
    """Value at distance 0 of the parabola with these sums, and the weight of a pixel there."""
    s0, s1, s2, s3, s4, t0, t1, t2 = sums
    # First row of the adjugate of [[s0 s1 s2] [s1 s2 s3] [s2 s3 s4]].
    c0 = s2 * s4 - s3 * s3
    c1 = s2 * s3 - s1 * s4
    c2 = s1 * s3 - s2 * s2
    determinant = s0 * c0 + s1 * c1 + s2 * c2
    # In units of the half width it is a pure number: too small where the pixels lie together.
    if determinant < 1e-6 * s0 * s0 * s0 * np.float64(half_width) ** 6:
        return np.nan, np.nan
    return (c0 * t0 + c1 * t1 + c2 * t2) / determinant, c0 / determinant


@compiled
def _bridge(smooth: np.ndarray, light: np.ndarray, leverage: np.ndarray) -> None:
    """Give deviating rows the light that their neighbours agree upon, and no say in it."""
    rows, columns = smooth.shape
    for row in range(2, rows - 2):
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
                leverage[row, column] = 0


@compiled
def _divide(
    flat: np.ndarray,
    variance: np.ndarray,
    light: np.ndarray,
    leverage: np.ndarray,
    first: int,
    constants: tuple[np.float32, np.float32],
    response: np.ndarray,
    noise: np.ndarray,
    quality: np.ndarray,
) -> None:
    """Response of the rows of `flat`, whose light begins at row `first` of `light`."""
    rows, columns = flat.shape
    minimum_snr, scatter = constants
    one = np.float32(1)
    for row in range(rows):
        middle = first + row
        above = max(middle - 1, 0)
        below = min(middle + 1, len(light) - 1)
        for x in range(columns):
            smooth = light[middle, x]
            if not smooth > 0:  # most pixels lie between the orders
                quality[row, x] = _UNMEASURED
                response[row, x] = one
                noise[row, x] = 0
                continue
            # A fitted pixel pulls the parabola towards itself by its leverage h: its residual
            # is (1 - h) of its true deviation. Pixels left out of the fit pull nothing.
            h = leverage[middle, x]
            own = max(h, np.float32(0))
            least = minimum_snr if h >= 0 else np.float32(DEVIATING) * minimum_snr
            h = abs(h)
            deviation = (flat[row, x] / smooth - one) / (one - own)
            steep = max(_change(smooth, light[above, x]), _change(smooth, light[below, x]))
            # NaN fails the comparisons.
            known = (
                np.isfinite(deviation)
                and own < np.float32(0.5)
                and smooth > least * np.sqrt(variance[row, x])
                and steep < STEEPEST
            )
            quality[row, x] = 0 if known else _UNMEASURED
            response[row, x] = one + deviation if known else one
            # Its own noise and that of its neighbours in the parabola, h of one pixel's
            # variance; and their own responses: h of one pixel's scatter.
            own_noise = variance[row, x] / (smooth * smooth) * (one + h)
            noise[row, x] = own_noise + h * scatter if known else np.float32(0)


@compiled
def _change(first: np.float32, second: np.float32) -> np.float32:
    """Relative change of the light from one row to the next; infinite where it is not known."""
    change = abs(first - second) / min(first, second)
    return change if change >= 0 else np.float32(np.inf)
