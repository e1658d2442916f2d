"""C: cubes of integral-field spectrographs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from vltflow.fits import Header
from vltflow.publish.document import PROVENANCE, Document, extname
from vltflow.publish.rules import CHECKS, CUBE, OURS, STANDARD, Severity, Violation, rule
from vltflow.publish.standard import pixels
from vltflow.publish.standard.data import exceptions
from vltflow.publish.standard.values import number, text

_NM = {"angstrom": 0.1, "nm": 1.0, "um": 1e3, "m": 1e9}
"""nm in one unit of the third axis, by its name in lower case."""
_FILLED = 0.5
_MOST_PLANES = 1_000_000
"""More are no cube, but a damaged or malicious header."""
_WORLD = (
    "CTYPE1", "CTYPE2", "CTYPE3", "CRVAL1", "CRVAL2", "CRVAL3", "CRPIX1", "CRPIX2", "CRPIX3",
    "CD1_1", "CD1_2", "CD2_1", "CD2_2", "CD3_3", "CUNIT1", "CUNIT2", "CUNIT3",
)  # fmt: skip


@rule("C101", source=CHECKS, of=CUBE)
def primary_is_empty(document: Document) -> Iterator[Violation]:
    """The primary HDU of a cube has no data.

    NAXIS = 0.
    """
    axes = document.primary.get("NAXIS")
    if axes != 0:
        yield Violation("NAXIS", axes, "must be 0")


@rule("C102", source=CHECKS, of=CUBE)
def one_data_extension(document: Document) -> Iterator[Violation]:
    """One extension holds the data (HDUCLAS2 = DATA), at most one the errors, one the quality."""
    for kind in ("DATA", "ERROR", "QUALITY"):
        found = document.with_class(kind)
        if kind == "DATA" and not found:
            yield Violation("HDUCLAS2", None, "no extension has HDUCLAS2 = DATA")
        for hdu, _ in found[1:]:
            yield Violation("HDUCLAS2", kind, "is one extension of this kind too many", hdu)
    for hdu, header in document.images:
        value = text(header, "HDUCLAS2")
        if value is not None and value not in {"DATA", "ERROR", "QUALITY"}:
            yield Violation("HDUCLAS2", value, "must be DATA, ERROR or QUALITY", hdu)


@rule("C103", source=CHECKS, of=CUBE)
def extensions_are_cubes(document: Document) -> Iterator[Violation]:
    """Each extension has three axes.

    NAXIS = 3; the table PHASE3PROVENANCE may stand beside.
    """
    for hdu, header in enumerate(document.headers):
        if hdu and extname(header) != PROVENANCE and header.get("NAXIS") != 3:
            yield Violation("NAXIS", header.get("NAXIS"), "must be 3", hdu)


@rule("C104", source=CHECKS, of=CUBE)
def sky_is_in_degrees(document: Document) -> Iterator[Violation]:
    """CUNIT1 and CUNIT2 are deg."""
    yield from pixels.not_in_degrees(document.images)


@rule("C105", source=CHECKS, of=CUBE)
def position_is_in_the_footprint(document: Document) -> Iterator[Violation]:
    """RA and DEC lie on the data."""
    yield from pixels.outside(document, document.with_class("DATA"))


@rule("C106", source=CHECKS, of=CUBE)
def class_is_that_of_eso(document: Document) -> Iterator[Violation]:
    """HDUCLASS is ESO in each extension."""
    yield from pixels.other_values(document.images, {"HDUCLASS": "ESO"})


@rule("C112", source=STANDARD, of=CUBE, severity=Severity.WARNING)
def classes_are_those_of_the_standard(document: Document) -> Iterator[Violation]:
    """HDUDOC is SDP, HDUVERS names its version, HDUCLAS1 is IMAGE.

    HDUVERS such as 'SDP version 8'. Cubes as recipes write them say DICD instead.
    """
    yield from pixels.other_values(document.images, {"HDUDOC": "SDP", "HDUCLAS1": "IMAGE"})
    for hdu, header in document.images:
        version = text(header, "HDUVERS")
        if version is not None and not version.startswith("SDP version "):
            yield Violation("HDUVERS", version, "must be 'SDP version ' and a number", hdu)


@rule("C107", source=CHECKS, of=CUBE)
def errors_and_masks_say_their_kind(document: Document) -> Iterator[Violation]:
    """HDUCLAS3 tells which kind of errors and quality it is.

    Errors: MSE, RMSE, INVMSE, INVRMSE. Quality: MASKZERO, MASKONE, FLAG32BIT, FLAG16BIT.
    """
    yield from pixels.wrong_classes(document)


@rule("C108", source=CHECKS, of=CUBE)
def partners_are_named(document: Document) -> Iterator[Violation]:
    """SCIDATA, ERRDATA and QUALDATA name the partner extensions."""
    yield from pixels.wrong_partners(document)


@rule("C109", source=STANDARD, of=CUBE)
def extensions_have_one_grid(document: Document) -> Iterator[Violation]:
    """Data, errors and quality have the same size and world coordinates."""
    data = document.with_class("DATA")
    if not data:
        return
    first, reference = data[0]
    for hdu, header in document.images:
        if hdu == first:
            continue
        for keyword in ("NAXIS1", "NAXIS2", "NAXIS3", *_WORLD):
            value, wanted = header.get(keyword), reference.get(keyword)
            if value is not None and wanted is not None and not _same(value, wanted):
                yield Violation(keyword, value, f"is {wanted!r} in the data", hdu)


def _same(one: object, other: object) -> bool:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return bool(np.isclose(one, other, rtol=1e-12, atol=1e-12))
    return one == other


@rule("C110", source=CHECKS, of=CUBE)
def ranges_are_those_of_the_instrument(document: Document) -> Iterator[Violation]:
    """WAVELMIN, WAVELMAX and SPEC_RES are possible for the instrument.

    ESO checks this for MUSE and KMOS and does not say the ranges: those here are of the
    instruments' manuals.
    """
    primary = document.primary
    ranges = exceptions().ranges.get(text(primary, "INSTRUME") or "")
    if ranges is None:
        return
    for keyword, (low, high) in (
        ("WAVELMIN", ranges.wavelength),
        ("WAVELMAX", ranges.wavelength),
        ("SPEC_RES", ranges.resolution),
    ):
        value = number(primary, keyword)
        if value is not None and not low <= value <= high:
            yield Violation(keyword, value, f"must lie within {low:g}..{high:g}")


@rule("C111", source=STANDARD, of=CUBE)
def range_is_that_of_the_axis(document: Document) -> Iterator[Violation]:
    """WAVELMIN and WAVELMAX lie on the third axis.

    Tolerance: one plane.
    """
    for _, header in document.with_class("DATA")[:1]:
        axis = spectral_axis(header)
        if axis is None:
            continue
        low, high = number(document.primary, "WAVELMIN"), number(document.primary, "WAVELMAX")
        step = abs(axis[1] - axis[0]) if axis.size > 1 else 0.0
        if low is not None and not low >= axis.min() - step:
            yield Violation("WAVELMIN", low, f"the first plane is at {axis.min():.4f} nm")
        if high is not None and not high <= axis.max() + step:
            yield Violation("WAVELMAX", high, f"the last plane is at {axis.max():.4f} nm")


def spectral_axis(header: Header) -> np.ndarray | None:
    """Wavelengths of the planes [nm]; None if the header does not tell them."""
    keywords = ("CRVAL3", "CRPIX3", "CD3_3", "NAXIS3")
    values = [number(header, keyword) for keyword in keywords]
    unit = _NM.get((text(header, "CUNIT3") or "").lower())
    if header.get("NAXIS") != 3 or unit is None or None in values:
        return None
    if not 1 <= (values[3] or 0) <= _MOST_PLANES:
        return None
    reference, pixel, step, planes = (float(value or 0.0) for value in values)
    with np.errstate(over="ignore", invalid="ignore"):
        axis = unit * (reference + (np.arange(int(planes)) + 1 - pixel) * step)
        return axis if np.isfinite(axis[[0, -1]]).all() and np.ptp(axis) < np.inf else None


@rule("D201", source=STANDARD, of=CUBE, severity=Severity.WARNING)
def range_is_filled(document: Document) -> Iterator[Violation]:
    """The planes at WAVELMIN and WAVELMAX are filled to 50 % at least.

    Compared with the plane that has most defined pixels. Reads the cube plane by plane.
    """
    for hdu, header in document.with_class("DATA")[:1]:
        axis = spectral_axis(header)
        if axis is None or document.is_packed:
            continue
        counts = np.array([np.isfinite(plane).sum() for plane in document.planes(hdu)])
        if not counts.any():
            yield Violation("NAXIS3", counts.size, "no pixel is defined", hdu)
            continue
        for keyword in ("WAVELMIN", "WAVELMAX"):
            value = number(document.primary, keyword)
            if value is not None:
                share = counts[int(np.abs(axis - value).argmin())] / counts.max()
                if share < _FILLED:
                    yield Violation(keyword, value, f"its plane is filled to {share:.0%} only")


@rule("D202", source=OURS, of=CUBE, severity=Severity.WARNING)
def nothing_is_infinite(document: Document) -> Iterator[Violation]:
    """No pixel of data or errors is infinite.

    Reads the cube plane by plane.
    """
    for hdu, _ in (*document.with_class("DATA"), *document.with_class("ERROR")):
        if document.is_packed:
            continue
        infinite = sum(int(np.isinf(plane).sum()) for plane in document.planes(hdu))
        if infinite:
            yield Violation("(pixels)", infinite, "pixels are infinite", hdu)
