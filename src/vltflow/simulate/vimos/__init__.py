"""VIMOS, the visible multi-object spectrograph at the VLT's third Unit Telescope.

Four quadrants, each with a chip, a file and a template of its own in the engine. The recipes
measure the middle 1600 x 1800 pixels of a bias, so a small detector cannot stand for the real
one: a small day has the first quadrant alone.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from vltflow.simulate.detector import (
    Layout,
    bias_level,
    chip_maps,
    collect,
    read_noise,
    read_out,
)
from vltflow.simulate.vimos import header, night, scene
from vltflow.simulate.vimos.constants import CHIPS, ROWS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from vltflow.simulate.cards import Card
    from vltflow.simulate.detector import Chip
    from vltflow.simulate.image import Scene
    from vltflow.simulate.plan import Conditions, PlannedFrame, Setup, Template

__all__ = ["MODEL", "Vimos"]


class Vimos:
    """VIMOS for the engine."""

    name = "VIMOS"
    mandatory_keyword = "ESO OCS CON QUAD"
    record_keywords = re.compile(
        r"[^ ]+$|ESO (DPR|OBS|TPL|OCS) "
        r"|ESO DET (NAME|CHIP1 ID|READ (CLOCK|MODE|SPEED)|WIN1 (NY|BINX|BINY))"
        r"|ESO INS (MODE|(FILT|GRIS)\d (ID|NAME)|MASK\d ID|MSHU\d MODE|IFU[ES] (MAG|MODE))"
    )

    def templates(self, date: str) -> Sequence[Template]:
        """Templates of the night, by time."""
        return night.templates(date)

    def small(self, templates: Sequence[Template]) -> Sequence[Template]:
        """The first quadrant of each."""
        return [template for template in templates if template.setup.arm == "q1"]

    def chips(self, setup: Setup) -> Sequence[Chip]:
        """The chip of the quadrant, as far as it is read out: the middle of it for images."""
        chip, rows = CHIPS[setup.arm], ROWS[setup.mode]
        window = chip if rows == chip.rows else replace(chip, label=f"{chip.label}_{rows}")
        return (replace(window, rows=rows),)

    def layout(self, chip: Chip, setup: Setup, *, small: bool) -> Layout:  # noqa: ARG002
        """Size of the raw frame of a chip: never a small one, see the head of the module."""
        binning = setup.binning
        return Layout(
            chip, binning, chip.columns // binning, chip.rows // binning,
            chip.prescan // binning, chip.overscan // binning, float(binning),
        )  # fmt: skip

    def uses_light(self, template: Template) -> bool:
        """Whether light falls on the detector."""
        return template.kind not in ("bias", "dark")

    def scene(self, frame: PlannedFrame, layout: Layout) -> Scene:
        """Not asked: light changes from frame to frame, `expose` takes it from `scene.light`.

        Raises
        ------
        NotImplementedError
            Always.
        """
        raise NotImplementedError

    def expose(
        self, frame: PlannedFrame, conditions: Conditions
    ) -> tuple[Sequence[np.ndarray | None], Sequence[dict[str, Any]]]:
        """Pixels of the quadrant, and the truth about them."""
        setup = frame.template.setup
        layout = self.layout(self.chips(setup)[0], setup, small=conditions.small)
        image, truth = _expose(frame, layout, conditions)
        return (image,), ({"hdu": 0, **truth},)

    def cards(self, frame: PlannedFrame, layouts: Sequence[Layout]) -> list[list[Card]]:
        """The cards of the one HDU of the file."""
        return [header.cards(frame, layouts[0])]

    def shared_truth(self, folder: Path) -> None:
        """Nothing: the maps of the chips are all."""


def _expose(
    frame: PlannedFrame, layout: Layout, conditions: Conditions
) -> tuple[np.ndarray, dict[str, Any]]:
    chip, seconds = layout.chip, night.exptime(frame.template, frame.number)
    rng = np.random.Generator(
        np.random.SFC64([conditions.seed, zlib.crc32(frame.name.encode()), chip.index])
    )
    level = bias_level(chip, frame.mjd, layout.binning) + conditions.level
    ron = read_noise(chip, frame.mjd) * conditions.ron
    truth: dict[str, Any] = {
        "chip": chip.name,
        "label": chip.label,
        "maps": f"truth/{layout.key}.npz",
        "exptime_s": seconds,
        "bias_level_adu": level,
        "read_noise_e": ron,
        "conad_e_per_adu": chip.conad,
        "dark_e_per_hour": chip.dark_rate * layout.binning**2,
        "full_well_e": chip.full_well * layout.binning,
        "cosmic_ray_hits": 0,
    }
    if seconds == 0.0:
        return read_out(rng, None, layout, level=level, ron=ron), truth
    maps = chip_maps(layout)
    expected = maps.dark_rate * np.float32(seconds)
    light = scene.light(frame, layout)
    if light is not None:
        expected += light * maps.response * np.float32(conditions.light)
        truth["light"] = {
            "factor": conditions.light,
            "median_e": float(np.median(light)),
        }
    electrons, truth["cosmic_ray_hits"] = collect(rng, expected, layout, seconds)
    return read_out(rng, electrons, layout, level=level, ron=ron), truth


MODEL = Vimos()
"""The instrument for the engine."""
