"""The quantities that an AMBER header tells, for the table in ``cards.txt``."""

from __future__ import annotations

import zlib
from importlib import resources
from typing import TYPE_CHECKING

from vltflow.core.time import iso_from_mjd, night_range
from vltflow.simulate.amber.detector import regions
from vltflow.simulate.amber.night import exposure
from vltflow.simulate.cards import Card, CardTable
from vltflow.simulate.models import DAY_MS
from vltflow.simulate.uves import conditions

if TYPE_CHECKING:
    from vltflow.simulate.cards import CardValue
    from vltflow.simulate.plan import PlannedFrame

_TABLE = CardTable(resources.files("vltflow.simulate.amber") / "cards.txt")
_CALIBRATION_PROGRAMME = "60.A-9053(A)"


def cards(frame: PlannedFrame, read_outs: int) -> list[list[Card]]:
    """Cards of the three HDUs: primary, IMAGING_DETECTOR, IMAGING_DATA."""
    quantities = _identity(frame) | _instrument(frame) | {"read_outs": read_outs}
    flags = frozenset("s" if frame.template.setup.arm == "spectra" else "")
    sections = ("primary", "regions", "data")
    return [_TABLE.fill(section, flags, quantities) for section in sections]


def _target(frame: PlannedFrame) -> conditions.Target | None:
    start = night_range(frame.night)[0] + frame.template.start_ms / DAY_MS
    if frame.template.target == "standard":
        return conditions.standard_star(start)
    return conditions.science_target(start) if frame.template.target else None


def _identity(frame: PlannedFrame) -> dict[str, CardValue]:
    template, mjd, target = frame.template, frame.mjd, _target(frame)
    shown = exposure(template, frame.number)
    number = zlib.crc32(f"{frame.night}{template.target}".encode()) % 900_000
    science = template.target == "science"
    return {
        "object": target.name if target else shown.dpr_type,
        "dpr_catg": template.dpr[0],
        "dpr_type": shown.dpr_type,
        "dpr_tech": template.dpr[2],
        "obs_id": 400_000 + number if science else 100_000 + number % 50_000,
        "obs_name": f"{target.name}_OB" if target else "CALIBRATION",
        "prog_id": f"{84 + number % 5}.D-{number % 1000:04d}(A)"
        if science
        else _CALIBRATION_PROGRAMME,
        "target": target.name if target else "CALIBRATION",
        "ra": target.ra if target else 0.0,
        "dec": target.dec if target else 0.0,
        "tpl_id": template.tpl_id,
        "tpl_start": iso_from_mjd(night_range(frame.night)[0] + template.start_ms / DAY_MS)[:19],
        "tpl_nexp": template.count,
        "tpl_expno": frame.number,
        "exptime": shown.dit,
        "mjd_obs": round(mjd, 8),
        "date_obs": iso_from_mjd(mjd),
        "utc": float(int(mjd % 1.0 * 86_400.0)),
        "lst": round(conditions.sidereal_time(mjd) * 240.0, 3),
        "origfile": f"AMBER_{template.kind.upper()}{int(mjd) % 366 + 1:03d}"
        f"_{template.ordinal * 100 + frame.number:04d}.fits",
        "arcfile": f"{frame.name}.fits",
        "temperature": round(conditions.temperature(mjd), 2),
    }


def _instrument(frame: PlannedFrame) -> dict[str, CardValue]:
    shown = exposure(frame.template, frame.number)
    return {
        "mode": frame.template.setup.mode,
        "beam1": 1 in shown.beams,
        "beam2": 2 in shown.beams,
        "beam3": 3 in shown.beams,
        "window_rows": 1,
        "region_count": len(regions(frame)),
    }
