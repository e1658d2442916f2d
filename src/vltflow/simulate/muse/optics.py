"""Where the light of one IFU falls: 48 slices side by side along x, wavelength along y."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import numpy as np
from numba import njit

from vltflow.instruments.muse.geometry import SLICE_WIDTH, SLICES

COLUMNS, ROWS = 4096, 4112
"""Pixels of a detector without pre- and overscans."""
FIRST, DISPERSION = 4600.0, 1.25
"""Angstrom in the middle of the lowest row, and Angstrom per pixel (MUSE User Manual: 1.25)."""
_BEND = 4.0
"""Angstrom: how far the wavelength in the middle of the detector is from a straight line."""
_PITCH = 84.0
_TILT, _CURVATURE = 0.02, 2e-4
"""Of a line within a slice: pixels per pixel, pixels per pixel squared."""
_BLUR = 0.7
"""Gaussian sigma of a slice's edges, pixels."""
REACH = 48
"""Half width of `weights`, pixels."""
GRID = np.arange(4550.0, 9850.0, 0.05)
"""Angstrom at which spectra are given, in air."""
_GRID_SCALE = (float(GRID[0]), float(1.0 / (GRID[1] - GRID[0])))


@dataclass(frozen=True)
class Optics:
    """The light's way through one IFU at one moment."""

    ifu: int
    drift_x: float
    """Pixels; temperature moves the slices, and the wavelengths with them."""
    drift_y: float

    @property
    def centres(self) -> np.ndarray:
        """X of the middle of each slice in each row, 0-based, shape (48, rows)."""
        place = (np.arange(SLICES) - (SLICES - 1) / 2)[:, None]
        row = ((np.arange(ROWS) - (ROWS - 1) / 2) / (ROWS / 2))[None, :]
        bow = 2.0 * place / (SLICES / 2) * row**2 + 0.6 * row
        own = 3.0 * (_fraction(self.ifu, "x") - 0.5)
        return np.asarray((COLUMNS - 1) / 2 + _PITCH * place + bow + own + self.drift_x)

    @property
    def widths(self) -> np.ndarray:
        """Pixels of each slice along x, (48,)."""
        return SLICE_WIDTH + 0.4 * np.sin(1.7 * np.arange(SLICES) + self.ifu)

    @property
    def stagger(self) -> np.ndarray:
        """Shift of each slice's spectrum along y, pixels, (48,)."""
        number = np.arange(SLICES)
        place = (number - (SLICES - 1) / 2) / (SLICES / 2)
        own = 6.0 * (_fraction(self.ifu, "y") - 0.5)
        return 4.0 * (number % 3 - 1) + 6.0 * place**2 + own + self.drift_y

    def wave(self, number: int, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Wavelength in air, Angstrom, at pixels (0-based) of a slice (1 to 48)."""
        centre = self.centres[number - 1][np.asarray(y, dtype=int)]
        d = x - centre
        return _wave(y - self.stagger[number - 1] - _TILT * d - _CURVATURE * d * d)


def _wave(y: np.ndarray) -> np.ndarray:
    u = (y - (ROWS - 1) / 2) / (ROWS / 2)
    return FIRST + DISPERSION * y + _BEND * (u * u - 1.0)


def _fraction(ifu: int, name: str) -> float:
    """A number from 0 to 1 that belongs to an IFU for ever."""
    return zlib.crc32(f"IFU{ifu}{name}".encode()) % 1000 / 999.0


def line_fwhm(wave: np.ndarray) -> np.ndarray:
    """Width of an unresolved line, Angstrom FWHM: Bacon et al. 2017, A&A 608, A1, equation 8."""
    return np.asarray(5.866e-8 * wave**2 - 9.187e-4 * wave + 6.040)


def line_spectrum(wave: np.ndarray, electrons: np.ndarray) -> np.ndarray:
    """Electrons per Angstrom on `GRID` of unresolved lines.

    Parameters
    ----------
    wave
        Angstrom, air.
    electrons
        In each line, per pixel along the slice.
    """
    spectrum = np.zeros(GRID.size)
    for centre, total, sigma in zip(wave, electrons, line_fwhm(wave) / 2.3548, strict=True):
        first, last = np.searchsorted(GRID, [centre - 8.0 * sigma, centre + 8.0 * sigma])
        d = (GRID[first:last] - centre) / sigma
        spectrum[first:last] += total * np.exp(-0.5 * d * d) / (sigma * math.sqrt(2.0 * math.pi))
    return spectrum


def paint(
    image: np.ndarray, optics: Optics, spectrum: np.ndarray, weights: np.ndarray | None = None
) -> np.ndarray:
    """Add the light of a spectrum to an image (rows, columns; electrons), in place.

    Parameters
    ----------
    spectrum
        Electrons per Angstrom and pixel along a slice, on `GRID`.
    weights
        Factor for each slice and each distance from its middle, shape (48, 2 `REACH` + 1).
    """
    if weights is None:
        weights = np.ones((SLICES, 2 * REACH + 1))
    # The mean over a pixel, once for all: the light of a pixel's whole height falls into it.
    height = round(DISPERSION / (GRID[1] - GRID[0]))
    smooth = np.convolve(spectrum, np.full(height, 1.0 / height), mode="same")
    dispersion = np.gradient(_wave(np.arange(ROWS, dtype=float)))
    shape = (FIRST, DISPERSION, _BEND, _TILT, _CURVATURE, _BLUR)
    _paint(
        image, optics.centres, optics.widths, optics.stagger, dispersion, smooth, weights,
        shape, _GRID_SCALE,
    )  # fmt: skip
    return image


@njit(cache=True)
def _paint(  # noqa: PLR0913, PLR0917 - numba takes plain arguments
    image: np.ndarray,
    centres: np.ndarray,
    widths: np.ndarray,
    stagger: np.ndarray,
    dispersion: np.ndarray,
    spectrum: np.ndarray,
    weights: np.ndarray,
    shape: tuple[float, float, float, float, float, float],
    grid: tuple[float, float],
) -> None:
    first, slope, bend, tilt, curvature, blur = shape
    rows, columns = image.shape
    reach = weights.shape[1] // 2
    root = blur * math.sqrt(2.0)
    for y in range(rows):
        for k in range(len(widths)):
            centre, half = centres[k, y], 0.5 * widths[k]
            low = max(0, math.ceil(centre - half - 4.0))
            high = min(columns - 1, math.floor(centre + half + 4.0))
            for x in range(low, high + 1):
                d = x - centre
                edge = half - abs(d)
                share = 1.0 if edge > 4.0 else 0.5 * (1.0 + math.erf(edge / root))
                row = y - stagger[k] - tilt * d - curvature * d * d
                u = (row - 0.5 * (rows - 1)) / (0.5 * rows)
                place = (first + slope * row + bend * (u * u - 1.0) - grid[0]) * grid[1]
                i = int(place)
                if 0 <= i < len(spectrum) - 1:
                    part = place - i
                    light = spectrum[i] * (1.0 - part) + spectrum[i + 1] * part
                    weight = weights[k, round(d) + reach]
                    image[y, x] += light * dispersion[y] * share * weight
