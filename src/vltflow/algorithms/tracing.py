"""Traces of light over a detector: found in cuts, linked, numbered, fitted as one surface.

Images have the dispersion along x (columns); coordinates count pixels from 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vltflow.algorithms.blocks import over_blocks
from vltflow.algorithms.peaks import find_peaks
from vltflow.algorithms.surface import Fit, fit_surface

_NEIGHBOURS = 6
"""Points of a chain whose mean slope predicts the next one."""


@dataclass(frozen=True)
class Cuts:
    """Where traces pass the sampled columns; arrays of one length."""

    x: np.ndarray
    """Columns."""
    y: np.ndarray
    """Centres."""
    sigma: np.ndarray
    """Errors of the centres, pixels."""
    height: np.ndarray
    """Above the background between the traces, image units."""


def cut_traces(
    image: np.ndarray,
    *,
    noise: float,
    conad: float,
    fwhm: float,
    step: int = 10,
    half_width: int = 4,
    threshold: float = 6.0,
    threads: int = 1,
) -> Cuts:
    """Find the centres of all traces in evenly spaced columns.

    Parameters
    ----------
    image
        Light above the bias level, ADU, shape (rows, columns); NaN where there is none.
    noise
        Read noise of a pixel, ADU.
    conad
        Electrons per ADU.
    fwhm
        Expected width of a trace across, pixels.
    step, half_width
        Distance of the columns, and columns that are averaged on each side.
    threshold
        Smallest height in units of its error.
    """
    columns = np.arange(half_width, image.shape[1] - half_width, step)

    def cut(start: int, stop: int) -> list[tuple[int, np.ndarray]]:
        found = []
        for column in columns[start:stop]:
            strip = image[:, column - half_width : column + half_width + 1]
            profile = strip.mean(axis=1, dtype=np.float64)
            variance = (noise**2 + np.maximum(profile, 0.0) / conad) / strip.shape[1]
            peaks = find_peaks(profile, variance, fwhm=fwhm, threshold=threshold)
            found.append((int(column), peaks))
        return found

    blocks = [(start, min(start + 32, len(columns))) for start in range(0, len(columns), 32)]
    cuts = [one for block in over_blocks(cut, blocks, threads=threads) for one in block]
    peaks = np.concatenate([found for _, found in cuts])
    x = np.concatenate([np.full(len(found), column) for column, found in cuts])
    return Cuts(x, peaks["x"], peaks["sigma_x"], peaks["height"])


def link_traces(cuts: Cuts, *, step: int, reach: float = 2.0, gap: int = 8) -> np.ndarray:
    """Join the points of neighbouring columns to chains; -1 for points that belong to none.

    Parameters
    ----------
    cuts
        Points by column.
    step
        Distance of the columns.
    reach
        Largest distance of a point from where its chain leads, pixels.
    gap
        Columns that a chain may miss.

    Returns
    -------
    numpy.ndarray
        Number of the chain of each point, int.
    """
    chain = np.full(len(cuts.x), -1)
    open_chains: list[list[int]] = []
    count = 0
    for column in np.unique(cuts.x):
        points = np.flatnonzero(cuts.x == column)
        open_chains = [one for one in open_chains if column - cuts.x[one[-1]] <= (gap + 1) * step]
        ends = np.array([_continued(cuts, one, column) for one in open_chains])
        for point in points:
            nearest = int(np.argmin(np.abs(ends - cuts.y[point]))) if len(ends) else -1
            if nearest >= 0 and abs(ends[nearest] - cuts.y[point]) <= reach:
                open_chains[nearest].append(int(point))
                chain[point] = chain[open_chains[nearest][0]]
                ends[nearest] = np.inf
            else:
                open_chains.append([int(point)])
                chain[point] = count
                count += 1
    return chain


def _continued(cuts: Cuts, chain: list[int], column: float) -> float:
    recent = chain[-_NEIGHBOURS:]
    x, y = cuts.x[recent], cuts.y[recent]
    span = x[-1] - x[0]
    # Two points alone give a slope that noise dominates: traces are nearly level.
    slope = (y[-1] - y[0]) / span if len(recent) >= 3 else 0.0
    return float(y[-1] + slope * (column - x[-1]))


@dataclass(frozen=True)
class Traces:
    """Traces of all orders as one surface y(x, order)."""

    fit: Fit
    points: Cuts
    """All points of numbered chains."""
    order: np.ndarray
    """Order of each point."""
    orders: np.ndarray
    """Orders that were found, ascending."""


def fit_traces(
    cuts: Cuts,
    chain: np.ndarray,
    guess: Callable[[np.ndarray, np.ndarray], np.ndarray],
    candidates: np.ndarray,
    *,
    size: tuple[int, int],
    degrees: tuple[int, int] = (5, 4),
    kappa: float = 4.0,
    least: int = 15,
) -> Traces:
    """Number the chains by a rough guess of where orders lie, and fit one surface.

    Parameters
    ----------
    cuts, chain
        Points and their chains.
    guess
        Rough y at (x, order), pixels from 0; may be off by less than half the distance of orders.
    candidates
        Orders that could be there.
    size
        Rows and columns of the image.
    degrees
        Of the surface in x and in the order.
    kappa
        Points off by so many times the robust scatter are left out.
    least
        Points that make a chain.

    Raises
    ------
    ValueError
        If no chain is long enough, or too few points fix the surface.
    """
    order = number_chains(cuts, chain, guess, candidates, least=least)
    used = order >= 0
    if not used.any():
        raise ValueError("no chain of points is long enough to be an order")
    points = Cuts(cuts.x[used], cuts.y[used], cuts.sigma[used], cuts.height[used])
    order = order[used]
    orders = np.unique(order)
    intervals = ((0.0, size[1] - 1.0), (float(orders[0]) - 0.5, float(orders[-1]) + 0.5))
    fit = fit_surface(
        points.x, order, points.y, intervals=intervals, degrees=degrees,
        sigma=np.hypot(points.sigma, 0.01), kappa=kappa, floor=0.05,
    )  # fmt: skip
    found = np.array([one for one in orders if np.sum(fit.used & (order == one)) >= least])
    return Traces(fit, points, order, found)


def number_chains(
    cuts: Cuts,
    chain: np.ndarray,
    guess: Callable[[np.ndarray, np.ndarray], np.ndarray],
    candidates: np.ndarray,
    *,
    least: int,
) -> np.ndarray:
    """Order of each point; -1 where its chain is short or contradicts its neighbours.

    Distance to the guess is a smooth function of the order: the shift that suits most chains
    is found first, then each chain takes the nearest order, then a straight line through the
    distances replaces the shift.
    """
    counts = np.bincount(chain[chain >= 0])
    kept = np.flatnonzero(counts >= least)
    middle = np.array([np.median(cuts.x[chain == one]) for one in kept])
    level = np.array([_level(cuts, chain == one, x) for one, x in zip(kept, middle, strict=True)])
    if not len(kept):
        return np.full(len(chain), -1)
    predicted = guess(middle[:, None], candidates[None, :].astype(float))
    offset = np.full((len(kept), 1), _common_shift(level[:, None] - predicted))
    for _ in range(3):
        distance = level[:, None] - predicted - offset
        nearest = np.argmin(np.abs(distance), axis=1)
        rows = np.arange(len(kept))
        miss = (level[:, None] - predicted)[rows, nearest]
        line = np.polynomial.Polynomial.fit(level, miss, min(2, len(kept) - 1))
        offset = line(level)[:, None]
    spacing = np.abs(np.gradient(predicted, axis=1))[rows, nearest]
    good = np.abs(miss - line(level)) < 0.25 * spacing
    numbers = np.full(len(counts), -1)
    numbers[kept[good]] = candidates[nearest[good]]
    result = np.full(len(chain), -1)
    inside = chain >= 0
    result[inside] = numbers[chain[inside]]
    return result


def spacings(
    cuts: Cuts, chain: np.ndarray, at: float, *, least: int = 15
) -> tuple[np.ndarray, np.ndarray]:
    """Distances of neighbouring chains in one column: they tell the setting without any numbers.

    Parameters
    ----------
    cuts, chain
        Points and their chains.
    at
        Column, which a chain must reach to either side.
    least
        Points that make a chain.

    Returns
    -------
    tuple of numpy.ndarray
        Where the gaps' middles are and how wide they are, pixels.
    """
    levels = []
    for one in np.flatnonzero(np.bincount(chain[chain >= 0]) >= least):
        mine = chain == one
        if cuts.x[mine].min() <= at <= cuts.x[mine].max():
            levels.append(_level(cuts, mine, at))
    levels = sorted(levels)
    return 0.5 * (np.array(levels[1:]) + np.array(levels[:-1])), np.diff(levels)


def _level(cuts: Cuts, mine: np.ndarray, at: float) -> float:
    x, y = cuts.x[mine], cuts.y[mine]
    return float(np.polynomial.Polynomial.fit(x, y, min(2, len(x) - 1))(at))


def _common_shift(distance: np.ndarray) -> float:
    """Shift within half an order that brings most chains onto an order."""
    spacing = float(np.median(np.abs(np.diff(distance, axis=1))))
    shifts = np.linspace(-0.5, 0.5, 201) * spacing
    nearest = np.abs(distance[:, :, None] - shifts).min(axis=1)
    score = np.exp(-0.5 * (nearest / (0.08 * spacing)) ** 2).sum(axis=0)
    # Of shifts that suit equally well the smallest one is the most likely.
    return float(shifts[np.argmax(score - 1e-3 * len(distance) * np.abs(shifts) / spacing)])
