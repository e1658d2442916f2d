"""Where light of a fibre and wavelength falls: a Littrow spectrograph with a plane grating.

The collimator turns a place in the slit into a direction, the grating adds its order times
wavelength over groove distance along the dispersion, and the camera makes a place again
(D. J. Schroeder, Astronomical Optics, section 13 and 15: grating equation off the plane).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from vltflow.instruments.giraffe.spectrograph import COLUMNS, FCOLL, GCAM, PIXEL, ROWS, Setting


@dataclass(frozen=True, slots=True)
class Misalignment:
    """How the slit stands in the spectrograph, against its table."""

    along: float = 0.0
    """Shift along the dispersion, mm in the slit."""
    across: float = 0.0
    """Shift across it, mm in the slit."""


@dataclass(frozen=True)
class Trace:
    """The spectra of the fibres on the detector; arrays (n_fibre, n_rows)."""

    wavelength: np.ndarray
    """Vacuum or air alike: what the grating sees. nm."""
    column: np.ndarray
    """Centre, 0-based, in columns of the data section."""


def place(
    setting: Setting, wavelength: np.ndarray, slit_x: np.ndarray, slit_y: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Row and column (0-based, unbinned) of light of a wavelength in nm from a place in the slit.

    Parameters
    ----------
    wavelength, slit_x, slit_y
        nm, mm, mm; they broadcast.
    """
    sine, cosine = math.sin(setting.theta), math.cos(setting.theta)
    ray = np.sqrt(slit_x**2 + slit_y**2 + FCOLL**2)
    along = setting.order * wavelength * 1e-6 * setting.grating.grooves
    along = along - (slit_x * cosine + FCOLL * sine) / ray
    across = slit_y / ray
    normal = np.sqrt(1.0 - along**2 - across**2)
    depth = along * sine + normal * cosine
    scale = GCAM * FCOLL / PIXEL
    row = scale * (along * cosine - normal * sine) / depth + ROWS / 2
    return row, scale * across / depth + COLUMNS / 2


def trace(setting: Setting, slit: tuple[np.ndarray, np.ndarray], moved: Misalignment) -> Trace:
    """The spectra of the fibres of a slit.

    Parameters
    ----------
    slit
        x and y of each fibre, mm.
    """
    first, last = setting.edges
    margin = 0.1 * (last - first)
    grid = np.linspace(first - margin, last + margin, 1201)
    x, y = slit[0][:, None] + moved.along, slit[1][:, None] + moved.across
    rows, columns = place(setting, grid[None, :], x, y)
    wanted = np.arange(ROWS, dtype=float)
    return Trace(
        np.array([_interpolated(wanted, row, grid) for row in rows]),
        np.array(
            [_interpolated(wanted, row, column) for row, column in zip(rows, columns, strict=True)]
        ),
    )


def _interpolated(wanted: np.ndarray, row: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Smooth function of the row between close points: a polynomial leaves less than 1e-4 pixel."""
    middle, half = 0.5 * ROWS, 0.6 * ROWS
    fit = np.polynomial.chebyshev.chebfit((row - middle) / half, value, 8)
    return np.asarray(np.polynomial.chebyshev.chebval((wanted - middle) / half, fit))
