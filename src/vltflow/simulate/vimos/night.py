"""A night of VIMOS: which templates run, and when.

Each exposure is read out by four chips into four files. A template of the engine is one
quadrant of a template of the observatory: TPL START, TPL EXPNO and the rest are the same in all
four, only the moment when a file is written differs by some milliseconds.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache

from vltflow.simulate.plan import Setup, Template

_HOUR = 3600.0
_READ_OUT = {"IMG": 45.0, "MOS": 55.0, "IFU": 55.0}
_BETWEEN_TEMPLATES = 60.0
QUADRANTS = ("q1", "q2", "q3", "q4")


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the day's list."""

    start: float
    """Seconds after noon UT."""
    raw_type: str
    kind: str
    dpr: tuple[str, str, str]
    tpl: str
    mode: str
    exptimes: tuple[float, ...]
    """Seconds, of each exposure."""
    lamp: str = ""
    target: str = ""


_PAIRS = tuple(seconds for seconds in (5.0, 10.0, 20.0, 30.0, 40.0) for _ in range(2))

ENTRIES = (
    Entry(1.0 * _HOUR, "DARK", "dark", ("CALIB", "DARK", "IMAGE"), "img_cal_Dark", "IMG",
          (1800.0,) * 3),
    Entry(10.6 * _HOUR, "IMG_SKY_FLAT", "flat", ("CALIB", "FLAT,SKY", "IMAGE"),
          "img_cal_SkyFlat", "IMG", (2.0, 2.6, 3.4, 4.4), lamp="twilight"),
    Entry(11.6 * _HOUR, "IMG_STANDARD", "standard", ("CALIB", "STD", "IMAGE"), "img_cal_Phot",
          "IMG", (5.0,), target="standard"),
    Entry(11.8 * _HOUR, "IMG_SCIENCE", "science", ("SCIENCE", "OBJECT", "IMAGE"), "img_obs_Offset",
          "IMG", (120.0, 120.0), target="science"),
    Entry(12.4 * _HOUR, "MOS_SCIENCE", "science", ("SCIENCE", "OBJECT", "MOS"), "mos_obs_Offset",
          "MOS", (1200.0, 1200.0), target="science"),
    Entry(13.6 * _HOUR, "IFU_SCIENCE", "science", ("SCIENCE", "OBJECT", "IFU"), "ifu_obs_Offset",
          "IFU", (1500.0,), target="science"),
    Entry(21.5 * _HOUR, "BIAS", "bias", ("CALIB", "BIAS", "IMAGE"), "img_cal_Bias", "IMG",
          (0.0,) * 5),
    Entry(21.7 * _HOUR, "BIAS", "bias", ("CALIB", "BIAS", "IMAGE"), "mos_cal_Bias", "MOS",
          (0.0,) * 5),
    Entry(21.9 * _HOUR, "IMG_SCREEN_FLAT", "flat", ("CALIB", "FLAT,LAMP", "IMAGE"),
          "img_cal_ScreenFlat", "IMG", (9.0,) * 5, lamp="flat"),
    Entry(22.1 * _HOUR, "DETECTOR_PROPERTIES", "flat", ("CALIB", "FLAT,LAMP", "IMAGE"),
          "img_tec_DetLin", "IMG", _PAIRS, lamp="flat"),
    Entry(22.5 * _HOUR, "MOS_CAL", "arc", ("CALIB", "FLAT,LAMP", "MOS"), "mos_cal_DayCalib", "MOS",
          (12.0, 12.0, 12.0, 8.0), lamp="flat"),
    Entry(22.8 * _HOUR, "IFU_CAL", "arc", ("CALIB", "FLAT,LAMP", "IFU"), "ifu_cal_DayCalib", "IFU",
          (20.0, 20.0, 20.0, 30.0), lamp="flat"),
)  # fmt: skip


def templates(night: str) -> tuple[Template, ...]:
    """The night's templates, four for each of the observatory's, by time."""
    return _templates(zlib.crc32(night.encode()) % 420_000)


@lru_cache(maxsize=16)
def _templates(delay: int) -> tuple[Template, ...]:
    pairs = [(entry, quadrant) for entry in ENTRIES for quadrant in QUADRANTS]
    return tuple(
        _timed(entry, quadrant, delay, ordinal) for ordinal, (entry, quadrant) in enumerate(pairs)
    )


def _timed(entry: Entry, quadrant: str, delay: int, ordinal: int) -> Template:
    """A quadrant's share of a template; its files are written 0 to 30 ms after the first."""
    start_ms = round(entry.start * 1e3) + delay
    now, frames = start_ms + 11_400 + 9 * QUADRANTS.index(quadrant), []
    for exptime in entry.exptimes:
        frames.append(now)
        now += round(1e3 * (exptime + _READ_OUT[entry.mode]))
    return Template(
        raw_type=entry.raw_type,
        kind=entry.kind,
        setup=Setup(quadrant, mode=entry.mode),
        dpr=entry.dpr,
        tpl_id=f"VIMOS_{entry.tpl}",
        exptime=entry.exptimes[0],
        count=len(entry.exptimes),
        start_ms=start_ms // 1000 * 1000,
        frame_ms=tuple(frames),
        ordinal=ordinal,
        target=entry.target,
        lamp=entry.lamp,
    )


def exptime(template: Template, number: int) -> float:
    """Exposure time of a frame, seconds: within a template it may change."""
    entry = next(
        one for one in ENTRIES if f"VIMOS_{one.tpl}" == template.tpl_id
    )  # names are unique in the list
    return entry.exptimes[number - 1]


def is_arc(template: Template, number: int) -> bool:
    """Whether a frame of a spectroscopic calibration is the arc: the last one."""
    return template.kind == "arc" and number == template.count


def dpr_type(template: Template, number: int) -> str:
    """DPR TYPE of a frame: flats and arc share a template."""
    return "WAVE,LAMP" if is_arc(template, number) else template.dpr[1]
