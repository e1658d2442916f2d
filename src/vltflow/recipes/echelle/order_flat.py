"""Order flat: the blaze of every order, kept apart from the response of the pixels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field

from vltflow.algorithms import Quality
from vltflow.algorithms.blaze import Blaze, measure_blaze
from vltflow.recipes.declaration import (
    MasterInput,
    Output,
    ProductData,
    QcDeclaration,
    Recipe,
    RecipeInputs,
    RecipeResult,
    TableProduct,
)
from vltflow.recipes.detector.flat import MasterFlat, MasterFlatParameters
from vltflow.recipes.echelle import blaze as blaze_tables
from vltflow.recipes.echelle.extraction_qc import background_qc
from vltflow.recipes.echelle.guess import ROLE
from vltflow.recipes.echelle.slit_light import (
    SlitParameters,
    Traces,
    take_out_background,
    traces_of,
)
from vltflow.records import QcFigure

if TYPE_CHECKING:
    from vltflow.algorithms.background import Background

_UNUSABLE = np.uint8(Quality.DEAD | Quality.HOT | Quality.NO_DATA | Quality.SATURATED)
_SHOWN = 3000


class OrderFlatParameters(MasterFlatParameters, SlitParameters):
    """Parameters of the order flat."""

    blaze_half_width: int = Field(
        default=20,
        ge=5,
        le=200,
        description="Half width of the window of smooth blaze along the dispersion [pixel].",
    )


class OrderFlat(Recipe):
    """Master flat as `detector.master_flat`, light between the orders subtracted, and the blaze.

    The response of a pixel is what it answers to all light that falls on it: it is measured
    before scattered light is subtracted. Blaze times slit times response is the flat.
    Without an order table the flat is that of `detector.master_flat`.
    """

    name: ClassVar = "echelle.order_flat"
    version: ClassVar = "3"
    summary: ClassVar = "Master flat, pixel response and blaze of all orders from lamp flats"
    raw: ClassVar = MasterFlat.raw
    masters: ClassVar = (
        *MasterFlat.masters,
        MasterInput("ORDER_TABLE", required=False, table=True),
        MasterInput(ROLE, required=False, table=True),
    )
    outputs: ClassVar = (
        *MasterFlat.outputs,
        Output("BLAZE", "lamp light along every order, 1 on average over the chip"),
    )
    parameters: ClassVar = OrderFlatParameters
    qc: ClassVar = (
        *MasterFlat.qc,
        QcDeclaration("QC BLAZE NORD", "", "Orders with a blaze; 0: no order table was given"),
        QcDeclaration("QC BLAZE LEVEL", "ADU/s", "Lamp light that a blaze of 1 stands for"),
        QcDeclaration("QC BLAZE RMS", "%", "Scatter of single columns about the smooth blaze"),
        QcDeclaration("QC FLAT BKG LEVEL", "ADU/s", "Median light between the orders"),
        QcDeclaration("QC FLAT BKG RMS", "ADU/s", "Scatter of that light about its model"),
        QcDeclaration(
            "QC FLAT BKG GAPS", "%", "Share of the gaps between orders that are wide enough"
        ),
    )

    def process(self, inputs: RecipeInputs, parameters: OrderFlatParameters) -> RecipeResult:
        """Make flat, pixel response and blaze of one chip."""
        flat, response = MasterFlat().process(inputs, parameters).products
        if "ORDER_TABLE" not in inputs.tables:
            return RecipeResult((_with_qc(flat, {"QC BLAZE NORD": 0}), response))
        if not (isinstance(flat, ProductData) and isinstance(response, ProductData)):
            raise TypeError("a master flat consists of images")
        traces = traces_of(inputs, parameters)
        background, level = take_out_background(
            flat.data, flat.quality, traces, parameters, inputs.cores
        )
        blaze = measure_blaze(
            flat.data, flat.variance, response.data, flat.quality & _UNUSABLE, traces.slit,
            half_width=parameters.blaze_half_width, threads=inputs.cores,
        )  # fmt: skip
        if background is not None:
            # Not where gaps are wide; but there light is bright, and it counts for nothing.
            blaze = replace(blaze, error=np.hypot(blaze.error, background.boxes.spread * level))
        below = background_qc(background)
        qc = _measure(blaze) | {name.replace("QC", "QC FLAT", 1): below[name] for name in below}
        header = {**flat.header, "ESO DRS BKG SUB": _is_known(background)}
        made = replace(_with_qc(flat, qc), header=header)
        return RecipeResult((made, response, _blaze_product(traces, blaze, qc)))


def _with_qc(product: ProductData | TableProduct, qc: dict[str, float]) -> ProductData:
    if not isinstance(product, ProductData):
        raise TypeError(f"{product.role} is no image")
    return replace(product, qc={**product.qc, **qc})


def _is_known(background: Background | None) -> bool:
    return background is not None and background.surface is not None


def _measure(blaze: Blaze) -> dict[str, float]:
    known = np.isfinite(blaze.light) & (blaze.light > 0.1 * blaze.level)
    ratio = blaze.measured[known] / blaze.light[known] - 1.0
    rms = 148.26 * float(np.median(np.abs(ratio))) if ratio.size else -1.0
    return {
        "QC BLAZE NORD": int(np.isfinite(blaze.light).any(axis=1).sum()),
        "QC BLAZE LEVEL": blaze.level,
        "QC BLAZE RMS": rms,
    }


def _blaze_product(traces: Traces, blaze: Blaze, qc: dict[str, float]) -> TableProduct:
    relative = blaze.light / blaze.level
    table = blaze_tables.blaze_table(traces.orders, relative, blaze.error / blaze.level)
    figures = (_figure(traces.orders, relative), _overview(traces.orders, relative))
    header: dict[str, str | int | float | bool] = {
        "ESO PRO TECH": "ECHELLE",
        "ESO DRS PIXEL ORIGIN": 1,
        "ESO DRS BLAZE LEVEL": blaze.level,
    }
    shown = {name: value for name, value in qc.items() if name.startswith("QC BLAZE")}
    return TableProduct(blaze_tables.ROLE, (table,), header, shown, figures)


def _figure(orders: np.ndarray, blaze: np.ndarray) -> QcFigure:
    middle = len(orders) // 2
    every = -(-blaze.shape[1] // _SHOWN)
    x = np.arange(1, blaze.shape[1] + 1, dtype=float)[::every]
    return QcFigure(
        "blaze", f"Blaze of order {orders[middle]}", "line", x, blaze[middle][::every],
        "x [pixel]", "relative lamp light", parameters=("QC BLAZE RMS",),
    )  # fmt: skip


def _overview(orders: np.ndarray, blaze: np.ndarray) -> QcFigure:
    known = np.isfinite(blaze)
    top = np.where(known, blaze, -np.inf).max(axis=1)
    top = np.where(np.isfinite(top), top, np.nan)
    return QcFigure(
        "blaze_orders", "Peak of the blaze of every order", "line", orders.astype(float), top,
        "order", "relative lamp light", parameters=("QC BLAZE NORD", "QC BLAZE LEVEL"),
    )  # fmt: skip
