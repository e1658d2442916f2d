"""A night of AMBER: which templates run, and when; what each file of a template shows."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache

from vltflow.simulate.amber.constants import DIT, DITS
from vltflow.simulate.plan import Setup, Template

_HOUR = 3600.0
_BETWEEN_FILES = 40.0


@dataclass(frozen=True, slots=True)
class Exposure:
    """What one file of a template shows."""

    dpr_type: str
    beams: tuple[int, ...] = ()
    """Beams that are open, from 1."""
    fringes: bool = False
    dit: float = DIT
    """Integration time of a read-out, seconds."""
    level: int = 0
    """Step of the flat-field lamp, from 1; 0: no light on the whole detector."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the day's list."""

    start: float
    """Seconds after noon UT."""
    raw_type: str
    kind: str
    catg: str
    tech: str
    tpl: str
    exposures: tuple[Exposure, ...]
    target: str = ""


_DETECTOR = (
    *(Exposure("DARK", dit=dit) for dit in DITS),
    *(Exposure("FLAT,LAMP", dit=dit, level=step) for step, dit in enumerate(DITS, 1)),
)
_PAIRS = ((1, 2), (2, 3), (1, 3))
_P2VM = (
    Exposure("WAVE,3TEL"),
    *(Exposure("WAVE,3TEL", (beam,)) for beam in (1, 2, 3)),
    Exposure("3P2V"),
    *(Exposure("3P2V", (beam,)) for beam in (1, 2, 3)),
    *(Exposure("3P2V", pair, fringes=True) for pair in _PAIRS for _ in range(2)),
)


def _star(dpr_type: str) -> tuple[Exposure, ...]:
    on_target = (Exposure(dpr_type, (1, 2, 3), fringes=True),) * 5
    return (Exposure("DARK"), *on_target, Exposure("SKY"))


ENTRIES = (
    Entry(10.9 * _HOUR, "AMBER_P2VM", "arc", "CALIB", "INTERFEROMETRY", "3Tstd_cal_P2vm", _P2VM),
    Entry(12.1 * _HOUR, "AMBER_SEARCH", "science", "SCIENCE", "INTERFEROMETRY", "3Tstd_acq",
          (Exposure("FRNSRC,BASE12", (1, 2), fringes=True),), "science"),
    Entry(12.2 * _HOUR, "AMBER_SCIENCE", "science", "SCIENCE", "INTERFEROMETRY",
          "3Tstd_obs_StdObs", _star("OBJECT"), "science"),
    Entry(12.7 * _HOUR, "AMBER_CALIB", "standard", "CALIB", "INTERFEROMETRY",
          "3Tstd_cal_StdObs", _star("STD"), "standard"),
    Entry(22.0 * _HOUR, "AMBER_DETECTOR", "flat", "CALIB", "IMAGE", "gen_tec_Detector",
          _DETECTOR),
)  # fmt: skip


def templates(night: str) -> tuple[Template, ...]:
    """The night's templates, by time."""
    return _templates(zlib.crc32(night.encode()) % 420_000)


@lru_cache(maxsize=16)
def _templates(delay: int) -> tuple[Template, ...]:
    return tuple(_timed(entry, delay, ordinal) for ordinal, entry in enumerate(ENTRIES))


def _timed(entry: Entry, delay: int, ordinal: int) -> Template:
    start_ms = round(entry.start * 1e3) + delay
    frames = [
        start_ms + 11_400 + round(1e3 * number * _BETWEEN_FILES) + 37 * (number % 3)
        for number in range(len(entry.exposures))
    ]
    return Template(
        raw_type=entry.raw_type,
        kind=entry.kind,
        setup=Setup("detector" if entry.tech == "IMAGE" else "spectra", mode="3Tstd_Low_JHK"),
        dpr=(entry.catg, entry.exposures[0].dpr_type, entry.tech),
        tpl_id=f"AMBER_{entry.tpl}",
        exptime=entry.exposures[0].dit,
        count=len(entry.exposures),
        start_ms=start_ms // 1000 * 1000,
        frame_ms=tuple(frames),
        ordinal=ordinal,
        target=entry.target,
    )


def exposure(template: Template, number: int) -> Exposure:
    """What a file of a template shows; names of templates are unique in the list."""
    entry = next(one for one in ENTRIES if f"AMBER_{one.tpl}" == template.tpl_id)
    return entry.exposures[number - 1]
