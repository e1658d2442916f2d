"""What a spectrophotometric standard star tells: response and efficiency."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from vltflow.algorithms.air import transmission
from vltflow.algorithms.flux_calibration import (
    Points,
    ResponseFit,
    fit_response,
    measure_points,
    photons,
)
from vltflow.algorithms.merge import sum_orders
from vltflow.core.errors import AlgorithmFailure, UnprocessableData
from vltflow.recipes.declaration import QcDeclaration, TableData, TableProduct
from vltflow.recipes.echelle.exposure import airmass_of, number_of
from vltflow.recipes.echelle.fluxes import EXTINCTION, extinction_of
from vltflow.recipes.echelle.light import table_of
from vltflow.recipes.echelle.spectrum import SpectrumParameters
from vltflow.recipes.echelle.spectrum_figures import line_figure

if TYPE_CHECKING:
    from vltflow.algorithms.orders import OrderSpectra
    from vltflow.recipes.declaration import RecipeInputs
    from vltflow.recipes.echelle.spectrum import Finished
    from vltflow.records import QcFigure

RESPONSE_QC = (
    QcDeclaration("QC STD DIST", "arcsec", "Distance of the pointing from the catalogued star"),
    QcDeclaration("QC RESP NPOINT", "", "Points that the response was drawn through"),
    QcDeclaration("QC RESP RMS", "%", "Scatter of these points about the response"),
    QcDeclaration("QC RESP ERR", "%", "Median error of the response"),
)
EFFICIENCY_QC = (
    QcDeclaration("QC EFF MAX", "%", "Highest efficiency of the merged orders, smoothed"),
    QcDeclaration("QC EFF MED", "%", "Median efficiency"),
    QcDeclaration("QC EFF WLENMAX", "nm", "Wavelength of the highest efficiency"),
)
_STEP = 1.0
"""Angstrom between the entries of the response."""
_SMOOTHED = 401
"""Bins of the running median of the efficiency: some six pixels of a cosmic ray do no harm."""


class StandardStarParameters(SpectrumParameters):
    """Parameters of the response; names as in ESO's recipe where it has them."""

    paccuracy: float = Field(
        default=60.0, gt=0, description="Largest distance from a catalogued star [arcsec]."
    )
    point_window: float = Field(
        default=6.0, gt=0, description="Half width of the window at a fit point [Angstrom]."
    )
    knots: float = Field(
        default=150.0, gt=0, description="Distance of the knots of the response [Angstrom]."
    )
    beyond: float = Field(
        default=60.0, ge=0,
        description="Distance from the outermost fit points up to which the response is drawn "
        "on [Angstrom].",
    )  # fmt: skip
    area: float = Field(
        default=5.03e5, gt=0, description="Collecting area of the telescope [cm^2]."
    )


@dataclass(frozen=True)
class Star:
    """A catalogued star."""

    name: str
    distance: float
    """From the pointing, arcsec."""
    wave: np.ndarray
    """Angstrom."""
    flux: np.ndarray
    """erg/s/cm2/Angstrom."""


@dataclass(frozen=True)
class _Measured:
    """A standard star's spectrum beside the catalogue; arrays are (bins,)."""

    wave: np.ndarray
    star: np.ndarray
    """Catalogued flux."""
    passed: np.ndarray
    """Share of the light that the air lets pass."""
    per_second: float
    """Electrons per second in one ADU of the exposure."""


def find_star(inputs: RecipeInputs, accuracy: float) -> Star:
    """The star of FLUX_STD_TABLE that the frame points at.

    Raises
    ------
    UnprocessableData
        The header has no coordinates, or none is within `accuracy` arcsec.
    """
    frame = inputs.frames[0]
    columns = ("OBJECT", "RA_DEG", "DEC_DEG", "NDATA", "LAMBDA", "F_LAMBDA")
    rows = table_of(inputs, "FLUX_STD_TABLE", "", columns)
    distance = _distances(frame.header, rows["RA_DEG"], rows["DEC_DEG"], frame.name)
    row = rows[int(np.argmin(distance))]
    nearest, name = float(distance.min()), str(row["OBJECT"]).strip()
    if nearest > accuracy:
        raise UnprocessableData(
            f"{frame.name}: no star of FLUX_STD_TABLE within {accuracy:g} arcsec; the nearest, "
            f"{name}, is {nearest:.0f} arcsec away",
            hint="It is no standard star that is catalogued, or paccuracy is too small.",
        )
    number = int(row["NDATA"])
    wave, flux = row["LAMBDA"][:number].astype(float), row["F_LAMBDA"][:number].astype(float)
    return Star(name, nearest, wave, flux)


def _distances(header: object, ra: np.ndarray, dec: np.ndarray, name: str) -> np.ndarray:
    """Angles (arcsec) from the pointing of a header."""
    here = [number_of(header, key) for key in ("RA", "DEC")]  # type: ignore[arg-type]
    if not np.all(np.isfinite(here)):
        raise UnprocessableData(
            f"{name}: the header has no RA and DEC", hint="The star cannot be identified without."
        )
    a, d = np.radians(here)
    half = (
        np.sin(0.5 * (np.radians(dec) - d)) ** 2
        + np.cos(d) * np.cos(np.radians(dec)) * np.sin(0.5 * (np.radians(ra) - a)) ** 2
    )
    return np.asarray(np.degrees(2.0 * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))) * 3600.0)


def fit_points(inputs: RecipeInputs, accuracy: float) -> np.ndarray:
    """Wavelengths (Angstrom, ascending) at which the star's response may be fitted.

    Raises
    ------
    UnprocessableData
        RESP_FIT_POINTS_CATALOG has no list of points for the star.
    """
    role = "RESP_FIT_POINTS_CATALOG"
    index = table_of(inputs, role, "INDEX", ("ext_id", "ra", "dec"))
    frame = inputs.frames[0]
    distance = _distances(frame.header, index["ra"], index["dec"], frame.name)
    lists = list(inputs.tables[role].tables.values())
    # HDU 0 is empty, so HDU n is the table n - 1.
    place = int(index["ext_id"][int(np.argmin(distance))]) - 1
    if distance.min() > accuracy or not 0 < place < len(lists):
        raise UnprocessableData(
            f"{frame.name}: {inputs.tables[role].name or role} has no fit points for this star",
            hint="Add a table of points for it.",
        )
    return np.sort(lists[place]["LAMBDA"].astype(float)) * 10.0


def star_products(
    spectra: OrderSpectra,
    finished: Finished,
    inputs: RecipeInputs,
    parameters: StandardStarParameters,
) -> tuple[TableProduct, ...]:
    """INSTR_RESPONSE_FINE and EFFICIENCY_TABLE of a standard star.

    Parameters
    ----------
    spectra
        Its extracted orders, not divided by the blaze.
    finished
        Their merged spectrum.
    inputs
        Frame, chip, FLUX_STD_TABLE, RESP_FIT_POINTS_CATALOG, EXTCOEFF_TABLE.
    parameters
        Windows, knots, area of the telescope.

    Raises
    ------
    UnprocessableData
        The star, its fit points, the airmass or the extinction is unknown.
    AlgorithmFailure
        Too few fit points have light.
    """
    star = find_star(inputs, parameters.paccuracy)
    measured = _measured(finished, star, inputs, parameters)
    points, fit = _fit(finished, measured, inputs, parameters)
    cards: dict[str, str | int | float | bool] = {
        "ESO PRO TECH": "ECHELLE", "ESO DRS STD NAME": star.name,
        "ESO DRS FLUX AIRMASS": airmass_of(inputs.frames[0].header, parameters),
    }  # fmt: skip
    rows = _response_rows(fit, measured.wave, parameters.beyond)
    return (
        TableProduct(
            "INSTR_RESPONSE_FINE",
            (rows, _point_rows(points, fit)),
            cards,
            {
                "QC STD DIST": star.distance,
                "QC RESP NPOINT": int(fit.used.sum()),
                "QC RESP RMS": 100.0 * fit.scatter,
                "QC RESP ERR": 100.0
                * float(np.nanmedian(rows.rows["ERR"] / rows.rows["RESPONSE"])),
            },
            _response_figures(points, fit, rows),
        ),
        _efficiency(spectra, finished, measured, inputs, parameters, cards),
    )


def _measured(
    finished: Finished, star: Star, inputs: RecipeInputs, parameters: StandardStarParameters
) -> _Measured:
    frame = inputs.frames[0]
    airmass = airmass_of(frame.header, parameters)
    table = inputs.tables.get(EXTINCTION)
    air = None if table is None else extinction_of(table)
    seconds = number_of(frame.header, "EXPTIME")
    if air is None or not math.isfinite(airmass) or not seconds > 0:
        raise UnprocessableData(
            f"{frame.name}: airmass {airmass}, exposure time {seconds} s, "
            f"{EXTINCTION} {'usable' if air else 'missing or without its columns'}",
            hint="A response needs all three.",
        )
    wave = finished.merged.grid.centres
    flux = np.interp(wave, star.wave, star.flux, left=np.nan, right=np.nan)
    return _Measured(wave, flux, transmission(wave, airmass, air), inputs.chip.conad / seconds)


def _fit(
    finished: Finished,
    measured: _Measured,
    inputs: RecipeInputs,
    parameters: StandardStarParameters,
) -> tuple[Points, ResponseFit]:
    merged = finished.merged
    factor = measured.per_second / measured.passed
    counts = np.where(merged.quality == 0, merged.flux * factor, np.nan)
    points = measure_points(
        measured.wave, counts, merged.total * factor**2, measured.star,
        fit_points(inputs, parameters.paccuracy), window=parameters.point_window,
    )  # fmt: skip
    try:
        return points, fit_response(points, knots=parameters.knots)
    except ValueError as error:
        raise AlgorithmFailure(
            f"no response from {inputs.frames[0].name}: {error}",
            numbers={"points": float(len(points.wave))},
            hint="The star missed the slit, or its fit points lie outside the chip.",
        ) from None


def _response_rows(fit: ResponseFit, wave: np.ndarray, beyond: float) -> TableData:
    grid = np.arange(math.ceil(wave[0]), wave[-1], _STEP)
    value, error = fit.sensitivity(grid, beyond)
    told = np.isfinite(value)
    rows = np.empty(int(told.sum()), [("LAMBDA", "f8"), ("RESPONSE", "f8"), ("ERR", "f8")])
    rows["LAMBDA"], rows["RESPONSE"] = grid[told], 1.0 / value[told]
    rows["ERR"] = rows["RESPONSE"] * error[told]
    unit = "erg.cm**(-2).electron**(-1)"
    return TableData("RESPONSE", rows, {"LAMBDA": "Angstrom", "RESPONSE": unit, "ERR": unit})


def _point_rows(points: Points, fit: ResponseFit) -> TableData:
    told = np.isfinite(points.sensitivity) & (points.sensitivity > 0)
    kinds = [("LAMBDA", "f8"), ("RESPONSE", "f8"), ("ERR", "f8"), ("USED", "i2")]
    rows = np.empty(int(told.sum()), kinds)
    rows["LAMBDA"], rows["RESPONSE"] = points.wave[told], 1.0 / points.sensitivity[told]
    rows["ERR"] = points.sigma[told] / points.sensitivity[told] ** 2
    rows["USED"] = fit.used[told]
    unit = "erg.cm**(-2).electron**(-1)"
    return TableData("POINTS", rows, {"LAMBDA": "Angstrom", "RESPONSE": unit, "ERR": unit})


def _response_figures(points: Points, fit: ResponseFit, rows: TableData) -> tuple[QcFigure, ...]:
    told = fit.used
    curve, _ = fit.sensitivity(points.wave[told], 0.0)
    residuals = 100.0 * (points.sensitivity[told] / curve - 1.0)
    return (
        line_figure(
            "response", "Response", rows.rows["LAMBDA"], rows.rows["RESPONSE"] * 1e17,
            "response [1e-17 erg/cm2/e-]", ("QC RESP ERR",),
        ),
        line_figure(
            "residuals", "Points about the response", points.wave[told], residuals,
            "residual [%]", ("QC RESP RMS", "QC RESP NPOINT"),
        ),
    )  # fmt: skip


def _efficiency(
    spectra: OrderSpectra,
    finished: Finished,
    measured: _Measured,
    inputs: RecipeInputs,
    parameters: StandardStarParameters,
    cards: dict[str, str | int | float | bool],
) -> TableProduct:
    """Electrons over the photons that arrive at the telescope, all orders together."""
    light = sum_orders(
        spectra, finished.merged.grid, share=parameters.flag_share, threads=inputs.cores
    )
    arriving = photons(measured.star, measured.wave) * parameters.area * measured.passed
    with np.errstate(invalid="ignore", divide="ignore"):
        value = light * measured.per_second / arriving
    size = _SMOOTHED
    blocks = [np.arange(start, min(start + size, len(value))) for start in
              range(0, len(value), size)]  # fmt: skip
    kept = [block for block in blocks if np.isfinite(value[block]).sum() > size // 2]
    rows = np.empty(len(kept), [("LAMBDA", "f8"), ("EFF", "f8")])
    rows["LAMBDA"] = [measured.wave[block].mean() for block in kept]
    rows["EFF"] = [np.nanmedian(value[block]) for block in kept]
    highest = int(np.argmax(rows["EFF"])) if len(rows) else -1
    qc = {
        "QC EFF MAX": 100.0 * float(rows["EFF"].max()) if len(rows) else math.nan,
        "QC EFF MED": 100.0 * float(np.median(rows["EFF"])) if len(rows) else math.nan,
        "QC EFF WLENMAX": float(rows["LAMBDA"][highest]) / 10.0 if len(rows) else math.nan,
    }
    figure = line_figure(
        "efficiency", "Efficiency, all orders together", rows["LAMBDA"], 100.0 * rows["EFF"],
        "efficiency [%]", tuple(qc),
    )  # fmt: skip
    table = TableData("EFFICIENCY", rows, {"LAMBDA": "Angstrom"})
    return TableProduct("EFFICIENCY_TABLE", (table,), cards, qc, (figure,))
