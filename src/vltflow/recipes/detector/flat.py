"""Master flat: what the detector answers to the light of a lamp, and each pixel's part in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from vltflow.algorithms import PixelResponse, Quality, pixel_response
from vltflow.core.errors import AlgorithmFailure, UnprocessableData
from vltflow.recipes.declaration import (
    MasterInput,
    Output,
    ProductData,
    QcDeclaration,
    RawInput,
    Recipe,
    RecipeInputs,
    RecipeResult,
)
from vltflow.recipes.detector import figures, frames
from vltflow.recipes.detector.parameters import StackParameters
from vltflow.records import QcFigure

if TYPE_CHECKING:
    from vltflow.recipes.declaration import MasterImage

DEAD_BELOW = 0.5
HOT_ABOVE = 1.5
"""Response relative to the neighbours outside of which a pixel is flagged."""

FAINT_FRAME = 0.2
"""A frame with less than this share of the median lamp level is left out: lamp off."""

LIT_SNR = 10.0
"""Signal to noise ratio from which a pixel counts as illuminated."""

LEAST_LIT = 0.005
"""Share of illuminated pixels below which there is no flat: noise alone stays far below."""


class MasterFlatParameters(StackParameters):
    """Parameters of the master flat."""

    stack_method: Literal["median", "mean"] = Field(
        default="mean",
        description="Median, or mean after clipping of outliers [no unit].",
    )
    norm_method: Literal["explevel", "exptime"] = Field(
        default="explevel",
        description="Scale frames to the mean lamp level, or by exposure time alone [no unit].",
    )
    response_half_width: int = Field(
        default=15,
        ge=5,
        le=200,
        description="Half width of the window of smooth light along the dispersion [pixel].",
    )
    minimum_snr: float = Field(
        default=100.0,
        gt=0,
        description="Pixel response is measured from this signal to noise ratio on [no unit].",
    )


class MasterFlat(Recipe):
    """Stack of lamp flats without bias (and dark), in ADU per second as uves_cal_mflat.

    Frames are scaled to their common mean level, since lamps flicker. The light between the
    orders is still in it: it goes when the orders are known. The second product is the
    response of each pixel against its neighbours along the dispersion: the master flat
    divided by it holds blaze, lamp and slit alone.
    """

    name: ClassVar = "detector.master_flat"
    version: ClassVar = "1"
    summary: ClassVar = "Master flat and pixel response from lamp flats of one chip"
    raw: ClassVar = RawInput(3)
    masters: ClassVar = (MasterInput("MASTER_BIAS"), MasterInput("MASTER_DARK", required=False))
    outputs: ClassVar = (
        Output("MASTER_FLAT", "lamp light, ADU/s"),
        Output("PIXEL_RESPONSE", "relative response of each pixel, 1 where not measured"),
    )
    parameters: ClassVar = MasterFlatParameters
    qc: ClassVar = (
        QcDeclaration(
            "QC OUT{output} MEAN RAW", "ADU", "Mean signal above bias of the frames used"
        ),
        QcDeclaration("QC OUT{output} NSAT RAW", "pixel", "Saturated pixels in the worst frame"),
        QcDeclaration("QC FLAT LEVEL", "ADU", "Median signal of illuminated pixels in one frame"),
        QcDeclaration("QC FLAT PEAK", "ADU", "Signal that 1 % of the pixels exceed in one frame"),
        QcDeclaration("QC LAMP EFFIC", "ADU/s", "Median signal of illuminated pixels by second"),
        QcDeclaration("QC LAMP RMS", "%", "Scatter of the lamp level over the frames used"),
        QcDeclaration("QC FLAT ILLUM", "%", "Share of illuminated pixels"),
        QcDeclaration("QC FLAT SNR", "", "Median signal to noise ratio of illuminated pixels"),
        QcDeclaration("QC FLAT NREJ", "frame", "Frames left out: lamp off or all saturated"),
        QcDeclaration("QC FLAT RESP MEAS", "%", "Share of pixels with a measured response"),
        QcDeclaration("QC FLAT RESP RMS", "%", "Rms of the pixel response without its noise"),
        QcDeclaration("QC FLAT NBADPIX", "pixel", "Dead and hot pixels by their response"),
    )

    def process(self, inputs: RecipeInputs, parameters: MasterFlatParameters) -> RecipeResult:
        """Make the master flat and the pixel response of one chip."""
        frames.check_frames(self, inputs)
        bias = frames.required_master(inputs, "MASTER_BIAS")
        exptime = _exposure_time(inputs)
        background = _background(inputs, bias, exptime)
        light = _lamp_levels(inputs, bias, background[0])
        chosen = _usable(light, minimum=self.raw.minimum)
        used = replace(inputs, frames=tuple(np.array(inputs.frames, object)[chosen]))
        level = float(light.levels[chosen].mean())
        scales = level / light.levels[chosen] if parameters.norm_method == "explevel" else 1.0
        noise = frames.read_noise_of(bias, inputs.chip)
        data, variance, quality = frames.stack(
            used,
            parameters.rule(
                read_noise=noise, conad=inputs.chip.conad, saturation=inputs.chip.saturation
            ),
            offsets=light.offsets[chosen],
            scales=scales * np.ones(len(used.frames)) / exptime,
            background=background,
            quality=_inherited(inputs, bias),
        )
        qc = _measure(inputs, light, chosen, data * exptime, variance * exptime**2)
        response = pixel_response(
            data,
            variance,
            half_width=parameters.response_half_width,
            minimum_snr=parameters.minimum_snr,
            threads=inputs.cores,
        )
        unmeasured = _flag_response(response, quality)
        qc |= _measure_response(response, quality)
        header: dict[str, str | int | float | bool] = {
            "BUNIT": "ADU/s",
            "EXPTIME": 1.0,
            "ESO PRO DATANCOM": len(used.frames),
            "ESO PRO DATAAVG": float(np.nanmean(data)),
            "ESO PRO DATAMED": float(np.nanmedian(data[::7, ::7])),
            "ESO DRS OVSC CORR": light.corrected,
        }
        flat = ProductData(
            "MASTER_FLAT", data, variance, quality, header, qc,
            _flat_figures(inputs, light, data, response),
        )  # fmt: skip
        pixels = ProductData(
            "PIXEL_RESPONSE", response.response, response.variance, quality | unmeasured,
            {"BUNIT": "", "EXPTIME": 1.0, "ESO PRO DATANCOM": len(used.frames)}, {},
            _response_figures(response),
        )  # fmt: skip
        return RecipeResult((flat, pixels))


@dataclass(frozen=True, slots=True)
class _Light:
    """Lamp light of each frame."""

    levels: np.ndarray
    """Mean signal above bias and dark, ADU."""
    offsets: np.ndarray
    """Drift of each frame against the bias, ADU."""
    saturated: np.ndarray
    """Saturated pixels."""
    corrected: bool
    """Whether the offsets could be measured."""
    pixels: int


def _exposure_time(inputs: RecipeInputs) -> float:
    exptime = float(np.mean([frames.exposure_time(frame) for frame in inputs.frames]))
    if not exptime > 0:
        raise UnprocessableData(
            f"{inputs.frames[0].name}: EXPTIME is {exptime:g} s, a flat needs more"
        )
    return exptime


def _background(
    inputs: RecipeInputs, bias: MasterImage, exptime: float
) -> tuple[np.ndarray, np.ndarray | None]:
    """Bias plus dark signal in the exposure time of the flats, ADU, with variance."""
    dark = frames.find_master(inputs, "MASTER_DARK")
    if dark is None:
        return bias.data, bias.variance
    dark_time = dark.header.get("EXPTIME")
    if not isinstance(dark_time, int | float) or not dark_time > 0:
        raise UnprocessableData(
            f"{dark.name or 'MASTER_DARK'}: EXPTIME is {dark_time!r}",
            hint="A master dark is scaled by its exposure time.",
        )
    share = np.float32(exptime / dark_time)
    terms = [
        plane * factor
        for plane, factor in ((bias.variance, np.float32(1)), (dark.variance, share**2))
        if plane is not None
    ]
    return bias.data + dark.data * share, sum(terms[1:], terms[0]) if terms else None


def _inherited(inputs: RecipeInputs, bias: MasterImage) -> np.ndarray:
    quality = np.zeros(bias.data.shape, np.uint8)
    dark = inputs.masters.get("MASTER_DARK")
    for master, bits in ((bias, Quality.BIAS_DEFECT), (dark, Quality.HOT)):
        if master is not None and master.quality is not None:
            quality |= (master.quality & int(bits)).astype(np.uint8)
    return quality


def _lamp_levels(inputs: RecipeInputs, bias: MasterImage, background: np.ndarray) -> _Light:
    levels = frames.survey(inputs)
    reference = frames.overscan_of(bias)
    offsets = levels.overscan - reference if reference is not None else 0 * levels.overscan
    return _Light(
        levels.levels - offsets - float(np.nanmean(background, dtype=np.float64)),
        offsets,
        levels.saturated,
        reference is not None,
        background.size,
    )


def _usable(light: _Light, *, minimum: int) -> np.ndarray:
    """Frames with light that is not all saturated."""
    bright = light.levels > FAINT_FRAME * max(float(np.median(light.levels)), 0)
    chosen = bright & (light.saturated < 0.5 * light.pixels)
    if int(chosen.sum()) < minimum:
        raise AlgorithmFailure(
            f"only {int(chosen.sum())} of {len(chosen)} flats hold usable light",
            numbers={
                "median level ADU": float(np.median(light.levels)),
                "worst saturated share": float(light.saturated.max() / light.pixels),
            },
            hint="Lamp off or far too long an exposure: take the flats again.",
        )
    return chosen


def _measure(
    inputs: RecipeInputs,
    light: _Light,
    chosen: np.ndarray,
    signal: np.ndarray,
    variance: np.ndarray,
) -> dict[str, float]:
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = signal / np.sqrt(variance)
    lit = ratio > LIT_SNR
    share = float(lit.mean())
    levels = light.levels[chosen]
    if share < LEAST_LIT:
        raise AlgorithmFailure(
            "the flats hold no light",
            numbers={"illuminated share": share, "mean level ADU": float(levels.mean())},
            hint="Lamp off or shutter closed: take the flats again.",
        )
    out = f"QC OUT{inputs.chip.output}"
    level = float(np.median(signal[lit]))
    return {
        f"{out} MEAN RAW": float(levels.mean()),
        f"{out} NSAT RAW": int(light.saturated.max()),
        "QC FLAT LEVEL": level,
        "QC FLAT PEAK": float(np.nanpercentile(signal[::5, ::5], 99)),
        "QC LAMP EFFIC": level / frames.exposure_time(inputs.frames[0]),
        "QC LAMP RMS": float(100 * levels.std() / levels.mean()),
        "QC FLAT ILLUM": 100 * share,
        "QC FLAT SNR": float(np.median(ratio[lit])),
        "QC FLAT NREJ": int(len(chosen) - chosen.sum()),
    }


def _flag_response(response: PixelResponse, quality: np.ndarray) -> np.ndarray:
    """Flag dead and hot pixels in place; give the plane of unmeasured flags."""
    quality[response.measured & (response.response < DEAD_BELOW)] |= int(Quality.DEAD)
    quality[response.measured & (response.response > HOT_ABOVE)] |= int(Quality.HOT)
    return np.where(response.measured, 0, int(Quality.UNMEASURED)).astype(np.uint8)


def _measure_response(response: PixelResponse, quality: np.ndarray) -> dict[str, float]:
    flagged = int(Quality.DEAD | Quality.HOT)
    good = response.measured & ((quality & flagged) == 0)
    deviation = response.response[good] - 1
    spread = float(np.var(deviation) - np.mean(response.variance[good])) if good.any() else 0.0
    bad = response.measured & ((quality & flagged) != 0)
    return {
        "QC FLAT RESP MEAS": float(100 * response.measured.mean()),
        "QC FLAT RESP RMS": float(100 * np.sqrt(max(0.0, spread))),
        "QC FLAT NBADPIX": int(bad.sum()),
    }


def _flat_figures(
    inputs: RecipeInputs,
    light: _Light,
    data: np.ndarray,
    response: PixelResponse,
) -> tuple[QcFigure, ...]:
    out = f"QC OUT{inputs.chip.output}"
    middle = data.shape[1] // 2
    across = _medians(data[:, max(0, middle - 5) : middle + 6])
    brightest = int(np.argmax(np.where(response.measured, response.smooth, 0).sum(axis=1)))
    row = ("x [pixel]", "flat [ADU/s]")
    return (
        figures.frames_figure(
            "levels", "Lamp level of each frame", light.levels,
            label="mean signal [ADU]", parameters=(f"{out} MEAN RAW", "QC LAMP RMS"),
        ),
        figures.profile_figure(
            "across", f"Across the dispersion at x = {middle + 1}", across,
            axes=("y [pixel]", "flat [ADU/s]"), parameters=("QC LAMP EFFIC", "QC FLAT ILLUM"),
        ),
        figures.profile_figure(
            "along", f"Along the dispersion at y = {brightest + 1}",
            data[brightest].astype(np.float64), axes=row, parameters=("QC LAMP EFFIC",),
        ),
        figures.image_figure("master", "Master flat", data),
    )  # fmt: skip


def _medians(strip: np.ndarray) -> np.ndarray:
    """Median of each row, NaN where a row has no valid pixel."""
    result = np.full(len(strip), np.nan)
    some = np.isfinite(strip).any(axis=1)
    if some.any():
        result[some] = np.nanmedian(strip[some], axis=1)
    return result


def _response_figures(response: PixelResponse) -> tuple[QcFigure, ...]:
    values = response.response[response.measured]
    counts, edges = np.histogram(values, bins=200, range=(0.9, 1.1))
    return (
        QcFigure(
            "response", "Measured pixel response", "histogram", edges, counts,
            "relative response", "pixels", parameters=("QC FLAT RESP RMS",),
        ),
        figures.image_figure(
            "response_map", "Pixel response", response.response
        ),
    )  # fmt: skip
