"""What cubes and images share: footprints, units of the sky, partners of extensions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from vltflow.fits import Header
from vltflow.publish.document import Document, extname
from vltflow.publish.rules import Violation
from vltflow.publish.standard.sky import UnknownFootprint, holds
from vltflow.publish.standard.values import number, text

ERRORS = ("MSE", "RMSE", "INVMSE", "INVRMSE")
MASKS = ("MASKZERO", "MASKONE", "FLAG32BIT", "FLAG16BIT")
Images = Sequence[tuple[int, Header]]


def outside(document: Document, images: Images) -> Iterator[Violation]:
    """Violation if RA and DEC lie on none of the images."""
    ra, dec = number(document.primary, "RA"), number(document.primary, "DEC")
    if ra is None or dec is None:
        return
    found: list[bool | None] = []
    for hdu, header in images:
        try:
            found.append(holds(header, ra, dec))
        except UnknownFootprint as error:
            yield Violation("CTYPE1", header.get("CTYPE1"), str(error), hdu)
            return
    known = [one for one in found if one is not None]
    if known and not any(known):
        yield Violation("RA", ra, f"RA, DEC = {ra:.6f}, {dec:.6f} is not in the footprint")


def not_in_degrees(images: Images) -> Iterator[Violation]:
    """Violations of CUNIT1 and CUNIT2."""
    for hdu, header in images:
        for keyword in ("CUNIT1", "CUNIT2"):
            value = text(header, keyword)
            if value is not None and value != "deg":
                yield Violation(keyword, value, "must be deg", hdu)


def other_values(images: Images, expected: Mapping[str, str]) -> Iterator[Violation]:
    """Violations of keywords that have one possible value, where they are given."""
    for hdu, header in images:
        for keyword, value in expected.items():
            found = text(header, keyword)
            if found is not None and found != value:
                yield Violation(keyword, found, f"must be {value}", hdu)


def wrong_classes(document: Document) -> Iterator[Violation]:
    """Violations of HDUCLAS3 of errors and masks."""
    for kind, allowed in (("ERROR", ERRORS), ("QUALITY", MASKS)):
        for hdu, header in document.with_class(kind):
            value = header.get("HDUCLAS3")
            if value not in allowed:
                yield Violation("HDUCLAS3", value, f"must be one of {', '.join(allowed)}", hdu)


def wrong_partners(document: Document) -> Iterator[Violation]:
    """Violations of SCIDATA, ERRDATA and QUALDATA."""
    data = document.with_class("DATA")
    for kind, keyword in (("ERROR", "ERRDATA"), ("QUALITY", "QUALDATA")):
        partners = document.with_class(kind)
        yield from _unknown(partners, "SCIDATA", data, needed=True)
        yield from _unknown(data, keyword, partners, needed=bool(partners))


def _unknown(here: Images, keyword: str, there: Images, *, needed: bool) -> Iterator[Violation]:
    names = {extname(header) for _, header in there}
    for hdu, header in here:
        value = text(header, keyword)
        if value is None and needed:
            yield Violation(keyword, None, "is missing", hdu)
        elif value is not None and value not in names:
            shown = ", ".join(sorted(names)) or "there is none"
            yield Violation(keyword, value, f"must name the partner extension: {shown}", hdu)
