"""S2: what the headers of a spectrum say of each other."""

from __future__ import annotations

from collections.abc import Iterator

from vltflow.core.time import DAY_SECONDS
from vltflow.publish.document import Document
from vltflow.publish.rules import CHECKS, SPECTRUM, STANDARD, Severity, Violation, rule
from vltflow.publish.standard.values import number, text

_POSITION_DEG = 1e-7
_TIME_S = 0.1
_MIDDLE_D = 1e-4
_WAVELENGTH_NM = 1e-3


@rule("S201", source=CHECKS, of=SPECTRUM)
def positions_agree(document: Document) -> Iterator[Violation]:
    """RA and DEC are the same in both headers.

    Tolerance: 1e-7 deg.
    """
    hdu, header = document.table
    for keyword in ("RA", "DEC"):
        first, second = number(document.primary, keyword), number(header, keyword)
        if first is None or second is None:
            continue
        if not abs(first - second) <= _POSITION_DEG:
            yield Violation(keyword, second, f"is {first!r} in the primary header", hdu)


@rule("S202", source=CHECKS, of=SPECTRUM)
def objects_agree(document: Document) -> Iterator[Violation]:
    """OBJECT is the same in both headers."""
    hdu, header = document.table
    first, second = text(document.primary, "OBJECT"), text(header, "OBJECT")
    if first is not None and second is not None and first != second:
        yield Violation("OBJECT", second, f"is {first!r} in the primary header", hdu)


@rule("S203", source=CHECKS, of=SPECTRUM)
def elapsed_holds_the_exposure(document: Document) -> Iterator[Violation]:
    """TELAPSE is not shorter than TEXPTIME.

    Tolerance: 0.1 s.
    """
    hdu, header = document.table
    elapsed, total = number(header, "TELAPSE"), number(document.primary, "TEXPTIME")
    if elapsed is not None and total is not None and not elapsed >= total - _TIME_S:
        yield Violation("TELAPSE", elapsed, f"is shorter than TEXPTIME, {total!r}", hdu)


@rule("S204", source=CHECKS, of=SPECTRUM)
def elapsed_is_the_interval(document: Document) -> Iterator[Violation]:
    """TELAPSE is MJD-END - MJD-OBS, in seconds.

    Tolerance: 0.1 s.
    """
    begin, end = number(document.primary, "MJD-OBS"), number(document.primary, "MJD-END")
    if begin is not None and end is not None:
        yield from _expected(document, "TELAPSE", (end - begin) * DAY_SECONDS, _TIME_S)


@rule("S205", source=CHECKS, of=SPECTRUM)
def middle_is_the_mean(document: Document) -> Iterator[Violation]:
    """TMID is the mean of MJD-OBS and MJD-END.

    Tolerance: 1e-4 d.
    """
    begin, end = number(document.primary, "MJD-OBS"), number(document.primary, "MJD-END")
    if begin is not None and end is not None:
        yield from _expected(document, "TMID", (begin + end) / 2, _MIDDLE_D)


@rule("S206", source=CHECKS, of=SPECTRUM)
def centre_is_the_mean(document: Document) -> Iterator[Violation]:
    """SPEC_VAL is the mean of WAVELMIN and WAVELMAX.

    Tolerance: 1e-3 nm.
    """
    low, high = number(document.primary, "WAVELMIN"), number(document.primary, "WAVELMAX")
    if low is not None and high is not None:
        yield from _expected(document, "SPEC_VAL", (low + high) / 2, _WAVELENGTH_NM)


@rule("S207", source=CHECKS, of=SPECTRUM)
def width_is_the_difference(document: Document) -> Iterator[Violation]:
    """SPEC_BW is WAVELMAX - WAVELMIN.

    Tolerance: 1e-3 nm.
    """
    low, high = number(document.primary, "WAVELMIN"), number(document.primary, "WAVELMAX")
    if low is not None and high is not None:
        yield from _expected(document, "SPEC_BW", high - low, _WAVELENGTH_NM)


def _expected(
    document: Document, keyword: str, expected: float, tolerance: float
) -> Iterator[Violation]:
    hdu, header = document.table
    value = number(header, keyword)
    # A little more than the tolerance: both sides are rounded to the digits of a card.
    if value is not None and not abs(value - expected) <= tolerance * (1 + 1e-6):
        reason = f"differs from {expected:.8g} by {value - expected:.3g}, {tolerance:g} is allowed"
        yield Violation(keyword, value, reason, hdu)


@rule("S208", source=CHECKS, of=SPECTRUM)
def resolution_is_positive(document: Document) -> Iterator[Violation]:
    """SPEC_RES is positive."""
    value = number(document.primary, "SPEC_RES")
    if value is not None and not value > 0.0:
        yield Violation("SPEC_RES", value, "must be positive")


@rule("S209", source=CHECKS, of=SPECTRUM)
def flux_error_is_possible(document: Document) -> Iterator[Violation]:
    """FLUXERR is a percentage, or says why there is none.

    With FLUXCAL = ABSOLUTE within 0..100, or -2 (unknown); with UNCALIBRATED -1.
    """
    value, calibration = number(document.primary, "FLUXERR"), text(document.primary, "FLUXCAL")
    if value is None:
        return
    if calibration == "ABSOLUTE" and not (value == -2.0 or 0.0 <= value <= 100.0):
        yield Violation("FLUXERR", value, "must lie within 0..100, or be -2 (unknown)")
    if calibration == "UNCALIBRATED" and value != -1.0:
        yield Violation("FLUXERR", value, "must be -1, as FLUXCAL is UNCALIBRATED")


@rule("S210", source=CHECKS, of=SPECTRUM)
def total_flux_is_absolute(document: Document) -> Iterator[Violation]:
    """TOT_FLUX is T only if FLUXCAL is ABSOLUTE."""
    primary = document.primary
    if primary.get("TOT_FLUX") is True and text(primary, "FLUXCAL") != "ABSOLUTE":
        yield Violation("TOT_FLUX", True, f"needs FLUXCAL ABSOLUTE, it is {primary.get('FLUXCAL')}")


@rule("S211", source=STANDARD, of=SPECTRUM)
def title_names_the_object(document: Document) -> Iterator[Violation]:
    """TITLE contains OBJECT."""
    hdu, header = document.table
    title, target = text(header, "TITLE"), text(header, "OBJECT")
    if title is not None and target and target not in title:
        yield Violation("TITLE", title, f"does not contain OBJECT, {target!r}", hdu)


@rule("S214", source=STANDARD, of=SPECTRUM, severity=Severity.WARNING)
def normalised_flux_has_no_unit(document: Document) -> Iterator[Violation]:
    """A normalised flux has no unit, and arith.ratio in its TUCD.

    CONTNORM = T goes with TUNIT2 blank and TUCD2 with arith.ratio.
    """
    if document.primary.get("CONTNORM") is not True:
        return
    hdu, header = document.table
    unit, ucd = text(header, "TUNIT2"), text(header, "TUCD2")
    if unit:
        yield Violation("TUNIT2", unit, "must be blank, as CONTNORM is T", hdu)
    if ucd is not None and "arith.ratio" not in ucd.split(";"):
        yield Violation("TUCD2", ucd, "must have arith.ratio, as CONTNORM is T", hdu)


@rule("S216", source=STANDARD, of=SPECTRUM)
def error_of_wavelengths_fits_the_lines(document: Document) -> Iterator[Violation]:
    """LAMRMS, LAMNLIN, SPEC_ERR and SPEC_SYE are not negative."""
    for keyword in ("LAMRMS", "LAMNLIN", "SPEC_ERR", "SPEC_SYE"):
        value = number(document.primary, keyword)
        if value is not None and not value >= 0.0:
            yield Violation(keyword, value, "must not be negative")


@rule("S217", source=STANDARD, of=SPECTRUM, severity=Severity.WARNING)
def spectral_error_is_that_of_the_lines(document: Document) -> Iterator[Violation]:
    """SPEC_ERR is about LAMRMS / sqrt(LAMNLIN).

    Within a factor of two.
    """
    rms, lines = number(document.primary, "LAMRMS"), number(document.primary, "LAMNLIN")
    value = number(document.primary, "SPEC_ERR")
    if value is None or not rms or not lines or min(rms, lines) <= 0.0:
        return
    expected = rms / lines**0.5
    if not expected / 2 <= value <= expected * 2:
        yield Violation("SPEC_ERR", value, f"LAMRMS / sqrt(LAMNLIN) is {expected:.3g}")
