"""The light of an exposure through a long slit: calibrated pixels and where the slit lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from vltflow.algorithms import Quality, over_blocks
from vltflow.algorithms.background import (
    Background,
    gap_boxes,
    smooth_background,
    subtract_surface,
)
from vltflow.algorithms.slit import SlitImage, slit_image
from vltflow.core.errors import UnprocessableData
from vltflow.recipes.detector import frames
from vltflow.recipes.echelle.eso_layout import native_line_table
from vltflow.recipes.echelle.light import counts_of, keyword_number, product_blocks
from vltflow.recipes.echelle.order_table import orders_of
from vltflow.recipes.echelle.parameters import SettingParameters
from vltflow.recipes.echelle.surfaces import read_surface

if TYPE_CHECKING:
    from vltflow.algorithms.surface import Surface
    from vltflow.recipes.declaration import MasterImage, RecipeInputs

UNUSABLE = int(Quality.DEAD | Quality.HOT | Quality.SATURATED | Quality.NO_DATA)
_UNMEASURED_RESPONSE = 0.01
"""Scatter of pixels whose response is unknown, where the master does not tell that of others."""
_TILE = 64
"""Rows and columns of a tile of the dark; every second one of them is looked at."""
_WARM = 4.0
"""Robust standard deviations of its tile that make a pixel of the dark a warm one."""
_CHANGE = "ESO QC LINE DORDER"
"""Card of a line table: correction of the order table's numbers."""


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
        description="Half of the blurred rim at each end of the slit, left out unless all light in "
        "the slit is wanted [unbinned pixel].",
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
    """Ascending, as the order table numbers them."""
    slit: SlitImage
    """Without its blurred rims."""
    whole: SlitImage
    """With them."""
    across: int
    """Binning along the slit."""
    change: int = 0
    """What the arc adds to the order table's numbers: they are the line table's then."""


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
    """Geometry of the orders from the order table, the slit's image from the line table.

    Both may be native or ESO's; the numbers of ESO's orders need SPECTRAL_FORMAT_TAB. Without a
    line table the slit's image runs along the columns.

    Raises
    ------
    UnprocessableData
        A table or keyword is missing.
    """
    rows, columns = frames.product_shape(inputs)
    found, trace = orders_of(inputs, parameters, (rows, columns))
    orders, change = np.sort(found), 0
    x, m = np.arange(columns, dtype=float)[None, :], orders[:, None].astype(float)
    centre, tilt, curvature = trace(x, m), np.zeros((1, 1)), np.zeros((1, 1))
    if "LINE_TABLE" in inputs.tables:
        lines = native_line_table(inputs.tables["LINE_TABLE"])
        change = int(lines.header.get(_CHANGE, 0))
        tilt, curvature = (
            read_surface(lines, name)(x, m + change) for name in ("TILT", "CURVATURE")
        )
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
    tilt, curvature = (np.broadcast_to(one, centre.shape) for one in (tilt, curvature))
    slit = slit_image(
        centre, tilt, curvature, length=length / scale, margin=margin, rows=rows
    )  # fmt: skip
    whole = slit_image(
        centre, tilt, curvature, length=length / scale, margin=-margin, rows=rows,
        share=length / (length + 2.0 * margin * scale),
    )  # fmt: skip
    return Traces(orders, slit, whole, across, change)


def slit_light(inputs: RecipeInputs) -> SlitLight:
    """Take bias, dark and pixel response out of the one raw frame.

    All masters are read by rows; what is left are the planes that are given back.

    Raises
    ------
    UnprocessableData
        A master has another size, or the dark no exposure time.
    """
    counts, masters = counts_of(inputs), _masters_of(inputs)
    data, quality = counts.data, np.empty(counts.data.shape, np.uint8)
    relative = None if masters.response is None else np.empty_like(data)
    samples = _Samples()
    blocks = product_blocks(inputs)

    def work(start: int, stop: int) -> int:
        own, flags = data[start:stop], quality[start:stop]
        if counts.bias is not None:
            under, variance, _ = counts.bias.rows(start, stop)
            own -= under
            samples.add("bias", start, variance)
        over = ~(own < counts.saturation)
        np.multiply(over, np.uint8(Quality.SATURATED), out=flags)
        if masters.dark is not None:
            current = masters.dark.rows(start, stop, flags) * np.float32(masters.share)
            own -= current
            samples.add("dark", start, current)
        if masters.response is not None and relative is not None:
            response = masters.response.rows(start, stop)
            _divide_response(response, masters.unknown, own, flags, relative[start:stop])
        return int(np.count_nonzero(over))

    saturated = sum(over_blocks(work, blocks, threads=inputs.cores))
    variance = counts.noise**2 + _noise_below(samples, inputs.chip.conad)
    return SlitLight(data, quality, relative, float(np.sqrt(variance)), saturated)


@dataclass(frozen=True)
class _Masters:
    dark: _Dark | None
    share: float
    """Of the dark's exposure time."""
    response: MasterImage | None
    unknown: np.float32
    """Squared relative error of a response that was not measured."""


def _masters_of(inputs: RecipeInputs) -> _Masters:
    dark = frames.find_master(inputs, "MASTER_DARK")
    share = 0.0 if dark is None else _share(inputs, dark.header.get("EXPTIME"), dark.name)
    response = frames.find_master(inputs, "PIXEL_RESPONSE")
    told = None if response is None else response.header.get("ESO DRS RESP RMS")
    scatter = float(told) / 100 if isinstance(told, int | float) and told > 0 else None
    unknown = np.float32((scatter or _UNMEASURED_RESPONSE) ** 2)
    return _Masters(None if dark is None else _Dark(dark), share, response, unknown)


class _Dark:
    """A master dark without its noise: the median of each tile, and the pixels that are warm.

    Few darks, scaled to a long exposure, are noisier than its read-out is.
    """

    def __init__(self, master: MasterImage) -> None:
        self._master = master
        rows, columns = master.shape
        shape = -(-rows // _TILE), -(-columns // _TILE)
        self._level, self._limit = (np.empty(shape, np.float32) for _ in range(2))
        for row in range(shape[0]):
            strip = master.rows(row * _TILE, min(rows, (row + 1) * _TILE))[0][::2, ::2]
            for column in range(shape[1]):
                tile = strip[:, column * _TILE // 2 : (column + 1) * _TILE // 2]
                level = np.median(tile)
                self._level[row, column] = level
                spread = 1.4826 * np.median(np.abs(tile - level))
                self._limit[row, column] = level + np.float32(_WARM * spread)

    def rows(self, start: int, stop: int, quality: np.ndarray) -> np.ndarray:
        """Dark current of some rows in the dark's exposure time; `quality` takes hot pixels."""
        own, _, flags = self._master.rows(start, stop)
        if flags is not None:
            quality |= flags & np.uint8(Quality.HOT)
        at = np.ix_(np.arange(start, stop) // _TILE, np.arange(own.shape[1]) // _TILE)
        return np.where(own > self._limit[at], own, self._level[at])


class _Samples:
    """Every seventh row and column of planes that are read by rows: enough for a median."""

    def __init__(self) -> None:
        self._parts: dict[str, dict[int, np.ndarray]] = {}

    def add(self, name: str, start: int, rows: np.ndarray | None) -> None:
        """Take a block of rows, the first of which is `start`; several threads may."""
        if rows is not None:
            self._parts.setdefault(name, {})[start] = rows[-start % 7 :: 7, ::7].copy()

    def median(self, name: str) -> float | None:
        """Of what was taken; None if nothing was."""
        parts = self._parts.get(name)
        return None if parts is None else float(np.nanmedian(np.concatenate([*parts.values()])))


def _noise_below(samples: _Samples, conad: float) -> float:
    """Squared error that bias and dark current bring into a pixel, ADU squared."""
    return (samples.median("bias") or 0.0) + max(0.0, samples.median("dark") or 0.0) / conad


def _share(inputs: RecipeInputs, exptime: object, name: str) -> float:
    if not isinstance(exptime, int | float) or not exptime > 0:
        raise UnprocessableData(
            f"{name or 'MASTER_DARK'}: EXPTIME is {exptime!r}",
            hint="A master dark is scaled by its exposure time.",
        )
    return frames.exposure_time(inputs.frames[0]) / float(exptime)


_Rows = tuple[np.ndarray, np.ndarray | None, np.ndarray | None]
"""Data, variance and quality of some rows of a master."""


def _divide_response(
    response: _Rows,
    unknown: np.float32,
    data: np.ndarray,
    quality: np.ndarray,
    relative: np.ndarray,
) -> None:
    """Divide by the pixel response in place; `relative` takes its squared relative errors."""
    own, variance, flags = response
    data /= np.maximum(own, np.float32(0.05))
    relative[:] = unknown if variance is None else variance
    if flags is not None:
        quality |= flags & np.uint8(Quality.DEAD | Quality.HOT | Quality.NO_DATA)
        relative[(flags & np.uint8(Quality.UNMEASURED)) != 0] = unknown


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
