"""G2: names, numbers and lists that tell where a product comes from."""

from __future__ import annotations

import re
from collections.abc import Iterator

from vltflow.publish.document import PROVENANCE, Document, extname
from vltflow.publish.rules import (
    CHECKS,
    CUBE,
    IMAGE,
    MOSAIC,
    SPECTRUM,
    STANDARD,
    Severity,
    Violation,
    rule,
)
from vltflow.publish.standard.data import categories, exceptions
from vltflow.publish.standard.keywords import is_eso
from vltflow.publish.standard.values import numbered, text

MULTIPLE = {"TELESCOP": "TELESC", "INSTRUME": "INSTR", "PROG_ID": "PROGID", "FILTER": "FILTER"}
"""Keywords with the value MULTI, and the stems of their lists."""
_MANY = "MULTI"
_DISTINCT = (*MULTIPLE.values(), "OBID", "PROV")
_PROGRAMME = re.compile(r"\d{1,3}\.[A-L]-\d{4}\([A-Z]\)|\d{2,3}\.[0-9A-Z]{4}\.\d{3}")
_BIBCODE = re.compile(r"\d{4}[A-Za-z0-9.&]{14}[A-Z.]")
_DOI = re.compile(r"(?:doi:|https?://(?:dx\.)?doi\.org/)?10\.\d{4,9}/\S+", re.IGNORECASE)
_MD5 = re.compile(r"[0-9a-f]{32}")


@rule("G201", source=CHECKS)
def many_means_a_list(document: Document) -> Iterator[Violation]:
    """MULTI stands for a list, and a list for MULTI.

    TELESCOP, INSTRUME, PROG_ID or FILTER = MULTI needs TELESCi, INSTRi, PROGIDi or FILTERi
    with two entries at least, and any of those needs MULTI.
    """
    primary = document.primary
    for keyword, stem in MULTIPLE.items():
        value, entries = text(primary, keyword), numbered(primary, stem)
        if value == _MANY and not {1, 2} <= entries.keys():
            yield Violation(keyword, value, f"needs {stem}1 and {stem}2")
        elif entries and value != _MANY:
            shown = primary.get(keyword)
            yield Violation(keyword, shown, f"must be MULTI, as there is {stem}{min(entries)}")


@rule("G202", source=CHECKS)
def lists_are_distinct(document: Document) -> Iterator[Violation]:
    """No value stands twice in a list.

    PROGIDi, OBIDi, FILTERi, TELESCi, INSTRi, PROVi.
    """
    for stem in _DISTINCT:
        seen: dict[object, int] = {}
        for index, value in numbered(document.primary, stem).items():
            if value in seen:
                yield Violation(f"{stem}{index}", value, f"is that of {stem}{seen[value]}, too")
            seen.setdefault(value, index)


@rule("G203", source=STANDARD)
def provenance_table_is_declared(document: Document) -> Iterator[Violation]:
    """PROVXTN = T and the extension PHASE3PROVENANCE go together.

    There is one at most, with a column PROV of 68 characters.
    """
    tables = [
        (number, header)
        for number, header in enumerate(document.headers)
        if extname(header) == PROVENANCE
    ]
    declared = document.primary.get("PROVXTN")
    if tables and declared is not True:
        yield Violation("PROVXTN", declared, f"must be T, as there is an extension {PROVENANCE}")
    if declared is True and not tables:
        yield Violation("PROVXTN", True, f"there is no extension {PROVENANCE}")
    for number, header in tables:
        column = (text(header, "TTYPE1"), text(header, "TFORM1"))
        if column != ("PROV", "68A"):
            yield Violation("TTYPE1", column[0], "must be PROV with TFORM1 68A", number)
    for number, _ in tables[1:]:
        yield Violation("EXTNAME", PROVENANCE, "stands twice in the file", number)


@rule("G204", source=CHECKS)
def associated_files_are_described(document: Document) -> Iterator[Violation]:
    """ASSOCi is a category for files that are not FITS, with its name and MD5.

    ASSOCi needs ASSONi and ASSOMi of the same number; FITS files are described by
    ASSONi alone, and by the PRODCATG of their own.
    """
    primary = document.primary
    known = {f"ANCILLARY.{one}" for one in categories().associated}
    names, sums = numbered(primary, "ASSON"), numbered(primary, "ASSOM")
    for index, value in numbered(primary, "ASSOC").items():
        if value not in known:
            yield Violation(f"ASSOC{index}", value, "is no category of associated files")
        for stem, given in (("ASSON", names), ("ASSOM", sums)):
            if index not in given:
                yield Violation(f"{stem}{index}", None, f"is missing, and ASSOC{index} is there")
    for index, value in sums.items():
        if not isinstance(value, str) or not _MD5.fullmatch(value):
            yield Violation(f"ASSOM{index}", value, "is no MD5 sum of 32 hexadecimal digits")


@rule("G205", source=CHECKS)
def foreign_data_say_so(document: Document) -> Iterator[Violation]:
    """NOESODAT is T where ORIGIN is not ESO.

    APEX and ALMA do not need it.
    """
    origin = text(document.primary, "ORIGIN")
    if origin is None or is_eso(document.primary) or origin in exceptions().known_origins:
        return
    value = document.primary.get("NOESODAT")
    if value is not True:
        yield Violation("NOESODAT", value, f"must be T, as ORIGIN is {origin}")


@rule("G206", source=CHECKS)
def reference_has_its_form(document: Document) -> Iterator[Violation]:
    """REFERENC is a bibcode of 19 characters, a DOI, or blank."""
    value = text(document.primary, "REFERENC")
    if value and not (_BIBCODE.fullmatch(value) or _DOI.fullmatch(value)):
        yield Violation("REFERENC", value, "is neither a bibcode of 19 characters nor a DOI")


@rule("G207", source=STANDARD, severity=Severity.WARNING)
def programme_has_its_form(document: Document) -> Iterator[Violation]:
    """PROG_ID and PROGIDi are written as ESO writes them.

    Such as 185.A-0745(C), or 110.23NK.001.
    """
    if not is_eso(document.primary):
        return
    entries = {f"PROGID{n}": value for n, value in numbered(document.primary, "PROGID").items()}
    for keyword, value in {"PROG_ID": document.primary.get("PROG_ID"), **entries}.items():
        if isinstance(value, str) and value != _MANY and not _PROGRAMME.fullmatch(value.strip()):
            yield Violation(keyword, value, "is not of the form ppp.C-nnnn(X) or ppp.AAAA.nnn")


@rule("G208", source=CHECKS, of=(SPECTRUM, CUBE, IMAGE, MOSAIC))
def calibration_is_known(document: Document) -> Iterator[Violation]:
    """FLUXCAL is ABSOLUTE or UNCALIBRATED."""
    value = text(document.primary, "FLUXCAL")
    if value is not None and value not in {"ABSOLUTE", "UNCALIBRATED"}:
        yield Violation("FLUXCAL", value, "must be ABSOLUTE or UNCALIBRATED")


@rule("G209", source=STANDARD)
def lists_have_no_gaps(document: Document) -> Iterator[Violation]:
    """Lists are numbered 1, 2, 3 ... without gaps.

    PROVi, OBIDi, PROGIDi, ASSONi: readers stop at the first number that is missing.
    """
    for stem in ("PROV", "OBID", "PROGID", "ASSON"):
        indices = list(numbered(document.primary, stem))
        expected = next((n for n, index in enumerate(indices, start=1) if n != index), None)
        if expected is not None:
            later = f"{stem}{indices[expected - 1]}"
            yield Violation(f"{stem}{expected}", None, f"is missing, and {later} is there")


@rule("G210", source=CHECKS)
def special_origins_agree(document: Document) -> Iterator[Violation]:
    """ORIGIN = GRANTECAN or NGTS goes with their telescope.

    GRANTECAN with TELESCOP GTC; NGTS with TELESCOP and INSTRUME NGTS.
    """
    expected = {
        "GRANTECAN": {"TELESCOP": "GTC"},
        "NGTS": {"TELESCOP": "NGTS", "INSTRUME": "NGTS"},
    }
    origin = text(document.primary, "ORIGIN") or ""
    for keyword, value in expected.get(origin, {}).items():
        if text(document.primary, keyword) != value:
            yield Violation(
                keyword, document.primary.get(keyword), f"must be {value}, as ORIGIN is {origin}"
            )


@rule("G211", source=CHECKS)
def apex_has_no_blocks(document: Document) -> Iterator[Violation]:
    """Data of APEX have no OBIDi."""
    if text(document.primary, "ORIGIN") == "APEX" and "OBID1" in document.primary:
        yield Violation("OBID1", document.primary["OBID1"], "is not allowed, as ORIGIN is APEX")
