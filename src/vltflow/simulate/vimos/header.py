"""The quantities that a VIMOS header tells, for the table in ``cards.txt``."""

from __future__ import annotations

import zlib
from importlib import resources
from typing import TYPE_CHECKING

from vltflow.core.time import iso_from_mjd, night_range
from vltflow.simulate.cards import Card, CardTable
from vltflow.simulate.models import DAY_MS
from vltflow.simulate.uves import conditions
from vltflow.simulate.vimos.constants import FILTER, GRISMS, PIXEL_SCALE
from vltflow.simulate.vimos.night import dpr_type, exptime, is_arc

if TYPE_CHECKING:
    from vltflow.simulate.cards import CardValue
    from vltflow.simulate.detector import Layout
    from vltflow.simulate.plan import PlannedFrame, Template

_TABLE = CardTable(resources.files("vltflow.simulate.vimos") / "cards.txt")
_CALIBRATION_PROGRAMME = "60.A-9022(A)"


def cards(frame: PlannedFrame, layout: Layout) -> list[Card]:
    """Cards of the one HDU of a file."""
    return _TABLE.fill("primary", _flags(frame.template), _quantities(frame, layout))


def _flags(template: Template) -> frozenset[str]:
    flags = {{"IMG": "i", "MOS": "m", "IFU": "f"}[template.setup.mode]}
    if template.kind not in ("bias", "dark"):
        flags.add("o")
    if template.setup.mode != "IMG":
        flags.add("s")
    if template.target:
        flags.add("n")
    return frozenset(flags)


def _quantities(frame: PlannedFrame, layout: Layout) -> dict[str, CardValue]:
    return _identity(frame) | _detector(frame, layout) | _surroundings(frame) | _optics(frame)


def _target(frame: PlannedFrame) -> conditions.Target | None:
    start = night_range(frame.night)[0] + frame.template.start_ms / DAY_MS
    if frame.template.target == "standard":
        return conditions.standard_star(start)
    return conditions.science_target(start) if frame.template.target else None


def _identity(frame: PlannedFrame) -> dict[str, CardValue]:
    template, mjd, target = frame.template, frame.mjd, _target(frame)
    number = zlib.crc32(f"{frame.night}{template.target}".encode()) % 900_000
    science = template.target == "science"
    start = iso_from_mjd(night_range(frame.night)[0] + template.start_ms / DAY_MS)[:19]
    seconds = exptime(template, frame.number)
    programme = f"{94 + number % 5}.A-{number % 1000:04d}(A)" if science else _CALIBRATION_PROGRAMME
    return {
        "object": target.name if target else dpr_type(template, frame.number),
        "dpr_catg": template.dpr[0],
        "dpr_type": dpr_type(template, frame.number),
        "dpr_tech": template.dpr[2],
        "obs_id": 400_000 + number if science else 100_000 + number % 50_000,
        "obs_name": f"{target.name}_OB" if target else "CALIBRATION",
        "prog_id": programme,
        "target": target.name if target else "CALIBRATION",
        "ra": target.ra if target else 0.0,
        "dec": target.dec if target else 0.0,
        "tpl_id": template.tpl_id,
        "tpl_start": start,
        "tpl_nexp": template.count,
        "tpl_expno": frame.number,
        "exptime": seconds,
        "mjd_obs": round(mjd, 8),
        "date_obs": iso_from_mjd(mjd),
        "utc": float(int(mjd % 1.0 * 86_400.0)),
        "lst": round(conditions.sidereal_time(mjd) * 240.0, 3),
        "origfile": f"VIMOS_{template.dpr[2]}_{template.kind.upper()}"
        f"{int(mjd) % 366 + 1:03d}_{template.ordinal * 10 + frame.number:04d}.fits",
        "arcfile": f"{frame.name}.fits",
    }


def _detector(frame: PlannedFrame, layout: Layout) -> dict[str, CardValue]:
    chip = layout.chip
    return {
        "quadrant": chip.index,
        "chip_id": chip.name,
        "binning": layout.binning,
        "binning_float": float(layout.binning),
        "columns": layout.columns,
        "rows": layout.rows,
        "width": layout.prescan + layout.columns + layout.overscan,
        "prescan": layout.prescan,
        "overscan": layout.overscan,
        "conad": chip.conad,
        "gain": round(1.0 / chip.conad, 3),
        "ron": chip.ron,
        "pixel_size": 15.0,
        "exposure_type": "Dark" if frame.template.kind in ("bias", "dark") else "Normal",
        "exposure_number": int((frame.mjd - 51_500.0) * 400) % 1_000_000 + frame.number,
    }


def _surroundings(frame: PlannedFrame) -> dict[str, CardValue]:
    warm = conditions.temperature(frame.mjd)
    return {
        "temperature": round(warm, 2),
        "pressure": round(conditions.pressure(frame.mjd), 1),
        "detector_temperature": -113.0 + round(0.1 * (warm - 12.0), 1),
        "rotator": round(frame.mjd * 24.0 % 360.0, 2),
    }


def _optics(frame: PlannedFrame) -> dict[str, CardValue]:
    mode = frame.template.setup.mode
    grism, order_filter = GRISMS.get(mode, ("", ""))
    quadrant = int(frame.template.setup.arm[1])
    imaging = mode == "IMG"
    return {
        "mode": mode,
        "filter_id": FILTER[0] if imaging else f"{order_filter}-{quadrant}",
        "filter_name": FILTER[1] if imaging else order_filter,
        "grism": grism,
        "grism_id": f"{grism}_{quadrant}",
        "mask": f"{900_000 + zlib.crc32(frame.night.encode()) % 1000 * 10 + quadrant}",
        "shutter_mode": "ON",
        "lamp": is_arc(frame.template, frame.number),
        "pixel_scale": PIXEL_SCALE,
    }
