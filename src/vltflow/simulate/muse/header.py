"""The quantities that a MUSE header tells, for the table in ``cards.txt``."""

from __future__ import annotations

import math
import zlib
from importlib import resources
from typing import TYPE_CHECKING

from vltflow.core.time import iso_from_mjd, night_range
from vltflow.instruments.muse.lamps import LAMPS
from vltflow.simulate.cards import Card, CardTable
from vltflow.simulate.models import DAY_MS
from vltflow.simulate.muse.detector import HEIGHT, SCAN, WIDTH, outputs
from vltflow.simulate.uves import conditions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vltflow.simulate.cards import CardValue
    from vltflow.simulate.muse.detector import Output
    from vltflow.simulate.plan import PlannedFrame, Template

_TABLE = CardTable(resources.files("vltflow.simulate.muse") / "cards.txt")
_SHORT_NAMES = {
    "BIAS": "BIAS", "DARK": "DARK", "FLAT": "FLAT", "ILLUMFLAT": "ILLUM", "SKYFLAT": "SKYFLAT",
    "ARC": "WAVE", "ARC_LSF": "WAVE-LSF", "STD": "STD", "OBJECT": "OBS", "SKY": "SKY",
}  # fmt: skip
_FILTERS = {"WFM-NOAO-N": "Blue", "WFM-NOAO-E": "Clear", "WFM-AO-N": "Blue", "WFM-AO-E": "Clear"}
"""INS OPTI1 NAME by mode: known from headers for the first; ESO's rules ask whether it begins
with ``Blue``, the nominal mode."""


def template_start(frame: PlannedFrame) -> float:
    """MJD of TPL START."""
    return night_range(frame.night)[0] + frame.template.start_ms / DAY_MS


def target_of(frame: PlannedFrame) -> conditions.Target | None:
    """What the telescope points at during the template, if anything."""
    start = template_start(frame)
    if frame.template.target == "standard":
        return conditions.standard_star(start)
    if frame.template.target in {"science", "sky"}:
        return conditions.science_target(start)
    return None


def lamp_number(frame: PlannedFrame) -> int:
    """Number of the lamp that burns; 0 if none does."""
    template = frame.template
    if not template.lamp:
        return 0
    names = template.lamp.split(",")
    return LAMPS.get(names[(frame.number - 1) * len(names) // template.count], 1)


def cards(frame: PlannedFrame, ifus: Sequence[int]) -> list[list[Card]]:
    """Cards of the primary HDU, which has no pixels, and of an extension for each IFU."""
    flags = _flags(frame)
    primary = _TABLE.fill("primary", flags, _quantities(frame, len(ifus)))
    return [primary, *(_extension(ifu, frame.template.setup.binning) for ifu in ifus)]


def _flags(frame: PlannedFrame) -> frozenset[str]:
    flags = {"n"} if frame.template.target else set()
    if "-AO-" in frame.template.setup.mode:
        flags.add("a")
    return frozenset(flags)


def _extension(ifu: int, binning: int) -> list[Card]:
    quantities: dict[str, CardValue] = {"channel": f"CHAN{ifu:02d}", "ifu": ifu}
    own = [card for one in outputs(ifu) for card in _output(one, binning)]
    return [*_TABLE.fill("chip", frozenset(), quantities), *own]


def _output(output: Output, binning: int) -> list[Card]:
    chip = output.layout.chip
    return _TABLE.fill(
        "output",
        frozenset(),
        {
            "n": output.number,
            "output_id": "EFGH"[output.number - 1],
            "output_name": f"NO{output.number}",
            "x": 2 * WIDTH if output.right else 1,
            "y": 2 * HEIGHT if output.upper else 1,
            "columns": WIDTH // binning,
            "rows": HEIGHT // binning,
            "scan": SCAN // binning,
            # As in archive headers, whose comments on these two are exchanged.
            "conad": round(1.0 / chip.conad, 3),
            "gain": chip.conad,
            "ron": chip.ron,
        },
    )


def _quantities(frame: PlannedFrame, ifus: int) -> dict[str, CardValue]:
    quantities = _identity(frame) | _instrument(frame, ifus)
    target = target_of(frame)
    return quantities if target is None else quantities | _sky(frame, target)


def _identity(frame: PlannedFrame) -> dict[str, CardValue]:
    template, mjd, target = frame.template, frame.mjd, target_of(frame)
    number = zlib.crc32(f"{frame.night}{template.target}".encode()) % 900_000
    science = template.target == "science"
    start = iso_from_mjd(template_start(frame))[:19]
    day = int(mjd) % 366 + 1
    return {
        "object": target.name if target and template.kind != "twilight" else template.dpr[1],
        "dpr_catg": template.dpr[0],
        "dpr_type": template.dpr[1],
        "dpr_tech": template.dpr[2],
        "obs_id": 400_000 + number if science else 100_000 + number % 50_000,
        "obs_name": f"{target.name}_OB" if target else "CALIBRATION",
        "obs_start": start,
        "prog_id": f"{100 + number % 5}.A-{number % 1000:04d}(A)" if science else "60.A-9100(B)",
        "target": target.name if target else "CALIBRATION",
        "tpl_id": template.tpl_id,
        "tpl_start": start,
        "tpl_nexp": template.count,
        "tpl_expno": frame.number,
        "exptime": template.exptime,
        "mjd_obs": round(mjd, 8),
        "date_obs": iso_from_mjd(mjd),
        "utc": float(int(mjd % 1.0 * 86_400.0)),
        "lst": round(conditions.sidereal_time(mjd) * 240.0, 3),
        "origfile": f"MUSE_{_mode_word(template)}_{_SHORT_NAMES[template.raw_type]}{day:03d}_"
        f"{template.ordinal * 10 + frame.number:04d}.fits",
        "arcfile": f"{frame.name}.fits",
    }


def _mode_word(template: Template) -> str:
    return template.setup.mode[:-2] or "CAL"


def _instrument(frame: PlannedFrame, ifus: int) -> dict[str, CardValue]:
    template, mjd, burning = frame.template, frame.mjd, lamp_number(frame)
    warm = conditions.temperature(mjd)
    shut = {f"lamp{number}": burning == number or (burning == 1 and number == 2)
            for number in range(1, 6)}  # fmt: skip
    return {
        **shut,
        "binning": template.setup.binning,
        "mode": template.setup.mode,
        "filter": _FILTERS[template.setup.mode],
        "field": template.setup.mode[:3],
        "pickup": "WFM" if template.target else "Cal",
        "temperature": round(warm, 2),
        "temperature_outlet": round(warm - 1.0, 2),
        "chips": ifus,
        "outputs": 4 * ifus,
        "exposure": int((mjd - 51_500.0) * 400) % 1_000_000 + frame.number,
        "exposure_type": "Dark" if template.kind in {"dark", "bias"} else "Normal",
        "pressure": round(conditions.pressure(mjd), 2),
        "temperature_air": round(warm - 0.4, 2),
        "humidity": round(12.0 + 8.0 * math.sin(mjd / 7.0), 1),
        "dome": "FULLY-OPEN" if template.target else "CLOSED",
    }


def _sky(frame: PlannedFrame, target: conditions.Target) -> dict[str, CardValue]:
    start, end = frame.mjd, frame.mjd + frame.template.exptime / 86_400.0
    before, after = conditions.pointing(target, start), conditions.pointing(target, end)
    seeing = round(conditions.seeing(start), 2)
    return {
        "ra": target.ra,
        "dec": target.dec,
        "altitude": round(before.altitude, 3),
        "azimuth": round(before.azimuth, 3),
        "airmass_start": round(before.airmass, 3),
        "airmass_end": round(after.airmass, 3),
        "parang_start": round(before.parallactic, 3),
        "parang_end": round(after.parallactic, 3),
        "rotator_start": round(-0.5 * (before.altitude + before.parallactic), 4),
        "rotator_end": round(-0.5 * (after.altitude + after.parallactic), 4),
        "seeing": seeing,
    }
