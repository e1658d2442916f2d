"""Format check: where lines and orders are, from an arc lamp through a short slit, without a guess.

The rough model of the setting is compared with the spots of the frame along both axes at once. A
line of a neighbouring order lies elsewhere along x: numbers of orders are safe against shifts of
more than their distance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field

from vltflow.algorithms.format_match import (
    Matched,
    Predicted,
    match_format,
    vote_format,
)
from vltflow.algorithms.spots import Spots, find_spots
from vltflow.algorithms.surface import Fit, fit_surface
from vltflow.core.errors import AlgorithmFailure
from vltflow.recipes.declaration import (
    MasterInput,
    Output,
    QcDeclaration,
    RawInput,
    Recipe,
    RecipeInputs,
    RecipeResult,
    Resources,
    TableData,
    TableProduct,
)
from vltflow.recipes.detector import frames
from vltflow.recipes.detector.figures import image_figure
from vltflow.recipes.echelle.guess import ROLE, Guess, rough_guess
from vltflow.recipes.echelle.light import Light, light_of, table_of
from vltflow.recipes.echelle.parameters import SettingParameters
from vltflow.recipes.echelle.surfaces import surface_table
from vltflow.records import QcFigure

if TYPE_CHECKING:
    from vltflow.algorithms.surface import Interval

_TRUSTED = 0.6
"""Share of the lines that must lie on one smooth solution, those left out that any solution can
be bent to: right ones have 0.74 and more, also of a weak lamp whose brightest lines the catalogue
lacks; lines paired by chance, which spread over the distance of the search, 0.41 at most."""
_CLOSE = 0.4
"""Pixels from the solution."""
_LINES_PER_TERM = 4
"""Lines for each coefficient of the solution, or chance may fulfil the share."""
_BRIGHTEST = 300
"""Spots of which QC tells how many are lines."""
_DEGREES = (4, 4)
_LINE = np.dtype(
    [("X", "f8"), ("Y", "f8"), ("ORDER", "i4"), ("IDENT", "f8"), ("PEAK", "f8"),
     ("XDIF", "f8"), ("YDIF", "f8"), ("USED", "i2")]
)  # fmt: skip
_ORDER = np.dtype([("ORDER", "i4"), ("YCENTRE", "f8"), ("NLINES", "i4")])
_UNITS = {
    "X": "pixel", "Y": "pixel", "XDIF": "pixel", "YDIF": "pixel", "IDENT": "Angstrom",
    "PEAK": "adu", "YCENTRE": "pixel",
}  # fmt: skip


class FormatCheckParameters(SettingParameters):
    """Parameters of the format check."""

    fwhm: float = Field(default=3.0, gt=1, description="Expected width of a line [pixel].")
    threshold: float = Field(default=10.0, gt=0, description="Least height of a line [sigma].")
    shiftmax: float = Field(
        default=80.0, gt=0, description="Largest shift against the rough model [unbinned pixel]."
    )
    kappa: float = Field(default=3.0, gt=0, description="Lines further off are left out [sigma].")


class FormatCheck(Recipe):
    """Wavelengths and centres of all orders as surfaces over (x, order), with the lines found.

    QC as uves_cal_predict 6.1.8 names it: distances are those found minus predicted by the rough
    model, before it was moved.
    """

    name: ClassVar = "echelle.format_check"
    version: ClassVar = "3"
    summary: ClassVar = "First guess of lines and orders from an arc frame through a short slit"
    raw: ClassVar = RawInput(1, 1)
    masters: ClassVar = (
        MasterInput("LINE_REFER_TABLE", table=True),
        MasterInput(ROLE, table=True),
    )
    outputs: ClassVar = (
        Output("LINE_GUESS_TAB", "lines found, wavelengths over x and order number"),
        Output("ORDER_GUESS_TAB", "order centres over x and order number, pixel"),
    )
    parameters: ClassVar = FormatCheckParameters
    qc: ClassVar = (
        QcDeclaration("QC MODEL DIFFXAVG", "pixel", "Mean of measured minus predicted x"),
        QcDeclaration("QC MODEL DIFFXMED", "pixel", "Median of measured minus predicted x"),
        QcDeclaration("QC MODEL DIFFXRMS", "pixel", "Scatter of measured minus predicted x"),
        QcDeclaration("QC MODEL DIFFYAVG", "pixel", "Mean of measured minus predicted y"),
        QcDeclaration("QC MODEL DIFFYMED", "pixel", "Median of measured minus predicted y"),
        QcDeclaration("QC MODEL DIFFYRMS", "pixel", "Scatter of measured minus predicted y"),
        QcDeclaration("QC MODEL FRACSEL", "%", "Share of the brightest spots that are lines"),
        QcDeclaration("QC MODEL NLINALL", "", "Lines that the rough model predicts on the chip"),
        QcDeclaration("QC MODEL NLINSEL", "", "Predicted lines for which one was found"),
        QcDeclaration("QC MODEL WLENMIN", "nm", "Shortest predicted wavelength, in air"),
        QcDeclaration("QC MODEL WLENMAX", "nm", "Longest predicted wavelength, in air"),
        QcDeclaration("QC MODEL ORDMIN", "", "Lowest predicted order"),
        QcDeclaration("QC MODEL ORDMAX", "", "Highest predicted order"),
    )

    def process(self, inputs: RecipeInputs, parameters: FormatCheckParameters) -> RecipeResult:
        """Find the format of one chip."""
        frames.check_frames(self, inputs)
        light = light_of(inputs)
        guess = rough_guess(inputs, parameters, light.data.shape)
        lines = _predicted(inputs, guess, light.data.shape)
        spots = _spots(inputs, parameters, light)
        pairs = _matched(inputs, parameters, spots, lines, light.data.shape[1])
        found = _Format(spots, lines, pairs, light.data.shape[1], parameters.kappa)
        _check(inputs, found)
        brightest = np.argsort(spots.height)[::-1][:_BRIGHTEST]
        qc = _measure(found, float(np.isin(brightest, pairs.spot).mean()), light.data.shape)
        return RecipeResult((_line_product(found, qc), _order_product(found, light, qc)))

    def resources(self, frame_count: int, pixels: int) -> Resources:  # noqa: ARG002 - of the base
        """Light, its variance, background and what the search for spots needs."""
        return Resources(2, round(40 * pixels / 1e6 + 128 + 350), 60)


class _Format:
    """Pairs of lines and spots, and the surfaces through them."""

    def __init__(
        self, spots: Spots, lines: Predicted, pairs: Matched, width: int, kappa: float
    ) -> None:
        self.lines, self.line = lines, pairs.line
        self.spots = spots[pairs.spot]
        self.order, self.wave = lines.order[pairs.line], lines.wave[pairs.line]
        self.orders = np.unique(self.order)
        intervals = ((0.0, width - 1.0), (self.orders[0] - 0.5, self.orders[-1] + 0.5))
        self.waves = self._fit(self.order * self.wave, intervals, kappa)
        self.places = self._fit(self.spots.y, intervals, kappa)
        self.used = self.waves.used & self.places.used

    def _fit(self, values: np.ndarray, intervals: tuple[Interval, Interval], kappa: float) -> Fit:
        return fit_surface(
            self.spots.x, self.order.astype(float), values, intervals=intervals, degrees=_DEGREES,
            kappa=kappa,
        )  # fmt: skip

    @property
    def misses(self) -> np.ndarray:
        """Distance of the lines from the wavelengths' surface, pixels."""
        slope = self.waves.surface.slope(self.spots.x, self.order.astype(float))
        return np.asarray(self.waves.residuals / slope)

    @property
    def distance(self) -> tuple[np.ndarray, np.ndarray]:
        """Found minus predicted x and y."""
        return self.spots.x - self.lines.x[self.line], self.spots.y - self.lines.y[self.line]


def _predicted(inputs: RecipeInputs, guess: Guess, shape: tuple[int, int]) -> Predicted:
    """Lines of the catalogue in all candidate orders, by the rough model."""
    catalogue = np.unique(table_of(inputs, "LINE_REFER_TABLE", "", ("WAVE",))["WAVE"].astype(float))
    at = np.arange(-30.0, shape[1] + 30.0, 8.0)
    found: list[np.ndarray] = []
    for order in guess.candidates:
        wave = guess.wave(at, np.full(len(at), order))
        mine = catalogue[(catalogue > wave.min()) & (catalogue < wave.max())]
        x = np.interp(mine, wave, at)
        number = np.full(len(mine), float(order))
        found.append(np.stack([x, guess.place(x, number), number, mine]))
    x, y, order, wave = np.concatenate(found, axis=1)
    return Predicted(x, y, order.astype(int), wave)


def _spots(inputs: RecipeInputs, parameters: FormatCheckParameters, light: Light) -> Spots:
    return find_spots(
        light.unsaturated, noise=light.noise, conad=inputs.chip.conad, fwhm=parameters.fwhm,
        threshold=parameters.threshold,
    )  # fmt: skip


def _matched(
    inputs: RecipeInputs,
    parameters: FormatCheckParameters,
    spots: Spots,
    lines: Predicted,
    width: int,
) -> Matched:
    name, numbers = inputs.frames[0].name, {"spots": float(len(spots.x))}
    binning = inputs.chip.binning
    turned = inputs.chip.quarter_turns % 2 == 1
    along, across = (binning[1], binning[0]) if turned else binning
    reach = parameters.shiftmax / along, parameters.shiftmax / across
    try:
        pairs = match_format(spots, lines, vote_format(spots, lines, reach), width)
    except ValueError as error:
        raise _refused(name, str(error), numbers) from None
    return pairs


def _refused(name: str, reason: str, numbers: dict[str, float]) -> AlgorithmFailure:
    return AlgorithmFailure(
        f"{name} does not show the format of its setting: {reason}", numbers=numbers,
        hint="The lamp was off or weak, the frame belongs to another setting, or its format "
        "is shifted further than shiftmax.",
    )  # fmt: skip


def _check(inputs: RecipeInputs, found: _Format) -> None:
    """Refuse lines that were paired by chance."""
    terms = int(np.count_nonzero(found.waves.surface.coefficients))
    lines, close = len(found.order), int((np.abs(found.misses) < _CLOSE).sum())
    share = (close - terms) / max(1, lines - terms)
    if lines < _LINES_PER_TERM * terms or share < _TRUSTED:
        numbers = {"lines": float(lines), "close": float(close)}
        reason = f"{close} of {lines} lines lie on one solution"
        raise _refused(inputs.frames[0].name, reason, numbers)


def _measure(found: _Format, share: float, shape: tuple[int, int]) -> dict[str, float]:
    x, y = (values[found.used] for values in found.distance)
    lines = found.lines
    on_chip = (lines.x >= 0) & (lines.x < shape[1]) & (lines.y >= 0) & (lines.y < shape[0])
    wave, order = lines.wave[on_chip], lines.order[on_chip]
    qc: dict[str, float] = {}
    for axis, values in (("X", x), ("Y", y)):
        qc[f"QC MODEL DIFF{axis}AVG"] = float(values.mean())
        qc[f"QC MODEL DIFF{axis}MED"] = float(np.median(values))
        qc[f"QC MODEL DIFF{axis}RMS"] = float(values.std())
    return qc | {
        "QC MODEL FRACSEL": 100.0 * share,
        "QC MODEL NLINALL": int(on_chip.sum()),
        "QC MODEL NLINSEL": int(found.used.sum()),
        "QC MODEL WLENMIN": float(wave.min()) / 10.0,
        "QC MODEL WLENMAX": float(wave.max()) / 10.0,
        "QC MODEL ORDMIN": int(order.min()),
        "QC MODEL ORDMAX": int(order.max()),
    }


def _line_product(found: _Format, qc: dict[str, float]) -> TableProduct:
    rows = np.zeros(len(found.order), _LINE)
    rows["X"], rows["Y"] = found.spots.x + 1.0, found.spots.y + 1.0
    rows["ORDER"], rows["IDENT"] = found.order, found.wave
    rows["PEAK"], rows["USED"] = found.spots.height, found.used
    rows["XDIF"], rows["YDIF"] = found.distance
    tables = (
        TableData("LINES", rows, {n: u for n, u in _UNITS.items() if n in (_LINE.names or ())}),
        surface_table("MLAMBDA_AIR", found.waves.surface),
    )
    return TableProduct("LINE_GUESS_TAB", tables, _CARDS, qc, _figures(found))


def _order_product(found: _Format, light: Light, qc: dict[str, float]) -> TableProduct:
    rows = np.zeros(len(found.orders), _ORDER)
    rows["ORDER"] = found.orders
    rows["YCENTRE"] = found.places.surface(0.5 * light.data.shape[1], found.orders) + 1.0
    rows["NLINES"] = [int(np.sum(found.order[found.used] == one)) for one in found.orders]
    tables = (
        TableData("ORDERS", rows, {"YCENTRE": "pixel"}),
        surface_table("TRACE", found.places.surface, pixels=True),
    )
    figures = (image_figure("frame", "Format check frame", light.data),)
    return TableProduct("ORDER_GUESS_TAB", tables, _CARDS, qc, figures)


_CARDS: dict[str, str | int | float | bool] = {"ESO PRO TECH": "ECHELLE", "ESO DRS PIXEL ORIGIN": 1}


def _figures(found: _Format) -> tuple[QcFigure, ...]:
    place = np.argsort(found.wave[found.used], kind="stable")
    return tuple(
        QcFigure(
            f"diff{axis}", f"Lines found minus predicted, along {axis}", "line",
            found.wave[found.used][place] / 10.0, values[found.used][place], "wavelength [nm]",
            f"difference along {axis} [pixel]", parameters=(f"QC MODEL DIFF{axis.upper()}MED",),
        )
        for axis, values in zip("xy", found.distance, strict=True)
    )  # fmt: skip
