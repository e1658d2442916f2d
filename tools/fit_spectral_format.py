"""Fit the rough physical model of UVES, SPECTRAL_FORMAT_TAB, to what ESO's model predicts.

``python tools/fit_spectral_format.py BLUE.fits RED.fits``: a raw format check of each arm, 1x1, for
its header; those of a simulated day will do. ESO's recipe uves_cal_predict (esorex,
cpl-plugin-uves) predicts where evenly spaced wavelengths fall in settings all over the range of
each cross-disperser. Prints the rows of `vltflow.instruments.uves.statics`, and by how many pixels
these and the kept ones are off, along x and y.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits
from scipy.optimize import least_squares

from vltflow.algorithms.spectral_format import SpectralFormat
from vltflow.instruments.uves import statics

WAVES = np.arange(2900.0, 11_000.0, 0.5)
"""Wavelengths that are predicted, Angstrom."""
SETTINGS = {
    "CD#1": ("CD#1", (310.0, 328.0, 346.0, 370.0)),
    "CD#2": ("CD#2", (390.0, 405.0, 420.0, 437.0, 460.0)),
    "CD#3": ("CD#3", (500.0, 520.0, 564.0, 580.0, 600.0)),
    "CD#4": ("CD#4B", (700.0, 760.0, 800.0, 860.0, 900.0)),
}
"""INS GRAT ID and central wavelengths (nm): the standard ones and others in the manual's ranges."""
START = {
    "BLUE": (76.0, 360.0, 1500.0, 1024.0, 0.0, 0.0),
    "REDL": (75.04, 500.0, 2048.0, 2100.0, 0.0, 0.0),
    "REDU": (75.04, 500.0, 2048.0, -50.0, 0.0, 0.0),
}
"""First values: blaze and focal length of the manual, the axis in the middle of the arm."""


@dataclass(frozen=True)
class Prediction:
    """Where the wavelengths of one setting fall on one chip by ESO's model."""

    chip: str
    disperser: str
    central: float
    """Angstrom."""
    order: np.ndarray
    wave: np.ndarray
    x: np.ndarray
    y: np.ndarray


def predict(frame: Path, disperser: str, central: float) -> list[Prediction]:
    """Run uves_cal_predict on a frame whose header is made to tell a setting (nm)."""
    arm, chips = ("BLUE", ["BLUE"]) if disperser < "CD#3" else ("RED", ["REDL", "REDU"])
    number, found = 1 if arm == "BLUE" else 2, []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with fits.open(frame, do_not_scale_image_data=True) as hdus:
            header = hdus[0].header
            header[f"ESO INS GRAT{number} NAME"] = disperser
            header[f"ESO INS GRAT{number} ID"] = SETTINGS[disperser][0]
            header[f"ESO INS GRAT{number} WLEN"] = central
            hdus.writeto(folder / "frame.fits")
        column = fits.Column("WAVE", "D", "Angstrom", array=WAVES)
        table = fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns([column])])
        table[0].header["HIERARCH ESO PRO CATG"] = "LINE_REFER_TABLE"
        table.writeto(folder / "lines.fits")
        (folder / "set.sof").write_text(
            f"frame.fits ARC_LAMP_FORM_{arm}\nlines.fits LINE_REFER_TABLE\n"
        )
        call = ["esorex", "--log-dir=.", "uves_cal_predict", "set.sof"]
        subprocess.run(call, cwd=folder, check=True, capture_output=True)
        for chip in chips:
            rows = fits.getdata(folder / f"lineguesstable_{chip.lower()}.fits", 1)
            columns = (np.array(rows[one], float) for one in ("Order", "Ident", "X", "YNEW"))
            found.append(Prediction(chip, disperser, 10.0 * central, *columns))
    return found


def misses(row: tuple[float, ...], one: Prediction) -> np.ndarray:
    """Rough model minus ESO's along x and y, pixels, shape (2, lines)."""
    made = SpectralFormat(
        **statics.format_model(one.chip, one.disperser, row), central=one.central
    ).position(one.order, one.wave)
    return np.nan_to_num(np.stack(made) - np.stack([one.x, one.y]), nan=1e4)


def fit(predictions: list[Prediction]) -> tuple[float, ...]:
    """Free numbers of one chip and cross-disperser; each setting has the same weight."""

    def residuals(values: np.ndarray) -> np.ndarray:
        parts = [misses(tuple(values), one) / np.sqrt(len(one.x)) for one in predictions]
        return np.concatenate([part.ravel() for part in parts])

    found = least_squares(residuals, START[predictions[0].chip], x_scale="jac")
    return tuple(round(float(value), 4) for value in found.x)


def told(distance: np.ndarray) -> str:
    """Rms and largest distance along x and y."""
    rms, largest = np.sqrt(np.mean(distance**2, axis=1)), np.abs(distance).max(axis=1)
    return f"{rms[0]:.1f} {rms[1]:.1f} (at most {largest[0]:.0f} {largest[1]:.0f})"


def main(blue: str, red: str) -> None:
    """Fit all chips and cross-dispersers."""
    for disperser, (_, settings) in SETTINGS.items():
        frame = Path(blue if disperser < "CD#3" else red)
        every = [one for central in settings for one in predict(frame, disperser, central)]
        for chip in sorted({one.chip for one in every}):
            mine = [one for one in every if one.chip == chip]
            row, kept = fit(mine), statics.FORMATS[chip, disperser]
            print(f"    ({chip!r}, {disperser!r}): {row},")
            for one in mine:
                here, there = told(misses(row, one)), told(misses(kept, one))
                print(f"# {one.central / 10:g} nm: {len(one.x)} places, {here}; kept: {there}")


if __name__ == "__main__":
    main(*sys.argv[1:])
