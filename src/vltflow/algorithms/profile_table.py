"""The profile along the slit of every trace as a table: what extraction weights with."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from vltflow.algorithms.blocks import over_blocks
from vltflow.algorithms.column_fit import MOST_PIXELS, Noise, clean_column, solve_column
from vltflow.algorithms.compiled import compiled
from vltflow.algorithms.profile import point_light, unit_shape
from vltflow.algorithms.slit import SlitImage, window_pixels

FINE = 16
"""Entries a pixel."""
_TRUSTED = 3.0
"""Signal to noise ratio from which a measured deviation from the model is believed fully."""

_NEAREST = 3
"""Traces that show the whole slit and stand in for one of which the next slit covers a part."""


@dataclass(frozen=True)
class ProfileTable:
    """Share of the source's light in a pixel, by its distance from the source.

    Its sum over the pixels within the slit is 1.
    """

    values: np.ndarray
    """Shape (traces, nodes, entries), float64; entry i is at ``start + i / FINE`` pixels."""
    start: float
    spacing: float
    """Columns from one node to the next; the first node is at column 0."""
    centre: np.ndarray
    """Distance of the source from the slit's middle, pixels, shape (traces, columns)."""


def model_table(
    slit: SlitImage, centre: np.ndarray, width: np.ndarray, inverse_beta: float, *, nodes: int = 17
) -> ProfileTable:
    """Tabulate a Moffat or Gaussian profile of varying width.

    Parameters
    ----------
    centre
        Distance of the source from the slit's middle, pixels, shape (traces, columns).
    width
        Full width at half maximum at the nodes, pixels, shape (traces, nodes).
    inverse_beta
        Of the Moffat function, 0 for a Gaussian.
    """
    reach = math.ceil(slit.half + np.nanmax(np.abs(centre))) + 2
    spacing = (centre.shape[1] - 1.0) / (nodes - 1.0)
    values = np.empty((len(centre), nodes, 2 * reach * FINE + 1))
    _tabulate(values, width, unit_shape(inverse_beta), float(-reach))
    table = ProfileTable(values, float(-reach), spacing, np.ascontiguousarray(centre))
    return normalised(table, slit)


@compiled
def _tabulate(
    values: np.ndarray, width: np.ndarray, shape: tuple[float, float, float], start: float
) -> None:
    one = np.empty(3)
    for n in range(values.shape[0]):
        for k in range(values.shape[1]):
            for i in range(values.shape[2]):
                point_light(start + i / FINE, width[n, k], shape, one)
                values[n, k, i] = one[0]


def normalised(table: ProfileTable, slit: SlitImage) -> ProfileTable:
    """Scale the profile at every node so that its integral over the slit is 1."""
    columns = table.centre.shape[1]
    nodes = np.minimum(
        np.round(np.arange(table.values.shape[1]) * table.spacing).astype(int), columns - 1
    )
    place = table.start + np.arange(table.values.shape[2]) / FINE
    inside = np.abs(place + table.centre[:, nodes, None]) <= slit.half
    total = np.sum(np.where(inside, table.values, 0.0), axis=2) / FINE
    scaled = table.values / np.maximum(total, 1e-6)[:, :, None]
    return replace(table, values=scaled)


def corrected_table(
    table: ProfileTable,
    image: np.ndarray,
    bad: np.ndarray,
    slit: SlitImage,
    noise: Noise,
    *,
    reach: float,
    free: int,
    tolerance: float = 0.2,
    step: int = 1,
    threads: int = 1,
) -> ProfileTable:
    """Add what the light itself shows to deviate from the model.

    Residuals of every column's fit of source and sky, in units of the source's light, are
    averaged in quarter pixels of the distance from the source, over each trace and its
    neighbours. A mean counts by its signal to noise ratio r as r^2 / (r^2 + `_TRUSTED`^2),
    and only within `reach`: wings and sky cannot be told from each other by residuals.

    Parameters
    ----------
    reach
        Pixels from the source; beyond it the model stays.
    free
        Unknowns of a column: 1 without, 2 with constant, 3 with sloping sky.
    tolerance
        Relative deviation from the model beyond which a column is thought hit by a cosmic ray.
    """
    bins = 2 * math.ceil(4 * reach) + 1
    sums = np.zeros((len(slit.centre), bins, 2))

    def work(start: int, stop: int) -> None:
        for n in range(start, stop):
            _residuals(image, bad, slit.centre[n], slit.lean(n), slit.low[n], slit.high[n],
                       table.centre[n], table.values[n], table.start, table.spacing, free,
                       noise.read, noise.conad, tolerance, step, sums[n])  # fmt: skip

    over_blocks(work, [(n, n + 1) for n in range(len(sums))], threads=threads)
    joined = sums.copy()
    joined[1:] += sums[:-1]
    joined[:-1] += sums[1:]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = joined[..., 0] / joined[..., 1]
        ratio = joined[..., 0] ** 2 / joined[..., 1]
    believed = np.where(joined[..., 1] > 0, mean * ratio / (ratio + _TRUSTED**2), 0.0)
    at = (np.arange(bins) - bins // 2) / 4.0
    taper = np.clip((reach - np.abs(at)) / (0.25 * reach), 0.0, 1.0)
    place = table.start + np.arange(table.values.shape[2]) / FINE
    change = np.array([np.interp(place, at, one * taper, 0.0, 0.0) for one in believed])
    added = table.values + change[:, None, :]
    return normalised(replace(table, values=np.maximum(added, 0.0)), slit)


@compiled
def profile_at(
    values: np.ndarray, start: float, spacing: float, column: float, distance: float
) -> float:
    """Profile of one trace at a column and a distance from the source, linear in both."""
    place = (distance - start) * FINE
    i = math.floor(place)
    if i < 0 or i >= values.shape[1] - 1:
        return 0.0
    node = column / spacing
    k = min(int(node), values.shape[0] - 2)
    u, v = place - i, node - k
    low = values[k, i] * (1.0 - u) + values[k, i + 1] * u
    high = values[k + 1, i] * (1.0 - u) + values[k + 1, i + 1] * u
    return low * (1.0 - v) + high * v


@compiled
def _residuals(
    image: np.ndarray,
    bad: np.ndarray,
    centre: np.ndarray,
    lean: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    source: np.ndarray,
    values: np.ndarray,
    start: float,
    spacing: float,
    free: int,
    read: float,
    conad: float,
    tolerance: float,
    step: int,
    sums: np.ndarray,
) -> None:
    pixels, basis = np.empty((6, MOST_PIXELS)), np.empty((3, MOST_PIXELS))
    variance = np.empty(MOST_PIXELS)
    for x in range(0, len(centre), step):
        if not (high[x] > low[x]):
            continue
        count = window_pixels(image, bad, centre, lean, low[x], high[x], x, source[x], pixels)
        for i in range(count):
            basis[0, i] = profile_at(values, start, spacing, x, pixels[1, i] - source[x])
            basis[1, i], basis[2, i], variance[i] = 1.0, pixels[1, i], 1.0
        light, sky, slope = solve_column(pixels, basis, variance, count, free)
        if not light > 0.0:
            continue
        light, sky, slope, outliers = clean_column(
            pixels, basis, variance, count, free, read, conad, tolerance, -1.0, light, sky, slope
        )
        # A column with a cosmic ray tells nothing that the others do not.
        if outliers or not light > 0.0:
            continue
        _add_residuals(pixels, basis, variance, count, (light, sky, slope), source[x], sums)


@compiled
def _add_residuals(
    pixels: np.ndarray,
    basis: np.ndarray,
    variance: np.ndarray,
    count: int,
    solution: tuple[float, float, float],
    source: float,
    sums: np.ndarray,
) -> None:
    light, sky, slope = solution
    for i in range(count):
        k = math.floor(4.0 * (pixels[1, i] - source) + 0.5) + sums.shape[0] // 2
        if pixels[3, i] > 0.0 and 0 <= k < sums.shape[0]:
            rest = pixels[0, i] - light * basis[0, i] - sky - slope * pixels[1, i]
            sums[k, 0] += light * rest / variance[i]
            sums[k, 1] += light * light / variance[i]


def tells_profile(level: np.ndarray, error: np.ndarray, *, ratio: float) -> np.ndarray:
    """Whether the light of each trace stands out enough to tell its profile along the slit.

    The profile of a trace without light would be its noise over nearly nothing.

    Parameters
    ----------
    level, error
        Mean light along the slit and its error, shape (traces, distances); NaN unknown.
    ratio
        Least signal to noise ratio of half of the pixels.

    Returns
    -------
    numpy.ndarray
        Of bool, shape (traces,).
    """
    known = np.isfinite(level) & np.isfinite(error)
    above = known & (np.where(known, level, 0.0) >= ratio * np.where(known, error, 1.0))
    return np.asarray(above.sum(axis=1) > 0.5 * known.sum(axis=1))


def slit_table(slit: SlitImage, level: np.ndarray, distance: np.ndarray) -> ProfileTable:
    """Table of light that fills the slit, from its mean along the slit.

    Parameters
    ----------
    slit
        Windows with the blurred rims of the slit.
    level
        Mean light of every trace, shape (traces, distances). NaN is filled in from the nearest
        traces that show the whole slit; if none does, by the nearest value, or it is even.
    distance
        Pixels from the slit's middle.
    """
    reach = int(distance[-1]) + 2
    place = -reach + np.arange(2 * reach * FINE + 1) / FINE
    values = np.empty((len(level), 2, place.size))
    knots = np.concatenate([[distance[0] - 1.0], distance, [distance[-1] + 1.0]])
    for n, one in enumerate(_filled(level)):
        known = np.isfinite(one)
        filled = np.interp(distance, distance[known], one[known]) if known.any() else one * 0.0
        filled[~known & (np.abs(distance) > slit.half)] = 0.0
        if not filled.sum() > 0:
            filled = (np.abs(distance) <= slit.half).astype(float)
        values[n] = np.interp(place, knots, np.pad(np.maximum(filled, 0.0), 1))
    values /= values.sum(axis=2, keepdims=True) / FINE
    centre = np.zeros(slit.centre.shape)
    return ProfileTable(values, float(-reach), slit.centre.shape[1] - 1.0, centre)


def _filled(level: np.ndarray) -> np.ndarray:
    """Level with what the next trace's slit or noise covers as nearby traces show it."""
    filled, covered = level.copy(), np.isnan(level)
    whole = np.flatnonzero(~covered.any(axis=1))
    for n in np.flatnonzero(covered.any(axis=1)):
        near = level[whole[np.argsort(np.abs(whole - n))[:_NEAREST]]].sum(axis=0)
        seen = near[~covered[n]].sum()
        if seen > 0:
            filled[n, covered[n]] = near[covered[n]] * (level[n, ~covered[n]].sum() / seen)
        elif covered[n].all() and whole.size:
            filled[n] = near
    return filled


def contrast(table: ProfileTable, half: float) -> float:
    """How uneven the light is along the slit: rms about its mean over the mean, all traces.

    Parameters
    ----------
    half
        Pixels from the slit's middle within which it counts.
    """
    place = table.start + np.arange(table.values.shape[2]) / FINE
    inside = table.values[:, 0, np.abs(place) <= half]
    return float(np.median(inside.std(axis=1) / inside.mean(axis=1)))
