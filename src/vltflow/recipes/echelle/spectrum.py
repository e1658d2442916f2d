"""From extracted orders to a finished spectrum: merged, calibrated, with its motion."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from vltflow.algorithms.air import vacuum_from_air
from vltflow.algorithms.merge import Merged, mean_pixel, merge_orders
from vltflow.algorithms.resample import Grid, linear_grid, logarithmic_grid
from vltflow.algorithms.velocity import shifted
from vltflow.core.errors import UnprocessableData
from vltflow.recipes.declaration import QcDeclaration, TableData
from vltflow.recipes.echelle.exposure import (
    ExposureParameters,
    Velocity,
    airmass_of,
    number_of,
    velocity_of,
)
from vltflow.recipes.echelle.fluxes import FLUX_UNIT, Calibration, calibration_of
from vltflow.recipes.echelle.spectrum_figures import spectrum_figures

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vltflow.algorithms.orders import OrderSpectra
    from vltflow.recipes.declaration import RecipeInputs
    from vltflow.records import QcFigure

log = logging.getLogger(__name__)

SPECTRUM_QC = (
    QcDeclaration("QC VRAD BARYCOR", "km/s", "Barycentric correction, to be added to velocities"),
    QcDeclaration("QC VRAD HELICOR", "km/s", "Heliocentric correction, to be added to velocities"),
    QcDeclaration("QC WLENMIN", "nm", "Lowest wavelength of the merged spectrum"),
    QcDeclaration("QC WLENMAX", "nm", "Highest wavelength of the merged spectrum"),
    QcDeclaration("QC MERGE NORD", "", "Orders merged"),
    QcDeclaration("QC MERGE NOVERLAP", "", "Overlaps of neighbouring orders that were compared"),
    QcDeclaration("QC MERGE STEPAVG", "%", "Mean step from an order to the next bluer one"),
    QcDeclaration("QC MERGE STEPRMS", "%", "Rms of the steps beyond their noise"),
    QcDeclaration("QC MERGE STEPMAX", "%", "Largest step, absolute"),
    QcDeclaration("QC MERGE NGAP", "", "Bins without light between the ends of the spectrum"),
    QcDeclaration("QC MERGE SN", "", "Median signal to noise of a bin of the merged spectrum"),
    QcDeclaration("QC MERGE COVAR", "", "Variance of a sum of bins over that of independent bins"),
)
_RHO = 4
"""Correlations of neighbours that the header tells."""


class SpectrumParameters(ExposureParameters):
    """Parameters of resampling and merging; names as in ESO's recipes where they have them."""

    wavestep: float = Field(
        default=-1.0,
        description="Width of the bins at the middle of the spectrum; negative: 2/3 of the mean "
        "pixel, rounded to three digits so that exposures share one grid [Angstrom].",
    )
    grid: Literal["linear", "log"] = Field(
        default="linear", description="Bins of equal width in wavelength or in velocity [no unit]."
    )
    merge_delt1: float = Field(
        default=0.0, ge=0, description="Cut at the short end of each order [Angstrom]."
    )
    merge_delt2: float = Field(
        default=0.0, ge=0, description="Cut at the long end of each order [Angstrom]."
    )
    blaze_min: float = Field(
        default=0.03, ge=0, lt=1,
        description="Pixels with less than this share of their order's brightest blaze are left "
        "out [ratio].",
    )  # fmt: skip
    flag_share: float = Field(
        default=0.1, gt=0, lt=1,
        description="Flagged pixels count, and flag their bin, if the others leave more of it "
        "missing; it has no value if all of them do [ratio].",
    )  # fmt: skip
    frame: Literal["TOPOCENT", "BARYCENT"] = Field(
        default="TOPOCENT", description="Whose wavelengths: the observer's or those at rest "
        "with the barycentre [no unit].",
    )  # fmt: skip
    wave_medium: Literal["air", "vacuum"] = Field(
        default="air", description="Medium of the wavelengths in the product [no unit]."
    )


@dataclass(frozen=True)
class Finished:
    """A spectrum as a product's tables, cards, numbers and pictures."""

    tables: tuple[TableData, ...]
    """SPECTRUM: a row a bin; ORDERS: a row an order."""
    header: dict[str, str | int | float | bool]
    qc: dict[str, float]
    """See `SPECTRUM_QC`."""
    figures: tuple[QcFigure, ...]
    merged: Merged
    pixel: float
    """Mean width of a pixel, Angstrom."""


def merged_spectrum(
    spectra: OrderSpectra, inputs: RecipeInputs, parameters: SpectrumParameters
) -> Finished:
    """Finish the spectrum of one exposure.

    Parameters
    ----------
    spectra
        Extracted orders, wavelengths as observed.
    inputs
        Header of the (first) frame, chip, and the tables INSTR_RESPONSE_FINE, EXTCOEFF_TABLE
        and LINE_TABLE where given.
    parameters
        Grid, cuts, frame of reference.

    Raises
    ------
    UnprocessableData
        If no order has a blaze, a wavelength scale is no scale, or the barycentric frame is
        wanted for a header that does not tell the motion.
    """
    frame = inputs.frames[0]
    velocity = velocity_of(frame.header, parameters)
    if velocity.problem:
        log.warning("frame=%s velocity=unknown reason=%s", frame.name, velocity.problem)
    spectra = _in_frame(spectra, velocity, parameters, frame.name)
    merged, pixel = merge(spectra, parameters, frame.name, threads=inputs.cores)
    calibration, problem = calibration_of(
        inputs, merged.grid.centres, airmass_of(frame.header, parameters)
    )
    if problem:
        log.warning("frame=%s flux=uncalibrated reason=%s", frame.name, problem)
    header: dict[str, str | int | float | bool] = {
        "ESO PRO TECH": "ECHELLE",
        "SPECSYS": parameters.frame,
        **grid_cards(merged, pixel, parameters),
        **_solution_cards(inputs),
        "ESO DRS VRAD STATUS": velocity.problem or "OK",
        "ESO DRS FLUX STATUS": problem or ("OK" if calibration else "NO RESPONSE"),
        **_flux_cards(calibration),
    }
    seconds = number_of(frame.header, "EXPTIME") / inputs.chip.conad
    factor = None if calibration is None else calibration.factor / seconds
    tables = (
        spectrum_table(merged, factor, vacuum=parameters.wave_medium == "vacuum"),
        _order_table(spectra, vacuum=parameters.wave_medium == "vacuum"),
    )
    qc = {
        "QC VRAD BARYCOR": velocity.barycentric,
        "QC VRAD HELICOR": velocity.heliocentric,
        **merging_qc(merged),
    }
    return Finished(tables, header, qc, spectrum_figures(merged), merged, pixel)


def _in_frame(
    spectra: OrderSpectra, velocity: Velocity, parameters: SpectrumParameters, name: str
) -> OrderSpectra:
    if parameters.frame == "TOPOCENT":
        return spectra
    if not math.isfinite(velocity.barycentric):
        raise UnprocessableData(
            f"{name}: no barycentric wavelengths: {velocity.problem}",
            hint="Repair the header, or take frame=TOPOCENT.",
        )
    return replace(spectra, wave=shifted(spectra.wave, velocity.barycentric))


def merge(
    spectra: OrderSpectra,
    parameters: SpectrumParameters,
    name: str,
    *,
    threads: int,
    grid: Grid | None = None,
) -> tuple[Merged, float]:
    """Merged orders and the mean width of their pixels (Angstrom).

    Parameters
    ----------
    name
        For messages.
    grid
        Bins; those that the parameters ask for if None.

    Raises
    ------
    UnprocessableData
        No order has light and a blaze, or wavelengths neither rise nor fall.
    """
    if not np.any(np.isfinite(spectra.flux) & (spectra.blaze > 0)):
        raise UnprocessableData(
            f"{name}: no order has a value and a blaze",
            hint="Its flat is missing or has no light, or nothing could be extracted.",
        )
    pixel = mean_pixel(spectra)
    try:
        bins = grid or grid_of(spectra, pixel, parameters)
        merged = merge_orders(
            spectra, bins, share=parameters.flag_share,
            cuts=(parameters.merge_delt1, parameters.merge_delt2),
            faintest=parameters.blaze_min, threads=threads,
        )  # fmt: skip
    except ValueError as error:
        raise UnprocessableData(
            f"{name}: {error}", hint="The wavelength calibration does not fit this frame."
        ) from None
    return merged, pixel


def grid_of(spectra: OrderSpectra, pixel: float, parameters: SpectrumParameters) -> Grid:
    """Bins that the parameters ask for, over all orders; `pixel` is their mean pixel, Angstrom."""
    return covering_grid(float(spectra.wave.min()), float(spectra.wave.max()), pixel, parameters)


def covering_grid(low: float, high: float, pixel: float, parameters: SpectrumParameters) -> Grid:
    """Bins that the parameters ask for, between two wavelengths (Angstrom).

    Raises
    ------
    ValueError
        If the wavelengths are no range.
    """
    step = parameters.wavestep
    if step <= 0:
        # ESO's default. Coarser bins would blur lines of three pixels, finer ones tell nothing.
        step = float(f"{2.0 / 3.0 * pixel:.3g}")
    if parameters.grid == "linear":
        return linear_grid(low, high, step)
    return logarithmic_grid(low, high, float(f"{2.0 * step / (low + high):.3g}"))


def merging_qc(merged: Merged) -> dict[str, float]:
    """QC of a merged spectrum, see `SPECTRUM_QC`; NaN where there is nothing to measure."""
    wave, defined = merged.grid.centres, np.isfinite(merged.flux)
    inside = np.flatnonzero(defined)
    span = defined[inside[0] : inside[-1] + 1] if len(inside) else defined[:0]
    good = defined & (merged.quality == 0) & (merged.variance > 0)
    ratio = merged.flux[good] / np.sqrt(merged.variance[good])
    steps = np.array([one.ratio for one in merged.steps]) - 1.0
    noise = np.array([one.sigma for one in merged.steps])
    excess = float(np.mean(steps**2 - noise**2)) if len(steps) else math.nan
    return {
        "QC WLENMIN": float(wave[inside[0]]) / 10.0 if len(inside) else math.nan,
        "QC WLENMAX": float(wave[inside[-1]]) / 10.0 if len(inside) else math.nan,
        "QC MERGE NORD": merged.orders,
        "QC MERGE NOVERLAP": len(steps),
        "QC MERGE STEPAVG": 100.0 * float(steps.mean()) if len(steps) else math.nan,
        "QC MERGE STEPRMS": 100.0 * math.sqrt(max(excess, 0.0)) if len(steps) else math.nan,
        "QC MERGE STEPMAX": 100.0 * float(np.abs(steps).max()) if len(steps) else math.nan,
        "QC MERGE NGAP": int(np.sum(~span)),
        "QC MERGE SN": float(np.median(ratio)) if len(ratio) else math.nan,
        "QC MERGE COVAR": merged.covariance_factor,
    }


def grid_cards(
    merged: Merged, pixel: float, parameters: SpectrumParameters
) -> dict[str, str | int | float | bool]:
    """Cards that tell the bins and how they hang together."""
    edges = merged.grid.edges
    step = edges[1] - edges[0] if parameters.grid == "linear" else np.log(edges[1] / edges[0])
    return {
        "ESO DRS WAVE MEDIUM": parameters.wave_medium.upper(),
        "ESO DRS SPEC GRID": parameters.grid.upper(),
        "ESO DRS SPEC STEP": float(f"{step:.8g}"),
        "ESO DRS SPEC PIXEL": float(f"{pixel:.8g}"),
        "ESO DRS COVAR FACTOR": float(f"{merged.covariance_factor:.4g}"),
        **{
            f"ESO DRS COVAR RHO{lag}": float(f"{merged.correlation[lag]:.4g}")
            for lag in range(1, min(_RHO + 1, len(merged.correlation)))
        },
    }


def _solution_cards(inputs: RecipeInputs) -> dict[str, str | int | float | bool]:
    """Number and rms [nm] of the lines in the wavelength solution, and its resolving power."""
    lines = inputs.tables.get("LINE_TABLE")
    told: Mapping[str, Any] = {} if lines is None else lines.header
    values = {
        "LAMNLIN": told.get("ESO QC NLINSOL"),
        "LAMRMS": told.get("ESO QC LINE RESIDRMS"),
        "SPEC_RES": told.get("ESO QC RESOLMED"),
    }
    cards: dict[str, str | int | float | bool] = {}
    for name, value in values.items():
        if isinstance(value, int | float) and math.isfinite(value):
            # QC gives picometres.
            scaled = float(f"{value * 1e-3:.6g}") if name == "LAMRMS" else float(value)
            cards[name] = int(value) if name == "LAMNLIN" else scaled
    return cards


def _flux_cards(calibration: Calibration | None) -> dict[str, str | int | float | bool]:
    if calibration is None or not np.isfinite(calibration.error).any():
        return {}
    return {
        "ESO DRS FLUX AIRMASS": calibration.airmass,
        "ESO DRS FLUX ERR": float(f"{100.0 * np.nanmedian(calibration.error):.4g}"),
    }


def spectrum_table(
    merged: Merged, factor: np.ndarray | None, *, vacuum: bool, count: np.ndarray | None = None
) -> TableData:
    """Extension SPECTRUM.

    Parameters
    ----------
    factor
        From ADU per Angstrom to flux, (bins,); None without flux calibration.
    vacuum
        Whether wavelengths are those in vacuum.
    count
        Exposures in each bin of a stack, (bins,).
    """
    wave, width = merged.grid.centres, merged.grid.widths
    error = np.sqrt(merged.variance)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = merged.flux / error
    columns: dict[str, tuple[np.ndarray, str, str]] = {
        "WAVE": (vacuum_from_air(wave) if vacuum else wave, "f8", "Angstrom"),
        "FLUX_REDUCED": (merged.flux * width, "f4", "adu"),
        "ERR_REDUCED": (error * width, "f4", "adu"),
        "BGFLUX_REDUCED": (merged.sky * width, "f4", "adu"),
        "QUAL": (merged.quality, "i4", ""),
        "SNR": (ratio, "f4", ""),
    }
    if factor is not None:
        columns["FLUX"] = (merged.flux * factor, "f8", FLUX_UNIT)
        columns["ERR"] = (error * factor, "f8", FLUX_UNIT)
    if count is not None:
        columns["NEXP"] = (count, "i4", "")
    rows = np.empty(len(wave), [(name, kind) for name, (_, kind, _) in columns.items()])
    for name, (values, _, _) in columns.items():
        rows[name] = values
    return TableData(
        "SPECTRUM", rows, {name: unit for name, (_, _, unit) in columns.items() if unit}
    )


def _order_table(spectra: OrderSpectra, *, vacuum: bool) -> TableData:
    """Extension ORDERS: what was extracted, on the detector's pixels."""
    width = (spectra.wave.shape[1],)
    columns = {
        "WAVE": (spectra.wave, "f8"), "FLUX": (spectra.flux, "f4"),
        "ERR": (np.sqrt(spectra.variance), "f4"), "SKY": (spectra.sky, "f4"),
        "BLAZE": (spectra.blaze, "f4"), "QUAL": (spectra.quality, "u1"),
    }  # fmt: skip
    kinds = [(name, kind, width) for name, (_, kind) in columns.items()]
    rows = np.empty(len(spectra.orders), [("ORDER", "i4"), *kinds])
    rows["ORDER"] = spectra.orders
    for name, (values, _) in columns.items():
        rows[name] = vacuum_from_air(values) if name == "WAVE" and vacuum else values
    units = {"WAVE": "Angstrom", "FLUX": "adu", "ERR": "adu", "SKY": "adu"}
    return TableData("ORDERS", rows, units)
