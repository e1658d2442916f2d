"""Physical fluxes: extinction and response tables, applied."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vltflow.algorithms.air import transmission

if TYPE_CHECKING:
    from vltflow.recipes.declaration import MasterTable, RecipeInputs

EXTINCTION = "EXTCOEFF_TABLE"
RESPONSE = "INSTR_RESPONSE_FINE"
FLUX_UNIT = "erg.s**(-1).cm**(-2).angstrom**(-1)"
_COEFFICIENTS = ("PARANAL", "LA_SILLA")
"""Columns of the extinction by preference: ESO's tables know the second one only."""


@dataclass(frozen=True)
class Calibration:
    """Factor from counts to flux on the bins of a spectrum."""

    factor: np.ndarray
    """erg/cm2/electron, (bins,), air included; NaN where the response is unknown."""
    error: np.ndarray
    """Relative error of the response, (bins,)."""
    airmass: float


def extinction_of(table: MasterTable) -> tuple[np.ndarray, np.ndarray] | None:
    """Wavelengths (Angstrom) and extinction (mag per airmass); None if the table has none."""
    rows = next(iter(table.tables.values()))
    names = rows.dtype.names or ()
    found = [name for name in _COEFFICIENTS if name in names]
    if "LAMBDA" not in names or not found or not len(rows):
        return None
    ascending = np.argsort(rows["LAMBDA"])
    return rows["LAMBDA"][ascending].astype(float), rows[found[0]][ascending].astype(float)


def calibration_of(
    inputs: RecipeInputs, wave: np.ndarray, airmass: float
) -> tuple[Calibration | None, str]:
    """Flux calibration at wavelengths in air (Angstrom), and why there is none.

    Without a response that is no problem to tell; a response that cannot be used is one.
    """
    response = inputs.tables.get(RESPONSE)
    if response is None:
        return None, ""
    rows = response.tables.get("RESPONSE")
    if rows is None or not {"LAMBDA", "RESPONSE", "ERR"} <= set(rows.dtype.names or ()):
        return None, f"{response.name} was not made by this pipeline's native recipes"
    if not math.isfinite(airmass):
        return None, "the header has no airmass"
    air = inputs.tables.get(EXTINCTION)
    table = None if air is None else extinction_of(air)
    if table is None:
        return None, f"no {EXTINCTION} with the columns LAMBDA and {' or '.join(_COEFFICIENTS)}"
    value, error = (
        np.interp(wave, rows["LAMBDA"], rows[name], left=np.nan, right=np.nan)
        for name in ("RESPONSE", "ERR")
    )
    passed = transmission(wave, airmass, table)
    return Calibration(value / passed, error / np.where(value > 0, value, np.nan), airmass), ""
