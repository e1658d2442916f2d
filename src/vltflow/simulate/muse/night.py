"""A day of MUSE: which templates run, and when.

Darks in the afternoon; twilight flats in the evening; an illumination flat, a standard star,
an object and empty sky in the night; biases, flats, arcs and arcs for the line-spread function in
the morning. Nights change between nominal and extended mode; since adaptive optics came
(October 2017) the nominal nights observe with it, and take flats of that mode too.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from datetime import date

from vltflow.simulate.plan import Setup, Template

_HOUR = 3600.0
_AFTERNOON, _DUSK, _EVENING, _MORNING = 4.0, 10.8, 12.3, 22.1
"""Hours after noon UT."""
_READ_OUT = 42.0
_BETWEEN_TEMPLATES = 55.0
_FIRST_AO = date(2017, 10, 1)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A line of the day's list, without its time."""

    kind: str
    raw_type: str
    dpr: tuple[str, str, str]
    tpl: str
    mode: str
    count: int
    exptime: float
    lamp: str = ""
    target: str = ""


def modes(night: str) -> tuple[str, str]:
    """Instrument mode of the observations, and of the arcs that serve them."""
    day = date.fromisoformat(night)
    if day.toordinal() % 3 == 0:
        return "WFM-NOAO-E", "WFM-NOAO-E"
    return ("WFM-AO-N" if day >= _FIRST_AO else "WFM-NOAO-N"), "WFM-NOAO-N"


def templates(night: str) -> tuple[Template, ...]:
    """The night's templates, by time."""
    observed, calibrated = modes(night)
    delay = zlib.crc32(f"MUSE{night}".encode()) % 420
    timed = [
        *_sequence([_dark(calibrated)], _AFTERNOON * _HOUR + delay),
        *_sequence([_twilight(observed)], _DUSK * _HOUR + delay),
        *_sequence(_observations(observed), _EVENING * _HOUR + delay),
        *_sequence(_morning(observed, calibrated), _MORNING * _HOUR + delay),
    ]
    return tuple(replace(template, ordinal=i) for i, template in enumerate(timed))


def _sequence(entries: list[_Entry], start: float) -> list[Template]:
    """One template after the other, from `start` (seconds after noon)."""
    now, timed = start, []
    for number, entry in enumerate(entries):
        now = now + _BETWEEN_TEMPLATES + 0.137 * number
        template = _timed(entry, now)
        timed.append(template)
        now = template.frame_ms[-1] / 1e3 + entry.exptime + _READ_OUT
    return timed


def _timed(entry: _Entry, start: float) -> Template:
    first = start + 9.4
    cycle = entry.exptime + _READ_OUT
    frames = (first + i * (cycle + 0.0113 * (i % 3)) for i in range(entry.count))
    single = entry.raw_type in {"ILLUMFLAT", "STD", "OBJECT", "SKY", "ASTROMETRY"}
    return Template(
        raw_type=entry.raw_type, kind=entry.kind, setup=Setup("muse", mode=entry.mode),
        dpr=entry.dpr, tpl_id=entry.tpl, exptime=entry.exptime, count=entry.count,
        start_ms=int(start) * 1000, frame_ms=tuple(round(seconds * 1e3) for seconds in frames),
        ordinal=0, target=entry.target, lamp=entry.lamp, grouping="none" if single else "tpl",
    )  # fmt: skip


def _field(mode: str) -> str:
    return mode[:3].lower()


def _dark(mode: str) -> _Entry:
    return _Entry(
        "dark", "DARK", ("CALIB", "DARK", "IFU"), f"MUSE_{_field(mode)}_cal_dark", mode, 3, 1800.0
    )


def _twilight(mode: str) -> _Entry:
    return _Entry(
        "twilight", "SKYFLAT", ("CALIB", "FLAT,SKY", "IFU"), f"MUSE_{_field(mode)}_cal_skyflat",
        mode, 3, 5.0, target="sky",
    )  # fmt: skip


def _observations(mode: str) -> list[_Entry]:
    field, kind = _field(mode), mode[:-2].lower()
    return [
        _Entry("illumination", "ILLUMFLAT", ("CALIB", "FLAT,LAMP,ILLUM", "IFU"),
               f"MUSE_{field}_cal_illum", mode, 1, 0.2, lamp="continuum"),
        _Entry("standard", "STD", ("CALIB", "STD", "IFU"), f"MUSE_{kind}_cal_specphot",
               mode, 1, 60.0, target="standard"),
        _Entry("science", "OBJECT", ("SCIENCE", "OBJECT", "IFU"),
               f"MUSE_{kind}_obs_genericoffset", mode, 1, 900.0, target="science"),
        _Entry("sky", "SKY", ("SCIENCE", "SKY", "IFU"), f"MUSE_{kind}_obs_genericoffset",
               mode, 1, 120.0, target="science"),
    ]  # fmt: skip


def _morning(observed: str, calibrated: str) -> list[_Entry]:
    flats = [_flat(calibrated)] + ([_flat(observed)] if observed != calibrated else [])
    return [
        _Entry("bias", "BIAS", ("CALIB", "BIAS", "IFU"), f"MUSE_{_field(calibrated)}_cal_bias",
               calibrated, 5, 0.0),
        *flats,
        _arc(calibrated, "ARC", "WAVE", "wavecal", 1.0),
        _arc(calibrated, "ARC_LSF", "WAVE,LSF", "lsf", 1.5),
    ]  # fmt: skip


def _flat(mode: str) -> _Entry:
    return _Entry(
        "flat", "FLAT", ("CALIB", "FLAT,LAMP", "IFU"), f"MUSE_{_field(mode)}_cal_specflat",
        mode, 3, 0.35, lamp="continuum",
    )  # fmt: skip


def _arc(mode: str, raw_type: str, kind: str, name: str, factor: float) -> _Entry:
    return _Entry("arc", raw_type, ("CALIB", kind, "IFU"), f"MUSE_{_field(mode)}_cal_{name}",
                  mode, 3, 2.0 * factor, lamp="Ne,Xe,HgCd")  # fmt: skip
