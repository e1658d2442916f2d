"""From a raw frame to the light of its orders: sky and cosmic rays out, errors in."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from vltflow.algorithms.column_fit import Noise
from vltflow.algorithms.extraction import Detector, Rules, TraceLight, extract
from vltflow.algorithms.orders import OrderSpectra
from vltflow.algorithms.profile_table import (
    ProfileTable,
    contrast,
    corrected_table,
    model_table,
    slit_table,
    tells_profile,
)
from vltflow.algorithms.quality import Quality
from vltflow.algorithms.source import Source, collapsed, find_source
from vltflow.core.errors import UnprocessableData
from vltflow.recipes.echelle import extraction_qc
from vltflow.recipes.echelle.blaze import blaze_error_of, blaze_of
from vltflow.recipes.echelle.slit_light import (
    UNUSABLE,
    SlitLight,
    SlitParameters,
    Traces,
    slit_light,
    take_out_background,
    traces_of,
)
from vltflow.recipes.echelle.surfaces import read_surface

if TYPE_CHECKING:
    from vltflow.algorithms.slit import SlitImage
    from vltflow.recipes.declaration import ImageSource, RecipeInputs
    from vltflow.records import QcFigure

_SEEN = 1.0 / 0.25
"""Signal to noise ratio of the mean light in a pixel along the slit from which a trace tells its
own profile, to the tolerance; below, it has that of other traces."""
_UNKNOWN_PROFILE = 1.0
"""Tolerance where a trace does not tell: lines may be twice as bright at one end of the slit."""
Mode = Literal["point", "extended", "slicer", "average"]
_SEEING = 1.0
"""Arcsec; expected before anything is measured."""
_SLICED = 0.3
"""Contrast along the slit from which sky, whose lines are even, is told from the object's slices.
Below, a pixel may differ from the mean profile by twice the contrast more."""


class ExtractionParameters(SlitParameters):
    """Parameters of the extraction; names as in ESO's UVES recipe where it has them."""

    mode: Literal["auto", "point", "extended", "slicer", "average"] = Field(
        default="auto",
        description="One source with optimal weights and sky; the sum over the slit without sky; "
        "the same for an image slicer; the mean over the slit; auto: by the header [no unit].",
    )
    slicer: str = Field(
        default="INS.SLIT1.NAME",
        description="Keyword that names an image slicer (value SLIC...) [no unit].",
    )
    skymethod: Literal["constant", "linear", "none"] = Field(
        default="constant", description="Sky along the slit, fitted with the source [no unit]."
    )
    kappa: float = Field(
        default=6.0, gt=0, description="Pixels further from the model are cosmic rays [sigma]."
    )
    tolerance: float = Field(
        default=0.05,
        ge=0,
        description="Deviation from the profile that is no cosmic ray's [ratio].",
    )
    profile: Literal["auto", "model"] = Field(
        default="auto",
        description="Correct the analytic profile by what the light shows, or not [no unit].",
    )


@dataclass(frozen=True)
class Extracted:
    """What extraction gives for one chip."""

    spectra: OrderSpectra
    qc: dict[str, float]
    figures: tuple[QcFigure, ...]
    mode: Mode
    source: Source | None
    """None where none is looked for."""
    profile: ProfileTable
    light: TraceLight
    traces: Traces
    header: dict[str, str | int | float | bool]
    """Cards of the product."""


def extract_orders(inputs: RecipeInputs, parameters: ExtractionParameters) -> Extracted:
    """Extract the light of all orders of the one raw frame.

    Masters: MASTER_BIAS, MASTER_DARK and PIXEL_RESPONSE (each optional), the tables
    ORDER_TABLE and LINE_TABLE, and BLAZE (optional: the blaze is NaN without it).

    Raises
    ------
    UnprocessableData
        A table is missing, or a master belongs to another chip or binning.
    """
    traces = traces_of(inputs, parameters)
    light = slit_light(inputs)
    background, level = take_out_background(
        light.data, light.quality, traces, parameters, inputs.cores
    )
    mode = mode_of(inputs.frames[0], parameters)
    point = mode == "point"
    if point:
        source, profile = _point_source(inputs, parameters, light, traces)
        terms = {"constant": 1, "linear": 2, "none": 0}[parameters.skymethod]
        tolerance: float | np.ndarray = parameters.tolerance
    else:
        source, (profile, seen) = None, _slit_profile(inputs, light, traces)
        uneven = contrast(profile, float(np.nanmedian(traces.slit.high)))
        terms, usual = (1, 0.25) if uneven > _SLICED else (0, 0.25 + 2.0 * uneven)
        tolerance = np.where(seen, usual, _UNKNOWN_PROFILE)
    detector = Detector(
        light.data, light.quality, light.response_variance,
        light.noise**2 + np.maximum(level, 0.0) / inputs.chip.conad, inputs.chip.conad,
    )  # fmt: skip
    rules = Rules(
        weights="optimal" if point else "sum",
        sky_terms=terms,
        kappa=parameters.kappa,
        tolerance=tolerance,
        unusable=UNUSABLE,
    )
    found = extract(
        detector, traces.slit, profile, rules, whole=None if point else traces.whole,
        threads=inputs.cores,
    )  # fmt: skip
    spectra = _spectra(inputs, traces, profile, found, mode)
    measured = extraction_qc.measure(spectra, found, traces, source, light)
    measured |= extraction_qc.background_qc(background)
    error = blaze_error_of(inputs, traces.orders, spectra.flux.shape[1])
    measured |= extraction_qc.blaze_qc(spectra, error)
    header: dict[str, str | int | float | bool] = {
        "ESO DRS EXTR MODE": mode.upper(),
        "ESO DRS EXTR SKY": terms if point else 0,
        "ESO DRS BKG SUB": background is not None and background.surface is not None,
    }
    if not point:
        length = 2.0 * traces.slit.half * _arcsec(inputs, parameters, traces)
        header["ESO DRS EXTR LENGTH"] = round(length, 3)
    figures = extraction_qc.figures(spectra, traces, profile)
    return Extracted(
        spectra, measured, figures, mode, source, profile, found, traces, header
    )  # fmt: skip


def mode_of(frame: ImageSource, parameters: ExtractionParameters) -> Mode:
    """How the light of a frame is extracted, by its header unless a parameter says."""
    if parameters.mode != "auto":
        return parameters.mode
    for name in parameters.slicer.split("|"):
        if str(frame.header.get("ESO " + name.strip().replace(".", " "), "")).startswith("SLIC"):
            return "slicer"
    kind = str(frame.header.get("ESO DPR TYPE", ""))
    return "extended" if "EXTENDED" in kind else "point"


def _point_source(
    inputs: RecipeInputs, parameters: ExtractionParameters, light: SlitLight, traces: Traces
) -> tuple[Source, ProfileTable]:
    noise = Noise(light.noise, inputs.chip.conad)
    bad, slit, threads = light.quality & np.uint8(UNUSABLE), traces.slit, inputs.cores
    scale = _arcsec(inputs, parameters, traces)
    source = find_source(
        light.data, bad, slit, noise, traces.orders, fwhm=_SEEING / scale,
        linear_sky=parameters.skymethod == "linear", threads=threads,
    )  # fmt: skip
    table = model_table(slit, source.centre, source.width, source.inverse_beta)
    if parameters.profile == "model" or not source.found:
        return source, table
    free = {"constant": 2, "linear": 3, "none": 1}[parameters.skymethod]
    table = corrected_table(
        table, light.data, bad, slit, noise, reach=2.0 * float(np.median(source.width)),
        free=free, step=_step(slit), threads=threads,
    )  # fmt: skip
    return source, table


def _slit_profile(
    inputs: RecipeInputs, light: SlitLight, traces: Traces
) -> tuple[ProfileTable, np.ndarray]:
    """Light along the slit, whatever it is, and which traces tell it.

    Between slices it changes more sharply than whole pixels show.
    """
    bad, slit, threads = light.quality & np.uint8(UNUSABLE), traces.slit, inputs.cores
    whole = _unsaturated(traces.whole, light.quality)
    distance, level, error = collapsed(light.data, bad, whole, threads=threads)
    seen = tells_profile(level, error, ratio=_SEEN)
    table = slit_table(traces.whole, np.where(seen[:, None], level, np.nan), distance)
    if contrast(table, float(np.nanmedian(slit.high))) <= _SLICED:
        return table, seen
    table = corrected_table(
        table, light.data, bad, slit, Noise(light.noise, inputs.chip.conad), reach=slit.half,
        free=2, tolerance=1.0, step=_step(slit), threads=threads,
    )  # fmt: skip
    return table, seen


def _unsaturated(slit: SlitImage, quality: np.ndarray) -> SlitImage:
    """A slit without the columns in which a pixel is saturated.

    What is left in them is the dark end of the slit: with it, that end would look too bright.
    """
    reach = np.arange(-math.ceil(slit.half), math.ceil(slit.half) + 1)
    columns = np.arange(quality.shape[1])
    spoiled = [
        (quality[np.clip(np.rint(row) + reach[:, None], 0, len(quality) - 1).astype(int), columns]
         & np.uint8(Quality.SATURATED)).any(axis=0)
        for row in np.nan_to_num(slit.centre)
    ]  # fmt: skip
    return replace(slit, high=np.where(spoiled, np.nan, slit.high))


def _step(slit: SlitImage) -> int:
    """Every how many columns a profile is looked at: some 750 are enough."""
    return max(1, int(slit.centre.shape[1]) // 750)


def _arcsec(inputs: RecipeInputs, parameters: ExtractionParameters, traces: Traces) -> float:
    """Arcsec per pixel along the slit."""
    scale = inputs.frames[0].header.get(
        "ESO " + parameters.pixel_scale.split("|")[0].replace(".", " ")
    )
    return float(scale or 0.25) * traces.across


def _spectra(
    inputs: RecipeInputs, traces: Traces, profile: ProfileTable, light: TraceLight, mode: Mode
) -> OrderSpectra:
    """Wavelengths at where the source lies: along a tilted slit they differ from its middle's."""
    slit = traces.slit
    if "LINE_TABLE" not in inputs.tables:
        raise UnprocessableData("no LINE_TABLE was given", hint="Wavelengths come from it.")
    solution = read_surface(inputs.tables["LINE_TABLE"], "MLAMBDA_AIR")
    orders = traces.orders + traces.change
    order = orders[:, None].astype(float)
    x = np.arange(slit.centre.shape[1], dtype=float)[None, :] - slit.shift(profile.centre)
    wave = solution(x, order) / order
    blaze = blaze_of(inputs, traces.orders, slit.centre.shape[1])
    height = 2.0 * slit.half if mode == "average" else 1.0
    return OrderSpectra(
        orders, wave, light.flux / height, light.variance / height**2,
        light.quality, light.sky / height, blaze,
    )  # fmt: skip
