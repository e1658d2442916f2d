"""The two tables of a raw frame: which target a button has, and which place in the slit.

Columns as ESO documents them for GIRAFFE (QC page ``bin_tables.html``). The recipes read the
places in the slit as text.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

from vltflow.instruments.giraffe.spectrograph import (
    CALIBRATION_FIBRES,
    FIBRES,
    SUBSLITS,
    subslit_of,
)
from vltflow.simulate.giraffe.constants import SLITS

if TYPE_CHECKING:
    from vltflow.simulate.uves.conditions import Target

FIBRE_COLOURS = (370, 400, 450, 500, 600, 700, 800, 900, 1000)
"""Wavelengths, nm, at which the fibre table states transmissions."""
_OZPOZ = np.dtype(
    [
        ("OBJECT", "S20"), ("RA", "f8"), ("DEC", "f8"), ("R", "f8"), ("R_ERROR", "f4"),
        ("THETA", "f8"), ("THETA_ERROR", "f4"), ("TYPE", "S1"), ("BUTTON", "i4"),
        ("PRIORITY", "i2"), ("ORIENT", "f8"), ("IN_TOL", "?"), ("MAGNITUDE", "f4"),
        ("COMMENTS", "S20"),
    ]
)  # fmt: skip
_FIBRES = np.dtype(
    [
        ("Slit", "S10"), ("FPS", "S4"), ("SSN", "S4"), ("PSSN", "S4"), ("Retractor", "S20"),
        ("BN", "S6"), ("FBN", "S6"), ("RP", "S6"), *[(f"{w}nm", "f4") for w in FIBRE_COLOURS],
    ]
)  # fmt: skip
_SKY_EVERY = 10
_PLATE_SCALE = 582.0
"""Micrometres on the plate by arcsec: f/15 at 8.2 m."""


def retractors() -> np.ndarray:
    """Retractor (RP) of each fibre by FPS: even numbers; -1 for calibration fibres."""
    science = np.ones(FIBRES, dtype=bool)
    science[np.array(CALIBRATION_FIBRES) - 1] = False
    return np.where(science, 2 * np.cumsum(science), -1)


def transmission(slit: str) -> np.ndarray:
    """Relative transmission of the fibres of a slit by FPS; mean 1, spread of a tenth."""
    rng = np.random.default_rng(zlib.crc32(slit.encode()))
    values = 1.0 + 0.1 * np.clip(rng.standard_normal(FIBRES), -2.5, 2.5)
    return np.asarray(values / values.mean())


def fibre_table() -> np.ndarray:
    """The table ``FLAMES FIBRE Table``: both Medusa slits, the same in every frame."""
    per_subslit = FIBRES // SUBSLITS
    fps = np.arange(1, FIBRES + 1)
    rows = np.zeros((len(SLITS), FIBRES), dtype=_FIBRES)
    for row, (slit, plate) in zip(rows, SLITS.items(), strict=True):
        row["Slit"], row["FPS"] = slit, fps
        row["SSN"], row["PSSN"] = subslit_of(fps), (fps - 1) % per_subslit + 1
        row["RP"] = retractors()
        row["Retractor"] = [
            "Calibration" if rp < 0 else f"Medusa {plate}-{rp:03d}" for rp in retractors()
        ]
        row["BN"], row["FBN"] = [f"{rp}" for rp in retractors()], fps
        for wave in FIBRE_COLOURS:
            row[f"{wave}nm"] = 60.0 * transmission(slit)
    return rows.ravel()


def ozpoz_table(target: Target | None) -> np.ndarray:
    """The table ``OzPoz_table``: one row a button of a Medusa fibre, every tenth on the sky."""
    buttons = retractors()
    buttons = buttons[buttons > 0]
    number = np.arange(len(buttons))
    rows = np.zeros(len(buttons), dtype=_OZPOZ)
    radius, theta = 600.0 * np.sqrt((number + 1) / len(number)), 2.399963 * number
    rows["THETA"], rows["R"] = theta % (2.0 * np.pi), radius * _PLATE_SCALE
    rows["BUTTON"], rows["IN_TOL"], rows["PRIORITY"] = buttons, True, 1
    sky = number % _SKY_EVERY == _SKY_EVERY - 1
    rows["TYPE"] = np.where(sky, b"S", b"M")
    rows["OBJECT"] = [
        f"SKY{n}" if empty else f"FIELD{n}" for n, empty in zip(number, sky, strict=True)
    ]
    if target is not None:
        rows["DEC"] = target.dec + radius * np.cos(theta) / 3600.0
        rows["RA"] = target.ra + radius * np.sin(theta) / 3600.0 / np.cos(np.radians(target.dec))
        rows["MAGNITUDE"] = np.where(sky, 0.0, magnitudes(len(number)))
    return rows


def magnitudes(count: int) -> np.ndarray:
    """V magnitudes of the stars of a field: 14 to 17."""
    return np.asarray(14.0 + 3.0 * ((0.618034 * np.arange(count)) % 1.0))
