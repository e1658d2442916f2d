"""Master dark: what the detector collects without light."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field

from vltflow.algorithms import (
    Histogram,
    ImageSummary,
    Quality,
    clipped_mean,
    flag_deviating,
    region_grid,
    region_statistics,
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
from vltflow.recipes.detector.background import Part, background
from vltflow.recipes.detector.parameters import StackParameters

if TYPE_CHECKING:
    from vltflow.records import QcFigure

REGIONS = 4
"""Windows along each axis, as in uves_cal_mdark."""

STATISTICS = ("MIN", "MAX", "AVG", "MED", "RMS")
_MEANING = {"MIN": "minimum", "MAX": "maximum", "AVG": "mean", "MED": "median", "RMS": "rms"}
_PLURAL = {"MIN": "minima", "MAX": "maxima", "AVG": "means", "MED": "medians", "RMS": "rms values"}


class MasterDarkParameters(StackParameters):
    """Parameters of the master dark."""

    hot_sigma: float = Field(
        default=8.0,
        gt=0,
        description="A pixel this far above the mean dark signal is hot [sigma of the master].",
    )


def _region_declarations() -> tuple[QcDeclaration, ...]:
    single = tuple(
        QcDeclaration(
            f"QC REG{i}{j} {name}", "ADU", f"{_MEANING[name].capitalize()} of window {i},{j}"
        )
        for i in range(REGIONS)
        for j in range(REGIONS)
        for name in STATISTICS
    )
    summary = tuple(
        QcDeclaration(
            f"QC REG {inner} {outer}",
            "ADU",
            f"{_MEANING[outer].capitalize()} of the {_PLURAL[inner]} of all windows",
        )
        for inner in STATISTICS
        for outer in STATISTICS
    )
    return single + summary


class MasterDark(Recipe):
    """Stack of darks without bias, at their mean exposure time (as ESO keeps it).

    The level of each frame is corrected by its overscan against that of the master bias.
    QC REGij as uves_cal_mdark 6.1.8 with --qc_dark.reg.when=1 (windows on the master; its
    default is the first raw frame), with the maximum being the maximum: 6.1.8 writes the
    minimum under both names.
    """

    name: ClassVar = "detector.master_dark"
    version: ClassVar = "1"
    summary: ClassVar = "Master dark from at least three darks of one chip and exposure time"
    raw: ClassVar = RawInput(3)
    masters: ClassVar = (MasterInput("MASTER_BIAS"),)
    outputs: ClassVar = (Output("MASTER_DARK", "dark signal in the mean exposure time, ADU"),)
    parameters: ClassVar = MasterDarkParameters
    qc: ClassVar = (
        QcDeclaration(
            "QC DARK CURRENT", "ADU/h", "Mean dark signal of a (binned) pixel, 5 sigma clipped"
        ),
        QcDeclaration("QC DARK CURRENT ELEC", "e-/h", "The same in electrons"),
        QcDeclaration("QC DARK MASTER MEDIAN", "ADU", "Median of the master"),
        QcDeclaration("QC DARK MASTER RMS", "ADU", "Rms of the master, 5 sigma clipped"),
        QcDeclaration("QC NHOTPIX", "pixel", "Hot pixels, those of hot columns included"),
        QcDeclaration("QC DARK NREJ", "pixel", "Pixels with an outlier in at least one frame"),
        QcDeclaration("QC OUT{output} OVSC RANGE", "ADU", "Largest minus smallest overscan level"),
        *_region_declarations(),
    )

    def process(self, inputs: RecipeInputs, parameters: MasterDarkParameters) -> RecipeResult:
        """Make the master dark of one chip."""
        frames.check_frames(self, inputs)
        bias = frames.required_master(inputs, "MASTER_BIAS")
        times = _exposure_times(inputs)
        exptime = float(times.mean())
        levels = frames.survey(inputs)
        reference = frames.overscan_of(bias)
        data, variance, quality = frames.stack(
            inputs,
            parameters.rule(
                read_noise=frames.read_noise_of(bias, inputs.chip),
                conad=inputs.chip.conad,
                saturation=inputs.chip.saturation,
            ),
            offsets=levels.overscan - reference if reference is not None else 0 * times,
            scales=exptime / times,
            background=background(inputs, [Part(bias, 1.0, Quality.BIAS_DEFECT)]),
        )
        whole, sigma = _distribution(data, variance, cores=inputs.cores)
        histogram = whole.histogram
        mean, rms, _ = clipped_mean(histogram)
        hot_limit = parameters.hot_sigma * sigma
        hot = flag_deviating(
            data,
            (np.full(data.shape[1], mean), np.zeros(data.shape[0])),
            (-np.inf, hot_limit),
            quality=quality,
            bit=int(Quality.HOT),
        )
        current = mean / exptime * 3600
        qc = {
            "QC DARK CURRENT": current,
            "QC DARK CURRENT ELEC": current * inputs.chip.conad,
            "QC DARK MASTER MEDIAN": histogram.quantile(0.5),
            "QC DARK MASTER RMS": rms,
            "QC NHOTPIX": hot,
            "QC DARK NREJ": int(np.count_nonzero(quality & int(Quality.REJECTED))),
            f"QC OUT{inputs.chip.output} OVSC RANGE": float(np.ptp(levels.overscan)),
            **_region_values(data),
        }
        header: dict[str, str | int | float | bool] = {
            "BUNIT": "ADU",
            "EXPTIME": exptime,
            "ESO PRO DATANCOM": len(inputs.frames),
            "ESO PRO DATAAVG": whole.mean,
            "ESO PRO DATAMED": qc["QC DARK MASTER MEDIAN"],
            "ESO DRS OVSC CORR": reference is not None,
        }
        shown = _figures(inputs, levels, histogram, qc, hot_limit + mean)
        image = figures.image_figure("master", "Master dark", data)
        return RecipeResult(
            (ProductData("MASTER_DARK", data, variance, quality, header, qc, (*shown, image)),)
        )


def _exposure_times(inputs: RecipeInputs) -> np.ndarray:
    times = np.array([frames.exposure_time(frame) for frame in inputs.frames])
    for frame, time in zip(inputs.frames, times, strict=True):
        if not time > 0:
            raise UnprocessableData(f"{frame.name}: EXPTIME is {time:g} s, a dark needs more")
    return times


def _distribution(
    data: np.ndarray, variance: np.ndarray, *, cores: int
) -> tuple[ImageSummary, float]:
    """Mean and histogram around the level of the master, and the typical sigma of its pixels."""
    sample = data[::13, ::11]
    if not np.isfinite(sample).any():
        raise AlgorithmFailure(
            "the darks hold no valid pixel", numbers={"pixels": data.size}, hint="All saturated."
        )
    centre = float(np.nanmedian(sample))
    sigma = float(np.sqrt(np.nanmedian(variance[::13, ::11])))
    whole = summarise(data, centre=centre, reach=max(40 * sigma, 1e-3), threads=cores)
    return whole, sigma


def _region_values(data: np.ndarray) -> dict[str, float]:
    """Windows without any valid pixel count as 0, as in an empty frame."""
    regions = region_grid(data.shape, number=REGIONS)
    table = np.nan_to_num(region_statistics(data, regions))
    values = {
        f"QC REG{region.i}{region.j} {name}": float(table[place, column])
        for place, region in enumerate(regions)
        for column, name in enumerate(STATISTICS)
    }
    for column, inner in enumerate(STATISTICS):
        numbers = table[:, column]
        outer = (numbers.min(), numbers.max(), numbers.mean(), np.median(numbers), numbers.std())
        for name, value in zip(STATISTICS, outer, strict=True):
            values[f"QC REG {inner} {name}"] = float(value)
    return values


def _figures(
    inputs: RecipeInputs,
    levels: frames.Survey,
    histogram: Histogram,
    qc: dict[str, float],
    hot: float,
) -> tuple[QcFigure, ...]:
    return (
        figures.histogram_figure(
            "levels", "Pixels of the master", histogram, label="dark signal [ADU]",
            parameters=("QC DARK CURRENT", "QC DARK MASTER MEDIAN", "QC DARK MASTER RMS"),
            marks={"median": qc["QC DARK MASTER MEDIAN"], "hot": hot},
        ),
        figures.frames_figure(
            "overscan", "Overscan level of each frame", levels.overscan,
            label="overscan [ADU]",
            parameters=(f"QC OUT{inputs.chip.output} OVSC RANGE",),
        ),
    )  # fmt: skip
