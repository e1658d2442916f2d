"""Fewer points, same picture: what sticks out must stay visible."""

from __future__ import annotations

import numpy as np

_OUTLIER_SIGMA = 6.0
_SIGMA_OF_MAD = 1.4826
"""Standard deviation of a normal distribution per median absolute deviation."""


def decimate_line(x: np.ndarray, y: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Points of a line, (n,) each, cut to at most three a bin: lowest, highest, first gap.

    Points keep their order and values; each bin spans equally many points. A bin
    that holds undefined values keeps one of them, so that gaps stay gaps.
    """
    if y.size <= 3 * bins:
        return x, y
    edges = np.linspace(0, y.size, bins + 1).astype(int)
    first, sizes = edges[:-1], np.diff(edges)
    defined = np.isfinite(y)
    # By bin and value; what is undefined comes last in its bin, in its order.
    order = np.lexsort((np.where(defined, y, np.nan), np.repeat(np.arange(bins), sizes)))
    counts = np.add.reduceat(defined, first, dtype=int)
    some, gap = counts > 0, counts < sizes
    lowest, highest = order[first[some]], order[(first + counts - 1)[some]]
    chosen = np.unique([0, y.size - 1, *lowest, *highest, *order[(first + counts)[gap]]])
    return x[chosen], y[chosen]


def decimate_points(x: np.ndarray, y: np.ndarray, columns: int, always: np.ndarray) -> np.ndarray:
    """Indices of the points that draw the same picture on so many pixel columns.

    The lowest and the highest of each column stay, and all that must.

    Parameters
    ----------
    x, y
        Points, (n,), by x and defined.
    always
        Which points stay whatever happens, (n,) of bool.
    """
    if x.size <= 2 * columns:
        return np.arange(x.size)
    width = (x[-1] - x[0]) or 1.0
    column = np.minimum(((x - x[0]) / width * columns).astype(int), columns - 1)
    order = np.lexsort((y, column))
    first = np.flatnonzero(np.diff(column[order], prepend=-1))
    last = np.append(first[1:], x.size) - 1
    return np.unique(np.concatenate([order[first], order[last], np.flatnonzero(always)]))


def one_a_cell(x: np.ndarray, y: np.ndarray, cells: tuple[int, int]) -> np.ndarray:
    """Indices of one point in each cell of a grid over defined points, (n,): no cell gets empty."""
    if not x.size:
        return np.arange(0)
    places = []
    for values, count in ((x, cells[0]), (y, cells[1])):
        width = (values.max() - values.min()) or 1.0
        places.append(((values - values.min()) / width * (count - 1)).astype(int))
    _, kept = np.unique(places[0] * cells[1] + places[1], return_index=True)
    return np.sort(kept)


def merge_bins(edges: np.ndarray, counts: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Histogram with neighbouring bins added up until at most `bins` are left."""
    if counts.size <= bins:
        return edges, counts
    step = -(-counts.size // bins)
    starts = np.arange(0, counts.size, step)
    return np.append(edges[starts], edges[-1]), np.add.reduceat(counts, starts)


def shrink_image(image: np.ndarray, side: int) -> np.ndarray:
    """Image, (rows, columns), averaged in equal blocks until no side is longer than `side`.

    A block that holds a pixel far off the noise of the image (a hot pixel, a cosmic
    ray) shows that pixel instead of its average. Undefined pixels do not count; a
    block of nothing else stays undefined.
    """
    tall, wide = (max(1, -(-length // side)) for length in image.shape)
    if tall == wide == 1:
        return image
    rows, columns = -(-image.shape[0] // tall), -(-image.shape[1] // wide)
    padded = np.full((rows * tall, columns * wide), np.nan)
    padded[: image.shape[0], : image.shape[1]] = image
    tiles = padded.reshape(rows, tall, columns, wide).swapaxes(1, 2)
    blocks = tiles.reshape(rows, columns, tall * wide)
    defined = np.isfinite(blocks)
    number = defined.sum(axis=2)
    values = np.where(defined, blocks, 0.0)
    mean = np.where(number > 0, values.sum(axis=2) / np.maximum(number, 1), np.nan)
    return _with_outliers(mean, blocks, image)


def _with_outliers(mean: np.ndarray, blocks: np.ndarray, image: np.ndarray) -> np.ndarray:
    sample = image[np.isfinite(image)][:: max(1, image.size // 100_000)]
    if not sample.size:
        return mean
    noise = _SIGMA_OF_MAD * np.median(np.abs(np.diff(sample))) / np.sqrt(2.0)
    offset = np.where(np.isfinite(blocks), np.abs(blocks - mean[..., None]), -1.0)
    farthest = np.argmax(offset, axis=2)[..., None]
    distance = np.take_along_axis(offset, farthest, axis=2)[..., 0]
    outlier = np.take_along_axis(blocks, farthest, axis=2)[..., 0]
    return np.where(distance > _OUTLIER_SIGMA * noise, outlier, mean)
