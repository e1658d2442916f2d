"""QC figures of ESO's products: their images and the distribution of their pixels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vltflow.fits import Header, RawImage, units
from vltflow.records import QcFigure

_SIDE = 400
"""A picture's longer side, pixels: more are averaged in blocks."""
_BINS = 200
_SAMPLE = 2_000_000
"""Pixels from which the range of a histogram is found."""
_MOST_IMAGES = 4
"""Pictures of one product: of a mosaic the first chips."""


def figures_of_product(path: Path) -> tuple[QcFigure, ...]:
    """A picture and a histogram of each plain image of a product; tables give none.

    Parameters
    ----------
    path
        Plain FITS file.
    """
    figures: list[QcFigure] = []
    for number, unit in enumerate(units(path)):
        if len(figures) < 2 * _MOST_IMAGES and _is_picture(unit.header):
            with RawImage(path, number) as image:
                pixels = image.rows().astype(np.float32, copy=False)
            figures += _figures(number, image.name, pixels)
    return tuple(figures)


def _is_picture(header: Header) -> bool:
    sides = [header.get(f"NAXIS{axis}") for axis in (1, 2)]
    image = header.get("XTENSION", "IMAGE") == "IMAGE" and header.get("NAXIS") == 2
    return image and all(isinstance(side, int) and side > 1 for side in sides)


def _figures(number: int, name: str, image: np.ndarray) -> Iterator[QcFigure]:
    title = name if number and name else f"HDU {number}"
    step = max(1, -(-max(image.shape) // _SIDE))
    rows, columns = (max(step, size // step * step) for size in image.shape)
    whole = image[:rows, :columns]
    if whole.shape == (rows, columns):
        blocks = whole.reshape(rows // step, step, columns // step, step)
        small = blocks.mean(axis=(1, 3), dtype=np.float64)
    else:  # narrower than a block
        small = image[::step, ::step]
    yield QcFigure(
        f"image_{number}", f"{title}: image", "image", np.array([float(step)]), small,
        "x [pixel]", "y [pixel]",
    )  # fmt: skip
    values = image[np.isfinite(image)]
    if not values.size:
        return
    sample = values[:: 1 + values.size // _SAMPLE]
    low, median, high = (float(one) for one in np.percentile(sample, (0.1, 50, 99.9)))
    counts, edges = np.histogram(values, _BINS, (low, high if high > low else low + 1))
    yield QcFigure(
        f"levels_{number}", f"{title}: pixels", "histogram", edges, counts, "value", "pixels",
        marks={"median": median},
    )  # fmt: skip
