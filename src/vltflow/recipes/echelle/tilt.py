"""The slit's image: how far a line moves along x from one end of the slit to the other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from vltflow.algorithms.surface import Surface, fit_surface
from vltflow.recipes.echelle.arc import Arc, measured_again

if TYPE_CHECKING:
    from vltflow.algorithms.identify import Lines

_LEAST = 40
"""Lines needed for a surface; below it the tilt is taken as their median."""
_BOX = 8.0 * np.log(2.0) / 12.0
"""Square of the full width of a Gaussian as broad as a box of width 1."""
_FLOOR = 3e-4
"""Pixel per pixel: differences between lines that are not noise."""


@dataclass(frozen=True)
class SlitImage:
    """A line at the height d above the trace's centre is displaced by tilt * d + curvature * d^2.

    Both are surfaces over (x, order), orders as the order table numbers them.
    """

    tilt: Surface
    """Pixel along x per pixel along the slit."""
    curvature: Surface
    """1 / pixel."""
    rms: float
    """Scatter of the tilt of single lines; NaN where nothing was measured."""
    median: float
    """Of the tilt of single lines."""

    def renumbered(self, change: int) -> SlitImage:
        """The same with other numbers of orders."""
        return replace(
            self, tilt=_moved(self.tilt, change), curvature=_moved(self.curvature, change)
        )

    def centred(self, lines: Lines, height: float) -> Lines:
        """Lines where the middle of the slit shows them.

        Parameters
        ----------
        lines
            As measured in the mean over the slit.
        height
            Of what was averaged, pixels.
        """
        bow = self.curvature(lines.x, lines.order.astype(float))
        return replace(lines, x=lines.x - bow * height**2 / 12.0)


def _moved(surface: Surface, change: int) -> Surface:
    first, last = surface.second
    return replace(surface, second=(first + change, last + change))


def measure_slit_image(arc: Arc) -> SlitImage:
    """Fit tilt and curvature of all lines of an arc as surfaces over (x, order).

    The tilt follows the angle at the echelle, which changes along x (conical diffraction;
    Hutley, Diffraction Gratings, 1982, section 2.3); the curvature hardly changes.

    Parameters
    ----------
    arc
        Lines and the spectra of windows along the slit: two tell the tilt, three the curvature.
    """
    order = arc.orders.astype(float)
    intervals = (0.0, arc.spectra.shape[2] - 1.0), (order.min() - 0.5, order.max() + 0.5)
    flat = Surface(*intervals, np.zeros((1, 1)))
    (tilt, error), (bow, bow_error) = _slopes(arc)
    known = np.isfinite(tilt)
    x, number = arc.lines.x[known], arc.lines.order[known].astype(float)
    if not known.any():
        return SlitImage(flat, flat, float("nan"), 0.0)
    median = float(np.median(tilt[known]))
    if known.sum() < _LEAST:
        level = Surface(*intervals, np.full((1, 1), median))
        return SlitImage(level, flat, float(np.std(tilt[known])), median)
    fit = fit_surface(
        x, number, tilt[known], intervals=intervals, degrees=(3, 2), sigma=error[known], kappa=3.5
    )
    curvature = flat if len(arc.offsets) < 3 else fit_surface(
        x, number, bow[known], intervals=intervals, degrees=(1, 1), sigma=bow_error[known],
        kappa=3.5,
    ).surface  # fmt: skip
    return SlitImage(fit.surface, curvature, fit.rms, median)


def _slopes(arc: Arc) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Tilt and curvature of each line with their errors; NaN unless all windows show it."""
    none = np.full(len(arc.lines.x), np.nan)
    if len(arc.offsets) < 2:
        return (none, none), (none, none)
    found = [measured_again(arc, window) for window in range(len(arc.offsets))]
    x = np.array([one["x"] for one in found])
    sigma = np.array([one["sigma_x"] for one in found])
    powers = np.vander(arc.offsets, min(3, len(found)), increasing=True)
    shares = np.linalg.pinv(powers)[1:]
    values, errors = shares @ x, np.sqrt(shares**2 @ sigma**2)
    tilt = values[0], np.hypot(errors[0], _FLOOR)
    if len(values) < 2:
        return tilt, (none, none)
    floor = _FLOOR / max(1.0, float(np.abs(arc.offsets).max()))
    return tilt, (values[1], np.hypot(errors[1], floor))


def without_tilt(arc: Arc, slit: SlitImage) -> Arc:
    """Take what the mean over a tilted and bent slit did from places and widths of the lines."""
    order = arc.lines.order.astype(float)
    smeared = _BOX * (slit.tilt(arc.lines.x, order) * arc.height) ** 2
    widths = np.sqrt(np.maximum(arc.fwhm**2 - smeared, 0.25 * arc.fwhm**2))
    return replace(arc, lines=slit.centred(arc.lines, arc.height), fwhm=widths)
