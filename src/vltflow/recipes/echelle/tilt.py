"""Tilt of the slit's image: how far a line moves along x from one end of the slit to the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vltflow.algorithms.surface import Surface, fit_surface
from vltflow.recipes.echelle.arc import Arc, measured_again

if TYPE_CHECKING:
    from vltflow.algorithms.identify import Solution

_FLOOR = 3e-4
"""Pixel per pixel: differences between lines that are not noise."""
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


def measure_tilt(arc: Arc, solution: Solution) -> Tilt:
    """Fit the tilt of the lines used in a solution as a plane over (x, m).

    Parameters
    ----------
    arc
        Lines and the spectra of windows along the slit.
    solution
        Which of the lines were identified, and how their orders are numbered.
    """
    intervals = solution.fit.surface.first, solution.fit.surface.second
    index = solution.index[solution.fit.used]
    slope, error = _slopes(arc, index)
    known = np.isfinite(slope)
    index, slope, error = index[known], slope[known], error[known]
    if not len(index):
        return Tilt(Surface(*intervals, np.zeros((1, 1))), float("nan"), 0.0)
    if len(index) < _LEAST:
        median = float(np.median(slope))
        return Tilt(Surface(*intervals, np.full((1, 1), median)), float(np.std(slope)), median)
    order = arc.lines.order[index].astype(float) + solution.vote.orders
    fit = fit_surface(
        arc.lines.x[index], order, slope, intervals=intervals, degrees=(1, 1),
        sigma=error, kappa=3.5,
    )  # fmt: skip
    return Tilt(fit.surface, fit.rms, float(np.median(slope[fit.used])))


def _slopes(arc: Arc, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slope of lines over the windows and its error; NaN unless all windows show the line."""
    if len(arc.offsets) < 2:
        return np.full(len(index), np.nan), np.ones(len(index))
    found = [measured_again(arc, window)[index] for window in range(len(arc.offsets))]
    share = arc.offsets / np.sum(arc.offsets**2)
    slope = share @ np.array([one["x"] for one in found])
    error = np.sqrt(share**2 @ np.array([one["sigma_x"] for one in found]) ** 2)
    return slope, np.hypot(error, _FLOOR)
