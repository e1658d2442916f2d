"""Wavelength calibration: wavelengths over all orders from one arc frame."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from vltflow.algorithms.air import vacuum_from_air
from vltflow.algorithms.identify import Solution, cast_votes, identify
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
from vltflow.recipes.echelle.arc import Arc, ArcParameters, measure_arc
from vltflow.recipes.echelle.guess import (
    DWLENMAX,
    LINES,
    ROLE,
    Guess,
    check_setting,
    refined,
    rough_guess,
)
from vltflow.recipes.echelle.light import light_of, table_of
from vltflow.recipes.echelle.surfaces import surface_table
from vltflow.recipes.echelle.tilt import SlitImage, measure_slit_image, without_tilt

_HELD = 0.5
"""Share of the orders with lines that those in the solution must span."""
_TRUSTED = 3.0
"""Contrast of the vote over that of the runner-up from which a solution is believed."""


class WavelengthCalibrationParameters(ArcParameters):
    """Parameters of the wavelength calibration; names as in ESO's UVES recipe where it has them."""

    degree: int = Field(
        default=5, ge=2, le=8, description="Of the solution in x, one less in m [no unit]."
    )
    tolerance: float = Field(
        default=0.3, gt=0, description="Largest distance of a line from the solution [pixel]."
    )
    kappa: float = Field(default=3.0, gt=0, description="Lines further off are left out [sigma].")
    shiftmax: float = Field(
        default=80.0, gt=0, description="Largest shift against the rough model [pixel]."
    )
    dwlenmax: float = Field(default=8.0, gt=0, description=DWLENMAX)
    medium: Literal["air", "vacuum"] = Field(
        default="air", description="Medium of the wavelengths in the product [no unit]."
    )


class WavelengthCalibration(Recipe):
    """m * wavelength as one surface over (x, m), lines identified without a person's help.

    QC as uves_cal_wavecal 6.1.8 names it. Numbers of orders that are wrong by up to two in the
    order table are corrected and counted in QC LINE DORDER.
    """

    name: ClassVar = "echelle.wavelength_calibration"
    version: ClassVar = "6"
    summary: ClassVar = "Wavelengths of all orders and the slit's tilt from one arc frame"
    raw: ClassVar = RawInput(1, 1)
    masters: ClassVar = (
        MasterInput("ORDER_TABLE", table=True),
        MasterInput("LINE_REFER_TABLE", table=True),
        MasterInput(ROLE, table=True),
        MasterInput(LINES, table=True, required=False),
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
        guess = rough_guess(inputs, parameters, light.data.shape)
        arc = measure_arc(inputs, parameters, light, guess)
        slit = measure_slit_image(arc)
        arc = without_tilt(arc, slit)
        known = refined(guess, inputs, light.data.shape[1])
        catalogue = table_of(inputs, "LINE_REFER_TABLE", "", ("WAVE",))
        solution = _solution(inputs, parameters, arc, known, catalogue["WAVE"])
        orders = arc.orders + solution.vote.orders
        dwlen = guess.missed(0.5 * light.data.shape[1], arc.centres, orders)
        # Along the orders wavelengths hardly depend on the setting: only the orders' places tell.
        check_setting(inputs.frames[0].name, dwlen, parameters.dwlenmax, "orders with its lines")
        qc = lines_measured.measure(arc.lines, arc.fwhm, solution, slit, light.data.shape[1])
        qc |= lines_measured.share_identified(arc.lines, solution, catalogue, light.data.shape[1])
        qc |= {"QC NLINTOT": arc.detected, "QC LINE DWLEN": dwlen}
        qc["QC LINE SHIFT"] = _shift(solution, arc, guess)
        qc["QC LINE DGUESS"] = _shift(solution, arc, known) if LINES in inputs.tables else np.nan
        slit = slit.renumbered(solution.vote.orders)
        return RecipeResult((_product(arc, solution, slit, qc, parameters),))

    def resources(self, frame_count: int, pixels: int) -> Resources:  # noqa: ARG002 - of the base
        """Light and its variance, and the interpreter."""
        return Resources(2, round(24 * pixels / 1e6 + 128 + 350), 60)


def _solution(
    inputs: RecipeInputs,
    parameters: WavelengthCalibrationParameters,
    arc: Arc,
    guess: Guess,
    waves: np.ndarray,
) -> Solution:
    catalogue = np.unique(waves.astype(float))
    width = int(frames.product_shape(inputs)[1])
    numbers = {"lines": float(len(arc.lines.x)), "catalogue": float(len(catalogue))}
    name = inputs.frames[0].name
    if len(arc.lines.x) < 3 * len(np.unique(arc.lines.order)) or not len(arc.lines.x):
        raise AlgorithmFailure(
            f"{name} has too few lines", numbers=numbers, hint="The lamp was off or too weak."
        )
    vote = cast_votes(
        arc.lines, guess.wave, catalogue, width=width, reach=parameters.shiftmax,
        threads=inputs.cores,
    )  # fmt: skip
    numbers |= {"contrast": vote.contrast, "runner-up": vote.runner_up, "shift": vote.shift}
    if vote.contrast < _TRUSTED * vote.runner_up:
        raise AlgorithmFailure(
            f"{name}: the lines do not fit the catalogue", numbers=numbers,
            hint="The frame belongs to another setting, or its format is shifted further "
            "than shiftmax.",
        )  # fmt: skip
    try:
        solution = identify(
            arc.lines, guess.wave, catalogue, width=width, vote=vote,
            degrees=(parameters.degree, parameters.degree - 1), tolerance=parameters.tolerance,
            kappa=parameters.kappa,
        )  # fmt: skip
    except ValueError as error:
        raise AlgorithmFailure(f"{name}: no solution: {error}", numbers=numbers) from None
    check_orders(name, arc.lines.order, arc.lines.order[solution.index], numbers)
    return solution


def check_orders(
    name: str, measured: np.ndarray, used: np.ndarray, numbers: dict[str, float]
) -> None:
    """Refuse a solution that lines of a few orders hold: in all others it runs away.

    Parameters
    ----------
    measured, used
        Orders of the lines that were measured, and of those in the solution.

    Raises
    ------
    AlgorithmFailure
        The orders of the solution span less than half of those with lines.
    """
    seen, held = np.ptp(measured) + 1, np.ptp(used) + 1
    if held < _HELD * seen:
        raise AlgorithmFailure(
            f"{name}: no solution: its lines span {held} of {seen} orders",
            numbers=numbers,
            hint="Read out more of the chip, expose the lamp longer, or allow fewer degrees.",
        )


def _shift(solution: Solution, arc: Arc, guess: Guess) -> float:
    """Median of true minus roughly modelled wavelengths of the lines, pixels."""
    x = arc.lines.x[solution.index]
    guessed = guess.wave(x, arc.lines.order[solution.index] + solution.vote.orders)
    return float(np.nanmedian((solution.wave - guessed) / solution.dispersion))


def _product(
    arc: Arc,
    solution: Solution,
    slit: SlitImage,
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
            surface_table("TILT", slit.tilt),
            surface_table("CURVATURE", slit.curvature),
        ),
        {
            "ESO PRO TECH": "ECHELLE",
            "ESO DRS PIXEL ORIGIN": 1,
            "ESO DRS WAVE MEDIUM": parameters.medium.upper(),
        },
        qc,
        lines_measured.figures(arc.lines, solution),
    )
