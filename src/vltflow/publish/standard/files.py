"""F: the file as it lies on the disk, and what stands in which of its headers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from vltflow.fits.unpacked import is_compressed_image
from vltflow.publish.document import PROVENANCE, Document, extname
from vltflow.publish.rules import (
    ANCILLARY,
    ANY,
    CHECKS,
    FITS,
    OURS,
    STANDARD,
    Severity,
    Violation,
    rule,
)
from vltflow.publish.standard.data import categories

LONGEST_NAME = 68
_REPEATABLE = {"COMMENT", "HISTORY", "CONTINUE", "", "HIERARCH"}
_UNIQUE = (PROVENANCE, "PHASE3CATALOG")
_WITH_LEADING_ZERO = re.compile(r"(?:PROV|OBID)0\d*")


@rule("F001", source=FITS, of=ANY)
def is_whole(document: Document) -> Iterator[Violation]:
    """The file is FITS and whole.

    All headers end, and all bytes of data that they declare are there.
    """
    if document.damage:
        yield Violation("(file)", None, document.damage)


@rule("F002", source=CHECKS, of=ANY)
def name_is_short(document: Document) -> Iterator[Violation]:
    """The file name has at most 68 characters.

    It has to fit into one FITS card.
    """
    name = document.path.name
    if len(name) > LONGEST_NAME:
        yield Violation("(name)", name, f"has {len(name)} characters, at most {LONGEST_NAME}")


@rule("F003", source=STANDARD, of=ANY)
def name_ends_well(document: Document) -> Iterator[Violation]:
    """The file name ends in .fits or .fits.fz."""
    name = document.path.name
    if not name.endswith((".fits", ".fits.fz")):
        yield Violation("(name)", name, "must end in .fits, or in .fits.fz if it is compressed")


@rule("F004", source=CHECKS, of=ANY)
def compression_shows(document: Document) -> Iterator[Violation]:
    """Names end in .fz if and only if images are compressed by fpack.

    Files packed as a whole (gzip, compress) are no products.
    """
    name = document.path.name
    compressed = any(is_compressed_image(unit.header) for unit in document.units)
    if document.is_packed:
        yield Violation("(file)", name, "is packed by gzip or compress: use fpack, or nothing")
    elif name.endswith(".fz") and document.units and not compressed:
        yield Violation("(name)", name, "ends in .fz, but no image in it is compressed")
    elif compressed and not name.endswith(".fz"):
        yield Violation("(name)", name, "has compressed images, so its name must end in .fz")


@rule("F005", source=CHECKS, of=ANY)
def has_checksums(document: Document) -> Iterator[Violation]:
    """CHECKSUM and DATASUM are in every HDU."""
    for number, unit in enumerate(document.units):
        for keyword in ("CHECKSUM", "DATASUM"):
            if not unit.header.get(keyword):
                yield Violation(keyword, unit.header.get(keyword), "is missing", number)


@rule("F006", source=FITS, of=ANY)
def checksums_are_true(document: Document) -> Iterator[Violation]:
    """CHECKSUM and DATASUM are true."""
    if document.broken_seal:
        yield Violation("CHECKSUM", None, document.broken_seal)


@rule("F007", source=CHECKS)
def no_long_strings(document: Document) -> Iterator[Violation]:
    """No value goes on over several cards.

    CONTINUE and LONGSTRN are not allowed: values have at most 68 characters.
    """
    for number, names in enumerate(document.cards):
        for keyword in ("CONTINUE", "LONGSTRN", "LONGSTR"):
            if keyword in names:
                yield Violation(keyword, None, "long strings are not allowed", number)


@rule("F008", source=FITS, of=ANY)
def keywords_stand_once(document: Document) -> Iterator[Violation]:
    """No keyword stands twice in a header."""
    for number, names in enumerate(document.cards):
        for keyword, count in Counter(names).items():
            if count > 1 and keyword not in _REPEATABLE:
                yield Violation(keyword, None, f"stands {count} times in the header", number)


@rule("F009", source=CHECKS)
def extensions_have_names(document: Document) -> Iterator[Violation]:
    """Every extension has an EXTNAME."""
    for number, header in enumerate(document.headers):
        if number and not extname(header):
            yield Violation("EXTNAME", header.get("EXTNAME"), "is missing", number)


@rule("F010", source=STANDARD)
def extension_names_are_unique(document: Document) -> Iterator[Violation]:
    """Every EXTNAME is unique in its file."""
    seen: dict[str, int] = {}
    for number, header in enumerate(document.headers):
        name = extname(header)
        if name and name in seen:
            yield Violation("EXTNAME", name, f"is that of HDU {seen[name]}, too", number)
        seen.setdefault(name, number)


@rule("F011", source=CHECKS)
def some_keywords_are_primary(document: Document) -> Iterator[Violation]:
    """PRODCATG and ORIGFILE stand in the primary header only."""
    for number, header in enumerate(document.headers):
        for keyword in ("PRODCATG", "ORIGFILE"):
            if number and keyword in header:
                yield Violation(keyword, header[keyword], "is for the primary header only", number)


@rule("F012", source=CHECKS, of=ANY)
def category_is_known(document: Document) -> Iterator[Violation]:
    """PRODCATG is a category that the archive knows."""
    known = categories()
    all_of_them = {*known.science, *(f"ANCILLARY.{one}" for one in known.ancillary)}
    if document.headers and document.category not in all_of_them:
        value = document.primary.get("PRODCATG")
        reason = "is missing: not a science data product" if value is None else "is no category"
        yield Violation("PRODCATG", value, reason)


@rule("F013", source=CHECKS)
def steps_are_in_the_matrix(document: Document) -> Iterator[Violation]:
    """CDELT1, CDELT2 and CDELT3 are not used; the CD matrix is."""
    for number, header in enumerate(document.headers):
        for keyword in ("CDELT1", "CDELT2", "CDELT3"):
            if keyword in header:
                yield Violation(keyword, header[keyword], "is not allowed: use CDi_j", number)


@rule("F014", source=CHECKS)
def has_data(document: Document) -> Iterator[Violation]:
    """At least one HDU has data."""
    if document.units and not any(unit.data_length for unit in document.units):
        yield Violation("NAXIS", 0, "no HDU has data")


@rule("F015", source=CHECKS)
def indices_have_no_zeros(document: Document) -> Iterator[Violation]:
    """PROVi and OBIDi are numbered without leading zeros, from 1."""
    for keyword, value in document.primary.items():
        if _WITH_LEADING_ZERO.fullmatch(keyword):
            yield Violation(keyword, value, "must be numbered without leading zeros, from 1")


@rule("F016", source=STANDARD, of=ANCILLARY)
def no_nested_associations(document: Document) -> Iterator[Violation]:
    """An ancillary file has no ancillary files of its own."""
    for keyword, value in document.primary.items():
        if re.fullmatch(r"ASSO[CNM]\d+", keyword):
            yield Violation(keyword, value, "is not allowed in an ancillary file")


@rule("F017", source=FITS, of=ANY, severity=Severity.NOTE)
def no_harmless_flaws(document: Document) -> Iterator[Violation]:
    """The bytes of the file have no harmless flaws.

    The last block is filled up, and nothing but extensions follows the last HDU.
    """
    for remark in document.remarks:
        yield Violation("(file)", None, remark)


@rule("F018", source=OURS, severity=Severity.NOTE)
def category_has_rules(document: Document) -> Iterator[Violation]:
    """The category is one whose own rules are known here.

    Of catalogues, source tables, flux maps and visibilities only what every science
    product needs is checked.
    """
    known = categories()
    if document.category in known.science and document.category not in known.with_rules:
        yield Violation("PRODCATG", document.category, "its own rules are not checked here")
