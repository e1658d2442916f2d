"""Frames of one chip: do they belong together, what are their levels, what is their stack."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from vltflow.algorithms import (
    DIFFERENCE_BINS,
    Histogram,
    StackRule,
    clipped_mean,
    combine_block,
    difference_histogram,
    over_blocks,
    row_blocks,
    sum_below,
    to_raw,
)
from vltflow.core.errors import UnprocessableData

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vltflow.recipes.declaration import (
        Chip,
        ImageSource,
        MasterImage,
        Recipe,
        RecipeInputs,
    )
    from vltflow.recipes.detector.background import Background

BLOCK_BUDGET = 8 * 1024 * 1024
"""Bytes of raw rows in work at the same time, whatever the number of frames."""

EXPTIME_TOLERANCE = 0.01
"""Relative difference of exposure times within one stack."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What one pass over all frames tells."""

    overscan: np.ndarray
    """Mean overscan level of each frame, ADU; the mean of its pixels on chips without one."""
    levels: np.ndarray
    """Mean of the light-sensitive pixels below saturation of each frame, raw ADU."""
    saturated: np.ndarray
    """Light-sensitive pixels at or above saturation in each frame."""
    differences: tuple[Histogram, ...]
    """Difference of each frame to the next, ADU; empty unless asked for."""


def check_frames(recipe: Recipe, inputs: RecipeInputs) -> None:
    """Make sure that the frames can be stacked.

    Raises
    ------
    UnprocessableData
        Too few or too many frames, or one that differs; names the frame.
    """
    count, least, most = len(inputs.frames), recipe.raw.minimum, recipe.raw.maximum
    if count < least:
        raise UnprocessableData(
            f"{recipe.name} needs at least {least} frames of a chip, got {count}",
            hint="Wait for the missing frames of the template, or take the block out.",
        )
    if most is not None and count > most:
        raise UnprocessableData(f"{recipe.name} takes at most {most} frames, got {count}")
    first = inputs.frames[0]
    _check_geometry(first, inputs.chip)
    for frame in inputs.frames[1:]:
        _check_same(frame, first)
    for frame in inputs.frames:
        _check_binning(frame, inputs.chip)


def _check_geometry(frame: ImageSource, chip: Chip) -> None:
    rows, columns = frame.shape
    if rows < 1 or columns - chip.prescan - chip.overscan < 1:
        raise UnprocessableData(
            f"{frame.name}: {rows} rows x {columns} columns leave nothing beside "
            f"{chip.prescan} prescan and {chip.overscan} overscan columns"
        )


def _check_same(frame: ImageSource, first: ImageSource) -> None:
    if tuple(frame.shape) != tuple(first.shape):
        raise UnprocessableData(
            f"{frame.name} has {frame.shape[0]} x {frame.shape[1]} pixels, "
            f"{first.name} has {first.shape[0]} x {first.shape[1]}",
            hint="Frames of one stack need one size: take the odd one out.",
        )
    ours, theirs = exposure_time(frame), exposure_time(first)
    if abs(ours - theirs) > EXPTIME_TOLERANCE * max(ours, theirs):
        raise UnprocessableData(
            f"{frame.name} was exposed for {ours:g} s, {first.name} for {theirs:g} s",
            hint="Frames of one stack need one exposure time.",
        )


def _check_binning(frame: ImageSource, chip: Chip) -> None:
    for axis, expected in zip("XY", chip.binning, strict=True):
        value = frame.header.get(f"ESO DET WIN1 BIN{axis}")
        if value is not None and int(value) != expected:
            raise UnprocessableData(
                f"{frame.name}: ESO DET WIN1 BIN{axis} is {value}, the stack has {expected}",
                hint="Frames of one stack need one binning: take the odd one out.",
            )


def exposure_time(frame: ImageSource) -> float:
    """Exposure time of a frame, seconds.

    Raises
    ------
    UnprocessableData
        EXPTIME is missing or no number.
    """
    value: Any = frame.header.get("EXPTIME")
    try:
        return float(value)
    except (TypeError, ValueError):
        raise UnprocessableData(f"{frame.name}: EXPTIME is {value!r}, not a number") from None


def product_shape(inputs: RecipeInputs) -> tuple[int, int]:
    """Rows and columns of the products."""
    chip = inputs.chip
    rows, columns = inputs.frames[0].shape
    trimmed = columns - chip.prescan - chip.overscan
    return (trimmed, rows) if chip.quarter_turns % 2 else (rows, trimmed)


def find_master(inputs: RecipeInputs, role: str) -> MasterImage | None:
    """Give the master of a role, None where there is none.

    Raises
    ------
    UnprocessableData
        Its size is not that of the products.
    """
    master = inputs.masters.get(role)
    if master is not None and tuple(master.shape) != product_shape(inputs):
        raise UnprocessableData(
            f"{master.name or role} has {master.shape} pixels, "
            f"the frames need {product_shape(inputs)}",
            hint="The master belongs to another binning or chip.",
        )
    return master


def required_master(inputs: RecipeInputs, role: str) -> MasterImage:
    """Give the master of a role.

    Raises
    ------
    UnprocessableData
        It was not given, or its size is wrong.
    """
    master = find_master(inputs, role)
    if master is None:
        raise UnprocessableData(f"no {role} was given", hint="This recipe cannot do without.")
    return master


def survey(inputs: RecipeInputs, *, differences: bool = False) -> Survey:
    """Read all frames once, block by block, and measure their levels."""
    frames, chip = inputs.frames, inputs.chip
    count, (rows, columns) = len(frames), frames[0].shape
    light = slice(chip.prescan, columns - chip.overscan)
    row_overscan = np.zeros((count, rows))
    width = _difference_width(frames[0])

    counts = np.zeros((count - 1 if differences else 0, DIFFERENCE_BINS + 1), np.int64)
    adding = threading.Lock()

    def measure(start: int, stop: int) -> np.ndarray:
        sums, before = np.zeros((count, 3)), None
        for place, frame in enumerate(frames):
            block = frame.rows(start, stop)
            row_overscan[place, start:stop] = _overscan_rows(block, chip)
            block = block[:, light]
            sums[place] = sum_below(block, chip.saturation)
            if differences and before is not None:
                new = difference_histogram(before, block, width=width)
                with adding:
                    counts[place - 1] += new
            before = block
        return sums

    row_bytes = 4 * columns * frames[0].rows(0, 1).itemsize
    blocks = row_blocks(rows, row_bytes, budget=BLOCK_BUDGET, threads=inputs.cores)
    totals = np.sum(over_blocks(measure, blocks, threads=inputs.cores), axis=0)
    return Survey(
        overscan=np.array([_clipped(values) for values in row_overscan]),
        levels=totals[:, 0] / np.maximum(totals[:, 1], 1),
        saturated=totals[:, 2].astype(int),
        differences=tuple(_histogram(pair, width) for pair in counts),
    )


def _difference_width(frame: ImageSource) -> float:
    """Bin of the difference histograms: whole ADU where the data are whole ADU."""
    return 1.0 if np.issubdtype(frame.rows(0, 1).dtype, np.integer) else 1 / 16


def _histogram(counts: np.ndarray, width: float) -> Histogram:
    bins = len(counts) - 1
    return Histogram(-(bins / 2 + 0.5) * width, width, counts[:-1], int(counts[-1]))


def _overscan_rows(block: np.ndarray, chip: Chip) -> np.ndarray:
    """Mean of each row's overscan, or prescan, or of the whole row where there is neither."""
    if chip.overscan:
        # The first columns may hold charge that trails behind bright pixels.
        skipped = min(chip.overscan - 1, max(1, chip.overscan // 10))
        part = block[:, block.shape[1] - chip.overscan + skipped :]
    else:
        part = block[:, : chip.prescan] if chip.prescan else block
    return np.asarray(part.mean(axis=1, dtype=np.float64))


def _clipped(values: np.ndarray) -> float:
    """Mean after 5 sigma clipping around the median, robust sigma."""
    good = values[np.isfinite(values)]
    if not good.size:
        return float("nan")
    distance = np.abs(good - np.median(good))
    sigma = 1.4826 * float(np.median(distance))
    return float(good[distance <= 5 * sigma].mean()) if sigma > 0 else float(good.mean())


def stack(
    inputs: RecipeInputs,
    rule: StackRule,
    *,
    offsets: np.ndarray,
    scales: np.ndarray,
    background: Background | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Combine the frames block by block into data, variance and quality of the product.

    Parameters
    ----------
    inputs
        Frames and chip.
    rule
        Estimator and noise.
    offsets, scales
        One a frame: value = (raw - offset - background) * scale.
    background
        Subtracted from each frame. Its arrays become those of the product.
    """
    chip, frames = inputs.chip, inputs.frames
    rows, columns = frames[0].shape
    light = slice(chip.prescan, columns - chip.overscan)
    product = _empty(product_shape(inputs)) if background is None else background.planes
    out = [_raw_view(plane, chip) for plane in product]

    def work(start: int, stop: int) -> None:
        block = np.stack([frame.rows(start, stop)[:, light] for frame in frames])
        data, variance, flags = (plane[start:stop] for plane in out)
        combine_block(
            block,
            rule,
            offsets=offsets,
            scales=scales,
            background=None if background is None else data,
            background_variance=None if background is None else variance,
            out=(data, variance, flags),
        )

    # Rows as read and their copy in one stack: twice the frames.
    row_bytes = 2 * len(frames) * columns * frames[0].rows(0, 1).itemsize
    blocks = row_blocks(rows, row_bytes, budget=BLOCK_BUDGET, threads=inputs.cores)
    over_blocks(work, blocks, threads=inputs.cores)
    return product


def _empty(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.empty(shape, np.float32), np.empty(shape, np.float32), np.zeros(shape, np.uint8)


def _raw_view(plane: np.ndarray, chip: Chip) -> np.ndarray:
    return to_raw(plane, chip.quarter_turns, mirrored=chip.mirrored)


def measured_read_noise(pairs: tuple[Histogram, ...]) -> tuple[int, np.ndarray]:
    """Give the pair with the (lower) median read noise, and the read noise of all pairs.

    The difference of two frames is free of all structure that both have; its standard
    deviation is sqrt(2) times the noise of one.

    Returns
    -------
    (pair, noises)
        Index into `pairs`; ADU, quantisation noise included.
    """
    noises = np.array([clipped_mean(pair)[1] for pair in pairs]) / np.sqrt(2)
    order = np.argsort(np.where(np.isfinite(noises), noises, np.inf))
    finite = int(np.isfinite(noises).sum())
    return int(order[max(0, (finite - 1) // 2)]), noises


def read_noise_of(bias: MasterImage, chip: Chip) -> float:
    """Read noise in ADU: as measured on the biases of this master, else nominal."""
    measured = _number(bias.header, f"ESO QC OUT{chip.output} RON RAW")
    if measured is not None and measured > 0:
        return measured
    return float(np.hypot(chip.ron / chip.conad, np.sqrt(1 / 12)))


def overscan_of(bias: MasterImage) -> float | None:
    """Mean overscan level of the frames of a master bias, ADU; None if it does not say."""
    return _number(bias.header, "ESO DRS OVSC LEVEL")


def _number(header: Mapping[str, Any], name: str) -> float | None:
    value = header.get(name)
    return float(value) if isinstance(value, int | float) and np.isfinite(value) else None
