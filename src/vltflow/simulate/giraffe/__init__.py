"""GIRAFFE, the fibre spectrograph at the VLT's second Unit Telescope, as data and optics.

Takes a night; gives the templates, cards, tables and light of its frames to the engine.
Never draws noise and never writes frames.
"""

from __future__ import annotations

import re
from importlib import resources
from typing import TYPE_CHECKING

from vltflow.simulate.detector import Layout
from vltflow.simulate.giraffe import fibres, header, night, scene
from vltflow.simulate.giraffe.constants import CARRERAS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np

    from vltflow.simulate.cards import Card
    from vltflow.simulate.detector import Chip
    from vltflow.simulate.image import Scene
    from vltflow.simulate.plan import PlannedFrame, Setup, Template

__all__ = ["MODEL", "Giraffe"]


class Giraffe:
    """GIRAFFE for the engine."""

    name = "GIRAFFE"
    mandatory_keyword = "MJD-OBS"
    record_keywords = re.compile(
        r"[^ ]+$|ESO (DPR|OBS|TPL) |ESO DET (CHIP1 ID|READ|WIN1 (STRX|STRY|NX|NY|BINX|BINY))"
        r"|ESO INS (MODE|EXP MODE|SLIT NAME|FILT NAME|GRAT (ID|NAME|WLEN|ORDER))"
    )

    def templates(self, date: str) -> Sequence[Template]:
        """Templates of the night, by time."""
        return night.templates(date)

    def chips(self, setup: Setup) -> Sequence[Chip]:
        """The one chip."""
        del setup
        return (CARRERAS,)

    def layout(self, chip: Chip, setup: Setup, *, small: bool) -> Layout:
        """Size of the raw frame: always the real one, without which the recipes fail."""
        del small
        binning = setup.binning
        return Layout(
            chip, binning, chip.columns // binning, chip.rows // binning,
            chip.prescan // binning, chip.overscan // binning, float(binning),
        )  # fmt: skip

    def scene(self, frame: PlannedFrame, layout: Layout) -> Scene:
        """The light on the chip in all frames of the template."""
        return scene.scene(frame, layout)

    def uses_light(self, template: Template) -> bool:
        """Whether light falls on the detector."""
        return header.uses_light(template)

    def cards(self, frame: PlannedFrame, layouts: Sequence[Layout]) -> list[list[Card]]:
        """The cards of the primary HDU and of the tables."""
        return header.cards(frame, layouts[0])

    def tables(self, frame: PlannedFrame) -> Sequence[np.ndarray]:
        """Targets and fibres, in all frames but biases and darks."""
        if not header.uses_light(frame.template):
            return ()
        return fibres.ozpoz_table(header.target_of(frame)), fibres.fibre_table()

    def shared_truth(self, folder: Path) -> None:
        """Write the list of the lamp's lines."""
        lines = resources.files("vltflow.instruments.data") / "thar_lines.csv"
        (folder / "thar_lines.csv").write_text(lines.read_text("ascii"), encoding="ascii")


MODEL = Giraffe()
