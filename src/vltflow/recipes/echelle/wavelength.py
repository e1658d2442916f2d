"""Wavelength calibration: wavelengths over all orders from one arc frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from vltflow.algorithms.air import vacuum_from_air
from vltflow.algorithms.identify import Lines, Solution, cast_votes, identify
from vltflow.algorithms.peaks import find_peaks
from vltflow.algorithms.windows import mean_spectra
from vltflow.core.errors import AlgorithmFailure
from vltflow.recipes.declaration import (
    MasterInput,
    Output,
    RawInput,
    Recipe,
    RecipeInputs,
    RecipeResult,
    Resources,
    TableProduct,
)
from vltflow.recipes.detector import frames
from vltflow.recipes.echelle import lines_measured
from vltflow.recipes.echelle.guess import ROLE, Guess, rough_guess
from vltflow.recipes.echelle.light import Light, keyword_number, light_of, table_of
from vltflow.recipes.echelle.parameters import SettingParameters
from vltflow.recipes.echelle.surfaces import read_surface, surface_table
from vltflow.recipes.echelle.tilt import Tilt, measure_tilt

_TRUSTED = 3.0
"""Contrast of the vote over that of the runner-up from which a solution is believed."""


class WavelengthCalibrationParameters(SettingParameters):
    """Parameters of the wavelength calibration; names as in ESO's UVES recipe where it has them."""

    slit_length: str = Field(
        default="INS.SLIT2.LEN|INS.SLIT3.LEN", description="Keywords of the slit's length [arcsec]."
    )
    pixel_scale: str = Field(
        default="INS.PIXSCALE", description="Keywords of the scale across the orders [arcsec]."
    )
    nwindows: int = Field(
        default=3, ge=1, le=9, description="Windows along the slit that tell its tilt [count]."
    )
    fwhm: float = Field(default=3.0, gt=1, description="Expected width of a line [pixel].")
    fwhm_tolerance: float = Field(
        default=0.25,
        gt=0,
        description="Lines wider or narrower by this share are left out [ratio].",
    )
    threshold: float = Field(default=8.0, gt=0, description="Least height of a line [sigma].")
    degree: int = Field(
        default=5, ge=2, le=8, description="Of the solution in x, one less in m [no unit]."
    )
    tolerance: float = Field(
        default=0.6, gt=0, description="Largest distance of a line from the solution [pixel]."
    )
    kappa: float = Field(default=3.0, gt=0, description="Lines further off are left out [sigma].")
    shiftmax: float = Field(
        default=80.0, gt=0, description="Largest shift against the rough model [pixel]."
    )
    medium: Literal["air", "vacuum"] = Field(
        default="air", description="Medium of the wavelengths in the product [no unit]."
    )


@dataclass(frozen=True)
class Arc:
    """Lines of an arc, as detected in the middle of the slit and in each window along it."""

    lines: Lines
    fwhm: np.ndarray
    """Width of each line, pixels."""
    detected: int
    """Lines detected, blends included."""
    windows: tuple[Lines, ...]
    offsets: np.ndarray
    """Distance of the windows from the slit's middle, pixels."""


class WavelengthCalibration(Recipe):
    """m * wavelength as one surface over (x, m), lines identified without a person's help.

    QC as uves_cal_wavecal 6.1.8 names it. Numbers of orders that are wrong by up to two in the
    order table are corrected and counted in QC LINE DORDER.
    """

    name: ClassVar = "echelle.wavelength_calibration"
    version: ClassVar = "1"
    summary: ClassVar = "Wavelengths of all orders and the slit's tilt from one arc frame"
    raw: ClassVar = RawInput(1, 1)
    masters: ClassVar = (
        MasterInput("ORDER_TABLE", table=True),
        MasterInput("LINE_REFER_TABLE", table=True),
        MasterInput(ROLE, table=True),
        MasterInput("MASTER_BIAS", required=False),
    )
    outputs: ClassVar = (Output("LINE_TABLE", "identified lines, wavelengths, slit tilt"),)
    parameters: ClassVar = WavelengthCalibrationParameters
    qc: ClassVar = lines_measured.DECLARED

    def process(
        self, inputs: RecipeInputs, parameters: WavelengthCalibrationParameters
    ) -> RecipeResult:
        """Calibrate the wavelengths of one chip."""
        frames.check_frames(self, inputs)
        light = light_of(inputs)
        arc = _arc(inputs, parameters, light)
        solution = _solution(
            inputs, parameters, arc, rough_guess(inputs, parameters, light.data.shape)
        )
        tilt = measure_tilt(arc.windows, arc.offsets, solution, light.data.shape[1])
        qc = lines_measured.measure(arc.lines, arc.fwhm, solution, tilt, light.data.shape[1])
        qc["QC NLINTOT"] = arc.detected
        return RecipeResult((_product(arc, solution, tilt, qc, parameters),))

    def resources(self, frame_count: int, pixels: int) -> Resources:  # noqa: ARG002 - of the base
        """Light and its variance, and the interpreter."""
        return Resources(2, round(24 * pixels / 1e6 + 128 + 350), 60)


def _arc(inputs: RecipeInputs, parameters: WavelengthCalibrationParameters, light: Light) -> Arc:
    """Lines in the middle of the slit and in windows along it."""
    orders = table_of(inputs, "ORDER_TABLE", "ORDERS", ("ORDER",))["ORDER"]
    trace = read_surface(inputs.tables["ORDER_TABLE"], "TRACE", pixels=True)
    x = np.arange(light.data.shape[1], dtype=float)
    centres = trace(x[None, :], orders[:, None].astype(float))
    frame = inputs.frames[0]
    scale = keyword_number(frame, parameters.pixel_scale) * _across(inputs)
    # The rim of the slit is left out: its image is blurred by the optics.
    usable = max(1.0, 0.8 * keyword_number(frame, parameters.slit_length) / scale)
    height = usable / parameters.nwindows
    offsets = (np.arange(parameters.nwindows) - 0.5 * (parameters.nwindows - 1)) * height

    def lines(offset: float, size: float) -> tuple[Lines, np.ndarray]:
        return _lines(light, centres + offset, size, orders, parameters, inputs.cores)

    whole, widths = lines(0.0, usable)
    detected = len(widths)
    # Blends are wider than lines, residues of hot pixels narrower: neither is where it seems.
    single = np.abs(widths / np.median(widths) - 1.0) < parameters.fwhm_tolerance
    whole, widths = _chosen(whole, single), widths[single]
    windows = tuple(lines(float(offset), height)[0] for offset in offsets)
    return Arc(whole, widths, detected, windows, offsets)


def _chosen(lines: Lines, mask: np.ndarray) -> Lines:
    return Lines(lines.x[mask], lines.sigma[mask], lines.order[mask], lines.strength[mask])


def _across(inputs: RecipeInputs) -> int:
    return inputs.chip.binning[0 if inputs.chip.quarter_turns % 2 else 1]


def _lines(
    light: Light,
    centres: np.ndarray,
    height: float,
    orders: np.ndarray,
    parameters: WavelengthCalibrationParameters,
    threads: int,
) -> tuple[Lines, np.ndarray]:
    """Lines in a window along all orders, and their widths."""
    spectra, variances = mean_spectra(
        light.data, light.variance, centres, height=height, saturation=light.saturation,
        threads=threads,
    )  # fmt: skip
    found = [
        find_peaks(spectrum, variance, fwhm=parameters.fwhm, threshold=parameters.threshold)
        for spectrum, variance in zip(spectra, variances, strict=True)
    ]
    peaks = np.concatenate(found)
    number = np.repeat(orders, [len(one) for one in found])
    return Lines(peaks["x"], peaks["sigma_x"], number, peaks["height"]), peaks["fwhm"]


def _solution(
    inputs: RecipeInputs,
    parameters: WavelengthCalibrationParameters,
    arc: Arc,
    guess: Guess,
) -> Solution:
    catalogue = np.unique(table_of(inputs, "LINE_REFER_TABLE", "", ("WAVE",))["WAVE"].astype(float))
    width = int(frames.product_shape(inputs)[1])
    numbers = {"lines": float(len(arc.lines.x)), "catalogue": float(len(catalogue))}
    name = inputs.frames[0].name
    if len(arc.lines.x) < 3 * len(np.unique(arc.lines.order)) or not len(arc.lines.x):
        raise AlgorithmFailure(
            f"{name} has too few lines", numbers=numbers, hint="The lamp was off or too weak."
        )
    vote = cast_votes(arc.lines, guess.wave, catalogue, width=width, reach=parameters.shiftmax)
    numbers |= {"contrast": vote.contrast, "runner-up": vote.runner_up, "shift": vote.shift}
    if vote.contrast < _TRUSTED * vote.runner_up:
        raise AlgorithmFailure(
            f"{name}: the lines do not fit the catalogue", numbers=numbers,
            hint="The frame belongs to another setting, or its format is shifted further "
            "than shiftmax.",
        )  # fmt: skip
    try:
        return identify(
            arc.lines, guess.wave, catalogue, width=width, vote=vote,
            degrees=(parameters.degree, parameters.degree - 1), tolerance=parameters.tolerance,
            kappa=parameters.kappa,
        )  # fmt: skip
    except ValueError as error:
        raise AlgorithmFailure(f"{name}: no solution: {error}", numbers=numbers) from None


def _product(
    arc: Arc,
    solution: Solution,
    tilt: Tilt,
    qc: dict[str, float],
    parameters: WavelengthCalibrationParameters,
) -> TableProduct:
    vacuum = parameters.medium == "vacuum"
    medium = vacuum_from_air if vacuum else np.asarray
    rows = lines_measured.line_rows(arc.lines, arc.fwhm, solution, medium)
    return TableProduct(
        "LINE_TABLE",
        (
            rows,
            # The solution is always that in air, in which the catalogue is given.
            surface_table("MLAMBDA_AIR", solution.fit.surface),
            surface_table("TILT", tilt.surface),
        ),
        {
            "ESO PRO TECH": "ECHELLE",
            "ESO DRS PIXEL ORIGIN": 1,
            "ESO DRS WAVE MEDIUM": parameters.medium.upper(),
        },
        qc,
        lines_measured.figures(arc.lines, solution),
    )
