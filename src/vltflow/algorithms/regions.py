"""Statistics in a grid of windows over an image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Region:
    """A window, product pixels counted from 0, stop exclusive."""

    i: int
    """Place in the grid along x."""
    j: int
    """Place in the grid along y."""
    x_start: int
    x_stop: int
    y_start: int
    y_stop: int


def region_grid(
    shape: tuple[int, int], *, number: int = 4, box: int = 100, border: int = 100
) -> tuple[Region, ...]:
    """Give `number` x `number` windows as ESO's uves_cal_mdark places them.

    The first begins at the border; the distance of two is (side - 2 borders) / number; a
    window spans box + 1 pixels (established by experiment with uves 6.1.8). On detectors too
    small for that, border and box shrink in proportion.

    Parameters
    ----------
    shape
        (rows, columns) of the image.
    number, box, border
        Windows along each axis, side of a window, distance from the edge, pixels.
    """
    spans = [_spans(side, number, box, border) for side in shape]
    return tuple(
        Region(i, j, *spans[1][i], *spans[0][j]) for i in range(number) for j in range(number)
    )


def _spans(side: int, number: int, box: int, border: int) -> list[tuple[int, int]]:
    if side < 2 * border + number * (box + 1):
        border = side // 20
        box = max(1, (side - 2 * border) // (2 * number))
    step = (side - 2 * border) // number
    starts = [max(border - 1, 0) + place * step for place in range(number)]
    return [(start, min(start + box + 1, side)) for start in starts]


def region_statistics(image: np.ndarray, regions: tuple[Region, ...]) -> np.ndarray:
    """Give minimum, maximum, mean, median and rms of an image in each window.

    Returns
    -------
    numpy.ndarray
        (regions, 5); NaN where a window has no finite value.
    """
    result = np.full((len(regions), 5), np.nan)
    for place, region in enumerate(regions):
        window = image[region.y_start : region.y_stop, region.x_start : region.x_stop]
        values = window[np.isfinite(window)].astype(np.float64)
        if values.size:
            result[place] = (
                values.min(), values.max(), values.mean(), np.median(values), values.std(),
            )  # fmt: skip
    return result
