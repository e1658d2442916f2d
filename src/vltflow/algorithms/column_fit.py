"""One column of a slit: light of a source, and sky, by weighted least squares."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from vltflow.algorithms.compiled import compiled

MOST_PIXELS = 512
"""Along the slit, at most."""


@dataclass(frozen=True)
class Noise:
    """What the errors of pixels are made of."""

    read: float
    """Of a pixel without light, units of the image."""
    conad: float
    """Electrons per unit."""


@compiled
def solve_column(
    pixels: np.ndarray, basis: np.ndarray, variance: np.ndarray, count: int, free: int
) -> tuple[float, float, float]:
    """Weighted least squares of light, sky and its slope; NaN where they are not fixed."""
    matrix, right = np.zeros((3, 3)), np.zeros(3)
    for i in range(count):
        if pixels[3, i] == 0.0:
            continue
        weight = 1.0 / variance[i]
        for a in range(free):
            right[a] += weight * basis[a, i] * pixels[0, i]
            for b in range(a + 1):
                matrix[a, b] += weight * basis[a, i] * basis[b, i]
    factorise(matrix, free)
    if not math.isfinite(matrix[free - 1, free - 1]):
        return math.nan, 0.0, 0.0
    substitute(matrix, right, free)
    return right[0], right[1] if free > 1 else 0.0, right[2] if free > 2 else 0.0


@compiled
def factorise(matrix: np.ndarray, size: int) -> None:
    """Give Cholesky's triangle of a small matrix in place; NaN where it is not positive."""
    for a in range(size):
        for b in range(a + 1):
            total = matrix[a, b]
            for k in range(b):
                total -= matrix[a, k] * matrix[b, k]
            if a == b:
                # A pivot that cancels to nothing fixes nothing.
                limit = 1e-10 * matrix[a, a]
                matrix[a, a] = math.sqrt(total) if total > limit else math.nan
            else:
                matrix[a, b] = total / matrix[b, b]


@compiled
def substitute(triangle: np.ndarray, right: np.ndarray, size: int) -> None:
    """Solve with the triangle of `factorise`, in place."""
    for a in range(size):
        for k in range(a):
            right[a] -= triangle[a, k] * right[k]
        right[a] /= triangle[a, a]
    for a in range(size - 1, -1, -1):
        for k in range(a + 1, size):
            right[a] -= triangle[k, a] * right[k]
        right[a] /= triangle[a, a]


@compiled
def clean_column(
    pixels: np.ndarray,
    basis: np.ndarray,
    variance: np.ndarray,
    count: int,
    free: int,
    read: float,
    conad: float,
    tolerance: float,
    known: float,
    light: float,
    sky: float,
    slope: float,
) -> tuple[float, float, float, int]:
    """Solve a column again: weights by the model's photons, outliers left out.

    Parameters
    ----------
    pixels
        As of `window_pixels`: values, distances, .., usable (set to 0 for outliers).
    basis
        Shape (3 or more, n): profile, 1, distance from the slit's middle.
    variance
        Output, of each pixel.
    free
        1: light alone; 2: and sky; 3: and its slope.
    tolerance
        Share of the light by which a pixel may deviate without being an outlier, beside 5 sigma.
    known
        Light that the photon noise is computed from, of more columns than this one: noise in a
        column's own light would choose its weights. Negative: its own.
    light, sky, slope
        First solution.

    Returns
    -------
    light, sky, slope, outliers
    """
    outliers = 0
    for n in range(2):
        for i in range(count):
            seen = known if known >= 0.0 else max(light, 0.0)
            model = seen * basis[0, i] + max(sky + slope * pixels[1, i], 0.0)
            variance[i] = read * read + model / conad
            rest = pixels[0, i] - light * basis[0, i] - sky - slope * pixels[1, i]
            limit = 25.0 * variance[i] + (tolerance * max(light, 0.0) * basis[0, i]) ** 2
            if n == 0 and pixels[3, i] > 0.0 and rest * rest > limit:
                pixels[3, i] = 0.0
                outliers += 1
        if n == 0:
            light, sky, slope = solve_column(pixels, basis, variance, count, free)
    return light, sky, slope, outliers
