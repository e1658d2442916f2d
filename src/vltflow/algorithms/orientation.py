"""Raw and product orientation of a chip."""

from __future__ import annotations

import numpy as np


def to_product(raw: np.ndarray, quarter_turns: int, *, mirrored: bool = False) -> np.ndarray:
    """Give the view of a raw image that has the orientation of the products.

    Parameters
    ----------
    raw
        Image (rows, columns) without prescan and overscan.
    quarter_turns
        Turns by 90 degrees, counter-clockwise as `numpy.rot90`.
    mirrored
        Whether the columns are reversed after the turns.

    Returns
    -------
    numpy.ndarray
        View, no copy: writing to it writes to `raw`.
    """
    turned = np.rot90(raw, quarter_turns)
    return turned[:, ::-1] if mirrored else turned


def to_raw(product: np.ndarray, quarter_turns: int, *, mirrored: bool = False) -> np.ndarray:
    """Give the view of a product that has raw orientation: the inverse of `to_product`."""
    turned = product[:, ::-1] if mirrored else product
    return np.rot90(turned, -quarter_turns)
