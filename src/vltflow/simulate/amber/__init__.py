"""AMBER, the three-beam combiner of the VLT Interferometer in the near infrared.

Its raw files hold binary tables: where the regions of the detector lie, and a row of pixels of
all regions for each read-out. Frames with spectra show beams and fringes well enough to be
recognised and associated; the detector's own frames carry a truth that its recipe recovers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from vltflow.simulate.amber import constants, detector, header, night
from vltflow.simulate.frame import write_arrays

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np

    from vltflow.simulate.cards import Card
    from vltflow.simulate.detector import Chip, Layout
    from vltflow.simulate.image import Scene
    from vltflow.simulate.plan import Conditions, PlannedFrame, Setup, Template

__all__ = ["MODEL", "Amber"]

_MAPS = "hawaii.npz"


class Amber:
    """AMBER for the engine."""

    name = "AMBER"
    mandatory_keyword = "ESO DPR TYPE"
    record_keywords = re.compile(r"[^ ]+$|ESO (DPR|OBS|TPL) |ESO INS (MODE|GRAT1)|ESO DET NTEL")

    def templates(self, date: str) -> Sequence[Template]:
        """Templates of the night, by time."""
        return night.templates(date)

    def chips(self, setup: Setup) -> Sequence[Chip]:  # noqa: ARG002
        """None: the detector is no CCD, see `expose`."""
        return ()

    def layout(self, chip: Chip, setup: Setup, *, small: bool) -> Layout:
        """Not asked, there are no chips.

        Raises
        ------
        NotImplementedError
            Always.
        """
        raise NotImplementedError

    def uses_light(self, template: Template) -> bool:
        """Not asked, see `layout`: whether light falls on the detector."""
        return template.kind != "dark"

    def scene(self, frame: PlannedFrame, layout: Layout) -> Scene:
        """Not asked, see `layout`.

        Raises
        ------
        NotImplementedError
            Always.
        """
        raise NotImplementedError

    def expose(
        self, frame: PlannedFrame, conditions: Conditions
    ) -> tuple[Sequence[np.ndarray | None], Sequence[dict[str, Any]]]:
        """The two tables of the file, and the truth about the detector."""
        shown = night.exposure(frame.template, frame.number)
        truth = {
            "hdu": 2,
            "chip": "HAWAII",
            "maps": f"truth/{_MAPS}",
            "dpr_type": shown.dpr_type,
            "dit_s": shown.dit,
            "bias_level_adu": constants.BIAS_LEVEL + conditions.level,
            "read_noise_e": constants.READ_NOISE * conditions.ron,
            "conad_e_per_adu": constants.CONAD,
            "dark_e_per_second": constants.DARK_CURRENT,
            "flat_adu": constants.FLAT_LEVELS[shown.level - 1] if shown.level else 0.0,
            "factor": conditions.light,
        }
        tables = (detector.region_table(frame), detector.data_table(frame, conditions))
        return tables, (truth,)

    def cards(self, frame: PlannedFrame, layouts: Sequence[Layout]) -> list[list[Card]]:  # noqa: ARG002
        """The cards of the three HDUs of the file of a full day."""
        return header.cards(frame, detector.read_outs(frame, small=False))

    def exposed_cards(
        self, frame: PlannedFrame, shapes: Sequence[tuple[int, ...] | None]
    ) -> list[list[Card]]:
        """The same for tables of these lengths: the second holds the read-outs."""
        return header.cards(frame, (shapes[1] or (0,))[0])

    def shared_truth(self, folder: Path) -> None:
        """Write the response of the pixels and which of them are dead."""
        response, dead = detector.maps()
        write_arrays(folder / _MAPS, {"response": response, "dead": dead})


MODEL = Amber()
"""The instrument for the engine."""
