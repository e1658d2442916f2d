"""D1: the arrays of a spectrum, and what the headers say of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from vltflow.fits import Header
from vltflow.publish.document import Document
from vltflow.publish.rules import CHECKS, OURS, SPECTRUM, STANDARD, Severity, Violation, rule
from vltflow.publish.standard.values import number, text

_NM = {"angstrom": 0.1, "nm": 1.0, "um": 1000.0}
"""nm in one unit, by its name in lower case."""
_LIGHT_NM_GHZ = 299_792_458.0
"""Speed of light: wavelength in nm times frequency in GHz."""
_FREQUENCY_TOLERANCE_NM = 10.0
_SNR_FACTOR = 2.0


@dataclass(frozen=True, slots=True)
class _Axis:
    """The first column."""

    hdu: int
    header: Header
    name: str
    values: np.ndarray
    unit_nm: float
    """nm in one of its units; 0 if they are no wavelengths."""

    @property
    def step(self) -> float:
        """Median step, in units of the column."""
        return float(np.median(np.diff(self.values)))

    @property
    def tolerance(self) -> float:
        """Half the largest step, in units of the column."""
        return float(np.abs(np.diff(self.values)).max()) / 2


def _axis(document: Document) -> _Axis | None:
    """First column of the spectrum; None if there is none that can be judged."""
    hdu, header = document.table
    name = text(header, "TTYPE1") or ""
    if not hdu or header.get("NAXIS2") != 1 or document.is_packed:
        return None
    values = document.row(hdu).get(name)
    if values is None or values.size < 2 or not np.isfinite(values).all():
        return None
    unit = _NM.get((text(header, "TUNIT1") or "").lower(), 0.0) if name == "WAVE" else 0.0
    return _Axis(hdu, header, name, values.astype(float), unit)


@rule("D101", source=CHECKS, of=SPECTRUM)
def axis_increases(document: Document) -> Iterator[Violation]:
    """The first column is defined everywhere and strictly increases."""
    hdu, header = document.table
    name = text(header, "TTYPE1") or ""
    if not hdu or header.get("NAXIS2") != 1 or document.is_packed:
        return
    values = document.row(hdu).get(name)
    if values is None or values.size < 2:
        yield Violation(name or "TTYPE1", None, "is no array of two numbers at least", hdu)
        return
    undefined = np.flatnonzero(~np.isfinite(values))
    if undefined.size:
        reason = f"{undefined.size} elements are undefined, the first is number {undefined[0] + 1}"
        yield Violation(name, float(values[undefined[0]]), reason, hdu)
        return
    falls = np.flatnonzero(np.diff(values) <= 0)
    if falls.size:
        place = int(falls[0])
        reason = (
            f"does not increase at {falls.size} places, first from element {place + 1} to the next:"
            f" {float(values[place])!r}, {float(values[place + 1])!r}"
        )
        yield Violation(name, float(values[place + 1]), reason, hdu)


@rule("D102", source=CHECKS, of=SPECTRUM)
def bin_is_the_median_step(document: Document) -> Iterator[Violation]:
    """SPEC_BIN is the step of the first column.

    Within half and one and a half of the median step; wavelengths in nm, frequencies in GHz.
    """
    value, axis = number(document.primary, "SPEC_BIN"), _axis(document)
    if value is None or axis is None:
        return
    unit = axis.unit_nm or (1.0 if axis.name == "FREQ" else 0.0)
    step = axis.step * unit
    if unit and not 0.5 * step <= value <= 1.5 * step:
        yield Violation("SPEC_BIN", value, f"the median step of {axis.name} is {step:.5g}")


@rule("D103", source=CHECKS, of=SPECTRUM)
def range_is_that_of_the_data(document: Document) -> Iterator[Violation]:
    """WAVELMIN and WAVELMAX lie within the data.

    WAVE[1] <= WAVELMIN and WAVELMAX <= WAVE[NELEM], tolerance: half a bin; of frequencies
    the wavelengths, tolerance: 10 nm.
    """
    axis = _axis(document)
    if axis is None:
        return
    first, last = float(axis.values[0]), float(axis.values[-1])
    if axis.unit_nm:
        ends = (first * axis.unit_nm, last * axis.unit_nm)
        tolerance = axis.tolerance * axis.unit_nm
    elif axis.name == "FREQ" and first > 0:
        ends = (_LIGHT_NM_GHZ / last, _LIGHT_NM_GHZ / first)
        tolerance = _FREQUENCY_TOLERANCE_NM
    else:
        return
    low, high = number(document.primary, "WAVELMIN"), number(document.primary, "WAVELMAX")
    if low is not None and not low >= ends[0] - tolerance:
        yield Violation("WAVELMIN", low, f"the data begin at {ends[0]:.6f} nm")
    if high is not None and not high <= ends[1] + tolerance:
        yield Violation("WAVELMAX", high, f"the data end at {ends[1]:.6f} nm")


@rule("D104", source=CHECKS, of=SPECTRUM)
def limits_are_those_of_the_data(document: Document) -> Iterator[Violation]:
    """TDMIN1 and TDMAX1 are the ends of the first column.

    Tolerance: half a bin.
    """
    axis = _axis(document)
    if axis is None:
        return
    for keyword, end in (("TDMIN1", axis.values[0]), ("TDMAX1", axis.values[-1])):
        value = number(axis.header, keyword)
        if value is not None and not abs(value - end) <= axis.tolerance:
            yield Violation(keyword, value, f"the data have {float(end)!r} there", axis.hdu)


@rule("D105", source=CHECKS, of=SPECTRUM)
def nothing_is_infinite(document: Document) -> Iterator[Violation]:
    """No value is infinite.

    Undefined ones are NaN.
    """
    hdu, _ = document.table
    if not hdu or document.is_packed:
        return
    for name, values in document.row(hdu).items():
        places = np.flatnonzero(np.isinf(values)) if values.dtype.kind == "f" else np.empty(0)
        if places.size:
            reason = f"{places.size} elements are infinite, the first is number {places[0] + 1}"
            yield Violation(name, float(values[places[0]]), reason, hdu)


@rule("D106", source=OURS, of=SPECTRUM, severity=Severity.WARNING)
def errors_are_not_negative(document: Document) -> Iterator[Violation]:
    """Errors are not negative."""
    hdu, _ = document.table
    if not hdu or document.is_packed:
        return
    for name, values in document.row(hdu).items():
        negative = np.flatnonzero(values < 0) if name.startswith("ERR") else np.empty(0)
        if negative.size:
            reason = f"{negative.size} elements are negative, the first is number {negative[0] + 1}"
            yield Violation(name, float(values[negative[0]]), reason, hdu)


@rule("D107", source=STANDARD, of=SPECTRUM)
def quality_is_a_code(document: Document) -> Iterator[Violation]:
    """QUAL holds integers that are not negative.

    0 is good; each kind of flaw is a power of two.
    """
    hdu, _ = document.table
    if not hdu or document.is_packed:
        return
    for name, values in document.row(hdu).items():
        if not name.startswith("QUAL"):
            continue
        if values.dtype.kind == "f" and not (np.mod(values, 1) == 0).all():
            yield Violation(name, None, "has values that are no integers", hdu)
        elif (values < 0).any():
            yield Violation(name, float(values.min()), "has negative values", hdu)


@rule("D108", source=STANDARD, of=SPECTRUM, severity=Severity.WARNING)
def ratio_is_that_of_the_data(document: Document) -> Iterator[Violation]:
    """SNR is about the median of flux over error of the good pixels.

    Within a factor of two: SNR is that of the continuum. Where there are errors, there is a
    good pixel: with flux and a positive error, and no flag.
    """
    value = number(document.primary, "SNR")
    hdu, header = document.table
    if value is None or not hdu or document.is_packed:
        return
    cells = document.row(hdu)
    flux, error = (cells.get(text(header, keyword) or "") for keyword in ("TTYPE2", "TTYPE3"))
    if flux is None or error is None or flux.shape != error.shape:
        return
    told = np.isfinite(error) & (error > 0)
    if not told.any():
        return
    good = told & np.isfinite(flux)
    quality = next((cells[name] for name in cells if name.startswith("QUAL")), None)
    if quality is not None and quality.shape == good.shape:
        good &= quality == 0
    if not good.any():
        yield Violation("SNR", value, f"none of the {good.size} pixels is good", hdu)
        return
    expected = float(np.median(flux[good] / error[good]))
    if expected > 0 and not expected / _SNR_FACTOR <= value <= expected * _SNR_FACTOR:
        yield Violation("SNR", value, f"the median of the good pixels is {expected:.4g}")


@rule("D109", source=STANDARD, of=SPECTRUM, severity=Severity.WARNING)
def ends_are_useful(document: Document) -> Iterator[Violation]:
    """The spectrum begins and ends with useful values.

    No filling of zeros or undefined values (flux and error both) at the ends.
    """
    hdu, header = document.table
    if not hdu or document.is_packed:
        return
    cells = document.row(hdu)
    flux, error = (cells.get(text(header, keyword) or "") for keyword in ("TTYPE2", "TTYPE3"))
    if flux is None or error is None or flux.shape != error.shape or not flux.size:
        return
    filled = (~np.isfinite(flux) | (flux == 0)) & (~np.isfinite(error) | (error == 0))
    useful = np.flatnonzero(~filled)
    if not useful.size:
        yield Violation("FLUX", None, "no element is useful", hdu)
        return
    before, after = int(useful[0]), int(flux.size - 1 - useful[-1])
    if before or after:
        yield Violation(
            "FLUX", None, f"{before} elements at the begin and {after} at the end are filling", hdu
        )
