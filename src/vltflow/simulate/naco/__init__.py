"""NACO: CONICA, the infrared camera and spectrograph behind the adaptive optics NAOS.

At the VLT's Unit Telescope 4, later 1. For the engine.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from vltflow.simulate.infrared import Array, ArrayInstrument, Integration, Shape
from vltflow.simulate.naco import header, light, night
from vltflow.simulate.naco.constants import ARRAYS, FULL, SMALL
from vltflow.simulate.observing import infrared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vltflow.simulate.cards import Card
    from vltflow.simulate.plan import PlannedFrame, Template

__all__ = ["MODEL", "Naco"]


class Naco(ArrayInstrument):
    """One Aladdin 3 array in the primary HDU, 32-bit floats."""

    name = "NACO"
    record_keywords = re.compile(
        r"[^ ]+$|ESO (DPR|OBS|TPL) |ESO DET (DIT|NDIT|MODE NAME|NCORRS NAME|WIN N[XY])"
        r"|ESO INS (OPTI\d (ID|NAME)|CWLEN|LAMP2 SET)|ESO SEQ SPECMODE"
    )

    def templates(self, date: str) -> Sequence[Template]:
        """Templates of the night, by time."""
        return night.templates(date)

    def arrays(self, frame: PlannedFrame) -> Sequence[Array]:
        """The array as the read-out mode of the frame makes it."""
        return (ARRAYS[infrared(frame).readout],)

    def shapes(self, frame: PlannedFrame, *, small: bool) -> Sequence[Shape]:
        """All of the array; small: ESO's recipes leave out 200 pixels at each border."""
        del frame
        return (SMALL if small else FULL,)

    def integration(self, frame: PlannedFrame) -> Integration:
        """DIT and NDIT."""
        return night.integration(frame)

    def light(self, frame: PlannedFrame, array: Array, shape: Shape) -> np.ndarray | float:
        """Sky, lamp, spectrum and stars."""
        return light.light(frame, array, shape)

    def exposed_cards(
        self, frame: PlannedFrame, shapes: Sequence[tuple[int, ...] | None]
    ) -> list[list[Card]]:
        """The one header."""
        return [header.cards(frame, shapes[0] or FULL)]


MODEL = Naco()
