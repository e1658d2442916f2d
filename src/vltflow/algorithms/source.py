"""The source in the slit: is there one, where along the slit, how wide, of what shape."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from vltflow.algorithms.blocks import over_blocks
from vltflow.algorithms.column_fit import Noise
from vltflow.algorithms.compiled import compiled
from vltflow.algorithms.profile import fit_shapes
from vltflow.algorithms.slit import SlitImage
from vltflow.algorithms.slit_ends import dark_ends
from vltflow.algorithms.surface import Surface, fit_surface

_FOUND = 7.0
"""Signal to noise ratio, all traces together, from which there is a source."""
_CLEAR = 10.0
"""Of one trace, from which it tells the place itself."""
_LINE, _LEAST_LINE_COLUMNS = 8.0, 12
"""Signal to noise ratio of a column that holds a line, and columns that tell of a source."""
_SHOWN = 0.9
"""Share of a trace's columns that must show a distance along the slit, or it is not known."""
_CHUNKS = 10
_SAMPLED = 20
"""Columns of each stretch that shapes are fitted to."""
_SHAPES = (0.0, 0.125, 0.25, 0.375, 0.5)
"""1 / beta of the Moffat functions that are tried."""
_REACH = 5.0
"""Robust standard deviations by which a stretch may differ from the others."""
_PRIOR = (0.2, 0.2)
"""Mean and width of what is thought of 1 / beta before: decides only for the faintest sources."""
NODES = 17


@dataclass(frozen=True)
class Source:
    """Where the light of a point source lies along the slit."""

    found: bool
    snr: float
    """Of the peak along the slit, all traces together."""
    centre: np.ndarray
    """Distance from the slit's middle, pixels, shape (traces, columns)."""
    width: np.ndarray
    """Full width at half maximum, pixels, shape (traces, NODES)."""
    inverse_beta: float
    """1 / beta of its Moffat function; 0 for a Gaussian."""
    dark: float = np.nan
    """Pixels at the slit's ends without its sky; NaN where they cannot be told."""


def find_source(
    image: np.ndarray,
    bad: np.ndarray,
    slit: SlitImage,
    noise: Noise,
    orders: np.ndarray,
    *,
    fwhm: float,
    linear_sky: bool = False,
    threads: int = 1,
) -> Source:
    """Look for a point source and measure its place and width over the chip.

    Parameters
    ----------
    image, bad
        Light without background, and pixels not to be used.
    slit
        Windows along the traces.
    noise
        Of the pixels.
    orders
        Number of each trace: place and width vary smoothly with it.
    fwhm
        Expected full width, pixels: where nothing is found it is taken as it is.
    linear_sky
        Whether the sky may have a slope.
    """
    distance, level, error = collapsed(image, bad, slit, threads=threads)
    light = distance, level, error
    strength, places = _peaks(*light, fwhm)
    if not strength[-1] >= _FOUND:
        lines = _of_lines(image, bad, slit, noise, distance, fwhm)
        if lines is not None:
            # The trace of a source without a continuum shows at its lines alone.
            slit, strength, places = lines
    if not strength[-1] >= _FOUND:
        centre = np.zeros(slit.centre.shape)
        width = np.full((len(orders), NODES), fwhm)
        return Source(False, float(strength[-1]), centre, width, 0.0, dark_ends(*light, 0.0, 0.0))
    guess = _guess(orders, strength, places)
    start = np.repeat(guess[:, None], _CHUNKS, axis=1)
    step = max(1, int(np.isfinite(slit.low).sum()) // (slit.low.shape[0] * _CHUNKS * _SAMPLED))

    def fit(inverse_beta: float, chosen: np.ndarray | slice = slice(None)) -> np.ndarray:
        part = _traces(slit, chosen)
        return fit_shapes(
            image, bad, part, noise, centre=start[chosen], width=np.full_like(start[chosen], fwhm),
            inverse_beta=inverse_beta, linear_sky=linear_sky, chunks=_CHUNKS, step=step,
            threads=threads,
        )  # fmt: skip

    brightest = np.argsort(strength[:-1])[-6:]
    inverse_beta = best_shape(np.array([fit(shape, brightest) for shape in _SHAPES]))
    shapes = fit(inverse_beta)
    centre, width = _smooth(shapes, orders, slit, guess, fwhm)
    dark = dark_ends(*light, float(np.median(centre)), float(np.median(width)))
    return Source(True, float(strength[-1]), centre, width, inverse_beta, dark)


def collapsed(
    image: np.ndarray, bad: np.ndarray, slit: SlitImage, *, chunk: int = 64, threads: int = 1
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean light along the slit of every trace: what shows whether and where a source is.

    Returns
    -------
    distance, level, error
        Pixels from the slit's centre, shape (bins,); mean over the trace of the medians over
        `chunk` columns and its error from their scatter, shape (traces, bins), NaN unknown.
    """
    ends = np.abs([slit.low, slit.high])
    reach = math.floor(np.max(ends[np.isfinite(ends)], initial=0.0))
    distance = np.arange(-reach, reach + 1, dtype=float)
    traces, columns = slit.centre.shape
    medians = np.full((traces, columns // chunk, len(distance)), np.nan)

    def work(start: int, stop: int) -> None:
        for n in range(start, stop):
            _medians(image, bad, slit.centre[n], slit.low[n], slit.high[n], reach, chunk,
                     medians[n])  # fmt: skip

    over_blocks(work, [(n, n + 1) for n in range(traces)], threads=threads)
    count = np.isfinite(medians).sum(axis=1)
    filled = np.where(np.isfinite(medians), medians, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        level = filled.sum(axis=1) / count
        # Of fewer columns than others, a distance would have the light of these alone.
        level[count < np.maximum(3, _SHOWN * count.max(axis=1, keepdims=True))] = np.nan
        # Neighbouring stretches differ by the trace's own light: only the scatter counts.
        steps = np.diff(medians, axis=1) ** 2
        known = np.isfinite(steps)
        scatter = np.where(known, steps, 0.0).sum(axis=1) / np.maximum(1, known.sum(axis=1))
        error = np.sqrt(0.5 * scatter / count)
    return distance, level, error


@compiled
def _medians(
    image: np.ndarray,
    bad: np.ndarray,
    centre: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    reach: int,
    chunk: int,
    medians: np.ndarray,
) -> None:
    rows = image.shape[0]
    values = np.empty(chunk)
    for k in range(medians.shape[0]):
        for b in range(2 * reach + 1):
            count = 0
            for x in range(k * chunk, (k + 1) * chunk):
                row = int(np.round(centre[x])) + b - reach
                distance = row - centre[x]
                if 0 <= row < rows and low[x] <= distance <= high[x] and bad[row, x] == 0:
                    values[count] = image[row, x]
                    count += 1
            if 2 * count >= chunk:
                medians[k, b] = np.median(values[:count])


def _of_lines(
    image: np.ndarray,
    bad: np.ndarray,
    slit: SlitImage,
    noise: Noise,
    distance: np.ndarray,
    fwhm: float,
) -> tuple[SlitImage, np.ndarray, np.ndarray] | None:
    """Columns with much light in the slit: their windows, strength and place of the source.

    A column counts if its neighbours are bright as well: lines are wider than most cosmic
    rays, and the median over all lines does not see the others.
    """
    shape = slit.centre.shape
    light, cuts = np.full(shape, np.nan), np.full((*shape, len(distance)), np.nan, np.float32)
    for n in range(shape[0]):
        _cuts(image, bad, slit.centre[n], slit.low[n], slit.high[n], noise.read, light[n], cuts[n])
    with np.errstate(invalid="ignore"):
        bright = light > _LINE
        bright[:, 1:-1] &= (light[:, :-2] > 0.3 * _LINE) & (light[:, 2:] > 0.3 * _LINE)
    bright[:, [0, -1]] = False
    if bright.sum() < _LEAST_LINE_COLUMNS:
        return None
    chosen = cuts[bright]
    level, error = np.full((2, 1, len(distance)), np.nan)
    known = np.isfinite(chosen).sum(axis=0) >= _LEAST_LINE_COLUMNS
    level[0, known] = np.nanmedian(chosen[:, known], axis=0)
    spread = np.nanmedian(np.abs(chosen - level)[:, known], axis=0)
    error[0, known] = 1.4826 * np.maximum(spread, 1e-3) / np.sqrt(len(chosen))
    strength, places = _peaks(distance, level, error, fwhm)
    low, high = (np.where(bright, end, np.nan) for end in (slit.low, slit.high))
    # No trace shows the place by itself: that of all is taken.
    strength = np.append(np.zeros(shape[0]), strength[-1])
    places = np.append(np.full(shape[0], places[-1]), places[-1])
    return replace(slit, low=low, high=high), strength, places


@compiled
def _cuts(
    image: np.ndarray,
    bad: np.ndarray,
    centre: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    read: float,
    light: np.ndarray,
    cuts: np.ndarray,
) -> None:
    """Light of each column above the median of its window, in units of its error, and its cut."""
    reach = cuts.shape[1] // 2
    values = np.empty(cuts.shape[1])
    for x in range(len(centre)):
        count = 0
        middle = int(np.round(centre[x]))
        for b in range(cuts.shape[1]):
            row = middle + b - reach
            if not (0 <= row < image.shape[0] and low[x] <= row - centre[x] <= high[x]):
                continue
            if bad[row, x] == 0:
                values[count] = cuts[x, b] = image[row, x]
                count += 1
        if count < 6:
            continue
        under = np.median(values[:count])
        total = np.sum(values[:count]) - count * under
        light[x] = total / (read * np.sqrt(count))
        cuts[x] = (cuts[x] - under) / max(total, read)


def _traces(slit: SlitImage, chosen: np.ndarray | slice) -> SlitImage:
    return SlitImage(
        slit.centre[chosen], slit.tilt[chosen], slit.curvature[chosen], slit.low[chosen],
        slit.high[chosen], slit.half,
    )  # fmt: skip


def _peaks(
    distance: np.ndarray, level: np.ndarray, error: np.ndarray, fwhm: float
) -> tuple[np.ndarray, np.ndarray]:
    """Strength (signal to noise) and place of the highest peak: of each trace, and of all."""
    sigma = fwhm / 2.3548
    kernel = np.exp(-0.5 * ((distance[:, None] - distance[None, :]) / sigma) ** 2)
    kernel[np.abs(distance[:, None] - distance[None, :]) > 3 * sigma] = 0.0
    known = np.isfinite(level) & np.isfinite(error) & (error > 0)
    rows = np.where(known.any(axis=1))[0]
    above = np.zeros_like(level)
    above[rows] = level[rows] - np.nanmedian(np.where(known, level, np.nan)[rows], axis=1)[:, None]
    weight = np.where(known, 1.0 / np.where(known, error, 1.0) ** 2, 0.0)
    # The weights of one trace are alike: those of its median keep bright rows in.
    middle = np.array([np.median(one[one > 0]) if (one > 0).any() else 0.0 for one in weight])
    weight = np.where(known, middle[:, None], 0.0)
    light = np.where(known, above, 0.0) * weight
    light, weight = np.vstack([light, light.sum(axis=0)]), np.vstack([weight, weight.sum(axis=0)])
    spread = np.sqrt(weight @ kernel**2)
    ratio = np.where(spread > 0, (light @ kernel) / np.maximum(spread, 1e-30), 0.0)
    place = np.argmax(ratio, axis=1)
    return ratio[np.arange(len(ratio)), place], distance[place]


def _guess(orders: np.ndarray, strength: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Place of the source in every trace: a line through those that show it."""
    clear = (strength[:-1] > _CLEAR) & (np.abs(places[:-1] - np.median(places[:-1])) < 1e3)
    if clear.sum() < 4:
        return np.full(len(orders), places[-1])
    middle = orders[clear].astype(float)
    line = np.polynomial.Polynomial.fit(middle, places[:-1][clear], 1)
    miss = np.abs(places[:-1][clear] - line(middle))
    kept = miss <= 3.0 * max(1.0, 1.4826 * float(np.median(miss)))
    if kept.sum() < 4:
        return np.full(len(orders), places[-1])
    line = np.polynomial.Polynomial.fit(middle[kept], places[:-1][clear][kept], 1)
    # Beyond the traces that show the source its place is not extrapolated.
    return np.asarray(line(np.clip(orders, middle[kept].min(), middle[kept].max())))


def _totals(fits: np.ndarray) -> np.ndarray:
    """-2 ln of the likelihood of every shape over that of the first one, shape (shapes,).

    Of the stretches that all of them fit. A cosmic ray that one shape leaves out and the next
    one does not changes a stretch by hundreds: what leaves the others' change by five robust
    standard deviations counts as five.
    """
    chi2 = fits["chi2"][:, np.isfinite(fits["chi2"]).all(axis=0)]
    if not chi2.size:
        return np.zeros(len(chi2))
    change = np.diff(chi2, axis=0)
    middle = np.median(change, axis=1, keepdims=True)
    reach = _REACH * 1.4826 * np.median(np.abs(change - middle), axis=1, keepdims=True)
    kept = np.clip(change, middle - reach, middle + reach)
    return np.concatenate(([0.0], np.cumsum(kept.sum(axis=1))))


def best_shape(fits: np.ndarray) -> float:
    """1 / beta with the highest likelihood and prior together, between the tried ones.

    Parameters
    ----------
    fits
        `fit_shapes` with each of the tried ones, shape (shapes, traces, stretches).
    """
    shapes = np.array(_SHAPES)
    value = _totals(fits) + ((shapes - _PRIOR[0]) / _PRIOR[1]) ** 2
    if not np.isfinite(value).all():
        return 0.0
    k = int(np.clip(np.argmin(value), 1, len(shapes) - 2))
    a, b, c = value[k - 1 : k + 2]
    bend = a - 2.0 * b + c
    step = shapes[1] - shapes[0]
    if bend <= 0.0:
        return float(shapes[np.argmin(value)])
    return float(np.clip(shapes[k] + 0.5 * step * (a - c) / bend, 0.0, shapes[-1]))


def _smooth(
    shapes: np.ndarray, orders: np.ndarray, slit: SlitImage, guess: np.ndarray, fwhm: float
) -> tuple[np.ndarray, np.ndarray]:
    """Place and width of the source as smooth functions over the chip."""
    columns = slit.centre.shape[1]
    with np.errstate(invalid="ignore"):
        good = (
            (shapes["signal"] > 8.0)
            & (np.abs(shapes["centre"]) < slit.half)
            & (shapes["width_error"] < 0.3)
            & (shapes["centre_error"] < 1.0)
        )
    every = np.repeat(orders[:, None].astype(float), shapes.shape[1], axis=1)
    x, order = shapes["x"][good], every[good]
    nodes = np.linspace(0.0, columns - 1.0, NODES)
    at = orders[:, None].astype(float)
    if len(x) < 3:
        centre = np.repeat(guess[:, None], columns, axis=1)
        return centre, np.full((len(orders), NODES), fwhm)
    intervals = ((0.0, columns - 1.0), (float(orders.min()) - 0.5, float(orders.max()) + 0.5))
    place = _fitted(x, order, shapes["centre"][good], shapes["centre_error"][good], intervals)
    size = _fitted(x, order, shapes["log_width"][good], shapes["width_error"][good], intervals)
    # Where no stretch was measured the nearest measured order stands in.
    near = np.clip(at, order.min(), order.max())
    centre = place(np.arange(columns, dtype=float)[None, :], near)
    return centre, np.exp(np.clip(size(nodes[None, :], near), 0.0, np.log(4.0 * slit.half)))


def _fitted(
    x: np.ndarray,
    order: np.ndarray,
    values: np.ndarray,
    errors: np.ndarray,
    intervals: tuple[tuple[float, float], tuple[float, float]],
) -> Surface:
    """Surface through measured stretches, as free as their number allows."""
    degree = 3 if len(x) >= 60 else 1 if len(x) >= 15 else 0
    return fit_surface(
        x, order, values, intervals=intervals, degrees=(degree, degree),
        sigma=np.hypot(errors, 0.003), kappa=4.0, floor=0.02,
    ).surface  # fmt: skip
