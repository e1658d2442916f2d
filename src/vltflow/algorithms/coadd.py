"""Several spectra of one target on one grid, averaged; leftover cosmic rays left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vltflow.algorithms.blocks import over_blocks
from vltflow.algorithms.compiled import compiled
from vltflow.algorithms.quality import Quality
from vltflow.algorithms.smooth import smooth_level

_SCALE_BLOCKS = 80
"""Parts of the grid in which exposures are compared to find their scales."""
_LEAST_LIGHT = 3.0
"""Light of a part in terms of its error from which it is compared."""
_WORST_SCALE = 0.25
"""Relative error of a scale from which the exposure time is the better guess."""
_GROWN, _GROWTH_SIGMA = 3, 2.5
"""Bins beside a rejected one that go with it if they deviate so much: resampling spreads."""
_BLOCK_BINS = 16_384


@dataclass(frozen=True)
class Exposures:
    """Spectra on one grid; arrays are (exposures, bins), NaN where there is nothing."""

    flux: np.ndarray
    variance: np.ndarray
    total: np.ndarray
    """Sums of the covariances of each bin with all bins of its exposure."""
    sky: np.ndarray
    quality: np.ndarray
    """Bits of `Quality`, int32."""


@dataclass(frozen=True)
class Stack:
    """The average; arrays are (bins,) unless said otherwise."""

    flux: np.ndarray
    """What the mean exposure has; NaN where there is nothing."""
    variance: np.ndarray
    total: np.ndarray
    sky: np.ndarray
    quality: np.ndarray
    """Bits of the exposures used; REJECTED where two contradict each other: the lower one is
    taken there."""
    count: np.ndarray
    """Exposures used, int32."""
    rejected: np.ndarray
    """Bins left out as outliers, bool, (exposures, bins)."""


def scales_of(
    wave: np.ndarray, exposures: Exposures, times: np.ndarray, *, degree: int = 1
) -> np.ndarray:
    """Light of each exposure relative to the mean one, smooth in wavelength.

    Parameters
    ----------
    wave
        Bins, Angstrom, (bins,).
    exposures
        The spectra.
    times
        Exposure times, s: their ratios count where the light is too faint to tell.
    degree
        Of the polynomial in wavelength.

    Returns
    -------
    numpy.ndarray
        (exposures, bins), positive, mean 1 in each bin.
    """
    scales = np.repeat((times / np.mean(times))[:, None], len(wave), axis=1)
    smooth = _smoothed(exposures.variance)
    blocks = np.array_split(np.arange(len(wave)), min(_SCALE_BLOCKS, max(1, len(wave) // 20)))
    for _ in range(3):
        mean = _weighted_mean(exposures.flux, smooth, scales)
        found = [_scale(wave, flux, mean, blocks, degree) for flux in exposures.flux]
        told = np.stack(
            [old if new is None else new for old, new in zip(scales, found, strict=True)]
        )
        scales = told / told.mean(axis=0)
    return scales


def _smoothed(variance: np.ndarray) -> np.ndarray:
    """Variance of each exposure, smooth along the spectrum."""
    return np.stack([smooth_level(row, np.isfinite(row)) for row in variance])


def _weighted_mean(flux: np.ndarray, variance: np.ndarray, scales: np.ndarray) -> np.ndarray:
    good = np.isfinite(flux) & np.isfinite(variance) & (variance > 0)
    weight = np.where(good, scales / np.where(good, variance, 1.0), 0.0)
    norm = np.sum(weight * scales, axis=0)
    total = np.sum(weight * np.where(good, flux, 0.0), axis=0)
    return np.where(norm > 0, total / np.where(norm > 0, norm, 1.0), np.nan)


def _scale(
    wave: np.ndarray, flux: np.ndarray, mean: np.ndarray, blocks: list[np.ndarray], degree: int
) -> np.ndarray | None:
    """Polynomial through the ratios of medians in blocks; None where the light does not tell."""
    x, ratios, weights = [], [], []
    for block in blocks:
        both = block[np.isfinite(flux[block]) & np.isfinite(mean[block])]
        if len(both) >= 10 and (level := float(np.median(mean[both]))) > 0:
            scatter = 1.4826 * float(np.median(np.abs(flux[both] - np.median(flux[both]))))
            certainty = level * np.sqrt(len(both)) / max(scatter, 1e-6 * level)
            if certainty > _LEAST_LIGHT:
                x.append(float(wave[both].mean()))
                ratios.append(float(np.median(flux[both])) / level)
                weights.append(certainty)
    if len(x) < 2 * (degree + 1):
        return None
    places, values, weight = np.array(x), np.array(ratios), np.array(weights)
    middle = 0.5 * (wave[0] + wave[-1])
    kept = np.ones(len(x), bool)
    for _ in range(5):
        series = np.polynomial.Polynomial.fit(
            places[kept], values[kept], degree, w=weight[kept], domain=[wave[0], wave[-1]]
        )
        pulls = (values - series(places)) * weight
        scatter = 1.4826 * float(np.median(np.abs(pulls[kept])))
        kept = np.abs(pulls) <= max(4.0 * scatter, 1e-9)
    result = series(wave)
    error = max(scatter, 1.0) / np.sqrt(float(np.sum(weight[kept] ** 2)))
    trusted = error < _WORST_SCALE * float(series(middle)) and result.min() > 0
    return np.asarray(result) if trusted else None


def coadd(
    exposures: Exposures,
    scales: np.ndarray,
    *,
    kappa: float = 5.0,
    tolerance: float = 0.03,
    share: float = 0.1,
    threads: int = 1,
) -> Stack:
    """Average of spectra: least squares of flux = scale * spectrum, without outliers.

    Weights come from variances smoothed along the spectrum, so that noise has no say in them.
    The exposure farthest from the median is an outlier if it leaves the others by `kappa`
    times its own and their noise *and* what `tolerance` allows; then the next one. Of two
    that contradict each other the lower one is kept and the bin flagged.

    Parameters
    ----------
    exposures
        The spectra.
    scales
        See `scales_of`.
    kappa
        Sigma.
    tolerance
        Relative differences that are no error: seeing and slit losses.
    share
        Of the weight from which an exposure's bits count. Where an exposure without flags
        exists, flagged ones do not count.
    threads
        Blocks of bins in work at the same time.
    """
    shape = exposures.flux.shape
    smooth = _smoothed(exposures.variance)
    good = np.isfinite(exposures.flux) & np.isfinite(smooth) & (smooth > 0)
    good &= np.isfinite(exposures.variance) & np.isfinite(exposures.total)
    clean = good & (exposures.quality == 0)
    good &= clean | ~clean.any(axis=0)
    rejected, undecided = _outliers(
        (exposures.flux, exposures.variance, smooth, scales, good), (kappa, tolerance), threads
    )
    sums = np.full((4, shape[1]), np.nan)
    quality = np.where(undecided, np.int32(Quality.REJECTED), np.int32(0))
    count = np.zeros(shape[1], np.int32)
    _average(
        exposures.flux, exposures.variance, exposures.total, exposures.sky, exposures.quality,
        smooth, scales, good & ~rejected, share, sums, quality, count,
    )  # fmt: skip
    quality[count == 0] = int(Quality.NO_DATA)
    return Stack(sums[0], sums[1], sums[2], sums[3], quality, count, rejected)


def _outliers(
    arrays: tuple[np.ndarray, ...], limits: tuple[float, float], threads: int
) -> tuple[np.ndarray, np.ndarray]:
    """Values that are left out, and bins where two contradict each other.

    Parameters
    ----------
    arrays
        Flux, variance, smooth variance, scales, whether good: (exposures, bins) each.
    limits
        kappa and tolerance.
    """
    exposures, bins = arrays[0].shape
    rejected, undecided = np.zeros((exposures, bins), np.bool_), np.zeros(bins, np.bool_)

    def work(start: int, stop: int) -> None:
        # Neighbours across the border of a block are looked at as well, and written by theirs.
        low, high = max(0, start - _GROWN), min(bins, stop + _GROWN)
        part = np.zeros((exposures, high - low), np.bool_)
        doubt = np.zeros(high - low, np.bool_)
        flux, variance, smooth, scales, good = (one[:, low:high] for one in arrays)
        _reject(flux, variance, smooth, scales, good, part, doubt, *limits)
        inner = slice(start - low, stop - low)
        rejected[:, start:stop], undecided[start:stop] = part[:, inner], doubt[inner]

    blocks = [(start, min(start + _BLOCK_BINS, bins)) for start in range(0, bins, _BLOCK_BINS)]
    over_blocks(work, blocks, threads=threads)
    return rejected, undecided


@compiled
def _deviation(
    flux: np.ndarray,
    variance: np.ndarray,
    smooth: np.ndarray,
    scales: np.ndarray,
    kept: np.ndarray,
    one: int,
    tolerance: float,
) -> float:
    """Distance of an exposure from the others of its bin, in sigma; 0 if it is alone."""
    others = np.empty(len(flux))
    number, norm, noise, mean = 0, 0.0, 0.0, 0.0
    for e in range(len(flux)):
        if kept[e] and e != one:
            weight = scales[e] ** 2 / smooth[e]
            others[number] = flux[e] / scales[e]
            number += 1
            norm += weight
            mean += weight * flux[e] / scales[e]
            noise += weight**2 * max(variance[e], smooth[e]) / scales[e] ** 2
    if number == 0:
        return 0.0
    reference, spread = mean / norm, noise / norm**2
    if number >= 3:
        # A second outlier among the others must not move them; the median costs pi / 2.
        reference = np.median(others[:number])
        spread *= 1.571
    own = max(variance[one], smooth[one]) / scales[one] ** 2
    allowed = (tolerance * reference) ** 2
    return (flux[one] / scales[one] - reference) / np.sqrt(own + spread + allowed)


@compiled
def _farthest(flux: np.ndarray, smooth: np.ndarray, scales: np.ndarray, kept: np.ndarray) -> int:
    """The exposure farthest from the median in terms of its smooth noise; of two the higher."""
    values = np.empty(len(flux))
    number = 0
    for e in range(len(flux)):
        if kept[e]:
            values[number] = flux[e] / scales[e]
            number += 1
    if number < 2:
        return -1
    middle = np.median(values[:number])
    if number == 2:
        middle = min(values[0], values[1])
    found, distance = -1, -1.0
    for e in range(len(flux)):
        if kept[e]:
            away = abs(flux[e] / scales[e] - middle) * scales[e] / np.sqrt(smooth[e])
            if away > distance:
                found, distance = e, away
    return found


@compiled
def _reject(
    flux: np.ndarray,
    variance: np.ndarray,
    smooth: np.ndarray,
    scales: np.ndarray,
    good: np.ndarray,
    rejected: np.ndarray,
    undecided: np.ndarray,
    kappa: float,
    tolerance: float,
) -> None:
    exposures, bins = flux.shape
    signs = np.zeros((exposures, bins))
    for j in range(bins):
        kept = good[:, j].copy()
        number = kept.sum()
        while number > 1:
            e = _farthest(flux[:, j], smooth[:, j], scales[:, j], kept)
            d = _deviation(
                flux[:, j], variance[:, j], smooth[:, j], scales[:, j], kept, e, tolerance
            )
            if abs(d) <= kappa:
                break
            kept[e] = False
            rejected[e, j] = True
            signs[e, j] = d
            undecided[j] = number == 2
            number -= 1
    for e in range(exposures):
        for j in range(bins):
            if signs[e, j] != 0.0:
                for k in range(max(0, j - _GROWN), min(bins, j + _GROWN + 1)):
                    if good[e, k] and not rejected[e, k]:
                        kept = good[:, k] & ~rejected[:, k]
                        d = _deviation(
                            flux[:, k], variance[:, k], smooth[:, k], scales[:, k], kept, e,
                            tolerance,
                        )  # fmt: skip
                        if d * np.sign(signs[e, j]) > _GROWTH_SIGMA:
                            rejected[e, k] = True


@compiled
def _average(
    flux: np.ndarray,
    variance: np.ndarray,
    total: np.ndarray,
    sky: np.ndarray,
    flags: np.ndarray,
    smooth: np.ndarray,
    scales: np.ndarray,
    kept: np.ndarray,
    share: float,
    sums: np.ndarray,
    quality: np.ndarray,
    count: np.ndarray,
) -> None:
    for j in range(flux.shape[1]):
        norm = 0.0
        for e in range(flux.shape[0]):
            if kept[e, j]:
                norm += scales[e, j] ** 2 / smooth[e, j]
        if norm == 0.0:
            continue
        sums[:, j] = 0.0
        for e in range(flux.shape[0]):
            if kept[e, j]:
                # Least squares: the sum of s f / v over that of s^2 / v.
                weight = scales[e, j] / smooth[e, j] / norm
                sums[0, j] += weight * flux[e, j]
                sums[1, j] += weight**2 * variance[e, j]
                sums[2, j] += weight**2 * total[e, j]
                sums[3, j] += weight * sky[e, j]
                count[j] += 1
                if weight * scales[e, j] > share:
                    quality[j] |= flags[e, j]
