"""The quantities that a GIRAFFE header tells, for the table in ``cards.txt``."""

from __future__ import annotations

import math
import zlib
from importlib import resources
from typing import TYPE_CHECKING

from vltflow.core.time import iso_from_mjd, night_range
from vltflow.instruments.giraffe.spectrograph import PIXEL, SETTINGS
from vltflow.simulate.cards import Card, CardTable
from vltflow.simulate.giraffe.constants import SLITS
from vltflow.simulate.models import DAY_MS
from vltflow.simulate.uves import conditions

if TYPE_CHECKING:
    from vltflow.simulate.cards import CardValue
    from vltflow.simulate.detector import Layout
    from vltflow.simulate.plan import PlannedFrame, Template

_TABLE = CardTable(resources.files("vltflow.simulate.giraffe") / "cards.txt")
_NAMES = {
    "bias": ("BIAS", "Bias"),
    "dark": ("DARK", "Dark"),
    "flat": ("FLAT", "Fibre flat-field"),
    "arc": ("WAVE", "Wavelength calibration"),
    "science": ("OBS", "Observation"),
}
_ENCODER = {"HR": (1, 310_000, 10_000.0), "LR": (2, 180_000, 10_000.0)}


def uses_light(template: Template) -> bool:
    """Whether light passes the spectrograph."""
    return template.kind not in {"bias", "dark"}


def template_start(frame: PlannedFrame) -> float:
    """MJD of TPL START."""
    return night_range(frame.night)[0] + frame.template.start_ms / DAY_MS


def target_of(frame: PlannedFrame) -> conditions.Target | None:
    """The centre of the field, if the telescope was used."""
    if not frame.template.target:
        return None
    start = template_start(frame)
    field = conditions.science_target(start)
    return conditions.Target(f"FIELD-{int(field.ra):03d}", field.ra, field.dec, 15.0, 5770.0)


def cards(frame: PlannedFrame, layout: Layout) -> list[list[Card]]:
    """Cards of the primary HDU, and of the two tables where light was used."""
    template = frame.template
    target = target_of(frame)
    quantities = _identity(frame, target) | _detector(frame, layout) | _environment(frame)
    flags = set()
    if uses_light(template):
        flags.add("o")
        quantities |= _optics(template)
    if target is not None:
        flags.add("n")
        quantities |= _sky(frame, target)
    sections = ["primary", *(["ozpoz", "fibres"] if "o" in flags else [])]
    return [_TABLE.fill(section, frozenset(flags), quantities) for section in sections]


def _identity(frame: PlannedFrame, target: conditions.Target | None) -> dict[str, CardValue]:
    template, mjd = frame.template, frame.mjd
    number = zlib.crc32(f"{frame.night}{template.target}".encode()) % 900_000
    start = iso_from_mjd(template_start(frame))[:19]
    short, long = _NAMES[template.kind]
    return {
        "object": target.name if target else template.dpr[1],
        "dpr_catg": template.dpr[0],
        "dpr_type": template.dpr[1],
        "dpr_tech": template.dpr[2],
        "obs_id": 400_000 + number if target else 100_000 + number % 50_000,
        "obs_name": f"{target.name}_OB" if target else "CALIBRATION",
        "obs_exectime": 3600 if target else 0,
        "obs_start": start,
        "prog_id": f"{94 + number % 5}.B-{number % 1000:04d}(A)" if target else "60.A-9022(C)",
        "pi_id": number % 1000 if target else 0,
        "target": target.name if target else "CALIBRATION",
        "tpl_number": 1,
        "tpl_id": template.tpl_id,
        "tpl_name": f"{long} GIRAFFE",
        "tpl_preseq": f"{template.tpl_id}.seq",
        "tpl_start": start,
        "tpl_nexp": template.count,
        "tpl_expno": frame.number,
        "exptime": template.exptime,
        "exptime_asked": template.exptime,
        "dark_time": round(template.exptime + 0.4, 3),
        "mjd_obs": round(mjd, 8),
        "date_obs": iso_from_mjd(mjd),
        "utc": float(int(mjd % 1.0 * 86_400.0)),
        "lst": round(conditions.sidereal_time(mjd) * 240.0, 3),
        "origfile": f"GIRAF_{short}{int(mjd) % 366 + 1:03d}_"
        f"{template.ordinal * 10 + frame.number:04d}.fits",
        "arcfile": f"{frame.name}.fits",
    }


def _detector(frame: PlannedFrame, layout: Layout) -> dict[str, CardValue]:
    chip = layout.chip
    dark = not uses_light(frame.template)
    return {
        "chip_count": 1,
        "chip_id": chip.name,
        "chip_name": "EEV CCD-44 Carreras",
        "chip_date": "2008-05-24",
        "detector_name": "ccdG - giraffe",
        "detector_date": "2008-05-24",
        "detector_shutter": "ccd shutter",
        "binning_x": layout.binning,
        "binning_y": layout.binning,
        "window_columns": layout.prescan + layout.columns + layout.overscan,
        "window_rows": layout.rows,
        "columns": layout.columns,
        "rows": layout.rows,
        "prescan": layout.prescan,
        "overscan": layout.overscan,
        "conad": chip.conad,
        "ron": chip.ron,
        "gain": round(1.0 / chip.conad, 3),
        "read_speed": "1pt/225kHz/lg",
        "read_clock": "225kHz/1port/low_gain",
        "read_time": 41.2,
        "transfer_time": 41.1,
        "exposure_type": "Dark" if dark else "Normal",
        "exposure_number": int((frame.mjd - 52_500.0) * 300) % 1_000_000 + frame.number,
        "telemetry1": 155.0,
        "telemetry2": 157.3,
        "telemetry3": round(271.0 + conditions.temperature(frame.mjd), 1),
    }


def _environment(frame: PlannedFrame) -> dict[str, CardValue]:
    warm, observing = conditions.temperature(frame.mjd), bool(frame.template.target)
    return {
        "altitude": 90.0,
        "azimuth": 0.0,
        "focus": round(-29.3 + 0.02 * (warm - 12.4), 3),
        "temperature": round(warm, 2),
        "temperature_air": round(warm - 0.4, 2),
        "temperature_camera": round(warm + 0.2, 2),
        "tracking": "NORMAL" if observing else "IDLE",
        "dome": "FULLY-OPEN" if observing else "CLOSED",
        "mode": frame.template.setup.mode,
    }


def _optics(template: Template) -> dict[str, CardValue]:
    slit, name = template.setup.mode.split()
    setting, number = SETTINGS[name], SLITS[slit]
    position, zero, resolution = _ENCODER[setting.grating.name]
    flat = template.lamp == "flat"
    return {
        "mode": f"GM{setting.grating.name}{number}",
        "path": f"MED{number}",
        "exposure_mode": name,
        "slit": slit,
        "slit_number": str(number),
        "slit_position": number,
        "filter": setting.filter,
        "filter_number": setting.filter[2:],
        "grating": setting.grating.name,
        "grating_number": position,
        "grating_zero": zero,
        "grating_resolution": resolution,
        "grating_grooves": setting.grating.grooves * 1e-6,
        "grating_dispersion": round(setting.dispersion / PIXEL, 3),
        "grating_encoder": round(zero + resolution * math.degrees(setting.theta)),
        "wavelength": setting.wavelength,
        "order": setting.order,
        "lamp_flat": flat,
        "lamp_thar": template.lamp == "thar",
        "lamp_simultaneous": template.lamp == "thar",
        "simultaneous": {"flat": "HAL", "thar": "TAL"}.get(template.lamp, "OFF"),
        "simcal": int(bool(template.lamp)),
    }


def _sky(frame: PlannedFrame, target: conditions.Target) -> dict[str, CardValue]:
    start, end = frame.mjd, frame.mjd + frame.template.exptime / 86_400.0
    before, after = conditions.pointing(target, start), conditions.pointing(target, end)
    return {
        "ra": target.ra,
        "dec": target.dec,
        "altitude": round(before.altitude, 3),
        "azimuth": round(before.azimuth, 3),
        "parang_start": round(before.parallactic, 3),
        "parang_end": round(after.parallactic, 3),
        "airmass_start": round(before.airmass, 3),
        "airmass_end": round(after.airmass, 3),
        "seeing": round(conditions.seeing(start), 2),
        "pressure": round(conditions.pressure(start), 1),
        "wind_speed": round(6.0 + 4.0 * math.sin(start / 5.0), 2),
        "wind_direction": round(180.0 + 170.0 * math.sin(start / 3.0), 1),
        "humidity": round(12.0 + 8.0 * math.sin(start / 7.0), 1),
        "moon_ra": round((start - 51_550.0) * 13.176358 % 360.0, 6),
        "moon_dec": round(20.0 * math.sin(math.radians((start - 51_550.0) * 13.176358)), 5),
        "target_alpha": _sexagesimal(target.ra / 15.0),
        "target_delta": _sexagesimal(target.dec),
    }


def _sexagesimal(value: float) -> float:
    """HHMMSS.sss or DDMMSS.sss as one number, ESO's way."""
    seconds = round(abs(value) * 3600.0, 3)
    degrees, rest = divmod(seconds, 3600.0)
    minutes, rest = divmod(rest, 60.0)
    return math.copysign(round(degrees * 10_000 + minutes * 100 + rest, 3), value)
