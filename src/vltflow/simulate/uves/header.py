"""The quantities that a UVES header tells, for the table in ``cards.txt``."""

from __future__ import annotations

import math
import zlib
from importlib import resources
from typing import TYPE_CHECKING

from vltflow.core.time import iso_from_mjd, night_range
from vltflow.simulate import conditions
from vltflow.simulate.cards import Card, CardTable
from vltflow.simulate.models import DAY_MS
from vltflow.simulate.uves.constants import GRATINGS, PIXEL_SCALE, SETTINGS, SLICERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vltflow.simulate.cards import CardValue
    from vltflow.simulate.detector import Chip, Layout
    from vltflow.simulate.plan import PlannedFrame, Setup, Template

_TABLE = CardTable(resources.files("vltflow.simulate.uves") / "cards.txt")
_CALIBRATION_PROGRAMME = "60.A-9022(A)"
_SHORT_NAMES = {
    "bias": "BIAS", "dark": "DARK", "format": "FMTCHK", "order": "ORDERDEF", "flat": "FLAT",
    "fibres": "FIBFLAT", "arc": "WAVE", "standard": "STD", "science": "OBS",
}  # fmt: skip
_TEMPLATE_NAMES = {
    "bias": "Bias", "dark": "Dark", "format": "Format check", "order": "Order definition",
    "flat": "Flat-field", "fibres": "Fibre flat-field", "arc": "Wavelength calibration",
    "standard": "Standard star", "science": "Observation",
}  # fmt: skip
_RAD = math.pi / 180.0


def uses_light(template: Template) -> bool:
    """Whether light passes the spectrograph."""
    return template.kind not in ("bias", "dark")


def target_of(frame: PlannedFrame) -> conditions.Target | None:
    """What the telescope points at during the template, if anything."""
    start = template_start(frame)
    source = frame.template.source
    if source is not None and source.target is not None:
        return source.target
    if frame.template.target == "standard":
        return conditions.standard_star(start)
    if frame.template.target == "science":
        return conditions.science_target(start)
    return None


def template_start(frame: PlannedFrame) -> float:
    """MJD of TPL START."""
    return night_range(frame.night)[0] + frame.template.start_ms / DAY_MS


def cards(frame: PlannedFrame, layouts: Sequence[Layout]) -> list[list[Card]]:
    """Cards of each HDU: one in the blue arm; a primary HDU and two extensions in the red."""
    template = frame.template
    quantities = _quantities(frame, layouts)
    flags = _flags(template)
    primary = _TABLE.fill("primary", flags, quantities)
    chips = [_chip_cards(layout, flags, quantities) for layout in layouts]
    if len(layouts) > 1:
        return [primary, *chips]
    at = next(i for i, card in enumerate(primary) if card.keyword == "ESO DET ID")
    keep = [card for card in chips[0] if card.keyword != "EXTNAME"]
    plain = [card for card in keep if not card.keyword.startswith("ESO")]
    own = [card for card in keep if card.keyword.startswith("ESO")]
    first = next(i for i, card in enumerate(primary) if card.keyword.startswith("ESO"))
    return [[*primary[:first], *plain, *primary[first:at], *own, *primary[at:]]]


def _flags(template: Template) -> frozenset[str]:
    flags = {template.setup.arm[0]}
    if uses_light(template):
        flags.add("o")
    if template.target:
        flags.add("n")
    if template.setup.mode == "MOS":
        flags.add("M")
    if template.lamp:
        flags.add({"thar": "T", "deuterium": "D", "flat": "F"}[template.lamp])
    return frozenset(flags)


def _chip_cards(
    layout: Layout, flags: frozenset[str], quantities: dict[str, CardValue]
) -> list[Card]:
    chip = layout.chip
    own = {**quantities, **_chip_quantities(chip, layout)}
    extension = Card("EXTNAME", f"WIN1.CHIP{chip.index}.OUT1", "Window, chip and output")
    return [extension, *_TABLE.fill("chip", flags, own)]


def _chip_quantities(chip: Chip, layout: Layout) -> dict[str, CardValue]:
    name, installed = {
        "blue": ("EEV CCD-44", "2004-10-14"),
        "redu": ("MIT/LL CCD-20", "1998-07-09"),
        "redl": ("MIT/LL, EEV", "1998-07-09"),
    }[chip.label]
    right = chip.label == "redl"
    return {
        "chip": chip.index,
        "chip_index": chip.index,
        "chip_id": chip.name,
        "chip_name": name,
        "chip_date": installed,
        "output_id": "" if chip.label == "blue" else "R" if right else "L",
        "output_name": "R" if right else "L",
        "output_x": 2 * layout.columns * layout.binning if right else 1,
        "columns": layout.columns,
        "rows": layout.rows,
        "prescan": layout.prescan,
        "overscan": layout.overscan,
        "conad": chip.conad,
        "ron": 3.8 if chip.label == "blue" else 4.0,
        "gain": {"blue": 0.54, "redu": 0.71, "redl": 0.68}[chip.label],
    }


def _quantities(frame: PlannedFrame, layouts: Sequence[Layout]) -> dict[str, CardValue]:
    quantities = _identity(frame) | _detector(frame, layouts) | _environment(frame)
    if uses_light(frame.template):
        quantities |= _optics(frame, layouts[0])
    target = target_of(frame)
    if target is not None:
        quantities |= _sky(frame, target)
    return quantities


def _identity(frame: PlannedFrame) -> dict[str, CardValue]:
    template, mjd = frame.template, frame.mjd
    target = target_of(frame)
    named = template.source.observation if template.source else ""
    number = zlib.crc32((named or f"{frame.night}{template.target}").encode()) % 900_000
    science = template.target == "science"
    start = iso_from_mjd(template_start(frame))[:19]
    day = int(mjd) % 366 + 1
    arm = template.setup.arm.upper()
    return {
        "object": target.name if target and template.kind != "arc" else template.dpr[1],
        "dpr_catg": template.dpr[0],
        "dpr_type": template.dpr[1],
        "dpr_tech": template.dpr[2],
        "obs_id": 400_000 + number if science else 100_000 + number % 50_000,
        "obs_name": named or (f"{target.name}_OB" if target else "CALIBRATION"),
        "obs_exectime": 3600 if science else 0,
        "obs_start": start,
        "prog_id": f"{94 + number % 5}.A-{number % 1000:04d}(A)" if science
        else _CALIBRATION_PROGRAMME,
        "pi_id": number % 1000 if science else 0,
        "target": target.name if target else "CALIBRATION",
        "tpl_number": 2 if template.attached else 1,
        "tpl_id": template.tpl_id,
        "tpl_name": f"{_TEMPLATE_NAMES[template.kind]} {arm.lower()}",
        "tpl_preseq": f"{template.tpl_id}.seq",
        "tpl_start": start,
        "tpl_nexp": template.count,
        "tpl_expno": frame.number,
        "exptime": template.exptime,
        "exptime_asked": template.exptime,
        "dark_time": round(template.exptime + 0.374, 3),
        "mjd_obs": round(mjd, 8),
        "date_obs": iso_from_mjd(mjd),
        "utc": float(int(mjd % 1.0 * 86_400.0)),
        "lst": round(conditions.sidereal_time(mjd) * 240.0, 3),
        "origfile": f"UVES_{arm}_{_SHORT_NAMES[template.kind]}{day:03d}_"
        f"{template.ordinal * 10 + frame.number:04d}.fits",
        "arcfile": f"{frame.name}.fits",
    }  # fmt: skip


def _detector(frame: PlannedFrame, layouts: Sequence[Layout]) -> dict[str, CardValue]:
    setup, layout = frame.template.setup, layouts[0]
    red = setup.arm == "red"
    read_time = (39.492 if red else 30.591) / (1.0 if setup.binning == 1 else 1.9)
    width = layout.prescan + layout.columns + layout.overscan
    dark = frame.template.kind in ("dark", "bias")
    return {
        "chip_count": len(layouts),
        "binning_x": setup.binning,
        "binning_y": setup.binning,
        "binning_x_float": float(setup.binning),
        "binning_y_float": float(setup.binning),
        "window_columns": width * len(layouts),
        "window_rows": layout.rows,
        **_window_start(frame.template.setup, layout),
        "read_speed": "2pts/225kHz/lg" if red else "1pt/225kHz/lg",
        "read_clock": f"225kHz/{'2ports' if red else '1port'}/low_gain",
        "read_time": round(read_time, 3),
        "transfer_time": round(read_time - 0.054, 3),
        "exposure_type": "Dark" if dark else "Normal",
        "exposure_number": int((frame.mjd - 51_500.0) * 400) % 1_000_000 + frame.number,
        "detector_name": "ccdUvR - ccdUvr" if red else "ccdUvB - uvesb",
        "detector_date": "1998-07-09" if red else "2004-10-14",
        "detector_shutter": "ccdUvr shutter" if red else "ccd shutter",
        "telemetry1": 135.0 if red else 153.0,
        "telemetry2": 137.3 if red else 160.6,
        "telemetry3": round(271.0 + conditions.temperature(frame.mjd), 1),
        "mode": setup.mode,
        "path": setup.arm.upper(),
    }


def _window_start(setup: Setup, layout: Layout) -> dict[str, CardValue]:
    """First unbinned raw pixel: raw rows run against x, raw columns along y, in red against it."""
    if setup.window is None:
        return {"window_x": 1, "window_y": 1}
    window, chip = setup.window, layout.chip
    along = window.y if setup.arm == "blue" else chip.columns - window.y - window.ny
    return {"window_x": along + 1, "window_y": chip.rows - window.x - window.nx + 1}


def _environment(frame: PlannedFrame) -> dict[str, CardValue]:
    mjd = frame.mjd
    warm = conditions.temperature(mjd)
    observing = bool(frame.template.target)
    red = frame.template.setup.arm == "red"
    return {
        "altitude": 90.0,
        "azimuth": 0.0,
        "focus": round(-29.3 + 0.02 * (warm - 12.4), 3),
        "temperature_air": round(warm - 0.4, 2),
        "temperature_blue": round(warm, 1),
        "temperature_red": round(warm - 0.2, 1),
        "temperature_camera": round(warm - (0.2 if red else 0.0), 1),
        "temperature_table": round(warm + 0.3, 1),
        "temperature_inside": round(warm + 0.7, 1),
        "pressure": round(conditions.pressure(mjd), 1),
        "tracking": "NORMAL" if observing else "IDLE",
        "dome": "FULLY-OPEN" if observing else "CLOSED",
    }


def _optics(frame: PlannedFrame, layout: Layout) -> dict[str, CardValue]:
    template, setup = frame.template, frame.template.setup
    setting = SETTINGS[setup.wavelength]
    grating = GRATINGS[setting.disperser]
    sky = template.kind in ("standard", "science")
    dichroic = {"DICHR#1": ("DICHR#1", 3), "DICHR#2": ("DICHR#2", 4)}.get(setup.mode, ("FREE", 1))
    turn = (
        math.asin(setup.wavelength * grating.grooves / (2.0 * math.cos(grating.rotation * _RAD)))
        / _RAD
    )
    slope = grating.slope * (conditions.temperature(frame.mjd) - 12.4)
    return {
        "slit_width": setup.slit_width,
        "slit_length": setup.slit_length,
        "wavelength": setup.wavelength,
        "pixel_scale": round(PIXEL_SCALE[setup.arm] * _magnification(layout), 3),
        "filter_id": setting.filter_id,
        "filter_name": setting.filter_name,
        "filter_number": setting.filter_number,
        "grating": setting.disperser,
        "grating_name": grating.name,
        "grating_number": grating.number,
        "grating_zero": grating.zero,
        "grating_resolution": grating.resolution,
        "grating_grooves": grating.grooves,
        "grating_rotation": grating.rotation,
        "grating_slope": grating.slope,
        "grating_encoder": round(grating.zero + grating.resolution * turn + slope),
        **_slicer(setup),
        "dichroic": dichroic[0],
        "dichroic_number": dichroic[1],
        "mirror": "FREE" if sky else "CAL",
        "mirror_number": 1 if sky else 2,
        "shutter_telescope": sky,
        "shutter_thar": template.lamp == "thar",
        "shutter_d2": template.lamp == "deuterium",
        "shutter_sphere": template.lamp == "flat",
    }  # fmt: skip


def _slicer(setup: Setup) -> dict[str, CardValue]:
    """The slide with the image slicers."""
    if not setup.slicer:
        return {"slide_name": "FREE", "slide_number": 1, "slide_width": 0.0, "slide_length": 0.0}
    slicer = SLICERS[setup.slicer]
    return {
        "slide_name": setup.slicer,
        "slide_number": 1 + list(SLICERS).index(setup.slicer) + 1,
        "slide_width": slicer.width,
        "slide_length": slicer.length,
    }


def _magnification(layout: Layout) -> float:
    """Unbinned pixels of the real detector across the orders per unbinned pixel of this one."""
    return layout.step / layout.binning / layout.zoom


def _sky(frame: PlannedFrame, target: conditions.Target) -> dict[str, CardValue]:
    start, end = frame.mjd, frame.mjd + frame.template.exptime / 86_400.0
    before, after = conditions.pointing(target, start), conditions.pointing(target, end)
    seeing = conditions.seeing(start)
    return {
        "ra": target.ra,
        "dec": target.dec,
        "altitude": round(before.altitude, 3),
        "azimuth": round(before.azimuth, 3),
        "parang_start": round(before.parallactic, 3),
        "parang_end": round(after.parallactic, 3),
        "airmass_start": round(before.airmass, 3),
        "airmass_end": round(after.airmass, 3),
        "seeing": round(seeing, 2),
        "wind_speed": round(6.0 + 4.0 * math.sin(start / 5.0), 2),
        "wind_direction": round(180.0 + 170.0 * math.sin(start / 3.0), 1),
        "humidity": round(12.0 + 8.0 * math.sin(start / 7.0), 1),
        "moon_ra": round((start - 51_550.0) * 13.176358 % 360.0, 6),
        "moon_dec": round(20.0 * math.sin((start - 51_550.0) * 13.176358 * _RAD), 5),
        "target_alpha": _sexagesimal(target.ra / 15.0),
        "target_delta": _sexagesimal(target.dec),
        "derotator_start": round(before.parallactic % 360.0, 4),
        "derotator_end": round(after.parallactic % 360.0, 4),
        "rotator_start": round(before.altitude - before.parallactic, 5),
        "rotator_end": round(after.altitude - after.parallactic, 5),
        "guiding": "ON",
        "guide_ra": round((target.ra + 0.11) % 360.0, 6),
        "guide_dec": round(target.dec - 0.02, 6),
        "meter_mean": round(1e4 * 10 ** (-0.4 * (target.magnitude - 12.0)), 1),
        "meter_total": round(1e4 * 10 ** (-0.4 * (target.magnitude - 12.0))
                             * frame.template.exptime, 1),
        "meter_rms": round(1e2 * 10 ** (-0.2 * (target.magnitude - 12.0)), 2),
    }  # fmt: skip


def _sexagesimal(value: float) -> float:
    """HHMMSS.sss or DDMMSS.sss as one number, ESO's way."""
    seconds = round(abs(value) * 3600.0, 3)
    degrees, rest = divmod(seconds, 3600.0)
    minutes, rest = divmod(rest, 60.0)
    return math.copysign(round(degrees * 10_000 + minutes * 100 + rest, 3), value)
