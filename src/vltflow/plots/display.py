"""An image on a screen: a part of it, small enough, stretched to what eyes can tell apart.

The image is read by blocks of rows, so that memory is bounded by the block and the screen,
whatever the size of the image.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import matplotlib as mpl
import numpy as np
from astropy.visualization import ZScaleInterval

from vltflow.plots.png import palette_png
from vltflow.plots.style import IMAGE_UNDEFINED

Rows = Callable[[int, int], np.ndarray]
"""Gives rows start <= y < stop of an image, all columns."""
Stretch = Literal["linear", "asinh", "sqrt"]
Cut = Literal["zscale", "99.5", "minmax"]
STRETCHES: tuple[Stretch, ...] = ("linear", "asinh", "sqrt")
CUTS: tuple[Cut, ...] = ("zscale", "99.5", "minmax")
MAPS = ("grey", "cividis", "viridis", "magma", "inverted")
_MPL_MAPS = {"grey": "gray", "inverted": "gray_r"}
_BLOCK_PIXELS = 4_000_000
_SAMPLE_SIDE = 600
_SOFTENING = 0.1
"""Of the asinh stretch: linear below this fraction of the range (Lupton et al. 1999,
AJ 118, 1406)."""
_COLOURS = 255
"""And one for pixels without a value."""


@dataclass(frozen=True, slots=True)
class Window:
    """Part of an image, in pixels counted from 0: x0 <= x < x1, y0 <= y < y1."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def width(self) -> int:
        """Columns."""
        return self.x1 - self.x0

    @property
    def height(self) -> int:
        """Rows."""
        return self.y1 - self.y0

    def within(self, columns: int, rows: int) -> Window:
        """The window moved into an image; not larger than it, and not empty."""
        width = min(max(self.width, 1), columns)
        height = min(max(self.height, 1), rows)
        x0 = min(max(self.x0, 0), columns - width)
        y0 = min(max(self.y0, 0), rows - height)
        return Window(x0, y0, x0 + width, y0 + height)


def shrunk(rows: Rows, window: Window, side: int) -> np.ndarray:
    """Means of blocks of pixels, so that neither side is longer than `side`.

    Returns
    -------
    ndarray of float32
        NaN where no pixel of a block has a value. Columns and rows that fill no block
        are left out.
    """
    step = max(1, -(-max(window.width, window.height) // side))
    wide, high = max(window.width // step, 1), max(window.height // step, 1)
    stride = min(step, window.width), min(step, window.height)
    at_once = max(1, _BLOCK_PIXELS // max(window.x1 * stride[1], 1))
    parts = []
    for first in range(0, high, at_once):
        count = min(at_once, high - first)
        start = window.y0 + first * stride[1]
        block = rows(start, start + count * stride[1])
        cut = block[:, window.x0 : window.x0 + wide * stride[0]]
        parts.append(_means(cut.reshape(count, stride[1], wide, stride[0])))
    return np.concatenate(parts)


def levels(rows: Rows, columns: int, high: int, cut: Cut) -> tuple[float, float]:
    """Values shown black and white, from a sample of the whole image.

    Parameters
    ----------
    columns, high
        Of the image.
    cut
        ``zscale`` (IRAF's, by astropy), ``99.5`` percent of the pixels, or all of them.
    """
    step = max(1, high // _SAMPLE_SIDE)
    stride = max(1, columns // _SAMPLE_SIDE)
    sample = np.concatenate([rows(y, y + 1)[:, ::stride] for y in range(0, high, step)])
    finite = sample[np.isfinite(sample)].astype(np.float64)
    if not finite.size:
        return 0.0, 1.0
    if cut == "zscale":
        low, top = ZScaleInterval().get_limits(finite)
    elif cut == "minmax":
        low, top = finite.min(), finite.max()
    else:
        low, top = np.percentile(finite, (0.25, 99.75))
    return (float(low), float(top)) if top > low else (float(low), float(low) + 1.0)


def picture(
    image: np.ndarray,
    low: float,
    high: float,
    *,
    stretch: Stretch = "linear",
    colours: str = "grey",
) -> bytes:
    """PNG of an array; its first row is the lowest, as in FITS.

    Pixels without a value have a colour of their own.
    """
    span = high - low if high > low else 1.0
    share = np.clip((image.astype(np.float64) - low) / span, 0, 1)
    if stretch == "asinh":
        share = np.arcsinh(share / _SOFTENING) / np.arcsinh(1 / _SOFTENING)
    elif stretch == "sqrt":
        share = np.sqrt(share)
    undefined = ~np.isfinite(share)
    share[undefined] = 0
    indices = np.rint(share * (_COLOURS - 1)).astype(np.uint8)
    indices[undefined] = _COLOURS
    return palette_png(indices[::-1], _palette(colours))


def _palette(name: str) -> np.ndarray:
    colours = mpl.colormaps[_MPL_MAPS.get(name, name)](np.linspace(0, 1, _COLOURS))[:, :3]
    undefined = mpl.colors.to_rgb(IMAGE_UNDEFINED)
    return np.rint(255 * np.vstack([colours, undefined])).astype(np.uint8)


def _means(blocks: np.ndarray) -> np.ndarray:
    if blocks.shape[1] == blocks.shape[3] == 1:
        return blocks[:, 0, :, 0].astype(np.float32)
    known = np.isfinite(blocks)
    counts = known.sum(axis=(1, 3))
    sums = np.where(known, blocks, 0).sum(axis=(1, 3), dtype=np.float64)
    means = np.full(counts.shape, np.nan, dtype=np.float32)
    np.divide(sums, counts, out=means, where=counts > 0, casting="unsafe")
    return means
