"""Decisions on headers: whose frame it is, what must be repaired, whether it can be."""

from __future__ import annotations

import math
from collections.abc import Sequence

from vltflow.core.errors import InvalidHeader
from vltflow.core.time import mjd_from_iso, night_of
from vltflow.fits import FitsValue, Header, Inspection, keyword, stem
from vltflow.instruments.conditions import matches
from vltflow.instruments.model import InstrumentFile
from vltflow.records import RawFrame

FIRST_MJD = 50_814.0
"""1998-01-01: the year of first light of the VLT's Unit Telescope 1 (1998 May 25)."""
FUTURE_DAYS = 2.0
"""A clock may be wrong by a time zone, not by more."""
CLOCK_TOLERANCE_S = 1.0
"""DATE-OBS and MJD-OBS are written from one clock; headers of UVES agree to 2 ms."""
_FILE_HINT = "If this is a known mistake of the instrument, add a repair to its definition"


def build_frame(
    inspection: Inspection, location: str, definitions: Sequence[InstrumentFile], today: float
) -> tuple[RawFrame, tuple[Header, ...]]:
    """Record and repaired headers of a raw frame.

    Parameters
    ----------
    inspection : Inspection
        What the pass over the file gave.
    location : str
        Absolute path.
    definitions : sequence of InstrumentFile
        Instruments of this site.
    today : float
        MJD of now: no frame is younger.

    Raises
    ------
    InvalidHeader
        If the instrument is foreign, or a keyword is missing or has an impossible value.
    """
    _refuse_products(inspection.headers[0], location)
    definition = recognise(inspection.headers[0], definitions, location)
    header, repairs = repair(inspection.headers[0], definition)
    check(header, definition, location, today)
    mjd_obs = float(_number(header, "MJD-OBS", location))
    frame = RawFrame(
        frame_id=inspection.fingerprint,
        name=name_of(header, location),
        instrument=definition.name,
        location=location,
        size=inspection.size,
        mjd_obs=mjd_obs,
        night=night_of(mjd_obs),
        exptime=float(_number(header, "EXPTIME", location)),
        dpr_catg=_text(header, "DPR.CATG"),
        dpr_type=_text(header, "DPR.TYPE"),
        dpr_tech=_text(header, "DPR.TECH"),
        tpl_id=_text(header, "TPL.ID"),
        tpl_start=_text(header, "TPL.START"),
        tpl_nexp=_count(header, "TPL.NEXP", 1, location),
        tpl_expno=_count(header, "TPL.EXPNO", 1, location),
        obs_id=_count(header, "OBS.ID", 0, location),
        prog_id=_text(header, "OBS.PROG.ID"),
        object_name=_text(header, "OBS.TARG.NAME"),
        repairs=repairs,
    )
    return frame, (header, *inspection.headers[1:])


def _refuse_products(header: Header, location: str) -> None:
    for name in ("PRODCATG", "ESO PRO CATG"):
        if header.get(name):
            raise InvalidHeader(
                f"{location}: {name} is {header[name]!r}, so it is a product, not a raw frame",
                hint="Leave it out; `vltflow validate` judges science products",
            )


def recognise(
    header: Header, definitions: Sequence[InstrumentFile], location: str
) -> InstrumentFile:
    """Definition of the instrument that INSTRUME names.

    Raises
    ------
    InvalidHeader
        If INSTRUME is missing or names an instrument that this site does not know.
    """
    written = header.get("INSTRUME")
    for definition in definitions:
        if written in definition.instrume:
            return definition
    accepted = ", ".join(name for each in definitions for name in each.instrume)
    if written is None:
        raise InvalidHeader(
            f"{location}: no keyword INSTRUME, so it is unknown whose frame it is",
            hint="Give raw frames as the archive delivers them",
        )
    raise InvalidHeader(
        f"{location}: INSTRUME is {written!r}, and this site knows {accepted or 'no instrument'}",
        hint="Leave the file out, or install the definition of its instrument",
    )


def repair(header: Header, definition: InstrumentFile) -> tuple[Header, tuple[str, ...]]:
    """Header after the instrument's repairs, and the names of those that applied, in order."""
    applied: list[str] = []
    for rule in definition.repairs:
        if matches(header, rule.when):
            changes = {keyword(name): value for name, value in rule.set.items()}
            if any(key not in header or header[key] != value for key, value in changes.items()):
                header = header.with_values(changes)
                applied.append(rule.name)
    return header, tuple(applied)


def check(header: Header, definition: InstrumentFile, location: str, today: float) -> None:
    """Find what a frame cannot be used with.

    Raises
    ------
    InvalidHeader
        If a mandatory keyword is missing or without value, or a value is impossible.
    """
    of_some = [
        name
        for one in definition.mandatory_where
        if matches(header, one.when)
        for name in one.keywords
    ]
    needed = dict.fromkeys((*definition.mandatory, *of_some, "MJD-OBS", "EXPTIME"))
    missing = [name for name in needed if header.get(keyword(name)) in (None, "")]
    if missing:
        plural = "s" if len(missing) > 1 else ""
        raise InvalidHeader(
            f"{location}: mandatory keyword{plural} missing or empty: {', '.join(missing)}",
            hint=f"Fetch the file anew. {_FILE_HINT}",
        )
    _check_times(header, location, today)
    _check_template(header, location)
    for name in ("DPR.CATG", "DPR.TYPE", "DPR.TECH"):
        value = header.get(keyword(name), "")
        if not isinstance(value, str | None):
            raise InvalidHeader(f"{location}: {name} is {value!r}, which is no text")


def name_of(header: Header, location: str) -> str:
    """Archive name of a frame, without suffix.

    ARCFILE where it is written. Else as the archive makes names: the first five letters
    of INSTRUME and DATE-OBS to the millisecond. Else the file's own name.
    """
    written = header.get("ARCFILE")
    if isinstance(written, str) and written.strip():
        return stem(written.strip())
    instrument, moment = header.get("INSTRUME"), header.get("DATE-OBS")
    if isinstance(instrument, str) and isinstance(moment, str) and "T" in moment:
        day, _, fraction = moment.strip().partition(".")
        return f"{instrument.strip()[:5]}.{day}.{fraction[:3]:0<3}"
    return stem(location)


def _check_times(header: Header, location: str, today: float) -> None:
    mjd = _number(header, "MJD-OBS", location)
    if not FIRST_MJD <= mjd <= today + FUTURE_DAYS:
        raise InvalidHeader(
            f"{location}: MJD-OBS is {mjd}, outside of 1998-01-01 ({FIRST_MJD:.0f})"
            f" to now ({today:.1f})",
            hint=_FILE_HINT,
        )
    exptime = _number(header, "EXPTIME", location)
    if exptime < 0:
        raise InvalidHeader(f"{location}: EXPTIME is {exptime}, less than zero", hint=_FILE_HINT)
    moment = header.get("DATE-OBS")
    if moment is None:
        return
    try:
        difference = (mjd_from_iso(str(moment).strip()) - mjd) * 86_400
    except ValueError as error:
        raise InvalidHeader(
            f"{location}: DATE-OBS is {moment!r}, which is no ISO 8601 time", hint=_FILE_HINT
        ) from error
    if abs(difference) > CLOCK_TOLERANCE_S:
        raise InvalidHeader(
            f"{location}: DATE-OBS ({moment}) and MJD-OBS ({mjd}) differ by {difference:.1f} s:"
            " one of them is wrong",
            hint=_FILE_HINT,
        )


def _check_template(header: Header, location: str) -> None:
    announced = _count(header, "TPL.NEXP", 1, location)
    number = _count(header, "TPL.EXPNO", 1, location)
    if "ESO TPL NEXP" in header and not 1 <= number <= announced:
        raise InvalidHeader(
            f"{location}: TPL.EXPNO is {number}, but TPL.NEXP announces {announced} exposures",
            hint=_FILE_HINT,
        )


def _number(header: Header, name: str, location: str) -> float:
    value: FitsValue = header.get(keyword(name))
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InvalidHeader(f"{location}: {name} is {value!r}, which is no number", hint=_FILE_HINT)
    return value


def _count(header: Header, name: str, default: int, location: str) -> int:
    value = header.get(keyword(name))
    if value is None:
        return default
    number = _number(header, name, location)
    if number != int(number):
        raise InvalidHeader(f"{location}: {name} is {value!r}, which is no whole number")
    return int(number)


def _text(header: Header, name: str) -> str:
    value = header.get(keyword(name))
    return "" if value is None else str(value).strip()
