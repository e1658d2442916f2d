"""The nominal optics of GIRAFFE: gratings, settings and where the fibres stand in the slit.

An ideal Littrow spectrograph with the published focal lengths. Static calibrations are made
from it, and the simulator paints a slightly misaligned copy of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

FCOLL = 900.0
"""Focal length of the collimator, mm: a 180 mm beam at f/5 (FLAMES user manual, table 7)."""
GCAM = 0.4
"""Magnification: the camera's 360 mm (same table) over `FCOLL`."""
PIXEL = 0.015
"""Size of a pixel, mm."""
ROWS, COLUMNS = 4096, 2048
"""Pixels along and across the dispersion."""
FIBRE_FWHM = 4.3
"""Image of a Medusa fibre, pixels; gives the usual resolving powers within 5 %."""
FIBRES, SUBSLITS = 135, 15
"""Fibres of a Medusa slit, in subslits of nine."""
CALIBRATION_FIBRES = (1, 32, 63, 94, 125)
"""FPS of the fibres that end at the lamps of the simultaneous calibration."""
_PITCH, _GAP = 0.5325, 0.16875
"""Distance of two fibres, and what comes on top between subslits, mm in the slit."""


@dataclass(frozen=True, slots=True)
class Grating:
    """A grating."""

    name: str
    """INS GRAT NAME: ``HR``."""
    grooves: float
    """Grooves by mm."""


HR, LR = Grating("HR", 316.0), Grating("LR", 600.0)


@dataclass(frozen=True, slots=True)
class Setting:
    """A standard setting of grating and order-sorting filter."""

    name: str
    """INS EXP MODE: ``H525.8B``."""
    filter: str
    """INS FILT NAME: ``HR09B``."""
    grating: Grating
    order: int
    wavelength: float
    """On the optical axis, nm."""

    @property
    def theta(self) -> float:
        """Angle of the grating, radians: 2 sin(theta) = order * wavelength * grooves."""
        return math.asin(0.5 * self.order * self.wavelength * 1e-6 * self.grating.grooves)

    @property
    def dispersion(self) -> float:
        """Nanometres by pixel on the axis."""
        scale = PIXEL / (FCOLL * GCAM)
        return 1e6 / self.grating.grooves / self.order * math.cos(self.theta) * scale

    @property
    def edges(self) -> tuple[float, float]:
        """First and last wavelength on the detector for a fibre on the axis, nm."""
        angle = math.atan(0.5 * ROWS * PIXEL / (FCOLL * GCAM))
        spacing = 1e6 / self.grating.grooves / self.order
        middle = math.sin(self.theta)
        return (
            spacing * (middle + math.sin(self.theta - angle)),
            spacing * (middle + math.sin(self.theta + angle)),
        )

    @property
    def resolving_power(self) -> float:
        """Wavelength over the width of a Medusa fibre's image."""
        return self.wavelength / (FIBRE_FWHM * self.dispersion)


SETTINGS = MappingProxyType(
    {
        setting.name: setting
        for setting in (
            Setting("L427.2", "LR02", LR, 4, 427.2),
            Setting("L543.1", "LR04", LR, 3, 543.1),
            Setting("L881.7", "LR08", LR, 2, 881.7),
            Setting("H525.8A", "HR09A", HR, 10, 525.8),
            Setting("H525.8B", "HR09B", HR, 11, 525.8),
            Setting("H548.8", "HR10", HR, 10, 548.8),
            Setting("H627.3", "HR13", HR, 9, 627.3),
            Setting("H875.7", "HR21", HR, 6, 875.7),
        )
    }
)
"""Settings whose order follows from their wavelength range (README.md)."""


def subslit_of(fps: np.ndarray) -> np.ndarray:
    """Number of the subslit (SSN, from 1) of fibres by their place in the slit (FPS, from 1)."""
    return (np.asarray(fps) - 1) // (FIBRES // SUBSLITS) + 1


def slit_places(slit: str) -> tuple[np.ndarray, np.ndarray]:
    """Where the fibres of a Medusa slit stand: x (along the dispersion) and y in mm, by FPS.

    Subslits are mounted to a hundredth of a millimetre, in each slit in another way.
    """
    fps = np.arange(1, FIBRES + 1)
    subslit = subslit_of(fps)
    y = (fps - (FIBRES + 1) / 2) * _PITCH + (subslit - (SUBSLITS + 1) / 2) * _GAP
    phase = {"Medusa1": 0.0, "Medusa2": 2.0}[slit]
    return 0.012 * np.sin(1.7 * subslit + phase), y
