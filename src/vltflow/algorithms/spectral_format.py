"""Where orders and wavelengths of an echelle spectrograph fall: a rough physical model.

The echelle disperses along x by the grating equation in its plane, near Littrow; a second
grating disperses across, turned until the central wavelength is on the axis (Schroeder,
Astronomical Optics, 2nd edition, chapters 13 to 15). Distortion and the angle off the
plane are left out: a few to some ten pixels, which the identification of lines absorbs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_MM = 1e-7
"""Angstrom in mm."""


@dataclass(frozen=True, slots=True)
class SpectralFormat:
    """An echelle on one chip. Angles in degrees, lengths in mm, pixels unbinned, from 1."""

    grooves: float
    """Lines of the echelle per mm."""
    blaze: float
    """Angle of incidence and of the axis' diffraction, degrees."""
    focal_length: float
    pixel: float
    """Size of a pixel, mm."""
    cross_grooves: float
    """Lines of the cross-disperser per mm."""
    half_angle: float
    """Half of the angle between its incoming and outgoing axis, degrees."""
    x: float
    """Pixel at which the middle of the blaze falls."""
    y: float
    """Pixel at which the central wavelength falls in the middle of the blaze."""
    rotation: float
    """Of the chip, degrees."""
    chromatism: float
    """Relative change of the focal length per relative change of the wavelength."""
    central: float
    """Central wavelength, Angstrom."""

    @property
    def constant(self) -> float:
        """Order times wavelength in the middle of the blaze, Angstrom."""
        return float(2.0 * np.sin(np.radians(self.blaze)) / (self.grooves * _MM))

    def position(
        self, order: np.ndarray | float, wave: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Pixel (x, y) at which a wavelength (Angstrom) of an order falls; NaN if nowhere."""
        blaze, half = np.radians(self.blaze), np.radians(self.half_angle)
        sine = order * np.asarray(wave) * _MM * self.grooves - np.sin(blaze)
        with np.errstate(invalid="ignore"):
            along = np.tan(np.arcsin(sine) - blaze)
            turn = np.arcsin(self.central * _MM * self.cross_grooves / (2.0 * np.cos(half)))
            leaving = np.arcsin(np.asarray(wave) * _MM * self.cross_grooves - np.sin(turn + half))
        across = np.tan(leaving - (turn - half))
        stretch = 1.0 + self.chromatism * (np.asarray(wave) / self.central - 1.0)
        scale, angle = stretch * self.focal_length / self.pixel, np.radians(self.rotation)
        c, s = np.cos(angle), np.sin(angle)
        x = self.x + scale * (along * c - across * s)
        y = self.y + scale * (along * s + across * c)
        return np.asarray(x), np.asarray(y)

    def orders(self, size: tuple[int, int], margin: float = 0.0) -> np.ndarray:
        """Orders of which a part falls on a chip of (columns, rows) unbinned pixels.

        Parameters
        ----------
        size
            Pixels along x and y.
        margin
            Pixels by which an order may miss the rim in y.
        """
        middle = self.constant / self.central
        candidates = np.arange(max(1, int(middle / 2)), int(middle * 2))
        found = []
        for order in candidates:
            wave = self.constant / order * np.linspace(0.97, 1.02, 301)
            x, y = self.position(float(order), wave)
            inside = (x >= 1) & (x <= size[0]) & (y >= 1 - margin) & (y <= size[1] + margin)
            if inside.any():
                found.append(order)
        return np.array(found, dtype=int)

    def sampled(self, order: float, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Wavelength (Angstrom) and y of an order at the given x, unbinned pixels from 1."""
        wave = self.constant / order * np.linspace(0.96, 1.03, 701)
        x, y = self.position(order, wave)
        good = np.isfinite(x) & np.isfinite(y)
        return np.interp(at, x[good], wave[good]), np.interp(at, x[good], y[good])
