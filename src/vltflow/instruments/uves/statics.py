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

    ``INTENSITY`` (relative) tells which lines every arc should show; ESO's recipes leave it aside.

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
    bright = strength >= FAINTEST_LINE
    wave, place = np.unique(air_from_vacuum(lines.wave_vac[bright]), return_index=True)
    columns = [
        fits.Column("WAVE", "D", "Angstrom", array=wave),
        fits.Column("INTENSITY", "E", array=strength[bright][place]),
    ]
    _write(path, "LINE_REFER_TABLE", ("LINES", columns))


_PIXEL = 0.015
_ECHELLES = {"BLUE": (41.59, 22.5), "RED": (31.6, 22.668)}
"""Lines per mm, and half of the angle at the cross-disperser (degree): INS GRAT ROT."""
_CROSS_GROOVES = {"CD#1": 1000.0, "CD#2": 660.0, "CD#3": 600.0, "CD#4": 312.5}
"""Lines per mm: INS GRAT GROOVES."""
FORMATS = {
    ("BLUE", "CD#1"): (76.0789, 357.1494, 1466.9095, 1031.5913, 0.0565, 0.0375),
    ("BLUE", "CD#2"): (76.0617, 360.1705, 1448.256, 1024.1112, 0.0925, 0.031),
    ("REDL", "CD#3"): (74.7171, 501.3238, 1976.7505, 2102.6132, 0.0074, 0.1184),
    ("REDU", "CD#3"): (74.6838, 499.1162, 1939.4407, -39.5968, -0.1546, 0.0278),
    ("REDL", "CD#4"): (74.7142, 507.6862, 1964.3563, 2101.9346, 0.0254, 0.056),
    ("REDU", "CD#4"): (74.7122, 507.0414, 1964.0387, -38.2748, -0.1409, 0.0088),
}
"""Blaze (degree), focal length (mm), pixel of the optical axis (x, y), rotation (degree), and
chromatism of the focal length, by chip and cross-disperser, as tools/fit_spectral_format.py
found them."""


def format_model(chip: str, disperser: str, row: tuple[float, ...]) -> dict[str, float]:
    """Fields of `vltflow.algorithms.spectral_format.SpectralFormat`, without the setting.

    Parameters
    ----------
    chip, disperser
        ``BLUE``, ``CD#1``.
    row
        Of `FORMATS`.
    """
    grooves, half_angle = _ECHELLES[chip[:3] if chip.startswith("RED") else chip]
    names = ("blaze", "focal_length", "x", "y", "rotation", "chromatism")
    return {
        "grooves": grooves, "pixel": _PIXEL, "cross_grooves": _CROSS_GROOVES[disperser],
        "half_angle": half_angle, **dict(zip(names, row, strict=True)),
    }  # fmt: skip


_FORMAT_COLUMNS = {
    "GROOVES": ("grooves", "mm**(-1)"), "BLAZE": ("blaze", "deg"), "FOCAL": ("focal_length", "mm"),
    "PIXEL": ("pixel", "mm"), "CDGROOVES": ("cross_grooves", "mm**(-1)"),
    "HALFANGLE": ("half_angle", "deg"), "X0": ("x", "pixel"), "Y0": ("y", "pixel"),
    "ROTATION": ("rotation", "deg"), "CHROMATISM": ("chromatism", None),
}  # fmt: skip
"""Fields of the model and units by column."""


def spectral_format(path: Path) -> None:
    """Write SPECTRAL_FORMAT_TAB: a rough physical model, a row for each chip and disperser.

    Lines of the gratings, their angles and the pixel are those of the User Manual
    (VLT-MAN-ESO-13200-1825) and of the headers. The others were fitted to what ESO's physical
    model (recipe uves_cal_predict 6.1.8) predicts for 19 settings from 310 to 900 nm, so they
    hold what this simple model leaves out; what is left is 1 to 6 pixels rms along x and 2 to
    10 along y (500 nm: 10 and 15).

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    models = [format_model(*key, row) for key, row in FORMATS.items()]
    columns = [
        fits.Column("CHIP", "8A", array=[chip for chip, _ in FORMATS]),
        fits.Column("DISPERSER", "8A", array=[disperser for _, disperser in FORMATS]),
        *(
            fits.Column(name, "D", unit, array=[model[field] for model in models])
            for name, (field, unit) in _FORMAT_COLUMNS.items()
        ),
        fits.Column(
            "NX", "D", "pixel", array=[3000.0 if chip == "BLUE" else 4096.0 for chip, _ in FORMATS]
        ),
        fits.Column("NY", "D", "pixel", array=[2048.0] * len(FORMATS)),
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
