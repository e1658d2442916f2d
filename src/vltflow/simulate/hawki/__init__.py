"""HAWK-I, the wide-field infrared camera at the VLT's Unit Telescope 4, for the engine."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from vltflow.simulate.hawki import header, light, night
from vltflow.simulate.hawki.constants import ARRAYS, FLAT_DIT, FULL, SMALL, SMALL_FLAT, SMALL_REST
from vltflow.simulate.infrared import Array, ArrayInstrument, Integration, Shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vltflow.simulate.cards import Card
    from vltflow.simulate.plan import PlannedFrame, Template

__all__ = ["MODEL", "Hawki"]


class Hawki(ArrayInstrument):
    """Four arrays in four extensions, 32-bit integers."""

    name = "HAWKI"
    record_keywords = re.compile(
        r"[^ ]+$|ESO (DPR|OBS|TPL) |ESO DET (DIT|NDIT|NCORRS NAME)|ESO INS FILT\d NAME"
    )
    first_hdu = 1

    def templates(self, date: str) -> Sequence[Template]:
        """Templates of the night, by time."""
        return night.templates(date)

    def arrays(self, frame: PlannedFrame) -> Sequence[Array]:
        """The four arrays in the order of the extensions: 1, 2, 4, 3."""
        del frame
        return ARRAYS

    def shapes(self, frame: PlannedFrame, *, small: bool) -> Sequence[Shape]:
        """Four times the same; small flats and their darks have one array of a size that counts.

        ESO's recipe for twilight flats takes the level in columns and rows 768 to 1791,
        whatever the size.
        """
        if not small:
            return (FULL,) * 4
        if self.integration(frame).dit == FLAT_DIT and frame.template.kind in {"dark", "flat"}:
            return (SMALL_FLAT, SMALL_REST, SMALL_REST, SMALL_REST)
        return (SMALL,) * 4

    def integration(self, frame: PlannedFrame) -> Integration:
        """DIT and NDIT."""
        return night.integration(frame)

    def light(self, frame: PlannedFrame, array: Array, shape: Shape) -> np.ndarray | float:
        """Sky, lamp and stars."""
        return light.light(frame, array, shape)

    def stored(self, image: np.ndarray) -> np.ndarray:
        """Whole counts."""
        return np.rint(image).astype(np.int32)

    def exposed_cards(
        self, frame: PlannedFrame, shapes: Sequence[tuple[int, ...] | None]
    ) -> list[list[Card]]:
        """Primary HDU without pixels, then the four arrays."""
        return header.cards(frame, shapes)


MODEL = Hawki()
