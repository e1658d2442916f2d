"""All light in a slit: the sum over its image, of which single pixels may be bad or hit."""

from __future__ import annotations

import math

import numpy as np

from vltflow.algorithms.compiled import compiled
from vltflow.algorithms.profile_table import profile_at
from vltflow.algorithms.quality import Quality

_REJECTED, _NO_DATA = int(Quality.REJECTED), int(Quality.NO_DATA)
_LEAST_SEEN = 0.7
"""Share of a sum that must have been measured; the rest is filled in by the model."""


@compiled
def missing_part(
    pixels: np.ndarray,
    count: int,
    values: np.ndarray,
    start: float,
    spacing: float,
    x: int,
    source: float,
) -> float:
    """Factor from the light within a window to all light: 1 where it holds the whole slit."""
    if count == 0:
        return 1.0
    first = pixels[1, 0] - source
    place = first - math.floor(first - start)
    within, everything = 0.0, 0.0
    while place < -start:
        p = profile_at(values, start, spacing, x, place)
        everything += p
        if first - 0.5 < place < pixels[1, count - 1] - source + 0.5:
            within += p
        place += 1.0
    return everything / within if within > 0.1 * everything else 1.0


@compiled
def add_up(
    pixels: np.ndarray,
    basis: np.ndarray,
    count: int,
    rejected: np.ndarray,
    below: tuple[float, float, float, float, float],
    light: float,
    missing: float,
    out: np.ndarray,
    x: int,
    flux: np.ndarray,
    variance: np.ndarray,
    quality: np.ndarray,
) -> None:
    """Sum of all light in the slit; pixels that are bad or hit hold what the model tells.

    The rims, which the fit leaves out, are looked at as well: they are no brighter than the
    model one pixel further inside. `below`: first and last row of the fit, what `fit_column` takes.
    """
    low, high, floor, conad, kappa = below
    total, errors, seen, whole = 0.0, 0.0, 0.0, 0.0
    for i in range(count):
        row, column = int(pixels[4, i]), int(pixels[5, i])
        p, under = basis[0, i], out[2] + out[3] * pixels[1, i]
        # As the fit has it: on a sloping trace the distance is that of another column.
        inside = low <= pixels[4, i] <= high
        near = basis[0, min(i + 1, count - 1) if pixels[1, i] < 0.0 else max(i - 1, 0)]
        most = max(light, 0.0) * max(p, near) + max(under, 0.0)
        model = max(light * p + under, 0.0) if inside else most
        noise = floor + model / conad + basis[3, i] * model * model
        hit = not inside and pixels[0, i] - most > kappa * math.sqrt(noise)
        if hit:
            rejected[row, column] = 1
            quality[x] |= _REJECTED
        whole += p
        if pixels[3, i] > 0.0 and rejected[row, column] == 0:
            total += pixels[0, i]
            errors += noise
            seen += p
            continue
        total += out[0] * p + (under if inside else 0.0)
        errors += out[1] * p * p
    flux[x], variance[x] = total * missing, errors * missing * missing
    if not seen > _LEAST_SEEN * whole:
        flux[x] = variance[x] = math.nan
        quality[x] |= _NO_DATA
