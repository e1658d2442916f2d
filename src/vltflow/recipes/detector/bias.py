"""Master bias: the level and structure that the electronics add to every frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from vltflow.algorithms import (
    ImageSummary,
    Quality,
    clipped_mean,
    flag_deviating,
    structure,
    summarise,
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
from vltflow.recipes.detector.parameters import StackParameters

if TYPE_CHECKING:
    from vltflow.records import QcFigure

DEFECT_SIGMA = 10.0
"""A pixel of the master that leaves row and column by so many of its sigma is a defect."""
_SMOOTHING = 31


class MasterBiasParameters(StackParameters):
    """Parameters of the master bias."""


class MasterBias(Recipe):
    """Stack of bias frames at their mean level; frames that drifted are shifted to it.

    QC as uves_cal_mbias 6.1.8, found by running it: RON MASTER is the rms of the master
    within 10 % of its median, STRUCTX and STRUCTY the rms of the mean profiles along x and y
    within 2 ADU of their mean. RON RAW differs on purpose: ESO takes the rms of the first
    raw frame, which counts bias structure as noise; here it is the median over all pairs of
    consecutive frames of the rms of their difference, divided by sqrt(2).
    """

    name: ClassVar = "detector.master_bias"
    version: ClassVar = "1"
    summary: ClassVar = "Master bias from at least three bias frames of one chip"
    raw: ClassVar = RawInput(3)
    masters: ClassVar[tuple[MasterInput, ...]] = ()
    outputs: ClassVar = (Output("MASTER_BIAS", "bias level and structure, ADU"),)
    parameters: ClassVar = MasterBiasParameters
    qc: ClassVar = (
        QcDeclaration(
            "QC OUT{output} RON RAW", "ADU", "Read noise of one frame, from frame differences"
        ),
        QcDeclaration(
            "QC OUT{output} RON MASTER", "ADU", "Rms of the master within 10 % of its median"
        ),
        QcDeclaration("QC OUT{output} RONAVG", "e-", "Average read noise over all frame pairs"),
        QcDeclaration(
            "QC OUT{output} RONRMS", "e-", "Scatter of the read noise of the frame pairs"
        ),
        QcDeclaration("QC OUT{output} STRUCTX", "ADU", "Rms of the mean profile along x"),
        QcDeclaration("QC OUT{output} STRUCTY", "ADU", "Rms of the mean profile along y"),
        QcDeclaration("QC OUT{output} OVSC MEAN", "ADU", "Mean overscan level of the frames"),
        QcDeclaration("QC OUT{output} OVSC RANGE", "ADU", "Largest minus smallest overscan level"),
        QcDeclaration(
            "QC BIAS MASTER MEAN", "ADU", "Mean level of the master after 5 sigma clipping"
        ),
        QcDeclaration("QC BIAS MASTER MEDIAN", "ADU", "Median level of the master"),
        QcDeclaration("QC BIAS MASTER NBADPIX", "pixel", "Pixels that leave their row and column"),
        QcDeclaration("QC DUTYCYCL", "d", "Mean time from one frame to the next"),
    )

    def process(self, inputs: RecipeInputs, parameters: MasterBiasParameters) -> RecipeResult:
        """Make the master bias of one chip."""
        frames.check_frames(self, inputs)
        levels = frames.survey(inputs, differences=True)
        _check_levels(inputs, levels)
        pair, noises = frames.measured_read_noise(levels.differences)
        noise = float(noises[pair])
        if not np.isfinite(noise):
            raise AlgorithmFailure(
                "no pair of bias frames has a difference that could be measured",
                numbers={
                    "frames": len(inputs.frames),
                    "level range": float(np.ptp(levels.overscan)),
                },
                hint="The frames are saturated or of very different level.",
            )
        rule = parameters.rule(
            read_noise=noise, conad=float("inf"), saturation=inputs.chip.saturation
        )
        overscan = float(levels.overscan.mean())
        data, variance, quality = frames.stack(
            inputs,
            rule,
            offsets=levels.overscan - overscan,
            scales=np.ones(len(inputs.frames)),
        )
        whole = _summary(data, cores=inputs.cores)
        qc = _measure(inputs, levels, noises, whole)
        qc[f"QC OUT{inputs.chip.output} RON RAW"] = noise
        sigma = float(np.sqrt(np.nanmedian(variance[::7, ::7])))
        qc["QC BIAS MASTER NBADPIX"] = _flag_defects(data, whole, sigma, quality)
        header: dict[str, str | int | float | bool] = {
            "BUNIT": "ADU",
            "EXPTIME": 0.0,
            "ESO PRO DATANCOM": len(inputs.frames),
            "ESO PRO DATAAVG": whole.mean,
            "ESO PRO DATAMED": qc["QC BIAS MASTER MEDIAN"],
            "ESO DRS OVSC LEVEL": overscan,
        }
        shown = _figures(inputs, levels, pair, whole, qc)
        image = figures.image_figure("master", "Master bias", data)
        return RecipeResult(
            (ProductData("MASTER_BIAS", data, variance, quality, header, qc, (*shown, image)),)
        )


def _check_levels(inputs: RecipeInputs, levels: frames.Survey) -> None:
    """Refuse frames with a level that no bias has: a wrong BZERO moves it by 32768 ADU."""
    saturation = inputs.chip.saturation
    for frame, level in zip(inputs.frames, levels.overscan, strict=True):
        if level <= 0 or saturation / 2 <= level < saturation:
            raise UnprocessableData(
                f"{frame.name}: its level is {level:.0f} ADU, and a bias lies between 0 and "
                f"{saturation / 2:.0f}",
                hint="Fetch the file anew, or take it out: its keyword BZERO may be wrong.",
            )


def _summary(data: np.ndarray, *, cores: int) -> ImageSummary:
    sample = data[::13, ::11]
    centre = float(np.nanmedian(sample)) if np.isfinite(sample).any() else float("nan")
    if not np.isfinite(centre):
        raise AlgorithmFailure(
            "the bias frames hold no valid pixel",
            numbers={"pixels": data.size},
            hint="All frames are saturated.",
        )
    return summarise(data, centre=centre, reach=max(32.0, 0.12 * abs(centre)), threads=cores)


def _measure(
    inputs: RecipeInputs, levels: frames.Survey, noises: np.ndarray, whole: ImageSummary
) -> dict[str, float]:
    out, conad = f"QC OUT{inputs.chip.output}", inputs.chip.conad
    median = whole.histogram.quantile(0.5)
    reach = max(0.1 * abs(median), 10 * float(np.nanmedian(noises)))
    electrons = noises[np.isfinite(noises)] * conad
    return {
        f"{out} RON MASTER": whole.histogram.moments(median - reach, median + reach)[1],
        f"{out} RONAVG": float(electrons.mean()),
        f"{out} RONRMS": float(electrons.std()),
        f"{out} STRUCTX": structure(whole.x_profile),
        f"{out} STRUCTY": structure(whole.y_profile),
        f"{out} OVSC MEAN": float(levels.overscan.mean()),
        f"{out} OVSC RANGE": float(np.ptp(levels.overscan)),
        "QC BIAS MASTER MEAN": clipped_mean(whole.histogram)[0],
        "QC BIAS MASTER MEDIAN": median,
        "QC DUTYCYCL": _duty_cycle(inputs),
    }


def _duty_cycle(inputs: RecipeInputs) -> float:
    """Mean time from one frame to the next, days; 0 where the headers do not say."""
    times = [frame.header.get("MJD-OBS") for frame in inputs.frames]
    moments = sorted(float(time) for time in times if isinstance(time, int | float))
    return (moments[-1] - moments[0]) / (len(moments) - 1) if len(moments) > 1 else 0.0


def _flag_defects(data: np.ndarray, whole: ImageSummary, sigma: float, quality: np.ndarray) -> int:
    """Flag pixels that leave the smooth structure of row and column; give their number."""
    x_profile, y_profile = _smoothed(whole.x_profile), _smoothed(whole.y_profile)
    limit = DEFECT_SIGMA * sigma
    return flag_deviating(
        data,
        (x_profile - np.median(x_profile), y_profile),
        (-limit, limit),
        quality=quality,
        bit=int(Quality.BIAS_DEFECT),
    )


def _smoothed(profile: np.ndarray) -> np.ndarray:
    """Running median over 31 pixels; the ends are continued by their last value."""
    half = min(_SMOOTHING, len(profile)) // 2
    padded = np.pad(profile, half, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1)
    return np.asarray(np.median(windows, axis=1))


def _figures(
    inputs: RecipeInputs,
    levels: frames.Survey,
    pair: int,
    whole: ImageSummary,
    qc: dict[str, float],
) -> tuple[QcFigure, ...]:
    out = f"QC OUT{inputs.chip.output}"
    mean, sigma, _ = clipped_mean(levels.differences[pair])
    return (
        figures.profile_figure(
            "x_profile", "Mean of each column", whole.x_profile,
            axes=("x [pixel]", "mean [ADU]"), parameters=(f"{out} STRUCTX",),
        ),
        figures.profile_figure(
            "y_profile", "Mean of each row", whole.y_profile,
            axes=("y [pixel]", "mean [ADU]"), parameters=(f"{out} STRUCTY",),
        ),
        figures.histogram_figure(
            "difference", f"Frame {pair + 1} minus frame {pair + 2}", levels.differences[pair],
            label="difference [ADU]", parameters=(f"{out} RON RAW",),
            marks={"mean": mean, "- sigma": mean - sigma, "+ sigma": mean + sigma},
        ),
        figures.histogram_figure(
            "levels", "Pixels of the master", whole.histogram, label="level [ADU]",
            parameters=("QC BIAS MASTER MEDIAN", "QC BIAS MASTER MEAN", f"{out} RON MASTER"),
            marks={"median": qc["QC BIAS MASTER MEDIAN"], "mean": qc["QC BIAS MASTER MEAN"]},
        ),
        figures.frames_figure(
            "overscan", "Overscan level of each frame", levels.overscan,
            label="overscan [ADU]", parameters=(f"{out} OVSC MEAN", f"{out} OVSC RANGE"),
        ),
    )  # fmt: skip
