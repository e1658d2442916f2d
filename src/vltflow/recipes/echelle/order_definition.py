"""Order definition: where the orders run, from a continuum lamp through a short slit."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field

from vltflow.algorithms.tracing import (
    Cuts,
    Traces,
    cut_traces,
    fit_traces,
    link_traces,
    spacings,
)
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
from vltflow.recipes.echelle.guess import (
    DWLENMAX,
    ORDERS,
    ROLE,
    Guess,
    check_setting,
    refined,
    rough_guess,
)
from vltflow.recipes.echelle.light import Light, light_of
from vltflow.recipes.echelle.parameters import SettingParameters
from vltflow.recipes.echelle.surfaces import surface_table
from vltflow.records import QcFigure

if TYPE_CHECKING:
    from vltflow.algorithms.surface import Surface

_POINT = np.dtype(
    [("X", "f8"), ("Y", "f8"), ("YERR", "f8"), ("ORDER", "i4"), ("YFIT", "f8"),
     ("RESIDUAL", "f8"), ("USED", "i2")]
)  # fmt: skip
_ORDER = np.dtype([("ORDER", "i4"), ("XMIN", "f8"), ("XMAX", "f8"), ("YCENTRE", "f8")])
_UNITS = dict.fromkeys(("X", "Y", "YERR", "YFIT", "RESIDUAL", "XMIN", "XMAX", "YCENTRE"), "pixel")

_SEEN = 0.15
"""Share of the columns in which an order must lie on the chip to be expected."""
_SHOWN = 4000
"""Points of a figure at most."""


class OrderDefinitionParameters(SettingParameters):
    """Parameters of the order definition; names as in ESO's UVES recipe where it has them."""

    tracestep: int = Field(default=10, ge=2, description="Distance of the cuts [pixel].")
    fwhm: float = Field(default=3.0, gt=1, description="Width of a trace across [pixel].")
    threshold: float = Field(default=6.0, gt=0, description="Least height of a trace [sigma].")
    defpol1: int = Field(default=5, ge=1, le=8, description="Degree in x [no unit].")
    defpol2: int = Field(default=4, ge=0, le=8, description="Degree in the order [no unit].")
    kappa: float = Field(default=4.0, gt=0, description="Points further off are left out [sigma].")
    dwlenmax: float = Field(default=8.0, gt=0, description=DWLENMAX)


class OrderDefinition(Recipe):
    """All traces of a frame as one surface y(x, order), numbered by a rough physical model.

    QC as uves_cal_orderpos 6.1.8: residuals of the points used, predicted and found orders.
    """

    name: ClassVar = "echelle.order_definition"
    version: ClassVar = "2"
    summary: ClassVar = "Centres of all orders from one continuum frame through a short slit"
    raw: ClassVar = RawInput(1, 1)
    masters: ClassVar = (
        MasterInput(ROLE, table=True),
        MasterInput(ORDERS, table=True, required=False),
        MasterInput("MASTER_BIAS", required=False),
    )
    outputs: ClassVar = (Output("ORDER_TABLE", "order centres over x and order number, pixel"),)
    parameters: ClassVar = OrderDefinitionParameters
    qc: ClassVar = (
        QcDeclaration("QC ORD NPRED", "", "Orders predicted on the chip"),
        QcDeclaration("QC ORD NDET", "", "Orders found"),
        QcDeclaration("QC ORD NMISS", "", "Predicted orders that were not found"),
        QcDeclaration("QC ORD NPOSALL", "", "Points measured on orders"),
        QcDeclaration("QC ORD NPOSSEL", "", "Points used in the solution"),
        QcDeclaration("QC ORD FRACSEL", "%", "Points used, of those that predicted orders have"),
        QcDeclaration("QC ORD RESIDMIN", "pixel", "Smallest residual of the points used"),
        QcDeclaration("QC ORD RESIDMAX", "pixel", "Largest residual of the points used"),
        QcDeclaration("QC ORD RESIDAVG", "pixel", "Mean residual of the points used"),
        QcDeclaration("QC ORD RESIDRMS", "pixel", "Rms residual of the points used"),
        QcDeclaration("QC ORD SHIFT", "pixel", "Median distance from the rough model, along y"),
        QcDeclaration("QC ORD DWLEN", "nm", "Central wavelength by the orders' distances - header"),
        QcDeclaration("QC ORDMIN", "", "Lowest order found"),
        QcDeclaration("QC ORDMAX", "", "Highest order found"),
    )

    def process(self, inputs: RecipeInputs, parameters: OrderDefinitionParameters) -> RecipeResult:
        """Find, number and fit the orders of one chip."""
        frames.check_frames(self, inputs)
        light = light_of(inputs)
        guess = rough_guess(inputs, parameters, light.data.shape)
        traces, dwlen = _traces(inputs, parameters, light, guess)
        qc = _measure(traces, guess, light.data.shape, parameters.tracestep)
        qc["QC ORD DWLEN"] = dwlen
        product = TableProduct(
            "ORDER_TABLE",
            (
                _order_rows(traces, light.data.shape),
                surface_table("TRACE", traces.fit.surface, pixels=True),
                _point_rows(traces),
            ),
            {"ESO PRO TECH": "ECHELLE", "ESO DRS PIXEL ORIGIN": 1},
            qc,
            _figures(traces, light),
        )
        return RecipeResult((product,))

    def resources(self, frame_count: int, pixels: int) -> Resources:  # noqa: ARG002 - of the base
        """Light and its variance, and the interpreter."""
        return Resources(2, round(24 * pixels / 1e6 + 128 + 350), 60)


def _traces(
    inputs: RecipeInputs, parameters: OrderDefinitionParameters, light: Light, guess: Guess
) -> tuple[Traces, float]:
    """Traces, and how far the setting that their distances tell is from the header's, nm."""
    step = parameters.tracestep
    cuts = cut_traces(
        light.unsaturated, noise=light.noise, conad=inputs.chip.conad, fwhm=parameters.fwhm,
        step=step, threshold=parameters.threshold, threads=inputs.cores,
    )  # fmt: skip
    chain, middle = link_traces(cuts, step=step), 0.5 * light.data.shape[1]
    y, distance = spacings(cuts, chain, middle)
    dwlen = guess.missed_by_spacing(middle, y, distance) if len(y) else 0.0
    check_setting(inputs.frames[0].name, dwlen, parameters.dwlenmax, "distances of its orders")
    rows, columns = light.data.shape
    known = refined(guess, inputs, columns)
    try:
        traces = fit_traces(
            cuts, chain, known.place, known.candidates, size=(rows, columns),
            degrees=(parameters.defpol1, parameters.defpol2), kappa=parameters.kappa,
        )  # fmt: skip
    except ValueError as error:
        raise AlgorithmFailure(
            f"no orders in {inputs.frames[0].name}: {error}",
            numbers={"points": len(cuts.x), "median": float(np.median(light.data))},
            hint="The lamp was off, or the slit is not a short one.",
        ) from None
    return traces, dwlen


def _measure(traces: Traces, guess: Guess, shape: tuple[int, int], step: int) -> dict[str, float]:
    x = np.arange(0.5 * step, shape[1], step)
    distance = traces.points.y - guess.place(traces.points.x, traces.order)
    shift = float(np.nanmedian(distance))
    y = guess.place(x[None, :], guess.candidates[:, None].astype(float)) + shift
    inside = (y > 0) & (y < shape[0] - 1)
    predicted = guess.candidates[inside.mean(axis=1) >= _SEEN]
    residuals = traces.fit.residuals[traces.fit.used]
    return {
        "QC ORD NPRED": len(predicted),
        "QC ORD NDET": len(traces.orders),
        "QC ORD NMISS": len(np.setdiff1d(predicted, traces.orders)),
        "QC ORD NPOSALL": len(traces.points.x),
        "QC ORD NPOSSEL": int(traces.fit.used.sum()),
        "QC ORD FRACSEL": 100.0 * float(traces.fit.used.sum() / max(1, inside.sum())),
        "QC ORD RESIDMIN": float(residuals.min()),
        "QC ORD RESIDMAX": float(residuals.max()),
        "QC ORD RESIDAVG": float(residuals.mean()),
        "QC ORD RESIDRMS": float(residuals.std()),
        "QC ORD SHIFT": shift,
        "QC ORDMIN": int(traces.orders[0]),
        "QC ORDMAX": int(traces.orders[-1]),
    }


def _order_rows(traces: Traces, shape: tuple[int, int]) -> TableData:
    """The orders, and between which columns their centre lies on the chip."""
    rows = np.zeros(len(traces.orders), _ORDER)
    x = np.arange(shape[1], dtype=float)
    for row, order in zip(rows, traces.orders, strict=True):
        y = _centre(traces.fit.surface, x, int(order))
        inside = np.flatnonzero((y > -0.5) & (y < shape[0] - 0.5))
        row["ORDER"], row["YCENTRE"] = order, y[len(x) // 2] + 1.0
        if len(inside):
            row["XMIN"], row["XMAX"] = inside[0] + 1.0, inside[-1] + 1.0
    return TableData("ORDERS", rows, _units(rows))


def _centre(surface: Surface, x: np.ndarray, order: int) -> np.ndarray:
    return surface(x, float(order))


def _point_rows(traces: Traces) -> TableData:
    points: Cuts = traces.points
    rows = np.zeros(len(points.x), _POINT)
    rows["X"], rows["Y"], rows["YERR"] = points.x + 1.0, points.y + 1.0, points.sigma
    rows["ORDER"], rows["RESIDUAL"] = traces.order, traces.fit.residuals
    rows["YFIT"], rows["USED"] = rows["Y"] - rows["RESIDUAL"], traces.fit.used
    return TableData("POINTS", rows, _units(rows))


def _units(rows: np.ndarray) -> dict[str, str]:
    return {name: _UNITS[name] for name in rows.dtype.names or () if name in _UNITS}


def _figures(traces: Traces, light: Light) -> tuple[QcFigure, ...]:
    used = traces.fit.used
    place = np.argsort(traces.points.x[used], kind="stable")
    place = place[:: -(-len(place) // _SHOWN)]
    counts, edges = np.histogram(traces.fit.residuals[used], bins=80)
    residuals = ("QC ORD RESIDMIN", "QC ORD RESIDMAX", "QC ORD RESIDAVG", "QC ORD RESIDRMS")
    return (
        QcFigure("residuals", "Distance of the points from the solution", "histogram",
                 edges, counts, "residual [pixel]", "points", parameters=residuals),
        QcFigure("residuals_x", "Distance from the solution along the orders", "line",
                 traces.points.x[used][place] + 1.0, traces.fit.residuals[used][place],
                 "x [pixel]", "residual [pixel]", parameters=residuals),
        image_figure("frame", "Order definition frame", light.data),
    )  # fmt: skip
