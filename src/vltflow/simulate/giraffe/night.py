"""A night of GIRAFFE: one field, and the calibrations of the settings and slits in use.

Darks in the afternoon, a field in the night, and in the morning biases, fibre flats and arcs
of the observed setting and of the health check: L543.1 in both Medusa slits.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from datetime import date

from vltflow.instruments.giraffe.spectrograph import SETTINGS
from vltflow.simulate.giraffe.constants import EXPOSURES, FIBRE_ARCSEC
from vltflow.simulate.plan import Setup, Template

_HOUR = 3600.0
_AFTERNOON, _EVENING, _MORNING = 1.0 * _HOUR, 13.2 * _HOUR, 22.3 * _HOUR
_READ_OUT = 43.0
_BETWEEN_TEMPLATES = 52.0
_HEALTH_CHECK = "L543.1"


@dataclass(frozen=True, slots=True)
class _Entry:
    """A line of the day's list, without its time."""

    kind: str
    raw_type: str
    dpr: tuple[str, str, str]
    tpl: str
    setup: Setup
    count: int
    exptime: float
    lamp: str = ""
    target: str = ""


def templates(night: str) -> tuple[Template, ...]:
    """The night's templates, by time; the observed slit changes from night to night."""
    slit = ("Medusa1", "Medusa2")[date.fromisoformat(night).toordinal() % 2]
    delay = zlib.crc32(night.encode()) % 420
    timed = [
        *_sequence([_dark()], _AFTERNOON + delay),
        *_sequence([_field(slit)], _EVENING + delay),
        *_sequence(_morning(slit), _MORNING + delay),
    ]
    return tuple(replace(template, ordinal=number) for number, template in enumerate(timed))


def optics(slit: str, setting: str) -> Setup:
    """Setup of a slit with a setting, which `Setup.mode` names: ``Medusa1 L543.1``."""
    wavelength = SETTINGS[setting].wavelength
    return Setup("giraffe", 1, wavelength, FIBRE_ARCSEC, mode=f"{slit} {setting}")


def _morning(slit: str) -> list[_Entry]:
    observed = optics(slit, "H525.8B")
    checks = [optics(one, _HEALTH_CHECK) for one in ("Medusa1", "Medusa2")]
    entries = [_bias()]
    for setup in (observed, *checks):
        entries += [_flat(setup), _arc(setup)]
    return entries


def _bias() -> _Entry:
    return _Entry("bias", "BIAS", ("CALIB", "BIAS", "IMAGE"), "cal_bias",
                  Setup("giraffe", mode="BIAS"), 5, 0.0)  # fmt: skip


def _dark() -> _Entry:
    return _Entry("dark", "DARK", ("CALIB", "DARK", "IMAGE"), "cal_dark",
                  Setup("giraffe", mode="DARK"), 3, 3600.0)  # fmt: skip


def _flat(setup: Setup) -> _Entry:
    return _Entry("flat", "FIBER_FLAT", ("CALIB", "LAMP,FLAT", "MOS"), "cal_flat",
                  setup, 3, EXPOSURES[setup.mode.split()[1]].flat, lamp="flat")  # fmt: skip


def _arc(setup: Setup) -> _Entry:
    return _Entry("arc", "ARC_SPECTRUM", ("CALIB", "LAMP,WAVE", "MOS"), "cal_wave",
                  setup, 1, EXPOSURES[setup.mode.split()[1]].arc, lamp="thar")  # fmt: skip


def _field(slit: str) -> _Entry:
    return _Entry("science", "SCIENCE", ("SCIENCE", "OBJECT,OzPoz", "MOS"), "obs_exp",
                  optics(slit, "H525.8B"), 1, 2400.0, target="science")  # fmt: skip


def _sequence(entries: list[_Entry], start: float) -> list[Template]:
    """One template after the other, from `start` (seconds after noon)."""
    now, timed = start, []
    for entry in entries:
        now += _BETWEEN_TEMPLATES
        timed.append(_timed(entry, now))
        now = timed[-1].frame_ms[-1] / 1e3 + entry.exptime + _READ_OUT
    return timed


def _timed(entry: _Entry, start: float) -> Template:
    frames = (start + 12.7 + i * (entry.exptime + _READ_OUT) for i in range(entry.count))
    return Template(
        raw_type=entry.raw_type,
        kind=entry.kind,
        setup=entry.setup,
        dpr=entry.dpr,
        tpl_id=f"FLAMES_giraf_{entry.tpl}",
        exptime=entry.exptime,
        count=entry.count,
        start_ms=int(start) * 1000,
        frame_ms=tuple(round(seconds * 1e3) for seconds in frames),
        ordinal=0,
        target=entry.target,
        lamp=entry.lamp,
    )
