"""Master flat: what the detector answers to the light of a lamp, and each pixel's part in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from vltflow.algorithms import (
    Illumination,
    PixelResponse,
    Quality,
    ResponseStatistics,
    flag_response,
    illumination,
    pixel_response,
)
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
from vltflow.recipes.detector.background import Background, Part, background
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
    version: ClassVar = "2"
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
        under = background(inputs, _parts(inputs, bias, exptime))
        light = _lamp_levels(inputs, bias, under)
        chosen = _usable(light, minimum=self.raw.minimum)
        data, variance, quality = _stacked(
            inputs, parameters, (light, chosen), frames.read_noise_of(bias, inputs.chip), under
        )
        lit = illumination(data, variance, minimum_snr=LIT_SNR, threads=inputs.cores)
        qc = _measure(inputs, light, chosen, lit, exptime)
        qc["QC FLAT PEAK"] = exptime * float(np.nanpercentile(data[::5, ::5], 99))
        response = pixel_response(
            data,
            variance,
            half_width=parameters.response_half_width,
            minimum_snr=parameters.minimum_snr,
            threads=inputs.cores,
        )
        pixels = flag_response(
            response,
            quality,
            limits=(DEAD_BELOW, HOT_ABOVE),
            bits=(int(Quality.DEAD), int(Quality.HOT)),
            threads=inputs.cores,
        )
        qc |= {
            "QC FLAT RESP MEAS": 100 * pixels.share,
            "QC FLAT RESP RMS": 100 * pixels.rms,
            "QC FLAT NBADPIX": pixels.flagged,
        }
        header: dict[str, str | int | float | bool] = {
            "BUNIT": "ADU/s",
            "EXPTIME": 1.0,
            "ESO PRO DATANCOM": int(chosen.sum()),
            "ESO PRO DATAAVG": lit.mean,
            "ESO PRO DATAMED": float(np.nanmedian(data[::7, ::7])),
            "ESO DRS OVSC CORR": light.corrected,
        }
        flat = ProductData(
            "MASTER_FLAT", data, variance, quality, header, qc,
            _flat_figures(inputs, light, data, pixels),
        )  # fmt: skip
        relative = ProductData(
            "PIXEL_RESPONSE", response.response, response.variance,
            np.bitwise_or(response.quality, quality, out=response.quality),
            {
                "BUNIT": "", "EXPTIME": 1.0, "ESO PRO DATANCOM": int(chosen.sum()),
                # What a pixel that was not measured may differ by.
                "ESO DRS RESP RMS": 100 * pixels.rms,
            }, {},
            _response_figures(response, pixels),
        )  # fmt: skip
        return RecipeResult((flat, relative))


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


def _parts(inputs: RecipeInputs, bias: MasterImage, exptime: float) -> list[Part]:
    """Bias, and dark signal in the exposure time of the flats."""
    parts = [Part(bias, 1.0, Quality.BIAS_DEFECT)]
    dark = frames.find_master(inputs, "MASTER_DARK")
    if dark is None:
        return parts
    dark_time = dark.header.get("EXPTIME")
    if not isinstance(dark_time, int | float) or not dark_time > 0:
        raise UnprocessableData(
            f"{dark.name or 'MASTER_DARK'}: EXPTIME is {dark_time!r}",
            hint="A master dark is scaled by its exposure time.",
        )
    return [*parts, Part(dark, exptime / dark_time, Quality.HOT)]


def _lamp_levels(inputs: RecipeInputs, bias: MasterImage, under: Background) -> _Light:
    levels = frames.survey(inputs)
    reference = frames.overscan_of(bias)
    offsets = levels.overscan - reference if reference is not None else 0 * levels.overscan
    return _Light(
        levels.levels - offsets - under.mean,
        offsets,
        levels.saturated,
        reference is not None,
        under.planes[0].size,
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


def _stacked(
    inputs: RecipeInputs,
    parameters: MasterFlatParameters,
    used: tuple[_Light, np.ndarray],
    noise: float,
    under: Background,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Data, variance and quality of the usable frames' light by second."""
    light, chosen = used
    levels = light.levels[chosen]
    flicker = levels.mean() / levels if parameters.norm_method == "explevel" else 1.0
    return frames.stack(
        replace(inputs, frames=tuple(np.array(inputs.frames, object)[chosen])),
        parameters.rule(
            read_noise=noise, conad=inputs.chip.conad, saturation=inputs.chip.saturation
        ),
        offsets=light.offsets[chosen],
        scales=flicker * np.ones(len(levels)) / _exposure_time(inputs),
        background=under,
    )


def _measure(
    inputs: RecipeInputs,
    light: _Light,
    chosen: np.ndarray,
    lit: Illumination,
    exptime: float,
) -> dict[str, float]:
    levels = light.levels[chosen]
    if lit.share < LEAST_LIT:
        raise AlgorithmFailure(
            "the flats hold no light",
            numbers={"illuminated share": lit.share, "mean level ADU": float(levels.mean())},
            hint="Lamp off or shutter closed: take the flats again.",
        )
    out = f"QC OUT{inputs.chip.output}"
    level = exptime * lit.level
    return {
        f"{out} MEAN RAW": float(levels.mean()),
        f"{out} NSAT RAW": int(light.saturated.max()),
        "QC FLAT LEVEL": level,
        "QC LAMP EFFIC": level / frames.exposure_time(inputs.frames[0]),
        "QC LAMP RMS": float(100 * levels.std() / levels.mean()),
        "QC FLAT ILLUM": 100 * lit.share,
        "QC FLAT SNR": lit.snr,
        "QC FLAT NREJ": int(len(chosen) - chosen.sum()),
    }


def _flat_figures(
    inputs: RecipeInputs,
    light: _Light,
    data: np.ndarray,
    pixels: ResponseStatistics,
) -> tuple[QcFigure, ...]:
    out = f"QC OUT{inputs.chip.output}"
    middle = data.shape[1] // 2
    across = _medians(data[:, max(0, middle - 5) : middle + 6])
    brightest = int(np.argmax(pixels.light))
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


def _response_figures(response: PixelResponse, pixels: ResponseStatistics) -> tuple[QcFigure, ...]:
    shown = pixels.histogram
    return (
        QcFigure(
            "response", "Measured pixel response", "histogram", shown.edges, shown.counts,
            "relative response", "pixels", parameters=("QC FLAT RESP RMS",),
        ),
        figures.image_figure(
            "response_map", "Pixel response", response.response
        ),
    )  # fmt: skip
