"""What an instrument does in a night: templates and their frames, before any pixel exists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from vltflow.core.time import iso_from_mjd, night_range
from vltflow.simulate.models import DAY_MS

if TYPE_CHECKING:
    import re
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np

    from vltflow.simulate.cards import Card
    from vltflow.simulate.detector import Chip, Layout
    from vltflow.simulate.image import Scene
    from vltflow.simulate.source import Source


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a chip that is read out; unbinned pixels, dispersion along x, from 0."""

    x: int
    y: int
    nx: int
    ny: int


@dataclass(frozen=True, slots=True)
class Setup:
    """Everything about an exposure that stays the same within a template."""

    arm: str
    """Part of the instrument that is read out: ``blue``, ``red``."""
    binning: int = 1
    """Binning factor in both directions."""
    wavelength: float = 0.0
    """Central wavelength in nm; 0 where no light passes the spectrograph."""
    slit_width: float = 0.0
    """Arcsec."""
    slit_length: float = 0.0
    """Arcsec."""
    mode: str = ""
    """Instrument mode, in the instrument's own words."""
    slicer: str = ""
    """Name of the image slicer in the beam: ``SLIC#1``."""
    window: Window | None = None
    """Part of the chip that is read out; all of it, if none."""

    @property
    def label(self) -> str:
        """Setup for people: ``blue_1x1_390nm_0.8``."""
        optics = f"_{self.wavelength:g}nm_{self.slit_width:g}" if self.wavelength else ""
        return f"{self.arm}_{self.binning}x{self.binning}{optics}"


@dataclass(frozen=True, slots=True)
class Template:
    """A template of the night: frames taken one after the other with one setup."""

    raw_type: str
    """Raw type that is meant: ``BIAS_BLUE``."""
    kind: str
    """What falls on the detector: bias, dark, format, order, flat, fibres, arc, standard,
    science, twilight, illumination or sky."""
    setup: Setup
    dpr: tuple[str, str, str]
    """DPR CATG, TYPE, TECH."""
    tpl_id: str
    exptime: float
    """Seconds, of each frame."""
    count: int
    """Number of frames that the template announces (TPL NEXP)."""
    start_ms: int
    """TPL START, milliseconds after the beginning of the night (noon UT)."""
    frame_ms: tuple[int, ...]
    """Start of each frame, milliseconds after the beginning of the night."""
    ordinal: int
    """Number of the template in the night."""
    target: str = ""
    lamp: str = ""
    """``thar``, ``deuterium``, ``flat`` or empty."""
    attached: bool = False
    """Taken at night at the telescope's position, as a part of an observation."""
    missing: tuple[int, ...] = ()
    """Numbers (from 1) of frames that never arrived."""
    source: Source | None = None
    """What is looked at, where it was chosen; each exposure then has light of its own."""
    fault: str = ""
    """Name of a defect that changes the light; see `defects`."""
    grouping: str = ""
    """Tag of its association blocks, ``tpl`` or ``none``; empty: as frames of its kind group."""


@dataclass(frozen=True, slots=True)
class PlannedFrame:
    """One frame of a template."""

    night: str
    template: Template
    number: int
    """TPL EXPNO, from 1."""
    prefix: str
    """First part of the archive name."""

    @property
    def mjd(self) -> float:
        """Start of the exposure, Modified Julian Date."""
        return night_range(self.night)[0] + self.template.frame_ms[self.number - 1] / DAY_MS

    @property
    def name(self) -> str:
        """ESO's archive name, without suffix."""
        return f"{self.prefix}.{iso_from_mjd(self.mjd)}"


class Instrument(Protocol):
    """What the engine asks of a simulated instrument."""

    name: str
    """Upper case."""
    mandatory_keyword: str
    """A keyword that no frame may lack: the defect ``missing-keyword`` takes it away."""
    record_keywords: re.Pattern[str]
    """Keywords (FITS form) that classification and association may ask for."""

    def templates(self, date: str) -> Sequence[Template]:
        """Templates of the night that starts on the evening of `date`, by time."""

    def chips(self, setup: Setup) -> Sequence[Chip]:
        """The chips that are read out, in the order of the HDUs."""

    def layout(self, chip: Chip, setup: Setup, *, small: bool) -> Layout:
        """Size of the raw frame of a chip."""

    def uses_light(self, template: Template) -> bool:
        """Whether light falls on the detector."""

    def scene(self, frame: PlannedFrame, layout: Layout) -> Scene:
        """The light on a chip in all frames of the template."""

    def cards(self, frame: PlannedFrame, layouts: Sequence[Layout]) -> list[list[Card]]:
        """The cards of each HDU of the frame: primary HDU first."""

    def shared_truth(self, folder: Path) -> None:
        """Write the truth that all nights share, such as line lists."""


@runtime_checkable
class FaultyLight(Protocol):
    """An instrument whose scenes know defects that change the light."""

    faults: frozenset[str]
    """Values of `Template.fault` that its scenes paint."""


@runtime_checkable
class ChosenScience(Protocol):
    """An instrument that can be asked for science by name, instead of a night of its own."""

    sciences: tuple[str, ...]
    """Names of scenes."""

    def science(self, date: str, names: Sequence[str], *, window: bool) -> Sequence[Template]:
        """Templates of a night with these scenes and their calibrations.

        `window` asks for a part of the chips only.
        """


@runtime_checkable
class WithTables(Protocol):
    """An instrument whose frames carry binary tables after the images."""

    def tables(self, frame: PlannedFrame) -> Sequence[np.ndarray]:
        """The tables of a frame; `cards` gives their headers after those of the images."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What is special about one exposure, for instruments with detectors of their own."""

    seed: int
    """Noise depends on it and on the frame's name."""
    small: bool
    light: float = 1.0
    """Factor on the light, by a defect."""
    ron: float = 1.0
    """Factor on the read noise, by a defect."""
    level: float = 0.0
    """Offset of the bias level, ADU, by a defect."""


@runtime_checkable
class OwnDetector(Protocol):
    """An instrument whose detectors are no plain CCDs with one output: it exposes them itself.

    Its `chips` may be empty; `layout`, `scene` and `uses_light` are not asked then.
    """

    def expose(
        self, frame: PlannedFrame, conditions: Conditions
    ) -> tuple[Sequence[np.ndarray | None], Sequence[dict[str, Any]]]:
        """The content of each HDU (see `frame_bytes`), and the truth about each chip.

        `cards` gives one header for each content, or one more for an empty primary HDU.
        """


@runtime_checkable
class SmallDay(Protocol):
    """An instrument whose recipes allow no small detectors: its small day has fewer templates."""

    def small(self, templates: Sequence[Template]) -> Sequence[Template]:
        """Those of the night's templates that a small day has."""


@runtime_checkable
class OwnCards(Protocol):
    """An instrument whose headers tell the sizes of what its own detectors gave."""

    def exposed_cards(
        self, frame: PlannedFrame, shapes: Sequence[tuple[int, ...] | None]
    ) -> list[list[Card]]:
        """The cards of each HDU as `Instrument.cards`, for contents of these shapes."""


def archive_prefix(instrument: Instrument) -> str:
    """First part of archive names: five letters of the instrument's, as in ``XSHOO.2012-``."""
    return instrument.name[:5]
