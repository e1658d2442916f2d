"""The light on HAWK-I's arrays."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

from vltflow.simulate.hawki.constants import FLAT_DIT, LAMP, SKY
from vltflow.simulate.hawki.night import lamp_is_on
from vltflow.simulate.infrared import Array, Shape, illumination, stars
from vltflow.simulate.observing import infrared, jitter

if TYPE_CHECKING:
    from vltflow.simulate.plan import PlannedFrame


def light(frame: PlannedFrame, array: Array, shape: Shape) -> np.ndarray | float:
    """Electrons per second and pixel of response 1."""
    kind = frame.template.kind
    if kind == "dark" or (kind == "linearity" and not lamp_is_on(frame)):
        return 0.0
    if kind == "linearity":
        return LAMP * illumination(shape)
    if kind == "flat":
        return twilight(frame.number) * array.conad / FLAT_DIT * illumination(shape)
    rng = np.random.default_rng([zlib.crc32(frame.template.target.encode()), array.index])
    sky = SKY[infrared(frame).filter_name] * illumination(shape)
    field = stars(rng, shape, count=max(3, shape[0] // 32), brightest=2e4)
    return sky + np.roll(field, jitter(frame)[::-1], axis=(0, 1))


def twilight(number: int) -> float:
    """Counts of the twilight sky in the middle of a frame: it falls in the evening."""
    return float(21_000.0 * 0.8 ** (number - 1))
