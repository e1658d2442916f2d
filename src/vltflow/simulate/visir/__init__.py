"""VISIR, the mid-infrared imager and spectrometer at the VLT's Unit Telescope 3, for the engine.

As it was until May 2012, with two detectors of 256 x 256 pixels.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from vltflow.simulate.infrared import Array, ArrayInstrument, Exposure, Integration, Shape
from vltflow.simulate.observing import infrared
from vltflow.simulate.visir import header, light, night
from vltflow.simulate.visir.constants import ARRAYS, CHOP_CYCLES, FULL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator

    from vltflow.simulate.cards import Card
    from vltflow.simulate.plan import PlannedFrame, Template

__all__ = ["MODEL", "Visir"]


class Visir(ArrayInstrument):
    """One of two arrays in the primary HDU, 32-bit floats; cubes where the telescope chops."""

    name = "VISIR"
    record_keywords = re.compile(
        r"[^ ]+$|ESO (DPR|OBS|TPL) |ESO DET (DIT|NDIT|NCORRS NAME|CHIP NAME)"
        r"|ESO INS (MODE|PFOV|RESOL|FILT\d NAME|SLIT1 (NAME|WID)|GRAT1 (NAME|WLEN))"
    )

    def templates(self, date: str) -> Sequence[Template]:
        """Templates of the night, by time."""
        return night.templates(date)

    def arrays(self, frame: PlannedFrame) -> Sequence[Array]:
        """The array of the imager or of the spectrometer."""
        return (ARRAYS[frame.template.setup.arm],)

    def shapes(self, frame: PlannedFrame, *, small: bool) -> Sequence[Shape]:
        """Always the whole array: it is small."""
        del frame, small
        return (FULL,)

    def integration(self, frame: PlannedFrame) -> Integration:
        """DIT and NDIT."""
        setup = infrared(frame)
        return Integration(setup.dit, setup.ndit)

    def light(self, frame: PlannedFrame, array: Array, shape: Shape) -> np.ndarray | float:
        """Black body or warm sky, without the star that chopping brings out."""
        return light.background(frame, array, shape)

    def image(
        self, rng: Generator, frame: PlannedFrame, array: Array, exposure: Exposure
    ) -> np.ndarray:
        """One image, or the cube of a chopped exposure.

        A cube (DET FRAM TYPE ``CUBE2``) holds, for each cycle, the image of the first half
        and the average of the differences of both halves so far; the last plane is the
        average of all: so does a real frame of 2004 (see cards.txt).
        """
        if not night.is_chopped(frame):
            return exposure.image(rng, array, exposure.light)
        star = light.star(frame, exposure.shape)
        planes, differences = [], []
        for _ in range(CHOP_CYCLES):
            on, off = (exposure.image(rng, array, exposure.light + s) for s in (star, 0.0))
            differences.append(on - off)
            planes += [on, np.mean(differences, axis=0, dtype=np.float32)]
        return np.stack([*planes, planes[-1]])

    def exposed_cards(
        self, frame: PlannedFrame, shapes: Sequence[tuple[int, ...] | None]
    ) -> list[list[Card]]:
        """The one header."""
        return [header.cards(frame, (shapes[0] or FULL)[-2:])]


MODEL = Visir()
