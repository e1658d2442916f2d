"""Shadows of dust in a row of a flat: pixels side by side that lie below the smooth light."""

from __future__ import annotations

import numpy as np

from vltflow.algorithms.compiled import compiled

SHADOW = 0.02
"""The mean of a few pixels must lie lower than the smooth light by more than this, and by five
times the scatter of such means and their own noise: faint rows are noisier than most of a row."""

MEAN_OF = 5
"""Pixels of such a mean; odd."""

SAME = 0.1
"""Relative difference of the light on both sides of a shadow; at an order's edge it is larger."""


@compiled
def leave_out_shadows(
    flat: np.ndarray, variance: np.ndarray, lit: np.ndarray, smooth: np.ndarray, good: np.ndarray
) -> bool:
    """Leave out what dust shades in a row; False if that was nothing new.

    Parameters
    ----------
    flat, variance, smooth
        Light of the lamp with its variance, and the smooth light fitted to its good pixels,
        shape (columns,).
    lit
        Pixels with enough light, bool.
    good
        Pixels that shape the smooth light, bool; those in a shadow are taken out in place.
    """
    columns = len(flat)
    mean = _running_means(flat, lit, smooth)
    if np.min(mean) >= -np.float32(SHADOW):
        return False
    limit = max(np.float32(SHADOW), np.float32(5) * _scatter(mean))
    changed, last = False, 0
    for first in range(columns):
        if first < last or mean[first] >= -limit:
            continue
        deep = mean[first] * smooth[first]
        if deep * deep * np.float32(MEAN_OF) < np.float32(25) * variance[first]:
            continue
        last = first + 1
        while mean[last] < -limit:
            last += 1
        start, stop = first - MEAN_OF // 2, last + MEAN_OF // 2
        if not _as_bright(flat, start, stop):
            continue
        for x in range(start, stop):
            changed |= good[x]
            good[x] = False
    return changed


@compiled
def _scatter(mean: np.ndarray) -> np.float32:
    """Robust scatter of running means; those in between say nothing new."""
    part = np.abs(mean[:: MEAN_OF // 2])
    known = part[part > np.float32(0)]
    return np.float32(1.4826) * np.median(known) if len(known) > 0 else np.float32(0)


@compiled
def _running_means(flat: np.ndarray, lit: np.ndarray, smooth: np.ndarray) -> np.ndarray:
    """Relative deviation, mean of pixels side by side; 0 where one of them is not known."""
    mean = np.zeros(len(flat), np.float32)
    total, count = np.float32(0), 0
    for x in range(len(flat)):
        ratio = flat[x] / smooth[x] - np.float32(1)
        if not (lit[x] and np.isfinite(ratio)):
            total, count = np.float32(0), 0
            continue
        total, count = total + ratio, count + 1
        if count > MEAN_OF:
            total -= flat[x - MEAN_OF] / smooth[x - MEAN_OF] - np.float32(1)
        if count >= MEAN_OF:
            mean[x - MEAN_OF // 2] = total / np.float32(MEAN_OF)
    return mean


@compiled
def _as_bright(flat: np.ndarray, start: int, stop: int) -> bool:
    """Whether the light is the same on both sides of a shadow."""
    if start < MEAN_OF or stop + MEAN_OF > len(flat):
        return False
    left = np.mean(flat[start - MEAN_OF : start])
    right = np.mean(flat[stop : stop + MEAN_OF])
    return abs(left - right) < np.float32(SAME) * min(left, right)
