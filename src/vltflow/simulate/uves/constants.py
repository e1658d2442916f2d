"""UVES in numbers: chips, optics, settings.

Sources: UVES User Manual (ESO, VLT-MAN-ESO-13200-1825) for gratings, settings and
detectors; headers of archive data of 2010-2012 for gain, read noise and read-out modes. The
optical constants were fitted to the line positions of nine settings from 346 to 860 nm that
ESO's physical model of UVES (Ballester & Rosa 1997, A&AS 126, 563; recipe uves_cal_predict of
pipeline 6.1.8) predicts; residuals are 1.5 to 2.1 pixels rms in the blue arm and 2 to 7
in the red one.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from vltflow.simulate.detector import Chip
from vltflow.simulate.echelle import ChipPlace, CrossDisperser, Slit, Spectrograph

BLUE = Chip(
    name="CCD-44b", label="blue", index=1, columns=2048, rows=3000, prescan=50, overscan=50,
    conad=1.84, ron=3.8, bias_level=151.0, dark_rate=0.4, full_well=180_000.0, cosmics=0.10,
)  # fmt: skip
RED_UPPER = Chip(
    name="CCD-20", label="redu", index=1, columns=2048, rows=4096, prescan=50, overscan=50,
    conad=1.41, ron=3.9, bias_level=176.0, dark_rate=1.1, full_well=150_000.0, cosmics=0.25,
)  # fmt: skip
RED_LOWER = Chip(
    name="CCD-44", label="redl", index=2, columns=2048, rows=4096, prescan=50, overscan=50,
    conad=1.47, ron=4.0, bias_level=163.0, dark_rate=0.5, full_well=170_000.0, cosmics=0.14,
)  # fmt: skip
CHIPS = MappingProxyType({"blue": (BLUE,), "red": (RED_UPPER, RED_LOWER)})

SPECTROGRAPHS = MappingProxyType(
    {
        "blue": Spectrograph(
            grooves=41.59, incidence=1.32851328, off_plane=0.00649798, axis=1.32397201,
            fold=0.00953832, half_angle=0.39770919, focal_length=364.936697, reference=4000.0,
            chromatism=(0.03993873, -0.09110396), distortion=-0.00853221,
            distortion_centre=(1045.567, -1323.197), tilt=(-0.00864003, 0.01408863),
        ),
        "red": Spectrograph(
            grooves=31.6, incidence=1.31343636, off_plane=0.04754329, axis=1.30038121,
            fold=0.06498584, half_angle=0.39286944, focal_length=505.539121, reference=6500.0,
            chromatism=(0.05030333, -0.07138784), distortion=-0.00248908,
            distortion_centre=(30.672, -1484.743), tilt=(0.00088126, 0.00598316),
        ),
    }
)  # fmt: skip
SLITS = MappingProxyType(
    {
        "blue": Slit(off_plane=0.01396, rotation=0.113, curvature=0.4),
        "red": Slit(off_plane=0.01396, rotation=0.132, curvature=0.4),
    }
)
"""Off-plane angle of the design, 0.8 degrees. No public table tells how UVES's slits are turned
and what its cameras leave of the curvature: the image is tilted by -1.5 to 2 degrees in the blue
arm and 0 to 2 in the red one, whose slit is longer."""
DISPERSERS = MappingProxyType(
    {
        "CD#1": CrossDisperser("CD#1", 1002.53578265, 0.01562924, (2.0355, 3.9674)),
        "CD#2": CrossDisperser("CD#2", 662.55150768, 0.01375906, (-2.0322, -3.9675)),
        "CD#3": CrossDisperser("CD#3", 601.65864532, 0.00105747, (5.4923, 12.0861)),
        "CD#4B": CrossDisperser("CD#4B", 314.36914547, 0.00123929, (-5.4909, -12.0853)),
    }
)
PLACES = MappingProxyType(
    {
        "blue": ChipPlace(1360.11691, 970.82525, 0.00815312),
        "redl": ChipPlace(1861.80899, 1589.77362, 0.00043322),
        "redu": ChipPlace(1861.40137, -555.69947, -0.00348408),
    }
)


@dataclass(frozen=True, slots=True)
class Slicer:
    """An image slicer: it cuts the image into slices and lines them up along the slit."""

    slices: int
    width: float
    """Of the slit that it makes, arcsec."""
    length: float


SLICERS = MappingProxyType(
    {
        "SLIC#1": Slicer(3, 0.68, 7.9),
        "SLIC#2": Slicer(4, 0.44, 7.9),
        "SLIC#3": Slicer(5, 0.30, 10.0),
    }
)
"""Sizes of the User Manual (image slicers 1 to 3), gaps between slices left out."""
REFERENCE_TEMPERATURE = 12.4
"""Celsius; the encoders' reference, at which the optical constants hold."""
PIXEL_SCALE = MappingProxyType({"blue": 0.246, "red": 0.182})
"""Arcsec per unbinned pixel across the orders."""
REFRACTION = 1.000206
"""Index of air at 743 hPa and 12 degrees Celsius, close to the visual."""


@dataclass(frozen=True, slots=True)
class Grating:
    """Header values of a cross-disperser (INS GRATn)."""

    name: str
    number: int
    zero: int
    resolution: float
    grooves: float
    rotation: float
    slope: float


GRATINGS = MappingProxyType(
    {
        "CD#1": Grating("CD#1", 1, 310_520, -15000.0, 0.001, 22.5, 5.54),
        "CD#2": Grating("CD#2", 2, 1_214_065, -15000.0, 0.00066, 22.5, 5.54),
        "CD#3": Grating("CD#3", 1, 4_446_450, 22500.0, 0.0006, 22.668, 26.25),
        "CD#4B": Grating("CD#4", 2, 391_615, 22500.0, 0.0003125, 22.668, 25.67),
    }
)


@dataclass(frozen=True, slots=True)
class Setting:
    """A standard setting."""

    wavelength: float
    disperser: str
    mode: str
    filter_id: str
    filter_name: str
    filter_number: int
    flat_exptime: float
    arc_exptime: float


SETTINGS = MappingProxyType(
    {
        setting.wavelength: setting
        for setting in (
            Setting(346.0, "CD#1", "DICHR#1", "BS6", "HER_5", 6, 57.4, 40.0),
            Setting(390.0, "CD#2", "DICHR#1", "BS6", "HER_5", 6, 38.3, 19.0),
            Setting(437.0, "CD#2", "DICHR#2", "BS6", "HER_5", 6, 21.5, 25.0),
            Setting(520.0, "CD#3", "RED", "BS4", "SHP700", 4, 12.0, 15.0),
            Setting(564.0, "CD#3", "DICHR#1", "BS4", "SHP700", 4, 9.0, 19.0),
            Setting(580.0, "CD#3", "DICHR#1", "BS4", "SHP700", 4, 9.0, 5.0),
            Setting(760.0, "CD#4B", "DICHR#2", "BS9", "BK7_5", 9, 7.0, 5.0),
            Setting(860.0, "CD#4B", "DICHR#2", "BS8", "OG590", 8, 8.0, 5.0),
        )
    }
)
"""Exposure times as in headers where known; otherwise of that order."""

THROUGHPUT = MappingProxyType(
    {
        "blue": (
            (2900.0, 3200.0, 3500.0, 3800.0, 4200.0, 4700.0, 5100.0),
            (0.005, 0.03, 0.06, 0.09, 0.11, 0.10, 0.06),
        ),
        "red": (
            (4100.0, 4700.0, 5500.0, 6500.0, 7500.0, 8500.0, 9500.0, 10600.0),
            (0.03, 0.08, 0.13, 0.14, 0.12, 0.08, 0.035, 0.006),
        ),
    }
)
"""Telescope, spectrograph and detector at blaze peak: rounded from the user manual's figure."""
TELESCOPE_AREA_CM2 = 5.03e5
"""8.2 m primary less the obscuration of M2."""


def resolving_power(slit_width: float) -> float:
    """R for a slit width in arcsec: 59,000 at 0.8, as measured in archive arcs."""
    return float(((slit_width / 56_000.0) ** 2 + (1.0 / 110_000.0) ** 2) ** -0.5)
