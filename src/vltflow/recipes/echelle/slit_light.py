"""The light of an exposure through a long slit: calibrated pixels and where the slit lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from vltflow.algorithms import Quality
from vltflow.algorithms.background import (
    Background,
    gap_boxes,
    smooth_background,
    subtract_surface,
)
from vltflow.algorithms.slit import SlitImage, slit_image
from vltflow.core.errors import UnprocessableData
from vltflow.recipes.detector import frames
from vltflow.recipes.echelle.light import keyword_number, light_of, table_of
from vltflow.recipes.echelle.parameters import SettingParameters
from vltflow.recipes.echelle.surfaces import read_surface

if TYPE_CHECKING:
    from vltflow.algorithms.surface import Surface
    from vltflow.recipes.declaration import RecipeInputs

UNUSABLE = int(Quality.DEAD | Quality.HOT | Quality.SATURATED | Quality.NO_DATA)
_UNMEASURED_RESPONSE = 0.01
"""Scatter of pixels whose response is unknown, where the master does not tell that of others."""


class SlitParameters(SettingParameters):
    """Which keywords tell the slit, and what is taken from the light below it."""

    slit_length: str = Field(
        default="INS.SLIT2.LEN|INS.SLIT3.LEN", description="Keywords of the slit's length [arcsec]."
    )
    pixel_scale: str = Field(
        default="INS.PIXSCALE", description="Keywords of the scale across the orders [arcsec]."
    )
    slit_margin: float = Field(
        default=2.5,
        ge=0,
        description="Blurred rim of the slit left out at each end [unbinned pixel].",
    )
    backsub: bool = Field(
        default=True, description="Whether light between the orders is subtracted [no unit]."
    )
    clearance: float = Field(
        default=2.0, ge=0, description="Distance of the background from the slit's ends [pixel]."
    )


@dataclass(frozen=True)
class Traces:
    """Orders of a chip and the image of the slit along them."""

    orders: np.ndarray
    """Ascending."""
    slit: SlitImage
    across: int
    """Binning along the slit."""


@dataclass(frozen=True)
class SlitLight:
    """Pixels of one exposure, bias, dark, response and background taken out."""

    data: np.ndarray
    """ADU, float32."""
    quality: np.ndarray
    """Bits of `Quality`, uint8."""
    response_variance: np.ndarray | None
    """Squared relative error of the pixel response."""
    noise: float
    """Of a pixel without light, ADU: read-out, bias and dark."""
    saturated: int
    """Saturated pixels."""


def traces_of(inputs: RecipeInputs, parameters: SlitParameters) -> Traces:
    """Geometry of the orders from the order table, tilt from the line table if there is one.

    Raises
    ------
    UnprocessableData
        A table or keyword is missing.
    """
    orders = np.sort(table_of(inputs, "ORDER_TABLE", "ORDERS", ("ORDER",))["ORDER"])
    trace = read_surface(inputs.tables["ORDER_TABLE"], "TRACE", pixels=True)
    rows, columns = frames.product_shape(inputs)
    x, m = np.arange(columns, dtype=float)[None, :], orders[:, None].astype(float)
    centre, tilt = trace(x, m), np.zeros((len(orders), columns))
    if "LINE_TABLE" in inputs.tables:
        tilt = read_surface(inputs.tables["LINE_TABLE"], "TILT")(x, m)
    frame, chip = inputs.frames[0], inputs.chip
    across = chip.binning[0 if chip.quarter_turns % 2 else 1]
    scale = keyword_number(frame, parameters.pixel_scale) * across
    length = keyword_number(frame, parameters.slit_length)
    if not (scale > 0 and length > 0):
        raise UnprocessableData(
            f"{frame.name}: a slit of {length:g} arcsec at {scale:g} arcsec per pixel",
            hint="Correct the header, or name other keywords in slit_length and pixel_scale.",
        )
    margin = max(1.0, parameters.slit_margin / across)
    slit = slit_image(
        centre, tilt, length=length / scale, margin=margin, rows=rows
    )  # fmt: skip
    return Traces(orders, slit, across)


def slit_light(inputs: RecipeInputs) -> SlitLight:
    """Take bias, dark and pixel response out of the one raw frame.

    Raises
    ------
    UnprocessableData
        A master has another size, or the dark no exposure time.
    """
    light = light_of(inputs)
    data, chip = light.data, inputs.chip
    quality = np.zeros(data.shape, np.uint8)
    over = ~(data < light.saturation)
    quality[over] = int(Quality.SATURATED)
    variance, under = light.noise**2, 0.0
    bias = frames.find_master(inputs, "MASTER_BIAS")
    if bias is not None and bias.variance is not None:
        under = _typical(bias.variance)
        variance += under
    dark = frames.find_master(inputs, "MASTER_DARK")
    if dark is not None:
        share = _share(inputs, dark.header.get("EXPTIME"), dark.name)
        data -= dark.data * np.float32(share)
        variance += max(0.0, share * _typical(dark.data)) / chip.conad
        if dark.variance is not None:
            # The dark's own bias comes off twice with opposite signs.
            variance += max(0.0, share**2 * _typical(dark.variance) - 2.0 * share * under)
        if dark.quality is not None:
            quality |= dark.quality & np.uint8(Quality.HOT)
    relative = _divide_response(inputs, data, quality)
    return SlitLight(data, quality, relative, float(np.sqrt(variance)), int(over.sum()))


def _typical(plane: np.ndarray) -> float:
    return float(np.nanmedian(plane[::7, ::7]))


def _share(inputs: RecipeInputs, exptime: object, name: str) -> float:
    if not isinstance(exptime, int | float) or not exptime > 0:
        raise UnprocessableData(
            f"{name or 'MASTER_DARK'}: EXPTIME is {exptime!r}",
            hint="A master dark is scaled by its exposure time.",
        )
    return frames.exposure_time(inputs.frames[0]) / float(exptime)


def _divide_response(
    inputs: RecipeInputs, data: np.ndarray, quality: np.ndarray
) -> np.ndarray | None:
    """Divide by the pixel response in place; give its squared relative errors."""
    response = frames.find_master(inputs, "PIXEL_RESPONSE")
    if response is None:
        return None
    data /= np.maximum(response.data, np.float32(0.05))
    told = response.header.get("ESO QC FLAT RESP RMS")
    scatter = float(told) / 100 if isinstance(told, int | float) and told > 0 else None
    unknown = np.float32((scatter or _UNMEASURED_RESPONSE) ** 2)
    relative = np.full(data.shape, unknown, np.float32)
    if response.variance is not None:
        relative[:] = response.variance
    if response.quality is not None:
        quality |= response.quality & np.uint8(Quality.DEAD | Quality.HOT | Quality.NO_DATA)
        relative[(response.quality & np.uint8(Quality.UNMEASURED)) != 0] = unknown
    return relative


def take_out_background(
    data: np.ndarray,
    quality: np.ndarray,
    traces: Traces,
    parameters: SlitParameters,
    threads: int,
) -> tuple[Background | None, np.ndarray]:
    """Subtract the light between the orders in place; give it, and its level at the centres.

    The level has the shape (orders, columns) and is 0 where nothing was subtracted.
    """
    slit = traces.slit
    none = np.zeros(slit.centre.shape)
    if not parameters.backsub:
        return None, none
    boxes = gap_boxes(
        data, quality & np.uint8(UNUSABLE), slit.centre, half=slit.half,
        clearance=parameters.clearance, threads=threads,
    )  # fmt: skip
    found = smooth_background(boxes, (data.shape[0], data.shape[1]))
    if found.surface is None:
        return found, none
    subtract_surface(data, found.surface, threads=threads)
    return found, level_along(found.surface, slit.centre)


def level_along(surface: Surface, centre: np.ndarray) -> np.ndarray:
    """Values of a surface over (x, y) at the centres of traces: every 32nd column is enough."""
    columns = centre.shape[1]
    x = np.linspace(0, columns - 1, max(2, columns // 32))
    at = np.array([np.interp(x, np.arange(columns), one) for one in centre])
    coarse = surface(x[None, :], at)
    return np.array([np.interp(np.arange(columns), x, one) for one in coarse])
