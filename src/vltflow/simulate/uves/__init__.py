"""UVES, the echelle spectrograph at the VLT's second Unit Telescope, as data and optics.

Takes a night; gives the templates, cards and light of its frames to the engine.
Never draws noise and never writes frames.
"""

from __future__ import annotations

import re
from importlib import resources
from typing import TYPE_CHECKING

from vltflow.simulate.defects import LIGHT_FAULTS
from vltflow.simulate.detector import Layout
from vltflow.simulate.uves import header, night, programme, scene
from vltflow.simulate.uves.constants import CHIPS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from vltflow.simulate.cards import Card
    from vltflow.simulate.detector import Chip
    from vltflow.simulate.image import Scene
    from vltflow.simulate.plan import PlannedFrame, Setup, Template

__all__ = ["MODEL", "Uves"]

_SMALL_STEP = 8
"""A small detector's pixel is this many real ones wide."""
_SMALL_ROWS = {3000: 376, 4096: 512}
_SMALL_SCAN = 40
_SMALL_ZOOM = 3.0


class Uves:
    """UVES for the engine."""

    name = "UVES"
    mandatory_keyword = "MJD-OBS"
    faults = LIGHT_FAULTS
    sciences = tuple(programme.SCIENCE)
    record_keywords = re.compile(
        r"[^ ]+$|ESO (DPR|OBS|TPL) "
        r"|ESO DET (CHIPS|OUTPUTS|READ|WIN1 (STRX|STRY|NX|NY|BINX|BINY)|CHIP1 ID)"
        r"|ESO INS (MODE|PATH|PIXSCALE|SLIT\d (NAME|WID|LEN)|GRAT\d (ID|NAME|WLEN)|FILT\d NAME)"
    )

    def templates(self, date: str) -> Sequence[Template]:
        """Templates of the night, by time."""
        return night.templates(date)

    def science(self, date: str, names: Sequence[str], *, window: bool) -> Sequence[Template]:
        """Templates of a night with the scenes of these names and their calibrations."""
        exposures = [one for name in names for one in programme.SCIENCE[name]]
        return programme.science_night(date, exposures, window=window)

    def chips(self, setup: Setup) -> Sequence[Chip]:
        """One chip in the blue arm, two in the red one: upper chip first."""
        return CHIPS[setup.arm]

    def layout(self, chip: Chip, setup: Setup, *, small: bool) -> Layout:
        """Size of the raw frame of a chip."""
        binning, window = setup.binning, setup.window
        if window is not None:
            return Layout(
                chip, binning, window.ny // binning, window.nx // binning,
                chip.prescan // binning, chip.overscan // binning, float(binning),
                origin=(window.x, window.y),
            )  # fmt: skip
        if small:
            return Layout(
                chip, binning, chip.columns // _SMALL_STEP // binning,
                _SMALL_ROWS[chip.rows] // binning, _SMALL_SCAN // binning,
                _SMALL_SCAN // binning, float(_SMALL_STEP * binning), _SMALL_ZOOM,
            )  # fmt: skip
        return Layout(
            chip, binning, chip.columns // binning, chip.rows // binning,
            chip.prescan // binning, chip.overscan // binning, float(binning),
        )  # fmt: skip

    def scene(self, frame: PlannedFrame, layout: Layout) -> Scene:
        """The light on a chip in all frames of the template."""
        return scene.scene(frame, layout)

    def uses_light(self, template: Template) -> bool:
        """Whether light falls on the detector."""
        return header.uses_light(template)

    def cards(self, frame: PlannedFrame, layouts: Sequence[Layout]) -> list[list[Card]]:
        """The cards of each HDU of the frame: primary HDU first."""
        return header.cards(frame, layouts)

    def shared_truth(self, folder: Path) -> None:
        """Write the list of the lamp's lines."""
        lines = resources.files("vltflow.instruments.data") / "thar_lines.csv"
        (folder / "thar_lines.csv").write_text(lines.read_text("ascii"), encoding="ascii")


MODEL = Uves()
