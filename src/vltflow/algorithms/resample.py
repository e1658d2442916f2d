"""Spectra on new wavelength bins: flux conserved, covariance known exactly.

Each new bin is a weighted sum of old pixels. The weights integrate, over the part of a pixel
that falls into the bin, the parabola that has the right integrals over the pixel and its two
neighbours (the reconstruction of Colella & Woodward 1984, J. Comput. Phys. 54, 174, without
its limiter: it stays linear, so that errors propagate exactly). Beside a pixel without value
the parabola becomes the pixel's mean, as in Fruchter & Hook 2002, PASP 114, 144.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vltflow.algorithms.compiled import compiled

_ALMOST = 1e-9
"""Share of a pixel below which an overlap is rounding."""


@dataclass(frozen=True)
class Grid:
    """Contiguous wavelength bins, ascending."""

    edges: np.ndarray
    """Limits of the bins, Angstrom, (bins + 1,)."""

    @property
    def centres(self) -> np.ndarray:
        """Middle of each bin, Angstrom, (bins,)."""
        return 0.5 * (self.edges[1:] + self.edges[:-1])

    @property
    def widths(self) -> np.ndarray:
        """Width of each bin, Angstrom, (bins,)."""
        return np.diff(self.edges)


def linear_grid(low: float, high: float, step: float) -> Grid:
    """Bins of equal width whose centres are whole multiples of it: grids of one step coincide.

    Parameters
    ----------
    low, high
        Wavelengths to be covered, Angstrom.
    step
        Width of the bins, Angstrom.

    Raises
    ------
    ValueError
        If the step is not positive or the range is empty.
    """
    _check_range(low, high, step)
    return Grid((np.arange(round(low / step), round(high / step) + 2) - 0.5) * step)


def logarithmic_grid(low: float, high: float, step: float) -> Grid:
    """Bins of equal width in velocity, on whole multiples of it; see `linear_grid`.

    Parameters
    ----------
    step
        Width of the bins over their wavelength.
    """
    _check_range(low, high, step)
    first, last = round(np.log(low) / step), round(np.log(high) / step)
    return Grid(np.exp((np.arange(first, last + 2) - 0.5) * step))


def _check_range(low: float, high: float, step: float) -> None:
    if not (step > 0 and 0 < low < high < np.inf):
        raise ValueError(f"no bins of {step} from {low} to {high}")


def pixel_edges(centres: np.ndarray) -> np.ndarray:
    """Limits of pixels midway between their centres, (n + 1,); exact to 1e-5 of an echelle's pixel.

    Parameters
    ----------
    centres
        Wavelengths, strictly rising or falling, (n,), two at least.

    Raises
    ------
    ValueError
        If they do neither.
    """
    steps = np.diff(centres)
    if len(steps) < 1 or not (np.all(steps > 0) or np.all(steps < 0)):
        raise ValueError("wavelengths neither rise nor fall all along")
    inner = 0.5 * (centres[1:] + centres[:-1])
    first = centres[0] - 0.5 * steps[0]
    last = centres[-1] + 0.5 * steps[-1]
    return np.concatenate([[first], inner, [last]])


@dataclass(frozen=True)
class Resampling:
    """The linear map from pixels to bins: row j has its weights from pixel `first[j]` on."""

    first: np.ndarray
    """(bins,), int64."""
    weights: np.ndarray
    """(bins, reach); a pixel's weights over all bins add up to 1 inside the grid."""
    pixels: int
    missing: np.ndarray
    """Share of each bin that pixels without value or nothing at all cover, (bins,)."""

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Weighted sums of the pixels' values, (bins,); values that count must be finite."""
        return _weighted(self.first, self.weights, values, np.ones(len(self.first)))

    def covariance(self, variance: np.ndarray, scale: np.ndarray, lags: int) -> np.ndarray:
        """Covariance of scaled bins with themselves and the next ones.

        Parameters
        ----------
        variance
            Of the pixels, which are independent, (pixels,).
        scale
            Factor of each bin, (bins,).
        lags
            Distance up to which bins are looked at.

        Returns
        -------
        numpy.ndarray
            (lags + 1, bins): entry (l, j) of bins j and j + l; the last l of a row are 0.
        """
        return _band(self.first, self.weights, variance, scale, lags)

    def total_covariance(self, variance: np.ndarray, scale: np.ndarray) -> np.ndarray:
        """Sum of the covariances of each scaled bin with all bins, itself included, (bins,)."""
        columns = _spread(self.first, self.weights, scale, self.pixels)
        return _weighted(self.first, self.weights, variance * columns, scale)

    def flags(self, quality: np.ndarray) -> np.ndarray:
        """Bits of all pixels that have a weight in a bin, int32, (bins,).

        Parameters
        ----------
        quality
            Bits of the pixels, (pixels,).
        """
        return _flags(self.first, self.weights, quality.astype(np.int32))

    def where(self, chosen: np.ndarray, other: Resampling) -> Resampling:
        """The bins `chosen` of this map and the others of another map of the same pixels."""
        return Resampling(
            np.where(chosen, self.first, other.first),
            np.where(chosen[:, None], self.weights, other.weights),
            self.pixels,
            np.where(chosen, self.missing, other.missing),
        )


def resampling(
    edges: np.ndarray, good: np.ndarray, grid: Grid, curved: np.ndarray | None = None
) -> Resampling:
    """Weights that turn a spectrum on pixels into one on bins.

    Parameters
    ----------
    edges
        Limits of the pixels, Angstrom, ascending, (pixels + 1,).
    good
        Pixels that have a value, (pixels,); the others get no weight.
    grid
        The bins.
    curved
        Pixels that may shape the parabolas, (pixels,); all good ones if None.
    """
    narrow = float(np.min(np.diff(edges)))
    reach = int(np.ceil(float(np.max(grid.widths)) / narrow)) + 3
    first = np.zeros(len(grid.edges) - 1, np.int64)
    weights = np.zeros((len(first), min(reach, len(good))))
    missing = np.zeros(len(first))
    _fill(edges, good, good if curved is None else curved, grid.edges, first, weights, missing)
    return Resampling(first, weights, len(good), missing)


@compiled
def _fill(
    edges: np.ndarray,
    good: np.ndarray,
    curved: np.ndarray,
    bins: np.ndarray,
    first: np.ndarray,
    weights: np.ndarray,
    missing: np.ndarray,
) -> None:
    """Weights of all bins; both sets of limits ascend, so one walk is enough."""
    pixels, reach = len(good), weights.shape[1]
    start = 0
    for j in range(len(first)):
        low, high = bins[j], bins[j + 1]
        while start < pixels and edges[start + 1] <= low:
            start += 1
        base = min(max(0, start - 1), pixels - reach)
        first[j] = base
        covered = 0.0
        i = start
        while i < pixels and edges[i] < high:
            width = edges[i + 1] - edges[i]
            begin = max(low, edges[i])
            end = min(high, edges[i + 1])
            if good[i] and end - begin > _ALMOST * width:
                middle = 0.5 * (edges[i] + edges[i + 1])
                t0, t1 = (begin - middle) / width, (end - middle) / width
                covered += end - begin
                inner = 0 < i < pixels - 1
                if inner and curved[i - 1] and curved[i] and curved[i + 1]:
                    bend = (t1**3 - t0**3) / 6.0 - (t1 - t0) / 24.0
                    slope = (t1**2 - t0**2) / 4.0
                    weights[j, i - base] += (t1 - t0) - 2.0 * bend
                    weights[j, i - 1 - base] += bend - slope
                    weights[j, i + 1 - base] += bend + slope
                else:
                    weights[j, i - base] += t1 - t0
            i += 1
        missing[j] = 1.0 - covered / (high - low)


@compiled
def _weighted(
    first: np.ndarray, weights: np.ndarray, values: np.ndarray, scale: np.ndarray
) -> np.ndarray:
    result = np.zeros(len(first))
    for j in range(len(first)):
        total = 0.0
        for k in range(weights.shape[1]):
            weight = weights[j, k]
            if weight != 0.0:
                total += weight * values[first[j] + k]
        result[j] = total * scale[j]
    return result


@compiled
def _spread(first: np.ndarray, weights: np.ndarray, scale: np.ndarray, pixels: int) -> np.ndarray:
    """Sum of the scaled weights of each pixel over all bins."""
    result = np.zeros(pixels)
    for j in range(len(first)):
        for k in range(weights.shape[1]):
            if weights[j, k] != 0.0:
                result[first[j] + k] += weights[j, k] * scale[j]
    return result


@compiled
def _band(
    first: np.ndarray, weights: np.ndarray, variance: np.ndarray, scale: np.ndarray, lags: int
) -> np.ndarray:
    bins, reach = weights.shape
    result = np.zeros((lags + 1, bins))
    for j in range(bins):
        for lag in range(min(lags, bins - 1 - j) + 1):
            other = j + lag
            move = first[j] - first[other]
            total = 0.0
            for k in range(reach):
                theirs = k + move
                if 0 <= theirs < reach:
                    product = weights[j, k] * weights[other, theirs]
                    if product != 0.0:
                        total += product * variance[first[j] + k]
            result[lag, j] = total * scale[j] * scale[other]
    return result


@compiled
def _flags(first: np.ndarray, weights: np.ndarray, quality: np.ndarray) -> np.ndarray:
    result = np.zeros(len(first), np.int32)
    for j in range(len(first)):
        for k in range(weights.shape[1]):
            if weights[j, k] != 0.0:
                result[j] |= quality[first[j] + k]
    return result
