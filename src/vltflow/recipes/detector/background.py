"""What lies under the light of every frame: bias, and dark signal in its exposure time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vltflow.algorithms import over_blocks, row_blocks, sum_below
from vltflow.recipes.detector.frames import BLOCK_BUDGET, product_shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vltflow.algorithms import Quality
    from vltflow.recipes.declaration import MasterImage, RecipeInputs


@dataclass(frozen=True, slots=True)
class Part:
    """A master that is subtracted."""

    master: MasterImage
    share: float
    """Factor of its data."""
    inherited: Quality
    """Flags of its pixels that the product takes over."""


@dataclass(frozen=True, slots=True)
class Background:
    """Sum of masters, in arrays that the stack may then use for its product."""

    planes: tuple[np.ndarray, np.ndarray, np.ndarray]
    """Data (float32, ADU), variance (float32) and quality (uint8), product orientation."""
    mean: float
    """Of the pixels that are known, ADU."""


def background(inputs: RecipeInputs, parts: Sequence[Part]) -> Background:
    """Add up masters; masters without variance count as free of noise.

    They are read by rows: no plane exists beside those that are given back.
    """
    shape = product_shape(inputs)
    data, variance = np.empty(shape, np.float32), np.zeros(shape, np.float32)
    quality = np.zeros(shape, np.uint8)

    def add(start: int, stop: int) -> None:
        rows = slice(start, stop)
        for place, part in enumerate(parts):
            share = np.float32(part.share)
            own, own_variance, own_quality = part.master.rows(start, stop)
            if place == 0:
                np.multiply(own, share, out=data[rows])
            else:
                data[rows] += own * share
            if own_variance is not None:
                variance[rows] += own_variance * share**2
            if own_quality is not None:
                quality[rows] |= own_quality & np.uint8(part.inherited)

    blocks = row_blocks(shape[0], 30 * shape[1], budget=BLOCK_BUDGET, threads=inputs.cores)
    over_blocks(add, blocks, threads=inputs.cores)
    # In one go: sums of blocks would depend on the number of threads.
    total, number, _ = sum_below(data, np.inf)
    return Background((data, variance, quality), total / max(1, number))
