"""Light of pixels whose wavelength is not quite their column's own, moved along the spectrum.

What neighbouring columns hold tells how steep the spectrum is: that of the object, which has
its profile along the slit, and that of the sky. A sum takes both as one light with one profile;
how an emission line leans against it, brighter at one end of the slit, is told apart.
"""

from __future__ import annotations

import math

import numpy as np

from vltflow.algorithms.compiled import compiled

_DOUBT = 2.0
"""Errors of a change along x at which half of it is believed."""
LIGHT, SKY, SKY_VARIANCE, LIGHT_VARIANCE, LEAN, LEAN_VARIANCE, SHIFTED = range(7)
"""Rows of what the first round tells of each column: the last one is the share of its own rise
that a column's lean has by the tilt."""
TOLD = 7


@compiled
def remember(first: np.ndarray, x: int, out: np.ndarray) -> None:
    """Keep light and sky of a column, and their variances, as `fit_column` gives them."""
    first[LIGHT, x], first[SKY, x] = out[0], out[2]
    first[SKY_VARIANCE, x], first[LIGHT_VARIANCE, x] = out[4], out[1]


@compiled
def remember_lean(
    first: np.ndarray,
    x: int,
    pixels: np.ndarray,
    basis: np.ndarray,
    noise: np.ndarray,
    count: int,
    light: float,
) -> None:
    """Keep how a column leaves its profile towards the slit's ends, per pixel along the slit."""
    lean, tilted, normal = 0.0, 0.0, 0.0
    for i in range(count):
        if pixels[3, i] > 0.0:
            along = basis[0, i] * pixels[1, i]
            lean += along * (pixels[0, i] - light * basis[0, i]) / noise[i]
            tilted += along * basis[0, i] * pixels[2, i] / noise[i]
            normal += along * along / noise[i]
    if normal > 0.0:
        first[LEAN, x], first[LEAN_VARIANCE, x] = lean / normal, 1.0 / normal
        first[SHIFTED, x] = tilted / normal


@compiled
def fill_gaps(first: np.ndarray) -> None:
    """Columns without a value take the last one's: their slope must not be invented.

    Then a tilted line leans no more by its tilt.
    """
    for k in range(first.shape[0]):
        known = first[k][np.isfinite(first[k])]
        last = known[0] if len(known) > 0 else 0.0
        for x in range(first.shape[1]):
            if math.isfinite(first[k, x]):
                last = first[k, x]
            else:
                first[k, x] = last
    for x in range(1, first.shape[1] - 1):
        rise = 0.5 * (first[LIGHT, x + 1] - first[LIGHT, x - 1])
        first[LEAN, x] -= rise * first[SHIFTED, x]


@compiled
def straighten(
    pixels: np.ndarray, basis: np.ndarray, count: int, first: np.ndarray, x: int
) -> None:
    """Take out what a pixel differs by because its wavelength is not the column's own.

    To second order, as far as the bend is no noise, which would grow in every pixel alike.
    """
    last = first.shape[1] - 1
    a, b = max(x - 1, 0), min(x + 1, last)
    if a == b:
        return
    rise = (first[LIGHT, b] - first[LIGHT, a]) / (b - a)
    climb = (first[SKY, b] - first[SKY, a]) / (b - a)
    arch, bend, tip = 0.0, 0.0, 0.0
    if b - a == 2:
        arch = _bend(first[LIGHT], first[LIGHT_VARIANCE], x)
        bend = _bend(first[SKY], first[SKY_VARIANCE], x)
        doubt = 0.25 * (first[LEAN_VARIANCE, a] + first[LEAN_VARIANCE, b])
        tip = _believed(0.5 * (first[LEAN, b] - first[LEAN, a]), doubt)
    for i in range(count):
        rest = pixels[2, i]
        along = rise + tip * pixels[1, i] + 0.5 * arch * rest
        pixels[0, i] -= (basis[0, i] * along + climb + 0.5 * bend * rest) * rest


@compiled
def _bend(values: np.ndarray, variance: np.ndarray, x: int) -> float:
    """Second difference of values at a column, as far as it is believed."""
    bend = values[x + 1] - 2.0 * values[x] + values[x - 1]
    return _believed(bend, variance[x + 1] + 4.0 * variance[x] + variance[x - 1])


@compiled
def _believed(change: float, variance: float) -> float:
    """A change along x, less where it may be noise."""
    doubt = _DOUBT**2 * variance
    return change * change**4 / (change**4 + doubt**2) if doubt > 0.0 else change
