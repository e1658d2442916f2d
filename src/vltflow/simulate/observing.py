"""Templates of instruments that integrate in steps, and the cards that all of them carry."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass, replace
from importlib import resources
from typing import TYPE_CHECKING

from vltflow.core.time import iso_from_mjd, night_range
from vltflow.simulate import sky
from vltflow.simulate.cards import Card, CardTable, CardValue
from vltflow.simulate.models import DAY_MS
from vltflow.simulate.plan import PlannedFrame, Setup, Template

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_COMMON = CardTable(resources.files("vltflow.simulate") / "observing_cards.txt")
_OVERHEAD = 8.0
"""Seconds from the end of one frame to the start of the next."""
_PREPARATION = 75.0
"""Seconds from one template to the next."""

AFTERNOON, TWILIGHT, NIGHT, MORNING = 6.0, 10.8, 13.0, 22.0
"""Hours after noon UT when day calibrations, sky flats, the night and the morning begin."""


@dataclass(frozen=True, slots=True)
class InfraredSetup(Setup):
    """A setup of an infrared array."""

    dit: float = 1.0
    """Seconds of one integration."""
    ndit: int = 1
    """Integrations averaged in a frame."""
    readout: str = ""
    """Name of the read-out mode (DET NCORRS NAME)."""
    filter_name: str = ""
    camera: str = ""
    """Camera or pixel scale, in the instrument's own words."""

    @property
    def label(self) -> str:
        """Setup for people: ``S27_Ks_2x1``."""
        words = (self.arm, self.camera, self.filter_name, f"{self.dit:g}x{self.ndit}")
        return "_".join(word for word in words if word)


def template(  # noqa: PLR0913
    raw_type: str,
    kind: str,
    setup: InfraredSetup,
    dpr: tuple[str, str, str],
    tpl_id: str,
    count: int,
    *,
    target: str = "",
    lamp: str = "",
) -> Template:
    """A template that has no time yet; `sequence` gives it one."""
    return Template(
        raw_type, kind, setup, dpr, tpl_id, setup.dit, count, 0, (), 0, target=target, lamp=lamp
    )  # fmt: skip


def sequence(date: str, hours: float, templates: Iterable[Template]) -> list[Template]:
    """One template after the other, from about `hours` after noon of `date`."""
    now = hours * 3600.0 + zlib.crc32(date.encode()) % 6007 / 10.0
    timed = []
    for number, one in enumerate(templates):
        now += _PREPARATION + 0.173 * number
        cycle = _duration(one) + _OVERHEAD
        moments = (now + 9.3 + i * (cycle + 0.0117 * (i % 3)) for i in range(one.count))
        frames = tuple(round(moment * 1e3) for moment in moments)
        timed.append(replace(one, start_ms=int(now) * 1000, frame_ms=frames))
        now = frames[-1] / 1e3 + cycle
    return timed


def numbered(templates: Iterable[Template]) -> list[Template]:
    """Templates by time, with their numbers in the night."""
    ordered = sorted(templates, key=lambda one: one.start_ms)
    return [replace(one, ordinal=number) for number, one in enumerate(ordered)]


def infrared(frame: PlannedFrame) -> InfraredSetup:
    """Setup of a frame of such an instrument."""
    setup = frame.template.setup
    if not isinstance(setup, InfraredSetup):
        raise TypeError(f"{frame.name} has no setup of an infrared array")
    return setup


def jitter(frame: PlannedFrame) -> tuple[int, int]:
    """How far stars lie from their places in the first frame, in pixels along x and y.

    Those of SEQ CUMOFFSETX and CUMOFFSETY; nothing in the first frame and without a target.
    """
    if not frame.template.target:
        return 0, 0
    step = frame.number - 1
    return 7 * ((step * 5 + 4) % 9 - 4), 7 * ((step * 7 + 4) % 9 - 4)


def common_cards(frame: PlannedFrame, own: Mapping[str, CardValue], star: sky.Target) -> list[Card]:
    """Cards of observation, template and telescope for the primary header.

    Parameters
    ----------
    own
        What differs by instrument: ``telescope``, ``instrume``, ``origfile`` and others that
        the table asks for.
    star
        Where the telescope looks if the template has a target.
    """
    flags = frozenset({"n"}) if frame.template.target else frozenset[str]()
    quantities = _identity(frame, star) | _weather(frame) | _telescope(frame, star)
    return _COMMON.fill("primary", flags, quantities | dict(own))


def _duration(one: Template) -> float:
    setup = one.setup
    return setup.dit * setup.ndit if isinstance(setup, InfraredSetup) else one.exptime


def _identity(frame: PlannedFrame, star: sky.Target) -> dict[str, CardValue]:
    plan, mjd = frame.template, frame.mjd
    number = zlib.crc32(f"{frame.night}{plan.target}".encode()) % 50_000
    science = plan.dpr[0] == "SCIENCE"
    begin = iso_from_mjd(night_range(frame.night)[0] + plan.start_ms / DAY_MS)[:19]
    return {
        "object": star.name if plan.target else plan.dpr[1],
        "dpr_catg": plan.dpr[0],
        "dpr_type": plan.dpr[1],
        "dpr_tech": plan.dpr[2],
        "obs_id": (400_000 if science else 100_000) + number,
        "obs_name": f"{star.name}_OB" if plan.target else "CALIBRATION",
        "obs_start": begin,
        "prog_id": f"094.A-{number % 1000:04d}(A)" if science else "60.A-9000(A)",
        "target": star.name if plan.target else "CALIBRATION",
        "tpl_id": plan.tpl_id,
        "tpl_start": begin,
        "tpl_nexp": plan.count,
        "tpl_expno": frame.number,
        "exptime": plan.exptime,
        "mjd_obs": round(mjd, 8),
        "date_obs": iso_from_mjd(mjd),
        "utc": float(int(mjd % 1.0 * 86_400.0)),
        "lst": round(sky.sidereal_time(mjd) * 240.0, 3),
        "arcfile": f"{frame.name}.fits",
        "origfile": f"{frame.prefix}_{int(mjd) % 366 + 1:03d}_"
        f"{plan.ordinal * 20 + frame.number:04d}.fits",
    }


def _weather(frame: PlannedFrame) -> dict[str, CardValue]:
    mjd = frame.mjd
    return {
        "pressure": round(sky.pressure(mjd), 2),
        "temperature": round(12.0 + 3.0 * math.sin(mjd / 11.0), 2),
        "humidity": round(12.0 + 8.0 * math.sin(mjd / 7.0), 1),
        "dome": "FULLY-OPEN" if frame.template.target else "CLOSED",
        "tracking": "NORMAL" if frame.template.target else "IDLE",
    }


def _telescope(frame: PlannedFrame, star: sky.Target) -> dict[str, CardValue]:
    start = frame.mjd
    end = start + _duration(frame.template) / 86_400.0
    before, after = sky.pointing(star, start), sky.pointing(star, end)
    observing = bool(frame.template.target)
    offset_x, offset_y = jitter(frame)
    return {
        "ra": star.ra,
        "dec": star.dec,
        "altitude": round(before.altitude, 3) if observing else 90.0,
        "azimuth": round(before.azimuth, 3) if observing else 0.0,
        "airmass_start": round(before.airmass, 3) if observing else 1.0,
        "airmass_end": round(after.airmass, 3) if observing else 1.0,
        "parang_start": round(before.parallactic, 3),
        "parang_end": round(after.parallactic, 3),
        "seeing": round(sky.seeing(start), 2),
        "cumoffset_x": float(offset_x),
        "cumoffset_y": float(offset_y),
    }
