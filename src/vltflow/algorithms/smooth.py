"""Values along a spectrum, smooth enough to know nothing of its noise."""

from __future__ import annotations

import numpy as np

from vltflow.algorithms.compiled import compiled

_BLOCK = 64


def smooth_level(values: np.ndarray, good: np.ndarray, *, block: int = _BLOCK) -> np.ndarray:
    """Medians of the good values in blocks, drawn through linearly.

    Parameters
    ----------
    values
        (n,).
    good
        Those that count, bool, (n,).
    block
        Values in a block.

    Returns
    -------
    numpy.ndarray
        (n,); the outer blocks' medians continue to the ends. NaN if nothing is good.
    """
    middles, medians = _block_medians(values.astype(np.float64), good, block)
    told = np.isfinite(medians)
    if not told.any():
        return np.full(len(values), np.nan)
    return np.interp(np.arange(len(values)), middles[told], medians[told])


@compiled
def _block_medians(
    values: np.ndarray, good: np.ndarray, block: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mean place and median of the good values of each block; NaN where there are none."""
    number = -(-len(values) // block)
    middles, medians = np.full(number, np.nan), np.full(number, np.nan)
    inside = np.empty(block)
    for b in range(number):
        count, place = 0, 0.0
        for i in range(b * block, min((b + 1) * block, len(values))):
            if good[i]:
                inside[count] = values[i]
                place += i
                count += 1
        if count > 0:
            middles[b] = place / count
            medians[b] = np.median(inside[:count])
    return middles, medians
