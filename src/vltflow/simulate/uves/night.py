"""A night of UVES: which templates run, and when.

Darks in the afternoon, science and standard stars in the night, the calibrations of the
settings that were used, and daily health checks, in the morning: 57 templates that make 57
association blocks. Nights differ from each other in a fixed rhythm of four.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

from vltflow.simulate.plan import Setup, Template
from vltflow.simulate.uves.constants import SETTINGS

if TYPE_CHECKING:
    from vltflow.simulate.source import Source

_HOUR = 3600.0
_AFTERNOON = 1.0 * _HOUR  # 13 h UT
_EVENING = 12.6 * _HOUR  # 0:36 UT
MORNING = 21.95 * _HOUR  # 9:57 UT
_READ_OUT = {("blue", 1): 34.0, ("blue", 2): 21.0, ("red", 1): 45.6, ("red", 2): 26.0}
_BETWEEN_TEMPLATES = 47.0
_UNUSED_SETTING = 520.0


@dataclass(frozen=True, slots=True)
class _Variant:
    """What changes from night to night."""

    binned: tuple[float, float]
    """Settings that are taken in 2x2, blue and red."""
    science: tuple[float, float]
    """Settings of the unbinned science exposure."""
    standard: tuple[float, float]
    """Settings of the standard star."""
    slit_width: float
    lost: int
    """TPL EXPNO of the flat at 520 nm that never arrives."""


_VARIANTS = (
    _Variant((390.0, 580.0), (437.0, 860.0), (390.0, 580.0), 0.8, 4),
    _Variant((437.0, 760.0), (390.0, 564.0), (437.0, 760.0), 1.0, 2),
    _Variant((346.0, 580.0), (437.0, 760.0), (390.0, 564.0), 0.8, 5),
    _Variant((390.0, 564.0), (346.0, 580.0), (437.0, 860.0), 0.6, 3),
)


_SCIENCE_TYPES = {
    "point": ("SCI_POINT", "OBJECT,POINT"),
    "extended": ("SCI_EXTND", "OBJECT,EXTENDED"),
    "slicer": ("SCI_SLICER", "OBJECT,POINT"),
}


@dataclass(frozen=True, slots=True)
class Entry:
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
    attached: bool = False
    source: Source | None = None


def variant_number(night: str) -> int:
    """Place of the night in the rhythm of four."""
    return date.fromisoformat(night).toordinal() % len(_VARIANTS)


def jitter_ms(night: str) -> int:
    """Delay of the whole night's work, 0 to 7 minutes, in milliseconds."""
    return zlib.crc32(night.encode()) % 420_000


def templates(night: str) -> tuple[Template, ...]:
    """The night's templates, by time."""
    delay = jitter_ms(night)
    return tuple(
        replace(
            template,
            start_ms=template.start_ms + delay,
            frame_ms=tuple(ms + delay for ms in template.frame_ms),
        )
        for template in variant_templates(variant_number(night))
    )


@lru_cache(maxsize=len(_VARIANTS))
def variant_templates(number: int) -> tuple[Template, ...]:
    """Templates of one of the four kinds of night, without the night's delay."""
    variant = _VARIANTS[number]
    timed: list[Template] = []
    for offset, arm in ((0.0, "blue"), (2.313, "red")):
        timed += one_by_one([_dark(arm)], _AFTERNOON + offset)
        timed += one_by_one(_morning(arm, variant), MORNING + offset)
    timed += _observations(variant)
    timed.sort(key=lambda template: template.start_ms)
    timed = [replace(template, ordinal=i) for i, template in enumerate(timed)]
    return tuple(_lose_a_frame(template, variant) for template in timed)


def _lose_a_frame(template: Template, variant: _Variant) -> Template:
    """The flats at 520 nm, which no other template of the night needs, lack one frame."""
    lost = template.raw_type == "FLAT_RED" and template.setup.wavelength == _UNUSED_SETTING
    return replace(template, missing=(variant.lost,)) if lost else template


def one_by_one(entries: list[Entry], start: float) -> list[Template]:
    """One template after the other, from `start` (seconds after noon)."""
    now, timed = start, []
    for number, entry in enumerate(entries):
        now = now + _BETWEEN_TEMPLATES + 0.137 * number
        template = _timed(entry, now)
        timed.append(template)
        now = template.frame_ms[-1] / 1e3 + _cycle(entry)
    return timed


def _cycle(entry: Entry) -> float:
    return entry.exptime + _READ_OUT[entry.setup.arm, entry.setup.binning]


def _timed(entry: Entry, start: float) -> Template:
    first = start + 11.4
    frames = (first + i * (_cycle(entry) + 0.0113 * (i % 3)) for i in range(entry.count))
    return Template(
        raw_type=entry.raw_type,
        kind=entry.kind,
        setup=entry.setup,
        dpr=entry.dpr,
        tpl_id=f"UVES_{entry.tpl}",
        exptime=entry.exptime,
        count=entry.count,
        start_ms=int(start) * 1000,
        frame_ms=tuple(round(seconds * 1e3) for seconds in frames),
        ordinal=0,
        target=entry.target,
        lamp=entry.lamp,
        attached=entry.attached,
        source=entry.source,
    )


def _observations(variant: _Variant) -> list[Template]:
    """Blue and red arm expose together; the red one starts a few seconds earlier."""
    timed: list[Template] = []
    now = _EVENING
    plan = [
        ("science", variant.science, 1, 1500.0),
        ("attached", variant.science, 1, 0.0),
        ("science", variant.binned, 2, 1200.0),
        ("standard", variant.standard, 1, 120.0),
    ]
    for kind, pair, binning, exptime in plan:
        longest = 0.0
        for offset, arm, wavelength in ((0.0, "red", pair[1]), (5.294, "blue", pair[0])):
            entry = _observation(kind, arm, wavelength, binning, exptime, variant)
            timed.append(_timed(entry, now + offset))
            longest = max(longest, _cycle(entry))
        now += longest + 400.0
    return timed


def _observation(
    kind: str, arm: str, wavelength: float, binning: int, exptime: float, variant: _Variant
) -> Entry:
    setting = SETTINGS[wavelength]
    width = 10.0 if kind == "standard" else variant.slit_width
    length = 10.0 if arm == "blue" else 12.0
    setup = Setup(arm, binning, wavelength, width, length, setting.mode)
    prefix, suffix = _prefix(setting.mode), arm.upper()
    if kind == "standard":
        return replace(standard(setup), exptime=exptime)
    if kind == "attached":
        return replace(arc(setup), tpl=f"{prefix}_cal_waveatt", attached=True, target="science")
    point = binning == 1
    return Entry(
        "science",
        f"{'SCI_POINT' if point else 'SCIENCE'}_{suffix}",
        ("SCIENCE", "OBJECT,POINT" if point else "OBJECT", "ECHELLE"),
        f"{prefix}_obs_exp",
        setup,
        1,
        exptime,
        target="science",
    )


def science(setup: Setup, source: Source, *, count: int, exptime: float) -> Entry:
    """Exposures of a chosen source."""
    kind, dpr = _SCIENCE_TYPES["slicer" if setup.slicer else source.shape]
    return Entry("science", f"{kind}_{setup.arm.upper()}", ("SCIENCE", dpr, "ECHELLE"),
                 f"{_prefix(setup.mode)}_obs_exp", setup, count, exptime, target="science",
                 source=source)  # fmt: skip


def standard(setup: Setup) -> Entry:
    """A standard star in a wide slit."""
    return Entry("standard", f"STANDARD_{setup.arm.upper()}", ("CALIB", "STD", "ECHELLE"),
                 f"{_prefix(setup.mode)}_cal_stdstar", replace(setup, slit_width=10.0), 1, 120.0,
                 target="standard")  # fmt: skip


def _morning(arm: str, variant: _Variant) -> list[Entry]:
    settings = [w for w in SETTINGS if (w < 500.0) == (arm == "blue")]
    binned = variant.binned[0 if arm == "blue" else 1]
    entries = [bias(arm, 1), bias(arm, 2)]
    for wavelength in settings:
        setup = slit(arm, wavelength, 1, variant.slit_width)
        used = wavelength != _UNUSED_SETTING
        entries += [_format_check(setup), *([order_definition(setup)] if used else [])]
        entries.append(flat(setup))
        if wavelength == 346.0:
            entries.append(_deuterium_flat(setup))
        if used and wavelength != 580.0:
            entries.append(arc(setup))
    setup = slit(arm, binned, 2, variant.slit_width)
    entries += [_format_check(setup), order_definition(setup), flat(setup), arc(setup)]
    # The daily arcs of the health check (ESO QC pages: blue 437 nm 0.4", red 580 nm 0.3").
    entries.append(arc(slit(arm, *((437.0, 1, 0.4) if arm == "blue" else (580.0, 1, 0.3)))))
    return entries + (_fibres() if arm == "red" else [])


def slit(arm: str, wavelength: float, binning: int, width: float) -> Setup:
    """A slit of the usual length."""
    length = 10.0 if arm == "blue" else 12.0
    return Setup(arm, binning, wavelength, width, length, SETTINGS[wavelength].mode)


def _prefix(mode: str) -> str:
    return {"DICHR#1": "dic1", "DICHR#2": "dic2", "MOS": "mos"}.get(mode, mode.lower())


def bias(arm: str, binning: int) -> Entry:
    """Five biases."""
    setup = Setup(arm, binning, mode=arm.upper())
    return Entry("bias", f"BIAS_{arm.upper()}", ("CALIB", "BIAS", "IMAGE"),
                  f"{arm}_cal_bias", setup, 5, 0.0)  # fmt: skip


def _dark(arm: str) -> Entry:
    setup = Setup(arm, 1, mode=arm.upper())
    return Entry("dark", f"DARK_{arm.upper()}", ("CALIB", "DARK", "IMAGE"),
                  f"{arm}_cal_dark", setup, 3, 3600.0)  # fmt: skip


def _format_check(setup: Setup) -> Entry:
    setup = replace(setup, slit_width=0.7 if setup.arm == "blue" else 0.6, slit_length=0.5)
    return Entry("format", f"ARC_LAMP_FORM_{setup.arm.upper()}",
                  ("CALIB", "LAMP,FMTCHK", "ECHELLE"), f"{_prefix(setup.mode)}_cal_fmtchk",
                  setup, 1, 16.7, lamp="thar")  # fmt: skip


def order_definition(setup: Setup) -> Entry:
    """Order definition: the flat-field lamp through a short slit."""
    setup = replace(setup, slit_width=1.2, slit_length=0.5)
    return Entry("order", f"ORDER_FLAT_{setup.arm.upper()}",
                  ("CALIB", "LAMP,ORDERDEF", "ECHELLE"), f"{_prefix(setup.mode)}_cal_orderdef",
                  setup, 1, 38.3, lamp="flat")  # fmt: skip


def flat(setup: Setup) -> Entry:
    """Flat fields with the lamp of the setting, no slicer in the light: hence flatfree."""
    count = 5 if setup.arm == "blue" or setup.wavelength == _UNUSED_SETTING else 3
    exptime = SETTINGS[setup.wavelength].flat_exptime
    return Entry("flat", f"FLAT_{setup.arm.upper()}", ("CALIB", "LAMP,FLAT", "ECHELLE"),
                  f"{_prefix(setup.mode)}_cal_flatfree", replace(setup, slicer=""), count,
                  exptime / setup.binning**2, lamp="flat")  # fmt: skip


def _deuterium_flat(setup: Setup) -> Entry:
    return replace(
        flat(setup), raw_type="DFLAT_BLUE", dpr=("CALIB", "LAMP,DFLAT", "ECHELLE"),
        tpl=f"{_prefix(setup.mode)}_cal_dflatfree", exptime=80.0, lamp="deuterium",
    )  # fmt: skip


def _fibres() -> list[Entry]:
    """Calibrations of the fibres that FLAMES feeds to the red arm: slit flat, one fibre, all."""
    setup = Setup("red", 1, 580.0, 1.0, 12.0, "MOS")
    fibres = replace(setup, slit_length=0.0)
    return [
        Entry("flat", "SFLAT_RED", ("CALIB", "LAMP,SFLAT", "ECHELLE"),
               "mos_cal_slitflat", setup, 3, 9.0, lamp="flat"),
        Entry("order", "FIB_ORDEF_RED", ("CALIB", "LAMP,ORDERDEF", "MOS"),
               "mos_cal_orderdef", fibres, 1, 38.3, lamp="flat"),
        Entry("fibres", "FFLAT_MOS_RED", ("CALIB", "LAMP,FLAT,ALL", "MOS"),
               "mos_cal_flatfree", fibres, 3, 30.0, lamp="flat"),
    ]  # fmt: skip


def arc(setup: Setup) -> Entry:
    """ThAr arc, exposed for the slit and binning."""
    scale = max(1.0, 0.8 / setup.slit_width) / setup.binning
    exptime = round(SETTINGS[setup.wavelength].arc_exptime * scale, 1)
    return Entry(
        "arc",
        f"ARC_LAMP_{setup.arm.upper()}",
        ("CALIB", "LAMP,WAVE", "ECHELLE"),
        f"{_prefix(setup.mode)}_cal_wavefree",
        setup,
        1,
        exptime,
        lamp="thar",
    )
