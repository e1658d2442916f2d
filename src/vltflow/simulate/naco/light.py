"""The light on CONICA's array."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

from vltflow.simulate.infrared import Array, Shape, illumination, star_image, stars
from vltflow.simulate.naco.constants import LAMP_COUNTS, LINEARITY_RATE, SKY
from vltflow.simulate.naco.night import integration, lamp_is_on
from vltflow.simulate.observing import infrared, jitter

if TYPE_CHECKING:
    from vltflow.simulate.plan import PlannedFrame

_THERMAL = 5.0
"""Counts that the warm parts of the instrument add to frames without lamp."""
_ARC_LINES = (0.08, 0.19, 0.33, 0.41, 0.58, 0.66, 0.83, 0.94)
"""Places of argon lines along the spectrum, share of the array."""


def light(frame: PlannedFrame, array: Array, shape: Shape) -> np.ndarray | float:
    """Electrons per second and pixel of response 1."""
    plan, dit = frame.template, integration(frame).dit
    if plan.kind == "dark":
        return 0.0
    if plan.kind in {"flat", "spectral"} and not plan.lamp:
        return twilight(frame.number) * array.conad / dit * illumination(shape)
    if plan.kind == "linearity":
        return (LINEARITY_RATE * lamp_is_on(frame) + _THERMAL) * array.conad * illumination(shape)
    if plan.kind in {"flat", "spectral"}:
        counts = LAMP_COUNTS * lamp_is_on(frame) + _THERMAL
        return counts * array.conad / dit * illumination(shape)
    if plan.kind == "arc":
        return _arc(shape) * array.conad / dit
    return _sky_and_stars(frame, array, shape)


def twilight(number: int) -> float:
    """Counts of the twilight sky in the middle of a frame: it falls in the evening."""
    return float(6000.0 * 0.8 ** (number - 1))


def _arc(shape: Shape) -> np.ndarray:
    """Counts of arc lines across the slit, each 2 pixels sigma wide along y."""
    rows = np.arange(shape[0])[:, None]
    lines = sum(np.exp(-0.5 * ((rows - place * shape[0]) / 2.0) ** 2) for place in _ARC_LINES)
    return np.asarray(3000.0 * lines * np.ones(shape), dtype=np.float32)


def _sky_and_stars(frame: PlannedFrame, array: Array, shape: Shape) -> np.ndarray:
    rng = np.random.default_rng([zlib.crc32(frame.template.target.encode()), array.index])
    sky = SKY[infrared(frame).filter_name] * illumination(shape)
    if frame.template.kind == "spectrum":
        trace = star_image(2.0).sum(axis=0) * 400.0
        middle = shape[1] // 2 + (40 if frame.number % 2 else -40)
        sky[:, middle - 8 : middle + 9] += trace[None, :]
        return sky
    field = stars(rng, shape, count=3, brightest=6e4)
    return sky + np.roll(field, jitter(frame)[::-1], axis=(0, 1))
