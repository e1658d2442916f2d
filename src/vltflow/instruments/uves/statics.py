"""Static calibrations of UVES that code can build, in the layout of ESO's calibration kit.

Each builder writes one FITS file; the same bytes every time.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from astropy.io import fits

from vltflow.fits import write_product
from vltflow.instruments import data

__all__ = ["extinction", "fit_points", "line_reference", "spectral_format", "standard_fluxes"]

FAINTEST_LINE = 100.0
"""On NIST's scale of thorium; brightest lines have 50,000."""
ARGON_SCALE = 0.12
"""Argon's intensities come from another source; in lamps its lines are this much weaker."""
POINT_DISTANCE = 40.0
"""Angstrom between the points through which the response is drawn; an order has 30 to 130."""
STELLAR_LINES = (
    # H alpha to H 10 with half the width to avoid, and He II in the subdwarfs (NIST, air).
    (6562.8, 90.0), (4861.3, 90.0), (4340.5, 80.0), (4101.7, 70.0), (3970.1, 50.0),
    (3889.1, 35.0), (3835.4, 25.0), (3797.9, 20.0), (4685.7, 20.0), (5411.5, 20.0),
)  # fmt: skip
TELLURIC_BANDS = (
    # Oxygen and water vapour over Paranal: Smette et al. 2015, A&A 576, A77, figure 1.
    (6270.0, 6330.0), (6860.0, 6960.0), (7150.0, 7350.0), (7590.0, 7710.0), (8100.0, 8360.0),
    (8930.0, 9850.0),
)  # fmt: skip


def line_reference(path: Path) -> None:
    """Write LINE_REFER_TABLE: ``WAVE``, wavelengths of ThAr lines in air, Angstrom.

    Lines fainter than `FAINTEST_LINE` are left out: arcs show few of them, and those that do
    not show are only chances to mistake a line for another. Lines too close together for
    UVES stay: the recipe leaves them out itself.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    lines = data.thorium_argon()
    strength = lines.intensity * np.where(lines.argon, ARGON_SCALE, 1.0)
    wave = np.unique(air_from_vacuum(lines.wave_vac[strength >= FAINTEST_LINE]))
    column = fits.Column("WAVE", "D", "Angstrom", array=wave)
    _write(path, "LINE_REFER_TABLE", ("LINES", [column]))


_FORMAT_BLUE = (41.59, 76.0072, 357.636, 0.015)
_FORMAT_RED = (31.6, 74.7373, 501.489, 0.015)
"""Lines of the echelle (1/mm), blaze (degree), focal length and size of a pixel (mm)."""
_CROSS_DISPERSERS = {
    "BLUE": (("CD#1", 1019.1219, 0.0677), ("CD#2", 681.4831, 0.0153)),
    "RED": (("CD#3", 609.5663, 0.0480), ("CD#4", 324.9924, 0.0042)),
}
"""Lines (1/mm) and chromatism of the focal length with it."""
_PLACES = {
    "BLUE": (1403.5657, 1026.2037, 0.075),
    "REDL": (1997.9594, 2099.1095, 0.0167),
    "REDU": (2000.7361, -41.0613, -0.1761),
}
"""Pixel of the optical axis, and rotation (degree)."""
_HALF_ANGLES = {"BLUE": 14.8427, "RED": 10.0042}
"""Half of the angle at the cross-disperser, degree."""


def spectral_format(path: Path) -> None:
    """Write SPECTRAL_FORMAT_TAB: a rough physical model, a row for each chip and disperser.

    Lines of the echelles and the pixel are those of the User Manual (VLT-MAN-ESO-13200-1825).
    The other numbers were fitted to the positions that ESO's physical model (recipe
    uves_cal_predict 6.1.8) gives for lines of eight settings from 346 to 860 nm, so they hold
    what this simple model leaves out; what is left is 1 to 6 pixels rms for CD#1 to CD#3,
    7 to 16 along the dispersion for CD#4.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    rows = []
    for chip, (x, y, rotation) in _PLACES.items():
        arm = chip[:3] if chip.startswith("RED") else chip
        optics = _FORMAT_RED if arm == "RED" else _FORMAT_BLUE
        for name, grooves, chromatism in _CROSS_DISPERSERS[arm]:
            angle = _HALF_ANGLES[arm]
            size = (4096.0 if arm == "RED" else 3000.0, 2048.0)
            rows.append((chip, name, *optics, grooves, angle, x, y, rotation, chromatism, *size))
    names = ("GROOVES", "BLAZE", "FOCAL", "PIXEL", "CDGROOVES", "HALFANGLE", "X0", "Y0",
             "ROTATION", "CHROMATISM", "NX", "NY")  # fmt: skip
    units = (
        "mm**(-1)",
        "deg",
        "mm",
        "mm",
        "mm**(-1)",
        "deg",
        "pixel",
        "pixel",
        "deg",
        None,
        "pixel",
        "pixel",
    )
    values = list(zip(*rows, strict=True))
    columns = [
        fits.Column("CHIP", "8A", array=list(values[0])),
        fits.Column("DISPERSER", "8A", array=list(values[1])),
        *(
            fits.Column(name, "D", unit, array=list(numbers))
            for name, unit, numbers in zip(names, units, values[2:], strict=True)
        ),
    ]
    _write(path, "SPECTRAL_FORMAT_TAB", ("FORMAT", columns))


def extinction(path: Path) -> None:
    """Write EXTCOEFF_TABLE: ``LAMBDA`` (Angstrom), ``LA_SILLA`` (mag per airmass).

    The recipe knows the column by that name only; the values are those of Paranal.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    wave, coefficient = data.paranal_extinction()
    columns = [
        fits.Column("LAMBDA", "D", "Angstrom", array=wave),
        fits.Column("LA_SILLA", "D", "mag/airmass", array=coefficient),
    ]
    _write(path, "EXTCOEFF_TABLE", ("EXTINCTION", columns))


def standard_fluxes(path: Path) -> None:
    """Write FLUX_STD_TABLE: a row each star, its place (degree, J2000) and its flux.

    ``LAMBDA`` and ``BIN_WIDTH`` (Angstrom) and ``F_LAMBDA`` (erg/s/cm2/Angstrom) are
    arrays with ``NDATA`` valid entries each; the recipe reads them in single precision only.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    stars = data.standard_stars()
    wave = [star.wave for star in stars]
    width = [np.gradient(star.wave) for star in stars]
    flux = [star.flux for star in stars]
    number = len(wave[0])
    columns = [
        fits.Column("OBJECT", "20A", array=[star.name for star in stars]),
        fits.Column("RA_DEG", "D", "deg", array=[star.ra for star in stars]),
        fits.Column("DEC_DEG", "D", "deg", array=[star.dec for star in stars]),
        fits.Column("TYPE", "8A", array=[star.kind for star in stars]),
        fits.Column("NDATA", "J", array=[number] * len(stars)),
        fits.Column("LAMBDA", f"{number}E", "Angstrom", array=wave),
        fits.Column("BIN_WIDTH", f"{number}E", "Angstrom", array=width),
        fits.Column("F_LAMBDA", f"{number}E", "erg/s/cm2/Angstrom", array=flux),
    ]
    _write(path, "FLUX_STD_TABLE", ("STARS", columns))


def fit_points(path: Path) -> None:
    """Write RESP_FIT_POINTS_CATALOG: where the response of each star may be fitted.

    An index of the stars, then a table a star with ``LAMBDA`` in nanometres: evenly spaced,
    without the star's lines and the bands of the air.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    stars = data.standard_stars()
    index = [
        fits.Column("ext_id", "J", array=np.arange(len(stars)) + 2),
        fits.Column("name", "20A", array=[star.name for star in stars]),
        fits.Column("ra", "D", "deg", array=[star.ra for star in stars]),
        fits.Column("dec", "D", "deg", array=[star.dec for star in stars]),
    ]
    tables = [
        ("INDEX", index),
        *((star.name, [_points_of(star)]) for star in stars),
    ]
    _write(path, "RESP_FIT_POINTS_CATALOG", *tables)


def _points_of(star: data.StandardStar) -> fits.Column:
    wave = np.arange(star.wave[0], star.wave[-1], POINT_DISTANCE)
    for centre, reach in STELLAR_LINES:
        wave = wave[np.abs(wave - centre) > reach]
    for first, last in TELLURIC_BANDS:
        wave = wave[(wave < first) | (wave > last)]
    return fits.Column("LAMBDA", "D", "nm", array=wave / 10.0)


def air_from_vacuum(wave: np.ndarray) -> np.ndarray:
    """Wavelength in standard air, Angstrom, from that in vacuum.

    Ciddor 1996, Applied Optics 35, 1566, equation 1: 15 degrees Celsius, 101325 Pa, 450 ppm
    of carbon dioxide.
    """
    sigma2 = (1e4 / np.asarray(wave, dtype=float)) ** 2
    return wave / (1.0 + 5_792_105e-8 / (238.0185 - sigma2) + 167_917e-8 / (57.362 - sigma2))


def _write(path: Path, category: str, *tables: tuple[str, list[fits.Column]]) -> None:
    primary = fits.PrimaryHDU()
    primary.header["INSTRUME"] = "UVES"
    primary.header["HIERARCH ESO PRO CATG"] = category
    extensions = [fits.BinTableHDU.from_columns(columns, name=name) for name, columns in tables]
    write_product(path, [primary, *extensions])
