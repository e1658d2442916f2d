"""Coaddition: the exposures of one target as one spectrum."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from vltflow.algorithms.air import air_from_vacuum
from vltflow.algorithms.coadd import Exposures, Stack, coadd, scales_of
from vltflow.algorithms.merge import Merged, mean_pixel
from vltflow.algorithms.orders import OrderSpectra
from vltflow.algorithms.smooth import smooth_level
from vltflow.algorithms.velocity import LIGHT_KMS, shifted
from vltflow.core.errors import UnprocessableData
from vltflow.recipes.declaration import (
    Output,
    QcDeclaration,
    RawInput,
    Recipe,
    RecipeInputs,
    RecipeResult,
    Resources,
    TableProduct,
)
from vltflow.recipes.echelle.exposure import number_of
from vltflow.recipes.echelle.spectrum import (
    SpectrumParameters,
    covering_grid,
    grid_cards,
    merge,
    spectrum_table,
)
from vltflow.recipes.echelle.spectrum_figures import line_figure

if TYPE_CHECKING:
    from vltflow.algorithms.resample import Grid
    from vltflow.recipes.declaration import MasterTable
    from vltflow.records import QcFigure

log = logging.getLogger(__name__)

_COLUMNS = ("ORDER", "WAVE", "FLUX", "ERR", "SKY", "BLAZE", "QUAL")


class CoadditionParameters(SpectrumParameters):
    """Parameters of the coaddition."""

    frame: Literal["TOPOCENT", "BARYCENT"] = Field(
        default="BARYCENT",
        description="Frame in which the exposures are added; the observer's moves from one to "
        "the next [no unit].",
    )
    kappa: float = Field(
        default=5.0, gt=0, description="Values further from the others are left out [sigma]."
    )
    tolerance: float = Field(
        default=0.03, ge=0, description="Relative differences that are never left out [ratio]."
    )
    scale_degree: int = Field(
        default=1, ge=0, le=4, description="Of the exposures' scales over wavelength [no unit]."
    )


@dataclass(frozen=True)
class _Exposure:
    """One exposure as it goes into the stack."""

    name: str
    spectra: OrderSpectra
    """Wavelengths in air, in the frame of the stack."""
    seconds: float
    calibration: tuple[np.ndarray, np.ndarray] | None
    """Wavelengths, and flux over ADU per Angstrom."""


@dataclass(frozen=True)
class _Added:
    """A stack and what it was made of."""

    exposures: list[_Exposure]
    single: Exposures
    scales: np.ndarray
    stack: Stack
    merged: Merged
    """The stack as a merged spectrum."""
    pixel: float
    """Mean width of a pixel, Angstrom."""


class Coaddition(Recipe):
    """Orders of all exposures, resampled once, from the detector's pixels to one common grid.

    The merged spectra of the exposures are not resampled again: that would blur them and tie
    neighbouring bins closer together.
    """

    name: ClassVar = "echelle.coaddition"
    version: ClassVar = "1"
    summary: ClassVar = "Exposures of one target as one spectrum, outliers left out"
    raw: ClassVar = RawInput(0, 0)
    spectra: ClassVar = RawInput(1)
    masters: ClassVar = ()
    outputs: ClassVar = (Output("STACK_SCIENCE", "average of the exposures, and their number"),)
    parameters: ClassVar = CoadditionParameters
    qc: ClassVar = (
        QcDeclaration("QC STACK NEXP", "", "Exposures added"),
        QcDeclaration("QC STACK NLEFT", "", "Exposures left out because they lack something"),
        QcDeclaration("QC STACK SCALERMS", "%", "Scatter of the exposures' scales"),
        QcDeclaration("QC STACK REJECTED", "%", "Values left out as outliers"),
        QcDeclaration(
            "QC STACK CHI2", "", "Chi square of the exposures a degree of freedom, robust"
        ),
        QcDeclaration("QC STACK SN", "", "Median signal to noise of a bin"),
        QcDeclaration("QC STACK COVAR", "", "Variance of a sum over that of independent bins"),
        QcDeclaration("QC WLENMIN", "nm", "Lowest wavelength of the stack"),
        QcDeclaration("QC WLENMAX", "nm", "Highest wavelength of the stack"),
    )

    def process(self, inputs: RecipeInputs, parameters: CoadditionParameters) -> RecipeResult:
        """Add the exposures of one chip."""
        exposures = _usable(inputs, parameters)
        pixel = float(np.mean([mean_pixel(one.spectra) for one in exposures]))
        low = min(float(one.spectra.wave.min()) for one in exposures)
        high = max(float(one.spectra.wave.max()) for one in exposures)
        grid = covering_grid(low, high, pixel, parameters)
        single, correlation = _on_grid(exposures, grid, parameters, inputs.cores)
        times = np.array([one.seconds for one in exposures])
        scales = scales_of(grid.centres, single, times, degree=parameters.scale_degree)
        stack = coadd(
            single, scales, kappa=parameters.kappa, tolerance=parameters.tolerance,
            share=parameters.flag_share, threads=inputs.cores,
        )  # fmt: skip
        merged = Merged(
            grid, stack.flux, stack.variance, stack.total, stack.sky, stack.quality, correlation,
            (), 0,
        )  # fmt: skip
        added = _Added(exposures, single, scales, stack, merged, pixel)
        left = {"QC STACK NLEFT": float(len(inputs.spectra) - len(exposures))}
        return RecipeResult((_product(added, parameters, left),))

    def resources(self, frame_count: int, pixels: int) -> Resources:
        """Every exposure's spectrum on the grid, six numbers a bin, and the interpreter."""
        bins = 1.5 * 60 * math.sqrt(max(pixels, 1))
        return Resources(2, round(frame_count * bins * 80 / 1e6 + 128 + 350), 60 + 5 * frame_count)


def _usable(inputs: RecipeInputs, parameters: CoadditionParameters) -> list[_Exposure]:
    """Exposures that have what a stack needs; the others are named in the log."""
    found, problems = [], []
    for product in inputs.spectra:
        try:
            found.append(_read(product, parameters))
        except UnprocessableData as error:
            problems.append(str(error))
            log.warning("product=%s left out: %s", product.name, error)
    if not found:
        raise UnprocessableData(
            "no exposure can be added" + "".join(f"; {problem}" for problem in problems),
            hint="A stack needs the products of echelle.science of one target and setting.",
        )
    return found


def _read(product: MasterTable, parameters: CoadditionParameters) -> _Exposure:
    rows = product.tables.get("ORDERS")
    missing = [name for name in _COLUMNS if rows is None or name not in (rows.dtype.names or ())]
    if rows is None or missing or not len(rows):
        raise UnprocessableData(
            f"{product.name} has no table ORDERS with the columns {', '.join(_COLUMNS)}"
        )
    wave = rows["WAVE"].astype(float)
    if product.header.get("ESO DRS WAVE MEDIUM") == "VACUUM":
        wave = air_from_vacuum(wave)
    wave = shifted(wave, _velocity(product, parameters))
    values = [rows[name].astype(float) for name in ("FLUX", "ERR", "SKY", "BLAZE")]
    spectra = OrderSpectra(
        rows["ORDER"].astype(int), wave, values[0], values[1] ** 2, rows["QUAL"], values[2],
        values[3],
    )  # fmt: skip
    seconds = number_of(product.header, "EXPTIME")
    if not seconds > 0:
        raise UnprocessableData(f"{product.name} has the exposure time {seconds}")
    return _Exposure(product.name, spectra, seconds, _calibration(product, parameters))


def _velocity(product: MasterTable, parameters: CoadditionParameters) -> float:
    """What brings the wavelengths of a product into the frame of the stack, km/s."""
    frame = product.header.get("SPECSYS", "TOPOCENT")
    if frame == parameters.frame:
        return 0.0
    velocity = number_of(product.header, "QC.VRAD.BARYCOR")
    if not math.isfinite(velocity):
        why = product.header.get("ESO DRS VRAD STATUS", "its header does not tell it")
        raise UnprocessableData(f"{product.name} has no barycentric correction: {why}")
    return velocity if frame == "TOPOCENT" else -velocity / (1.0 + velocity / LIGHT_KMS)


def _calibration(
    product: MasterTable, parameters: CoadditionParameters
) -> tuple[np.ndarray, np.ndarray] | None:
    """Flux over ADU per Angstrom, smooth over wavelength in the frame of the stack."""
    rows = product.tables.get("SPECTRUM")
    if rows is None or "FLUX" not in (rows.dtype.names or ()):
        return None
    wave = rows["WAVE"].astype(float)
    if product.header.get("ESO DRS WAVE MEDIUM") == "VACUUM":
        wave = air_from_vacuum(wave)
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = rows["FLUX"] * np.gradient(wave) / rows["FLUX_REDUCED"].astype(float)
    good = np.isfinite(factor) & (factor > 0)
    if not good.any():
        return None
    inside = np.flatnonzero(good)
    span = slice(inside[0], inside[-1] + 1)
    wave = shifted(wave, _velocity(product, parameters))
    return wave[span], smooth_level(factor[span], good[span])


def _on_grid(
    exposures: list[_Exposure], grid: Grid, parameters: CoadditionParameters, threads: int
) -> tuple[Exposures, np.ndarray]:
    shape = (len(exposures), len(grid.widths))
    flux, variance, total, sky = (np.empty(shape) for _ in range(4))
    quality = np.empty(shape, np.int32)
    correlation = []
    for row, one in enumerate(exposures):
        merged, _ = merge(one.spectra, parameters, one.name, threads=threads, grid=grid)
        flux[row], variance[row], total[row] = merged.flux, merged.variance, merged.total
        sky[row], quality[row] = merged.sky, merged.quality
        correlation.append(merged.correlation)
    length = min(len(one) for one in correlation)
    mean = np.mean([one[:length] for one in correlation], axis=0)
    return Exposures(flux, variance, total, sky, quality), mean


def _factor(exposures: list[_Exposure], scales: np.ndarray, wave: np.ndarray) -> np.ndarray | None:
    """From ADU per Angstrom of the mean exposure to the mean of the fluxes."""
    factors = []
    for one, scale in zip(exposures, scales, strict=True):
        if one.calibration is None:
            return None
        factors.append(scale * np.interp(wave, *one.calibration, left=np.nan, right=np.nan))
    return np.asarray(np.mean(factors, axis=0))


def _product(
    added: _Added, parameters: CoadditionParameters, left: dict[str, float]
) -> TableProduct:
    merged = added.merged
    factor = _factor(added.exposures, added.scales, merged.grid.centres)
    vacuum = parameters.wave_medium == "vacuum"
    table = spectrum_table(merged, factor, vacuum=vacuum, count=added.stack.count)
    return TableProduct(
        "STACK_SCIENCE",
        (table,),
        {
            "ESO PRO TECH": "ECHELLE",
            "SPECSYS": parameters.frame,
            **grid_cards(merged, added.pixel, parameters),
            "ESO DRS FLUX STATUS": "NO RESPONSE" if factor is None else "OK",
        },
        _measure(added) | left,
        _figures(merged, added.stack),
    )


def _measure(added: _Added) -> dict[str, float]:
    merged, single, stack = added.merged, added.single, added.stack
    defined = np.flatnonzero(np.isfinite(merged.flux))
    good = np.isfinite(merged.flux) & (merged.quality == 0)
    values = np.isfinite(single.flux)
    used = values & ~stack.rejected & good
    number = used.sum(axis=0)
    used &= number > 1
    with np.errstate(invalid="ignore", divide="ignore"):
        # The mean follows its exposures; with n of them by 1/n.
        free = single.variance * (1.0 - 1.0 / np.maximum(number, 1))
        pulls = np.abs(single.flux - added.scales * merged.flux)[used] / np.sqrt(free[used])
    ratio = merged.flux[good] / np.sqrt(merged.variance[good])
    ends = merged.grid.centres[defined[[0, -1]]] / 10.0 if len(defined) else (math.nan, math.nan)
    return {
        "QC STACK NEXP": len(added.scales),
        "QC STACK SCALERMS": 100.0 * float(np.std(np.median(added.scales, axis=1))),
        "QC STACK REJECTED": 100.0 * float(stack.rejected.sum()) / max(1, int(values.sum())),
        "QC STACK CHI2": (1.4826 * float(np.median(pulls))) ** 2 if len(pulls) else math.nan,
        "QC STACK SN": float(np.median(ratio)) if len(ratio) else math.nan,
        "QC STACK COVAR": merged.covariance_factor,
        "QC WLENMIN": float(ends[0]),
        "QC WLENMAX": float(ends[1]),
    }


def _figures(merged: Merged, stack: Stack) -> tuple[QcFigure, ...]:
    wave = merged.grid.centres
    good = np.where(merged.quality == 0, 1.0, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = merged.flux / np.sqrt(merged.variance)
    return (
        line_figure(
            "spectrum", "Stacked spectrum", wave, merged.flux * merged.grid.widths * good,
            "flux [adu/bin]",
        ),
        line_figure(
            "snr", "Signal to noise of a bin", wave, ratio * good, "signal to noise",
            ("QC STACK SN",),
        ),
        line_figure(
            "exposures", "Exposures in a bin", wave, stack.count.astype(float), "exposures",
            ("QC STACK NEXP", "QC STACK REJECTED"),
        ),
    )  # fmt: skip
