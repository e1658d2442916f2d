"""How far pixels leave the model of their column: a wrong profile does so next to it as well."""

from __future__ import annotations

import math

import numpy as np

from vltflow.algorithms.compiled import compiled

_NEAR = 3.5
"""A line of 1.5 pixels, the sharpest a grid shows, leaves 1 / 3.4 of itself in the next column."""
_MEDIAN = 0.455
"""Median of chi square with one degree of freedom."""
_OWN = 0.9
"""Largest share of a pixel in its own model that is corrected for."""


@compiled
def note_misfit(
    pixels: np.ndarray,
    basis: np.ndarray,
    noise: np.ndarray,
    count: int,
    out: np.ndarray,
    bad: np.ndarray,
    misfit: np.ndarray,
) -> tuple[float, float, float]:
    """Squared relative deviation of a column's pixels from their model, beyond the noise.

    Parameters
    ----------
    pixels, basis, noise, count, out
        A column and its solution, as of `fit_column`.
    bad
        Pixels not to be used (not 0), shape (rows, columns).
    misfit
        Output, one value a row from that of the first pixel.

    Returns
    -------
    float, float, float
        Of the brightest pixel: squared deviation over its noise, squared noise over its light.
        Row of the first pixel.
    """
    brightest, chi2, faintness = 0.0, math.nan, math.nan
    for i in range(count):
        light = out[0] * basis[0, i]
        # NaN fails the comparison.
        if not light > 0.0 or bad[int(pixels[4, i]), int(pixels[5, i])] != 0:
            continue
        rest = pixels[0, i] - light - out[2] - out[3] * pixels[1, i]
        # What was left out as well: it may be a line that leaves the profile.
        k = int(pixels[4, i] - pixels[4, 0])
        misfit[k] = max(rest * rest - noise[i], 0.0) / (light * light)
        if pixels[3, i] > 0.0 and basis[0, i] > brightest:
            own = min(basis[0, i] * basis[0, i] * out[1] / noise[i], _OWN)
            brightest, chi2 = basis[0, i], rest * rest / (noise[i] * (1.0 - own))
            faintness = noise[i] / (light * light)
    return chi2, faintness, pixels[4, 0]


@compiled
def scatter_of(told: np.ndarray) -> float:
    """Relative scatter of a trace's pixels about their model that noise does not explain.

    Parameters
    ----------
    told
        What `note_misfit` gave for every column, shape (columns, 3); NaN does not count.
    """
    known = told[np.isfinite(told[:, 0])]
    if len(known) == 0:
        return 0.0
    excess = np.median(known[:, 0]) / _MEDIAN - 1.0
    return math.sqrt(max(excess, 0.0) * np.median(known[:, 1]))


@compiled
def set_tolerance(
    pixels: np.ndarray,
    basis: np.ndarray,
    count: int,
    x: int,
    told: np.ndarray,
    misfit: np.ndarray,
    limits: tuple[float, float],
) -> None:
    """Relative deviation that is no cosmic ray's: what the same row shows in the next columns.

    Parameters
    ----------
    pixels, count
        Of column `x`.
    basis
        Its last row is the output.
    told, misfit
        What `note_misfit` gave for every column, shapes (columns, 3) and (columns, pixels).
    limits
        Least and largest tolerance.
    """
    least, most = limits
    for i in range(count):
        square = 0.0
        for side in (max(x - 1, 0), min(x + 1, len(told) - 1)):
            k = pixels[4, i] - told[side, 2]
            # NaN, where the column was not looked at, fails the comparison.
            if side != x and 0 <= k < misfit.shape[1]:
                square = max(square, misfit[side, int(k)])
        basis[4, i] = min(max(_NEAR * math.sqrt(square), least), most)
