"""Light between the traces: measured in their gaps, modelled as one smooth surface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev

from vltflow.algorithms.blocks import over_blocks, row_blocks
from vltflow.algorithms.compiled import compiled
from vltflow.algorithms.slit import with_neighbours
from vltflow.algorithms.surface import Surface, fit_surface

_LEAST_PIXELS = 12
"""Good pixels that a box needs."""
_TALLEST = 60
"""Rows that a box spans at most."""
_SAMPLE = 400
"""Values of a box that tell what to leave out."""
_LEAST_BOXES = 3
"""Boxes for each coefficient of the model."""
_HALOS = (0.04, 0.06, 0.08, 0.1, 0.12, 0.16)
"""Widths (sigma, in units of the longer side of the image) that scattered light may have."""
_BLOCK = 16
"""Rows and columns of a block of light that is scattered; every fourth pixel of it is looked at."""
_DARK = 1e-6
"""Blurred light below which ratios tell nothing, units of the image."""
_NEAREST = 3
"""Gaps that tell the level where there is none."""


@dataclass(frozen=True)
class Boxes:
    """What was measured in the gaps."""

    x: np.ndarray
    y: np.ndarray
    """Middle of each box, pixels from 0."""
    level: np.ndarray
    """Clipped mean."""
    error: np.ndarray
    """Error of the level, from the scatter in the box."""
    carried: np.ndarray
    """Whether the level is that of the nearest gap in which one could be measured, bool."""
    gaps: int
    """Gaps with a box."""
    share: float
    """Share of the places between traces where the gap is wide enough for a box."""
    spread: float
    """Relative error of carried levels."""


@dataclass(frozen=True)
class Background:
    """Smooth light below the traces."""

    surface: Surface | None
    """Over (x, y); None where no gap is wide enough: nothing is known then."""
    boxes: Boxes
    rms: float
    """Robust scatter of the boxes about the surface; NaN without one."""


def gap_boxes(
    image: np.ndarray,
    bad: np.ndarray,
    centre: np.ndarray,
    *,
    half: float,
    clearance: float,
    spacing: int = 40,
    threads: int = 1,
) -> Boxes:
    """Measure the light in boxes between neighbouring traces.

    A box spans all rows of a gap that are at least `clearance` away from both slits, at
    most 60, and `spacing` columns. Its level is the mean of what lies within 4 robust
    sigma of the median: of small counts the median alone is off by up to half a unit.
    Where the slits of two traces leave no gap, and at the chip's rims, the nearest gaps' levels
    stand in, times the ratio of the blurred light at the two places.

    Parameters
    ----------
    image, bad
        Light, and pixels not to be used (not 0), shape (rows, columns).
    centre
        Rows of the traces, shape (traces, columns), any order.
    half
        Half of the slit's length, pixels.
    clearance
        Distance from a slit's end that its wings need, pixels.
    spacing
        Columns of a box.
    """
    # Beyond the first and the last trace there is light to measure as well.
    ordered = with_neighbours(centre[np.argsort(centre[:, centre.shape[1] // 2])])
    columns = np.arange(spacing // 2, image.shape[1], spacing)
    levels = np.full((len(ordered) - 1, len(columns), 3), np.nan)

    def work(start: int, stop: int) -> None:
        _measure(image, bad, ordered, columns, half + clearance, spacing // 2, start, stop, levels)

    over_blocks(work, [(n, n + 1) for n in range(len(ordered) - 1)], threads=threads)
    middle = 0.5 * (ordered[1:] + ordered[:-1])[:, columns]
    inside = (middle > 0) & (middle < image.shape[0] - 1)
    good = np.isfinite(levels[..., 0]) & (levels[..., 1] > 0)
    share = float((good & inside)[1:-1].sum() / max(1, inside[1:-1].sum()))
    level, error, y = levels[..., 0].copy(), levels[..., 1].copy(), levels[..., 2].copy()
    carried = inside & ~good & good.any(axis=0)
    y[~good] = middle[~good]
    # The chip's rims as well: beyond the last gap a surface runs away.
    rims = np.broadcast_to([[0.0], [image.shape[0] - 1.0]], (2, len(columns)))
    x = np.broadcast_to(columns.astype(float), (len(y) + 2, len(columns)))
    y = np.vstack([y, rims])
    level, error, good = (np.pad(one, ((0, 2), (0, 0))) for one in (level, error, good))
    carried = np.vstack([carried, np.broadcast_to(good.any(axis=0), rims.shape)])
    spread = _carry(image, x, y, level, error, good, carried)
    some = good | carried
    return Boxes(
        x[some], y[some], level[some], error[some], carried[some],
        int(good.any(axis=1).sum()), share, spread,
    )  # fmt: skip


def _carry(
    image: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    level: np.ndarray,
    error: np.ndarray,
    good: np.ndarray,
    carried: np.ndarray,
) -> float:
    """Fill in levels and errors that are carried, in place; gives their relative error.

    Scattered light is a part of all light, blurred as widely as suits the gaps best; what they
    leave it by is the error.
    """
    halo, spread = _halo(image, x, y, level, good)
    for n, k in np.argwhere(carried):
        known = np.flatnonzero(good[:, k])
        near = known[np.argsort(np.abs(y[known, k] - y[n, k]))[:_NEAREST]]
        ratio = np.clip(halo[n, k] / np.maximum(halo[near, k], _DARK), 0.0, 2.0)
        level[n, k] = np.median(ratio * level[near, k])
        error[n, k] = np.hypot(error[near[0], k], spread * level[n, k])
    return spread


def _halo(
    image: np.ndarray, x: np.ndarray, y: np.ndarray, level: np.ndarray, good: np.ndarray
) -> tuple[np.ndarray, float]:
    """Light of the image, blurred as widely as suits the good levels best, at places.

    Also the relative scatter of these levels about it.
    """
    rows, columns = (size // _BLOCK for size in image.shape)
    part = np.nan_to_num(image[: rows * _BLOCK : 4, : columns * _BLOCK : 4]).astype(float)
    coarse = part.reshape(rows, _BLOCK // 4, columns, _BLOCK // 4).mean(axis=(1, 3))
    best, least = np.ones(x.shape), np.inf
    for width in _HALOS:
        sigma = width * max(image.shape) / _BLOCK
        blurred = _gaussian(rows, sigma) @ coarse @ _gaussian(columns, sigma).T
        halo = _at(blurred, x / _BLOCK - 0.5, y / _BLOCK - 0.5)
        ratio = level[good] / np.maximum(halo[good], _DARK)
        middle = float(np.median(ratio)) if ratio.size else 1.0
        miss = 1.4826 * float(np.median(np.abs(ratio / middle - 1.0))) if middle > 0 else 1.0
        if miss < least:
            best, least = halo, miss
    return best, min(least, 1.0)


def _gaussian(size: int, sigma: float) -> np.ndarray:
    """Matrix that blurs; beyond the ends it is as bright as at them."""
    far = int(np.ceil(4 * sigma))
    place = np.arange(-far, size + far)
    weight = np.exp(-0.5 * ((np.arange(size)[:, None] - place) / sigma) ** 2)
    weight /= weight.sum(axis=1, keepdims=True)
    matrix = weight[:, far : far + size].copy()
    matrix[:, 0] += weight[:, :far].sum(axis=1)
    matrix[:, -1] += weight[:, far + size :].sum(axis=1)
    return matrix


def _at(image: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Values of an image between its pixels."""
    rows, columns = image.shape
    y, x = np.clip(y, 0, rows - 1), np.clip(x, 0, columns - 1)
    i, j = y.astype(int), x.astype(int)
    k, m = np.minimum(i + 1, rows - 1), np.minimum(j + 1, columns - 1)
    u, v = y - i, x - j
    low, high = image[i, j] * (1 - v) + image[i, m] * v, image[k, j] * (1 - v) + image[k, m] * v
    return np.asarray(low * (1 - u) + high * u)


@compiled
def _measure(
    image: np.ndarray,
    bad: np.ndarray,
    centre: np.ndarray,
    columns: np.ndarray,
    clear: float,
    reach: int,
    start: int,
    stop: int,
    levels: np.ndarray,
) -> None:
    rows, width = image.shape
    values = np.empty(_TALLEST * (2 * reach + 1))
    for n in range(start, stop):
        for k in range(len(columns)):
            count, place = 0, 0.0
            for x in range(max(0, columns[k] - reach), min(width, columns[k] + reach + 1)):
                first = max(int(np.ceil(centre[n, x] + clear)), 0)
                last = min(int(np.floor(centre[n + 1, x] - clear)), rows - 1)
                if last - first >= _TALLEST:
                    first += (last - first + 1 - _TALLEST) // 2
                    last = first + _TALLEST - 1
                for row in range(first, last + 1):
                    if bad[row, x] == 0 and np.isfinite(image[row, x]):
                        values[count] = image[row, x]
                        place += row
                        count += 1
            if count >= _LEAST_PIXELS:
                levels[n, k, 0], levels[n, k, 1] = _clipped(values[:count])
                levels[n, k, 2] = place / count


@compiled
def _clipped(values: np.ndarray) -> tuple[float, float]:
    sample = values[:: max(1, len(values) // _SAMPLE)]
    middle = np.median(sample)
    limit = 4.0 * 1.4826 * np.median(np.abs(sample - middle)) + 1e-6
    total, squares, count = 0.0, 0.0, 0
    for value in values:
        if abs(value - middle) <= limit:
            total += value - middle
            squares += (value - middle) ** 2
            count += 1
    mean = total / count
    spread = np.sqrt(max(squares / count - mean * mean, 1e-12))
    return middle + mean, spread / np.sqrt(count)


def smooth_background(
    boxes: Boxes, shape: tuple[int, int], *, degrees: tuple[int, int] = (8, 8), kappa: float = 4.0
) -> Background:
    """Fit a surface through the boxes, outliers left out.

    The degrees go down where there are few boxes or gaps; below a plane's worth nothing is
    given.
    """
    degrees = (degrees[0], min(degrees[1], max(1, boxes.gaps // 2)))
    for lowered in range(max(degrees)):
        wanted = (max(degrees[0] - lowered, 0), max(degrees[1] - lowered, 0))
        top = max(wanted)
        terms = sum(a + b <= top for a in range(wanted[0] + 1) for b in range(wanted[1] + 1))
        if np.sum(~boxes.carried) < _LEAST_BOXES * terms:
            continue
        fit = fit_surface(
            boxes.x, boxes.y, boxes.level,
            intervals=((0.0, shape[1] - 1.0), (0.0, shape[0] - 1.0)), degrees=wanted,
            sigma=np.hypot(boxes.error, np.median(boxes.error)), kappa=kappa,
            floor=3.0 * float(np.median(boxes.error)),
        )  # fmt: skip
        measured = fit.used & ~boxes.carried
        scatter = 1.4826 * float(np.median(np.abs(fit.residuals[measured])))
        return Background(fit.surface, boxes, scatter)
    return Background(None, boxes, float("nan"))


def subtract_surface(image: np.ndarray, surface: Surface, *, threads: int = 1) -> None:
    """Subtract a surface over (x, y) from an image in place, block by block."""
    rows, columns = image.shape
    along = _basis(np.arange(columns), surface.first, surface.coefficients.shape[0])
    weights = (surface.coefficients.T @ along.T).astype(np.float32)
    across = _basis(np.arange(rows), surface.second, surface.coefficients.shape[1])
    across = across.astype(np.float32)

    def work(start: int, stop: int) -> None:
        image[start:stop] -= across[start:stop] @ weights

    # The same blocks for any number of threads: products of matrices may depend on their sizes.
    over_blocks(work, row_blocks(rows, 8 * columns, budget=2**22, threads=1), threads=threads)


def _basis(values: np.ndarray, interval: tuple[float, float], size: int) -> np.ndarray:
    middle, reach = 0.5 * (interval[0] + interval[1]), 0.5 * (interval[1] - interval[0])
    return chebyshev.chebvander((values - middle) / reach, size - 1)
