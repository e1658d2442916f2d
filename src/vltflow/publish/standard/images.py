"""I: images, in the primary HDU or in extensions."""

from __future__ import annotations

from collections.abc import Iterator

from vltflow.publish.document import PROVENANCE, Document, extname
from vltflow.publish.rules import CHECKS, IMAGE, MOSAIC, STANDARD, Severity, Violation, rule
from vltflow.publish.standard import pixels
from vltflow.publish.standard.keywords import places
from vltflow.publish.standard.values import number, text

_BOTH = (IMAGE, MOSAIC)
_CLASSES = {"DATA", "ERROR", "QUALITY", "CONF", "BKG_DATA", "BKG_ERROR", "BKG_CONF"}
_UNKNOWN_WIDTH = -1.0


@rule("I101", source=CHECKS, of=_BOTH)
def image_has_its_place(document: Document) -> Iterator[Violation]:
    """An image is in the primary HDU, or in extensions behind an empty one.

    A mosaic (MEFIMAGE) always is in extensions; each science image has two axes.
    """
    axes = document.primary.get("NAXIS")
    found = places(document, "pixels")
    if document.category == MOSAIC and axes != 0:
        yield Violation("NAXIS", axes, "must be 0: the images of a mosaic are in extensions")
    elif axes not in {0, 2}:
        yield Violation("NAXIS", axes, "must be 2, or 0 if the image is in an extension")
    elif not found:
        yield Violation("NAXIS", axes, "there is no science image")
    for hdu, header in found:
        if header.get("NAXIS") != 2 and hdu:
            yield Violation("NAXIS", header.get("NAXIS"), "must be 2", hdu)


@rule("I102", source=CHECKS, of=_BOTH)
def sky_is_in_degrees(document: Document) -> Iterator[Violation]:
    """CUNIT1 and CUNIT2 are deg."""
    yield from pixels.not_in_degrees(places(document, "pixels"))


@rule("I103", source=CHECKS, of=_BOTH)
def position_is_in_the_footprint(document: Document) -> Iterator[Violation]:
    """RA and DEC lie on the image, or on one of a mosaic."""
    yield from pixels.outside(document, places(document, "pixels"))


@rule("I104", source=CHECKS, of=_BOTH)
def width_of_stars_is_known(document: Document) -> Iterator[Violation]:
    """PSF_FWHM is positive.

    In the extensions of a mosaic it may be -1 (unknown), but not in all.
    """
    found = [
        (hdu, value)
        for hdu, header in places(document, "pixels")
        if (value := number(header, "PSF_FWHM")) is not None
    ]
    mosaic = document.category == MOSAIC
    for hdu, value in found:
        if not (value > 0.0 or (mosaic and value == _UNKNOWN_WIDTH)):
            yield Violation("PSF_FWHM", value, "must be positive", hdu)
    if mosaic and found and all(value == _UNKNOWN_WIDTH for _, value in found):
        yield Violation("PSF_FWHM", _UNKNOWN_WIDTH, "is -1 in all extensions", found[0][0])


@rule("I105", source=CHECKS, of=_BOTH)
def limit_is_fainter_than_saturation(document: Document) -> Iterator[Violation]:
    """ABMAGLIM is above ABMAGSAT."""
    for hdu, header in places(document, "pixels"):
        limit, saturation = number(header, "ABMAGLIM"), number(header, "ABMAGSAT")
        if limit is not None and saturation is not None and not limit > saturation:
            yield Violation("ABMAGLIM", limit, f"is not above ABMAGSAT, {saturation!r}", hdu)


@rule("I106", source=CHECKS, of=IMAGE)
def extensions_have_known_classes(document: Document) -> Iterator[Violation]:
    """HDUCLAS2 is one of the standard's, and one extension has DATA.

    DATA, ERROR, QUALITY, CONF, BKG_DATA, BKG_ERROR, BKG_CONF; where there are extensions.
    """
    if document.primary.get("NAXIS") != 0:
        return
    for hdu, header in document.images:
        value = text(header, "HDUCLAS2")
        if value not in _CLASSES and extname(header) != PROVENANCE:
            yield Violation("HDUCLAS2", value, "tells not what the extension is", hdu)
    if not document.with_class("DATA"):
        yield Violation("HDUCLAS2", None, "no extension has HDUCLAS2 = DATA")


@rule("I107", source=CHECKS, of=IMAGE)
def errors_and_masks_say_their_kind(document: Document) -> Iterator[Violation]:
    """HDUCLAS3 tells which kind of errors and quality it is.

    Errors: MSE, RMSE, INVMSE, INVRMSE. Quality: MASKZERO, MASKONE, FLAG32BIT, FLAG16BIT.
    """
    yield from pixels.wrong_classes(document)


@rule("I108", source=CHECKS, of=IMAGE)
def partners_are_named(document: Document) -> Iterator[Violation]:
    """SCIDATA, ERRDATA and QUALDATA name the partner extensions."""
    yield from pixels.wrong_partners(document)


@rule("I109", source=STANDARD, of=IMAGE, severity=Severity.WARNING)
def classes_are_those_of_the_standard(document: Document) -> Iterator[Violation]:
    """HDUCLASS is ESO and HDUDOC is SDP, where they are given."""
    yield from pixels.other_values(document.images, {"HDUCLASS": "ESO", "HDUDOC": "SDP"})
