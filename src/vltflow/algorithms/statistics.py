"""Numbers of an image that come from its profiles and its histogram."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vltflow.algorithms.blocks import over_blocks
from vltflow.algorithms.compiled import compiled

BINS = 8192
_SUMMED = 64
"""Rows that are summed together."""
DIFFERENCE_BINS = BINS
"""Bins of a histogram of differences: 4096 ADU to each side of zero at a width of 1 ADU."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts in bins of equal width; what falls outside is counted apart."""

    start: float
    """Lower edge of the first bin."""
    width: float
    counts: np.ndarray
    outside: int = 0
    """Values below the first or above the last bin."""

    @property
    def edges(self) -> np.ndarray:
        """Bin edges, one more than counts."""
        return self.start + self.width * np.arange(len(self.counts) + 1)

    @property
    def centres(self) -> np.ndarray:
        """Middle of each bin."""
        return self.start + self.width * (np.arange(len(self.counts)) + 0.5)

    @property
    def total(self) -> int:
        """Values inside."""
        return int(self.counts.sum())

    def quantile(self, share: float) -> float:
        """Value below which a share of the values inside lies, interpolated within a bin."""
        cumulated = np.cumsum(self.counts)
        target = share * cumulated[-1]
        place = int(np.searchsorted(cumulated, target))
        inside = (target - (cumulated[place] - self.counts[place])) / max(1, self.counts[place])
        return float(self.start + self.width * (place + inside))

    def moments(self, low: float, high: float) -> tuple[float, float, int]:
        """Mean, standard deviation and number of the values whose bins lie in [low, high]."""
        centres = self.centres
        chosen = (centres >= low) & (centres <= high)
        counts, values = self.counts[chosen], centres[chosen]
        number = int(counts.sum())
        if number == 0:
            return float("nan"), float("nan"), 0
        mean = float(counts @ values / number)
        return mean, float(np.sqrt(counts @ (values - mean) ** 2 / number)), number


@dataclass(frozen=True, slots=True)
class ImageSummary:
    """Profiles and histogram of an image, from one pass over it."""

    x_profile: np.ndarray
    """Mean of each column: the structure along x."""
    y_profile: np.ndarray
    """Mean of each row: the structure along y."""
    mean: float
    histogram: Histogram


def clipped_mean(
    histogram: Histogram, *, kappa: float = 5.0, iterations: int = 20
) -> tuple[float, float, int]:
    """Give mean, standard deviation and number of values within kappa sigma of the mean.

    Starts from the median and half the distance of the 16 % and 84 % quantiles, so a tail
    of bad pixels does not decide what is clipped.

    Returns
    -------
    (mean, sigma, number)
        NaN, NaN, 0 for an empty histogram.
    """
    if histogram.total == 0:
        return float("nan"), float("nan"), 0
    mean = histogram.quantile(0.5)
    sigma = (histogram.quantile(0.8413) - histogram.quantile(0.1587)) / 2
    number = -1
    for _ in range(iterations):
        reach = kappa * max(sigma, histogram.width)
        new_mean, new_sigma, new_number = histogram.moments(mean - reach, mean + reach)
        if new_number in (0, number):
            break
        mean, sigma, number = new_mean, new_sigma, new_number
    return mean, sigma, max(number, 0)


def difference_histogram(first: np.ndarray, second: np.ndarray, *, width: float) -> np.ndarray:
    """Count first - second in `BINS` bins of a width, the middle of bin BINS/2 being zero.

    Parameters
    ----------
    first, second
        Images of one shape, uint16 or float32.
    width
        1 for whole ADU: the histogram then holds the differences without loss.

    Returns
    -------
    numpy.ndarray
        (BINS + 1,) int64; the last element counts what fell outside.
    """
    counts = np.zeros(BINS + 1, np.int64)
    _count_differences(first, second, np.float32(1 / width), counts)
    return counts


def summarise(image: np.ndarray, *, centre: float, reach: float, threads: int) -> ImageSummary:
    """Give the profiles and the histogram of an image; values not finite are left out.

    Parameters
    ----------
    image
        (rows, columns) float32.
    centre, reach
        The histogram covers centre - reach to centre + reach.
    threads
        Threads to use.
    """
    rows, columns = image.shape
    width = 2 * reach / BINS
    y_sums = np.zeros((2, rows))

    def measure(start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        x_sums = np.zeros((2, columns))
        counts = np.zeros(BINS + 1, np.int64)
        _summarise(
            image[start:stop], centre - reach, 1 / width, x_sums, y_sums[:, start:stop], counts
        )
        return x_sums, counts

    # The same blocks for any number of threads: sums are then the same to the bit.
    blocks = [(start, min(start + _SUMMED, rows)) for start in range(0, rows, _SUMMED)]
    parts = over_blocks(measure, blocks, threads=threads)
    x_sums = np.sum([part[0] for part in parts], axis=0)
    counts = np.sum([part[1] for part in parts], axis=0)
    return ImageSummary(
        _ratio(x_sums),
        _ratio(y_sums),
        float(x_sums[0].sum() / max(1.0, x_sums[1].sum())),
        Histogram(centre - reach, width, counts[:-1], int(counts[-1])),
    )


def structure(profile: np.ndarray, *, cut: float = 2.0) -> float:
    """Give the standard deviation of a profile's values within `cut` of its mean.

    This is what ESO's UVES pipeline 6.1.8 writes as QC OUTn STRUCTX and STRUCTY (cut 2 ADU):
    established by running it on frames with known structure.

    Returns
    -------
    float
        Sample standard deviation; -1 (as ESO's) when fewer than two values are left.
    """
    good = profile[np.isfinite(profile)]
    if good.size:
        good = good[np.abs(good - good.mean()) < cut]
    return float(good.std(ddof=1)) if good.size > 1 else -1.0


def downsample(image: np.ndarray, *, largest: int = 512) -> np.ndarray:
    """Give the image averaged over squares of pixels so that no side exceeds `largest`.

    Rows and columns that fill no square are left out; NaN where a square has no value.
    """
    step = max(1, -(-max(image.shape) // largest))
    rows, columns = image.shape[0] // step, image.shape[1] // step
    result = np.empty((rows, columns), np.float32)
    _downsample(image, step, result)
    return result


def sum_below(image: np.ndarray, limit: float) -> tuple[float, int, int]:
    """Give the sum and number of finite values below a limit, and how many reach it."""
    return _sum_below(image, np.float32(limit))


def flag_deviating(
    image: np.ndarray,
    profiles: tuple[np.ndarray, np.ndarray],
    limits: tuple[float, float],
    *,
    quality: np.ndarray,
    bit: int,
) -> int:
    """Set a quality bit where image - x_profile - y_profile leaves (low, high); count them.

    Parameters
    ----------
    image, quality
        (rows, columns); quality is changed in place.
    profiles
        Expected structure along x (one value a column) and along y (one value a row).
    limits
        Lowest and highest acceptable difference.
    bit
        Value of the bit.
    """
    x_profile, y_profile = (np.ascontiguousarray(p, np.float32) for p in profiles)
    low, high = limits
    return int(_flag(image, x_profile, y_profile, np.float32(low), np.float32(high), quality, bit))


def _ratio(sums: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return sums[0] / np.where(sums[1] > 0, sums[1], np.nan)


@compiled
def _count_differences(
    first: np.ndarray,
    second: np.ndarray,
    scale: np.float32,
    counts: np.ndarray,
) -> None:
    rows, columns = first.shape
    half = BINS // 2
    for row in range(rows):
        for column in range(columns):
            step = (np.float32(first[row, column]) - np.float32(second[row, column])) * scale
            if abs(step) < half - 1:
                counts[np.int64(np.floor(step + np.float32(0.5))) + half] += 1
            else:
                counts[BINS] += 1


@compiled
def _summarise(
    image: np.ndarray,
    low: float,
    scale: float,
    x_sums: np.ndarray,
    y_sums: np.ndarray,
    counts: np.ndarray,
) -> None:
    rows, columns = image.shape
    for row in range(rows):
        total = 0.0
        number = 0
        for column in range(columns):
            value = np.float64(image[row, column])
            if np.isfinite(value):
                total += value
                number += 1
                x_sums[0, column] += value
                x_sums[1, column] += 1
                place = (value - low) * scale
                if 0 <= place < BINS:
                    counts[np.int64(place)] += 1
                else:
                    counts[BINS] += 1
        y_sums[0, row] = total
        y_sums[1, row] = number


@compiled
def _downsample(
    image: np.ndarray,
    step: int,
    result: np.ndarray,
) -> None:
    rows, columns = result.shape
    for row in range(rows):
        for column in range(columns):
            total = 0.0
            number = 0
            for y in range(row * step, (row + 1) * step):
                for x in range(column * step, (column + 1) * step):
                    value = image[y, x]
                    if np.isfinite(value):
                        total += value
                        number += 1
            result[row, column] = total / number if number > 0 else np.nan


@compiled
def _sum_below(
    image: np.ndarray,
    limit: np.float32,
) -> tuple[float, int, int]:
    rows, columns = image.shape
    total = np.float64(0)
    number = 0
    above = 0
    for row in range(rows):
        for column in range(columns):
            value = np.float32(image[row, column])
            if value >= limit:
                above += 1
            elif np.isfinite(value):
                total += value
                number += 1
    return float(total), number, above


@compiled
def _flag(
    image: np.ndarray,
    x_profile: np.ndarray,
    y_profile: np.ndarray,
    low: np.float32,
    high: np.float32,
    quality: np.ndarray,
    bit: int,
) -> int:
    rows, columns = image.shape
    number = 0
    for row in range(rows):
        for column in range(columns):
            difference = image[row, column] - x_profile[column] - y_profile[row]
            if difference < low or difference > high:
                quality[row, column] |= bit
                number += 1
    return number
