"""G1: times, places and numbers of an exposure, in every science product."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from vltflow.core.time import DAY_SECONDS, mjd_from_iso
from vltflow.publish.document import Document
from vltflow.publish.rules import CHECKS, STANDARD, Violation, rule
from vltflow.publish.standard.values import number, text

EARLIEST_MJD = 40_587.0
"""1970-01-01."""
_TOLERANCE_S = 0.01
_ROUNDING_S = 1e-5
"""Of differences of MJD in double precision."""


@rule("G101", source=CHECKS)
def date_has_its_form(document: Document) -> Iterator[Violation]:
    """DATE is a date, yyyy-MM-dd; a time may follow."""
    value = text(document.primary, "DATE")
    if value and not _is_date(value):
        yield Violation("DATE", value, "is no date of the form yyyy-MM-dd")


def _is_date(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return re.match(r"\d{4}-\d{2}-\d{2}", value) is not None


@rule("G102", source=CHECKS)
def system_is_known(document: Document) -> Iterator[Violation]:
    """RADESYS is ICRS or FK5.

    RADECSYS is tolerated where RADESYS is missing.
    """
    keyword = "RADESYS" if "RADESYS" in document.primary else "RADECSYS"
    value = text(document.primary, keyword)
    if value is not None and value not in {"ICRS", "FK5"}:
        yield Violation(keyword, value, "must be ICRS or FK5")


@rule("G103", source=CHECKS)
def equinox_is_2000(document: Document) -> Iterator[Violation]:
    """EQUINOX is 2000, and is there if RADESYS is FK5."""
    primary = document.primary
    system = text(primary, "RADESYS") or text(primary, "RADECSYS")
    if "EQUINOX" not in primary:
        if system == "FK5":
            yield Violation("EQUINOX", None, "is missing, and RADESYS is FK5")
    elif number(primary, "EQUINOX") != 2000.0:
        yield Violation("EQUINOX", primary["EQUINOX"], "must be 2000.0")


@rule("G104", source=CHECKS)
def observed_in_modern_times(document: Document) -> Iterator[Violation]:
    """MJD-OBS is not before 1970."""
    value = number(document.primary, "MJD-OBS")
    if value is not None and not value >= EARLIEST_MJD:
        yield Violation("MJD-OBS", value, f"must be {EARLIEST_MJD:g} at least")


@rule("G105", source=CHECKS)
def ends_after_its_begin(document: Document) -> Iterator[Violation]:
    """MJD-END is not before MJD-OBS."""
    begin, end = number(document.primary, "MJD-OBS"), number(document.primary, "MJD-END")
    if begin is not None and end is not None and not end >= begin:
        yield Violation("MJD-END", end, f"is before MJD-OBS, {begin!r}")


@rule("G106", source=CHECKS)
def ended_in_the_past(document: Document) -> Iterator[Violation]:
    """MJD-END is not in the future."""
    value = number(document.primary, "MJD-END")
    if value is not None and value > document.now:
        yield Violation("MJD-END", value, f"is in the future: now is {document.now:.5f}")


@rule("G107", source=CHECKS)
def exposure_is_possible(document: Document) -> Iterator[Violation]:
    """EXPTIME lies between 1e-15 and 1e15 seconds."""
    value = number(document.primary, "EXPTIME")
    if value is not None and not 1e-15 < value < 1e15:
        yield Violation("EXPTIME", value, "must lie between 1e-15 and 1e15")


@rule("G108", source=CHECKS)
def total_is_not_shorter(document: Document) -> Iterator[Violation]:
    """EXPTIME is not longer than TEXPTIME.

    Tolerance: 0.01 s.
    """
    one, total = number(document.primary, "EXPTIME"), number(document.primary, "TEXPTIME")
    if one is not None and total is not None and not one < total + _TOLERANCE_S:
        yield Violation("EXPTIME", one, f"is longer than TEXPTIME, {total!r}")


@rule("G109", source=CHECKS)
def total_fits_into_the_interval(document: Document) -> Iterator[Violation]:
    """TEXPTIME is not longer than from MJD-OBS to MJD-END.

    Tolerance: 0.01 s.
    """
    primary = document.primary
    total = number(primary, "TEXPTIME")
    begin, end = number(primary, "MJD-OBS"), number(primary, "MJD-END")
    if total is None or begin is None or end is None:
        return
    interval = (end - begin) * DAY_SECONDS
    if not total <= interval + _TOLERANCE_S + _ROUNDING_S:
        yield Violation("TEXPTIME", total, f"is longer than MJD-END - MJD-OBS, {interval:.3f} s")


@rule("G110", source=CHECKS)
def position_is_on_the_sky(document: Document) -> Iterator[Violation]:
    """RA and DEC, and the corners FPRAi and FPDEi, are on the sky.

    RA within 0..360, DEC within -90..90 degrees.
    """
    for hdu, header in enumerate(document.headers):
        for keyword in header:
            match = re.fullmatch(r"(RA|DEC)|FP(RA|DE)\d+\w?", keyword)
            value = number(header, keyword) if match else None
            if match is None or value is None:
                continue
            low, high = (0.0, 360.0) if "RA" in keyword else (-90.0, 90.0)
            if not low <= value <= high:
                yield Violation(keyword, value, f"must lie within {low:g}..{high:g}", hdu)


@rule("G111", source=CHECKS)
def qualities_are_possible(document: Document) -> Iterator[Violation]:
    """SKY_RES, SKY_RERR and ABMAGLIM lie within 0..99."""
    for hdu, header in enumerate(document.headers):
        for keyword in ("SKY_RES", "SKY_RERR", "ABMAGLIM"):
            value = number(header, keyword)
            if value is not None and not 0.0 <= value <= 99.0:
                yield Violation(keyword, value, "must lie within 0..99", hdu)


@rule("G112", source=CHECKS)
def wavelengths_are_ordered(document: Document) -> Iterator[Violation]:
    """WAVELMIN is positive and not above WAVELMAX."""
    low, high = number(document.primary, "WAVELMIN"), number(document.primary, "WAVELMAX")
    if low is not None and not low > 0.0:
        yield Violation("WAVELMIN", low, "must be positive")
    if low is not None and high is not None and not low <= high:
        yield Violation("WAVELMIN", low, f"is above WAVELMAX, {high!r}")


@rule("G113", source=CHECKS)
def resolution_is_not_negative(document: Document) -> Iterator[Violation]:
    """SPEC_RES and PIXNOISE are not negative."""
    for keyword in ("SPEC_RES", "PIXNOISE"):
        value = number(document.primary, keyword)
        if value is not None and not value >= 0.0:
            yield Violation(keyword, value, "must not be negative")


@rule("G114", source=CHECKS)
def something_was_combined(document: Document) -> Iterator[Violation]:
    """NCOMBINE is positive."""
    value = number(document.primary, "NCOMBINE")
    if value is not None and not value > 0:
        yield Violation("NCOMBINE", value, "must be positive")


@rule("G115", source=CHECKS)
def strehl_is_a_ratio(document: Document) -> Iterator[Violation]:
    """STREHL lies above 0 and not above 1."""
    for hdu, header in enumerate(document.headers):
        value = number(header, "STREHL")
        if value is not None and not 0.0 < value <= 1.0:
            yield Violation("STREHL", value, "must lie above 0 and not above 1", hdu)


@rule("G116", source=CHECKS)
def telluric_offset_is_possible(document: Document) -> Iterator[Violation]:
    """TL_OFFAN is -999 at least."""
    value = number(document.primary, "TL_OFFAN")
    if value is not None and not value >= -999.0:
        yield Violation("TL_OFFAN", value, "must be -999 at least")


@rule("G117", source=CHECKS)
def dit_number_is_an_integer(document: Document) -> Iterator[Violation]:
    """NDIT is an integer."""
    value = document.primary.get("NDIT")
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        yield Violation("NDIT", value, "must be an integer")


@rule("G118", source=STANDARD)
def observation_dates_agree(document: Document) -> Iterator[Violation]:
    """DATE-OBS and MJD-OBS say the same.

    Tolerance: 1 s.
    """
    value, mjd = text(document.primary, "DATE-OBS"), number(document.primary, "MJD-OBS")
    if value is None or mjd is None or not _is_date(value):
        return
    if abs(mjd_from_iso(value) - mjd) * DAY_SECONDS > 1.0:
        yield Violation("DATE-OBS", value, f"does not agree with MJD-OBS, {mjd!r}")
