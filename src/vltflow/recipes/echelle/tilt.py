"""Tilt of the slit's image: how far a line moves along x from one end of the slit to the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vltflow.algorithms.surface import Surface, fit_surface

if TYPE_CHECKING:
    from vltflow.algorithms.identify import Lines, Solution

_REACH = 3.0
"""Pixels within which a line of a window is the same as that of the middle."""
_LEAST = 20
"""Lines needed for a surface; below it the tilt is taken as their median."""


@dataclass(frozen=True)
class Tilt:
    """Displacement along x per pixel along the slit."""

    surface: Surface
    """Pixel per pixel over (x, order)."""
    rms: float
    """Scatter of single lines, pixel per pixel; NaN where nothing was measured."""
    median: float


def measure_tilt(
    windows: tuple[Lines, ...], offsets: np.ndarray, solution: Solution, width: int
) -> Tilt:
    """Fit the tilt of lines as a plane over (x, order).

    Parameters
    ----------
    windows
        Lines of each window along the slit, orders numbered as the solution's lines were.
    offsets
        Distance of the windows from the slit's middle, pixels.
    solution
        Its identified lines are looked for in the windows.
    width
        Columns of the chip.
    """
    intervals = ((0.0, width - 1.0), solution.fit.surface.second)
    flat = Surface(*intervals, np.zeros((1, 1)))
    x, order, slope = _slopes(windows, offsets)
    if not len(x):
        return Tilt(flat, float("nan"), 0.0)
    order = order + solution.vote.orders
    if len(x) < _LEAST:
        median = float(np.median(slope))
        return Tilt(Surface(*intervals, np.full((1, 1), median)), float(np.std(slope)), median)
    fit = fit_surface(x, order, slope, intervals=intervals, degrees=(1, 1), kappa=3.5)
    return Tilt(fit.surface, fit.rms, float(np.median(slope[fit.used])))


def _slopes(
    windows: tuple[Lines, ...], offsets: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, order and slope of lines that all windows have."""
    middle = windows[len(windows) // 2]
    empty = np.zeros(0)
    if len(windows) < 2:
        return empty, empty, empty
    places = np.array([_partners(middle, other) for other in windows])
    complete = np.isfinite(places).all(axis=0)
    centred = offsets - offsets.mean()
    slope = centred @ places[:, complete] / np.sum(centred**2)
    return middle.x[complete], middle.order[complete].astype(float), slope


def _partners(lines: Lines, others: Lines) -> np.ndarray:
    """Position of the same line among others; NaN where there is none."""
    found = np.full(len(lines.x), np.nan)
    for order in np.unique(lines.order):
        mine = np.flatnonzero(lines.order == order)
        theirs = others.x[others.order == order]
        if len(theirs):
            distance = np.abs(lines.x[mine, None] - theirs[None, :])
            nearest = np.argmin(distance, axis=1)
            near = distance[np.arange(len(mine)), nearest] < _REACH
            found[mine[near]] = theirs[nearest[near]]
    return found
