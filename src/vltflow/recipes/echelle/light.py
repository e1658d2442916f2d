"""The light of one raw frame, and what its header says of the setting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from vltflow.algorithms import over_blocks, row_blocks, to_raw
from vltflow.core.errors import UnprocessableData
from vltflow.recipes.detector import frames

if TYPE_CHECKING:
    from vltflow.recipes.declaration import ImageSource, MasterImage, MasterTable, RecipeInputs


@dataclass(frozen=True)
class Light:
    """One frame without its bias, product orientation."""

    data: np.ndarray
    """ADU, float32, shape (rows, columns)."""
    variance: np.ndarray
    """ADU squared, float32, same shape."""
    noise: float
    """Read noise, ADU."""
    saturation: float
    """Values from here on are not trustworthy, ADU above the bias."""

    @property
    def unsaturated(self) -> np.ndarray:
        """The data, NaN where they are saturated."""
        return np.where(self.data < self.saturation, self.data, np.float32(np.nan))


@dataclass(frozen=True)
class Counts:
    """One frame in product orientation, its bias not yet subtracted."""

    data: np.ndarray
    """ADU above the level of the overscan's drift, float32, shape (rows, columns)."""
    bias: MasterImage | None
    """What is still under it: only its rows are read, where they are wanted."""
    noise: float
    """Read noise, ADU."""
    saturation: float
    """Values from here on are not trustworthy, ADU above the bias."""


def counts_of(inputs: RecipeInputs) -> Counts:
    """Read the frame, without overscan drift and turned as products are.

    Without a MASTER_BIAS the mean overscan level is the bias.

    Raises
    ------
    UnprocessableData
        The master bias has another size.
    """
    (frame,), chip = inputs.frames, inputs.chip
    bias = frames.find_master(inputs, "MASTER_BIAS")
    level = float(frames.survey(inputs).overscan[0])
    known = frames.overscan_of(bias) if bias is not None else None
    offset = level if bias is None else level - known if known is not None else 0.0
    noise = frames.read_noise_of(bias, chip) if bias is not None else chip.ron / chip.conad
    data = np.empty(frames.product_shape(inputs), np.float32)
    view = to_raw(data, chip.quarter_turns, mirrored=chip.mirrored)
    rows, columns = frame.shape
    light = slice(chip.prescan, columns - chip.overscan)

    def work(start: int, stop: int) -> None:
        view[start:stop] = frame.rows(start, stop)[:, light].astype(np.float32) - np.float32(offset)

    blocks = row_blocks(rows, 12 * columns, budget=frames.BLOCK_BUDGET, threads=inputs.cores)
    over_blocks(work, blocks, threads=inputs.cores)
    return Counts(data, bias, noise, chip.saturation - level)


def light_of(inputs: RecipeInputs) -> Light:
    """Subtract bias and overscan drift of the frame; give its light with errors.

    Raises
    ------
    UnprocessableData
        The master bias has another size.
    """
    counts, conad = counts_of(inputs), np.float32(inputs.chip.conad)
    data, variance = counts.data, np.empty_like(counts.data)

    def work(start: int, stop: int) -> None:
        if counts.bias is not None:
            data[start:stop] -= counts.bias.rows(start, stop)[0]
        noise = np.float32(counts.noise**2)
        variance[start:stop] = np.maximum(data[start:stop], 0.0) / conad + noise

    over_blocks(work, product_blocks(inputs), threads=inputs.cores)
    return Light(data, variance, counts.noise, counts.saturation)


def product_blocks(inputs: RecipeInputs) -> list[tuple[int, int]]:
    """Blocks of rows in which the planes of a product and of its masters are worked on."""
    rows, columns = frames.product_shape(inputs)
    return row_blocks(rows, 24 * columns, budget=frames.BLOCK_BUDGET, threads=inputs.cores)


def table_of(inputs: RecipeInputs, role: str, extension: str, columns: tuple[str, ...]) -> Any:
    """Rows of a table that a recipe cannot do without: a structured array.

    Raises
    ------
    UnprocessableData
        It was not given, has no rows, or misses a column.
    """
    rows = next(iter(_given(inputs, role).tables.values()))
    if extension:
        rows = _given(inputs, role).tables.get(extension, rows)
    missing = [name for name in columns if name not in (rows.dtype.names or ())]
    if missing or not len(rows):
        name = _given(inputs, role).name or role
        what = f"misses the columns {', '.join(missing)}" if missing else "has no rows"
        raise UnprocessableData(f"{name} {what}", hint=f"It is no {role} as this recipe wants it.")
    return rows


def _given(inputs: RecipeInputs, role: str) -> MasterTable:
    if role not in inputs.tables:
        raise UnprocessableData(f"no {role} was given", hint="This recipe cannot do without.")
    return inputs.tables[role]


def keyword_value(frame: ImageSource, names: str) -> Any:
    """Value of the first of some dotted keywords (parted by ``|``) that a header has.

    Raises
    ------
    UnprocessableData
        It has none of them.
    """
    for name in names.split("|"):
        value = frame.header.get("ESO " + name.strip().replace(".", " "))
        if value is not None:
            return value
    raise UnprocessableData(f"{frame.name}: the header has none of {names.replace('|', ', ')}")


def keyword_number(frame: ImageSource, names: str) -> float:
    """Value of a keyword as a number.

    Raises
    ------
    UnprocessableData
        The header has none of the keywords, or the value is no number.
    """
    value = keyword_value(frame, names)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnprocessableData(f"{frame.name}: {names} is {value!r}, not a number")
    return float(value)
