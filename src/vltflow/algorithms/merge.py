"""One spectrum out of many orders: blaze divided, overlaps averaged by what they know."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from vltflow.algorithms.blocks import over_blocks
from vltflow.algorithms.orders import OrderSpectra
from vltflow.algorithms.quality import Quality
from vltflow.algorithms.resample import Grid, Resampling, pixel_edges, resampling
from vltflow.algorithms.smooth import smooth_level

_BRIGHTEST = 95.0
"""Percentile of an order's blaze that counts as its maximum."""


_UNTOLD = 0.1
"""Error of the ratio of two orders from which their overlap tells nothing."""


@dataclass(frozen=True)
class Step:
    """How two neighbouring orders agree where they overlap."""

    order: int
    """The lower number of the two, whose wavelengths are the longer ones."""
    wave: float
    """Middle of the overlap, Angstrom."""
    ratio: float
    """Flux of the lower order over that of the higher one."""
    sigma: float
    """Its error by photon and read noise."""


@dataclass(frozen=True)
class Merged:
    """A spectrum on the bins of a grid; arrays are (bins,)."""

    grid: Grid
    flux: np.ndarray
    """ADU in the exposure per Angstrom, divided by the blaze; NaN where there is nothing."""
    variance: np.ndarray
    """Square of the flux's unit."""
    total: np.ndarray
    """Sum of the covariances of the bin with all bins: what the variance of a sum grows by."""
    sky: np.ndarray
    """As the flux."""
    quality: np.ndarray
    """Bits of `Quality`, int32."""
    correlation: np.ndarray
    """Median correlation of bins 0, 1, 2 ... apart, as far as the resampling reaches."""
    steps: tuple[Step, ...]
    orders: int
    """Orders that went in."""

    @property
    def covariance_factor(self) -> float:
        """Variance of a sum of many bins over that if they were independent; NaN if none is."""
        good = np.isfinite(self.variance) & (self.variance > 0)
        return float(np.median(self.total[good] / self.variance[good])) if good.any() else np.nan


@dataclass(frozen=True)
class _Order:
    """One order on the bins that it reaches."""

    number: int
    where: slice
    resampled: Resampling
    variance: np.ndarray
    """Of the pixels, 0 where they do not count."""
    flux: np.ndarray
    blaze: np.ndarray
    sky: np.ndarray
    weight: np.ndarray
    """Inverse variance of flux over blaze, smooth along the order; 0 where there is no value."""
    quality: np.ndarray


def mean_pixel(spectra: OrderSpectra) -> float:
    """Mean width of the pixels of all orders, Angstrom."""
    return float(np.mean(np.abs(np.diff(spectra.wave, axis=1))))


def merge_orders(
    spectra: OrderSpectra,
    grid: Grid,
    *,
    share: float = 0.1,
    cuts: tuple[float, float] = (0.0, 0.0),
    faintest: float = 0.0,
    threads: int = 1,
) -> Merged:
    """Merge orders: the least-squares solution of flux = spectrum * blaze in each bin.

    Flux and blaze are resampled apart and divided afterwards, so that the faint ends of
    an order, where the blaze goes to zero, have no weight instead of a huge value. Weights
    are blaze^2 over a variance that is smoothed along the order: those of single pixels know
    of the noise and would favour the low values.

    Parameters
    ----------
    spectra
        The orders; pixels with NaN in flux, variance or blaze, or a blaze that is not
        positive, do not count.
    grid
        Bins of the result.
    share
        A bin is undefined if more of it is missing. Flagged pixels count, and give it their
        bits, only if the others leave more of it missing. Where another order has an
        unflagged value, flagged ones do not count.
    cuts
        Left out at the short and long end of each order, Angstrom.
    faintest
        Pixels with less than this share of their order's brightest blaze do not count: what
        is left there is scattered light and the errors of the flat.
    threads
        Orders in work at the same time.

    Raises
    ------
    ValueError
        If wavelengths of an order neither rise nor fall all along; names the order.
    """
    rows = [(row, row + 1) for row in range(len(spectra.orders))]
    made = over_blocks(
        lambda row, _: _resampled(spectra, row, grid, share, cuts, faintest),
        rows,
        threads=threads,
    )
    orders = [one for one in made if one is not None]
    return _merged(orders, grid, share, mean_pixel(spectra))


def sum_orders(
    spectra: OrderSpectra, grid: Grid, *, share: float = 0.1, threads: int = 1
) -> np.ndarray:
    """Light of all orders together, ADU in the exposure per Angstrom, not divided by the blaze.

    Parameters
    ----------
    spectra, grid, share, threads
        As in `merge_orders`.

    Returns
    -------
    numpy.ndarray
        (bins,); NaN where no order has light, or one lacks it within its range.
    """
    rows = [(row, row + 1) for row in range(len(spectra.orders))]
    made = over_blocks(
        lambda row, _: _resampled(spectra, row, grid, share, (0.0, 0.0), 0.0),
        rows,
        threads=threads,
    )
    light, known = np.zeros(len(grid.widths)), np.zeros(len(grid.widths), bool)
    for one in (order for order in made if order is not None):
        light[one.where] += one.flux
        known[one.where] = True
    for one in (order for order in made if order is not None):
        # The outermost bins of an order are never whole.
        holes = np.flatnonzero(one.resampled.missing[2:-2] > share) + 2 + one.where.start
        known[holes] = False
    return np.where(known, light / grid.widths, np.nan)


def _resampled(
    spectra: OrderSpectra,
    row: int,
    grid: Grid,
    share: float,
    cuts: tuple[float, float],
    faintest: float,
) -> _Order | None:
    number, wave = int(spectra.orders[row]), spectra.wave[row]
    try:
        edges = pixel_edges(wave)
    except ValueError as error:
        raise ValueError(f"order {number}: {error}") from None
    turn = slice(None, None, 1 if edges[0] < edges[-1] else -1)
    edges, wave = edges[turn], wave[turn]
    flux, variance, blaze, sky, quality = (
        np.asarray(values[row][turn])
        for values in (spectra.flux, spectra.variance, spectra.blaze, spectra.sky, spectra.quality)
    )
    good = np.isfinite(flux) & np.isfinite(variance) & (variance > 0) & (blaze > 0)
    good &= (wave >= wave[0] + cuts[0]) & (wave <= wave[-1] - cuts[1])
    if good.any():
        good &= blaze >= faintest * float(np.percentile(blaze[good], _BRIGHTEST))
    reached = np.searchsorted(grid.edges, [edges[0], edges[-1]])
    where = slice(max(0, int(reached[0]) - 1), min(len(grid.edges) - 1, int(reached[1])))
    if not good.any() or where.stop <= where.start:
        return None
    bins = Grid(grid.edges[where.start : where.stop + 1])
    into = _clean_first(edges, good, good & (quality == 0), bins, share)
    counted = [np.where(good, values, 0.0).astype(float) for values in (flux, variance, blaze, sky)]
    counted[3] = np.nan_to_num(counted[3])
    light, lamp, sky = (into(counted[place]) for place in (0, 2, 3))
    smooth = into(smooth_level(counted[1], good))
    flags = into.flags(quality)
    valid = (into.missing <= share) & (lamp > 0) & (smooth > 0)
    weight = np.where(valid, lamp**2 / np.where(valid, smooth, 1.0), 0.0)
    return _Order(number, where, into, counted[1], light, lamp, sky, weight, flags)


def _clean_first(
    edges: np.ndarray, good: np.ndarray, clean: np.ndarray, bins: Grid, share: float
) -> Resampling:
    """Bins of clean pixels where they are enough, of all good ones elsewhere."""
    best = resampling(edges, clean, bins)
    if np.array_equal(good, clean):
        return best
    return best.where(best.missing <= share, resampling(edges, good, bins, curved=clean))


def _merged(orders: list[_Order], grid: Grid, share: float, pixel: float) -> Merged:
    bins = len(grid.edges) - 1
    clean = np.zeros(bins, bool)
    for one in orders:
        clean[one.where] |= (one.weight > 0) & (one.quality == 0)
    weights = [np.where(clean[one.where] & (one.quality != 0), 0.0, one.weight) for one in orders]
    norm = np.zeros(bins)
    for one, weight in zip(orders, weights, strict=True):
        norm[one.where] += weight
    defined = norm > 0
    lags = _lags(grid, pixel)
    flux, sky, total = np.zeros(bins), np.zeros(bins), np.zeros(bins)
    band, quality = np.zeros((lags + 1, bins)), np.zeros(bins, np.int32)
    for one, weight in zip(orders, weights, strict=True):
        part = np.where(weight > 0, weight / np.where(norm[one.where] > 0, norm[one.where], 1), 0)
        # Flux in a bin over its blaze is ADU a mean pixel: see `Merged.flux`.
        scale = np.where(part > 0, part / np.where(one.blaze > 0, one.blaze, 1.0), 0.0) / pixel
        flux[one.where] += scale * one.flux
        sky[one.where] += scale * one.sky
        band[:, one.where] += one.resampled.covariance(one.variance, scale, lags)
        total[one.where] += one.resampled.total_covariance(one.variance, scale)
        quality[one.where] |= np.where(part > share, one.quality, 0)
    for values in (flux, sky, total, band[0]):
        values[~defined] = np.nan
    quality[~defined] = int(Quality.NO_DATA)
    return Merged(
        grid, flux, band[0], total, sky, quality, _correlation(band), _steps(orders, grid),
        len(orders),
    )  # fmt: skip


def _lags(grid: Grid, pixel: float) -> int:
    """Bins that the weights of a bin can share pixels with: they reach two pixels beyond it."""
    return int(np.ceil(4.0 * pixel / float(np.min(grid.widths)))) + 1


def _correlation(band: np.ndarray) -> np.ndarray:
    bins = band.shape[1]
    result = np.zeros(len(band))
    for lag in range(min(len(band), bins)):
        norm = np.sqrt(band[0, : bins - lag] * band[0, lag:])
        good = np.isfinite(norm) & (norm > 0)
        if good.any():
            result[lag] = np.median(band[lag, : bins - lag][good] / norm[good])
    return result


def _steps(orders: list[_Order], grid: Grid) -> tuple[Step, ...]:
    """Ratios of neighbouring orders in their overlaps, by the sums of their common light."""
    found = []
    ascending = sorted(orders, key=lambda one: one.number)
    for low, high in pairwise(ascending):
        start, stop = max(low.where.start, high.where.start), min(low.where.stop, high.where.stop)
        if high.number - low.number == 1 and stop > start:
            step = _step(low, high, start, stop, grid)
            found += [] if step is None else [step]
    return tuple(found)


def _step(low: _Order, high: _Order, start: int, stop: int, grid: Grid) -> Step | None:
    cuts = [slice(start - one.where.start, stop - one.where.start) for one in (low, high)]
    weights = [one.weight[cut] for one, cut in zip((low, high), cuts, strict=True)]
    clean = [one.quality[cut] == 0 for one, cut in zip((low, high), cuts, strict=True)]
    both = (weights[0] > 0) & (weights[1] > 0) & clean[0] & clean[1]
    if not both.any():
        return None
    common = np.zeros(stop - start)
    common[both] = 1.0 / (1.0 / weights[0][both] + 1.0 / weights[1][both])
    sums, variances = [], []
    for one, cut in zip((low, high), cuts, strict=True):
        scale = np.zeros(len(one.blaze))
        scale[cut][both] = common[both] / one.blaze[cut][both]
        sums.append(float(np.sum(scale * one.flux)))
        variances.append(float(np.sum(one.resampled.total_covariance(one.variance, scale))))
    if not (sums[0] > 0 and sums[1] > 0):
        return None
    ratio = sums[0] / sums[1]
    sigma = ratio * np.sqrt(variances[0] / sums[0] ** 2 + variances[1] / sums[1] ** 2)
    wave = float(np.average(grid.centres[start:stop], weights=common))
    return Step(low.number, wave, ratio, float(sigma)) if sigma < _UNTOLD else None
