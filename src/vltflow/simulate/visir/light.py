"""The light on VISIR's arrays: everything around is warm."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from vltflow.simulate.infrared import Array, Shape, illumination, star_image
from vltflow.simulate.observing import infrared
from vltflow.simulate.visir.constants import BLACK_BODY, WAVELENGTH

if TYPE_CHECKING:
    from vltflow.simulate.plan import PlannedFrame

_SECOND_RADIATION = 14_387.77
"""hc/k in micrometre kelvin (CODATA 2018)."""
_WELL_AT_20_C = 0.5
"""Share of the full well that the unit at 20 Celsius fills in a flat; ours."""
_FLAT_DIT = 0.016
_SKY = 0.3
"""Share of the full well that sky and telescope fill in 20 ms; ours."""
_THROW = 60
"""Pixels between the nodding positions."""


def background(frame: PlannedFrame, array: Array, shape: Shape) -> np.ndarray | float:
    """Electrons per second and pixel of response 1, the same in both halves of a chop."""
    kind = frame.template.kind
    if kind == "dark":
        return 0.0
    if kind == "flat":
        rate = black_body_rate(array, infrared(frame).filter_name, BLACK_BODY[frame.number - 1])
        return rate * illumination(shape)
    return _SKY * array.full_well / 0.02 * illumination(shape)


def black_body_rate(array: Array, filter_name: str, celsius: float) -> float:
    """Electrons per second from the calibration unit: Planck's law at one wavelength."""
    exponent = _SECOND_RADIATION / WAVELENGTH[filter_name]

    def photons(kelvin: float) -> float:
        return 1.0 / math.expm1(exponent / kelvin)

    full = _WELL_AT_20_C * array.full_well / _FLAT_DIT
    return full * photons(273.15 + celsius) / photons(293.15)


def star(frame: PlannedFrame, shape: Shape) -> np.ndarray:
    """Electrons per second of the target in the first half of a chop, by nodding position."""
    image = np.zeros(shape, dtype=np.float32)
    y = shape[0] // 2 + (_THROW // 2 if frame.number % 2 else -_THROW // 2)
    x = shape[1] // 2
    bright = 4e9 if frame.template.target == "standard" else 8e8
    if frame.template.kind == "spectrum":
        trace = star_image(2.0).sum(axis=0) * bright / 50.0
        image[:, x - 8 : x + 9] = trace[None, :]
    else:
        image[y - 8 : y + 9, x - 8 : x + 9] = bright * star_image(2.0)
    return image
