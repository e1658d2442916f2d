"""MUSE, the integral-field spectrograph at the VLT's fourth Unit Telescope.

Takes a night; exposes the detectors of one or more of its 24 IFUs. This package
simulates one IFU, which a laptop can process; `muse_full` simulates all 24.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from vltflow.instruments.muse.lamps import arc_lines
from vltflow.simulate.light import air_from_vacuum
from vltflow.simulate.muse import detector, header, night, optics
from vltflow.simulate.muse.scene import lamp_of, scene

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from vltflow.simulate.cards import Card
    from vltflow.simulate.detector import Chip, Layout
    from vltflow.simulate.image import Scene
    from vltflow.simulate.plan import Conditions, PlannedFrame, Setup, Template

__all__ = ["MODEL", "Muse"]


class Muse:
    """MUSE for the engine, with some of its IFUs.

    ESO's recipes know one size of detector: a small day is the day of one IFU.

    Parameters
    ----------
    ifus
        Numbers of the IFUs, 1 to 24.
    """

    name = "MUSE"
    mandatory_keyword = "MJD-OBS"
    record_keywords = re.compile(
        r"[^ ]+$|ESO (DPR|OBS|TPL) |ESO DET (BIN[XY]|CHIPS|READ CURID)|ESO INS (MODE|OPTI\d NAME)"
    )

    def __init__(self, ifus: Sequence[int] = (1,)) -> None:
        self.ifus = tuple(ifus)

    def templates(self, date: str) -> Sequence[Template]:
        """Templates of the night, by time."""
        return night.templates(date)

    def chips(self, setup: Setup) -> Sequence[Chip]:  # noqa: ARG002 - the engine's protocol
        """None: see `expose`."""
        return ()

    def layout(self, chip: Chip, setup: Setup, *, small: bool) -> NoReturn:
        """Never asked: there are no `chips`."""
        raise NotImplementedError

    def scene(self, frame: PlannedFrame, layout: Layout) -> Scene:
        """Never asked: there are no `chips`."""
        raise NotImplementedError

    def uses_light(self, template: Template) -> bool:
        """Whether light falls on the detectors."""
        return template.kind not in {"bias", "dark"}

    def cards(
        self,
        frame: PlannedFrame,
        layouts: Sequence[Layout],  # noqa: ARG002 - the engine's protocol
    ) -> list[list[Card]]:
        """The cards of the primary HDU and of one extension for each IFU."""
        return header.cards(frame, self.ifus)

    def expose(
        self, frame: PlannedFrame, conditions: Conditions
    ) -> tuple[Sequence[np.ndarray | None], Sequence[dict[str, Any]]]:
        """Raw images of the IFUs, and the truth about each."""
        pairs = [self._expose(frame, ifu, conditions) for ifu in self.ifus]
        return [image for image, _ in pairs], [truth for _, truth in pairs]

    def _expose(
        self, frame: PlannedFrame, ifu: int, conditions: Conditions
    ) -> tuple[np.ndarray, dict[str, Any]]:
        light, truth = None, {}
        if self.uses_light(frame.template):
            light, shown = scene(_representative(frame), ifu)
            truth = {"light": {**shown, "factor": conditions.light}}
        image, read = detector.expose(frame, ifu, light, conditions)
        # MUSE is never binned, but by a defect of a bias: every other pixel has the same level
        # and noise.
        step = frame.template.setup.binning
        image = np.ascontiguousarray(image[::step, ::step])
        place = {"hdu": self.ifus.index(ifu) + 1, "chip": f"CHAN{ifu:02d}"}
        return image, {**place, "maps": _truth_file(ifu), **truth, "outputs": read}

    def shared_truth(self, folder: Path) -> None:
        """Write the lamps' lines, and for each IFU where its slices and wavelengths lie."""
        wave = air_from_vacuum(np.array([line.wave_vac for line in arc_lines()]))
        lamps = np.array([line.lamp for line in arc_lines()])
        fwhm = optics.line_fwhm(optics.GRID)
        np.savez(
            folder / "arc_lines.npz",
            wave_air=wave, lamp=lamps, lsf_wave=optics.GRID[::100], lsf_fwhm=fwhm[::100],
        )  # fmt: skip
        for ifu in self.ifus:
            _write_optics(folder.parent / _truth_file(ifu), ifu)


def _representative(frame: PlannedFrame) -> PlannedFrame:
    """One frame for all of a template with the same light, so that it is painted once."""
    if frame.template.kind == "twilight":
        return frame
    if frame.template.kind != "arc":
        return replace(frame, number=1)
    numbers = range(1, frame.number + 1)
    first = next(n for n in numbers if lamp_of(replace(frame, number=n)) == lamp_of(frame))
    return replace(frame, number=first)


def _truth_file(ifu: int) -> str:
    return f"truth/muse_chan{ifu:02d}.npz"


def _write_optics(path: Path, ifu: int) -> None:
    """Without drift, which each frame's truth tells; pixels count from 1 as in ESO's tables."""
    way = optics.Optics(ifu, 0.0, 0.0)
    y = np.arange(0, optics.ROWS, 32)
    numbers = range(1, len(way.widths) + 1)
    wave = [way.wave(number, way.centres[number - 1][y], y) for number in numbers]
    np.savez(
        path, y=y + 1.0, centres=way.centres[:, y] + 1.0, widths=way.widths, wave_air=np.array(wave)
    )


MODEL = Muse()
