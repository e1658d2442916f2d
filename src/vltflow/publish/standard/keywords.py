"""Which keywords a product has, and of which type: rules made from ``keywords.yaml``."""

from __future__ import annotations

import math
from collections.abc import Iterator

from vltflow.fits import FitsValue, Header
from vltflow.publish.document import Document
from vltflow.publish.rules import (
    CHECKS,
    IMAGE,
    MOSAIC,
    STANDARD,
    Rule,
    Severity,
    Violation,
    rule,
)
from vltflow.publish.standard.data import (
    KeywordGroup,
    Kind,
    Place,
    exceptions,
    keyword_groups,
)
from vltflow.publish.standard.values import text

_SOURCES = {"checks": CHECKS, "standard": STANDARD}
_KINDS = {
    "text": "text", "label": "text", "real": "a finite number", "integer": "an integer",
    "logical": "T or F",
}  # fmt: skip
_PIXEL_CLASSES = {"DATA", ""}


def presence_rules() -> list[Rule]:
    """One rule for each group of keywords."""
    return [_presence_rule(group) for group in keyword_groups()]


def _presence_rule(group: KeywordGroup) -> Rule:
    def check(document: Document) -> Iterator[Violation]:
        if group.level != "eso" or is_eso(document.primary):
            for number, header in places(document, group.where):
                yield from _of_group(document, group, header, number)

    severity = Severity.NOTE if group.level == "recommended" else Severity.ERROR
    words = {"eso": "mandatory where ORIGIN begins with ESO"}.get(group.level, group.level)
    details = f"In the {_PLACES[group.where]}, {words}: {', '.join(group.keywords)}."
    return Rule(
        group.number, group.title, details.replace("|", " or "), _SOURCES[group.source], group.of,
        severity, check=check,
    )  # fmt: skip


_PLACES = {
    "primary": "primary header",
    "table": "extension with the spectrum",
    "pixels": "HDU of each science image",
    "planes": "each image extension",
    "data": "extension with HDUCLAS2 = DATA",
}


def places(document: Document, where: Place) -> list[tuple[int, Header]]:
    """Numbers and headers of the HDUs that are meant; none if there is no such one."""
    if where == "primary":
        return [(0, document.primary)]
    if where == "table":
        return [document.table] if document.table[0] else []
    if where == "planes":
        return list(document.images)
    if where == "data":
        return list(document.with_class("DATA"))
    own = document.primary.get("NAXIS") == 2
    return (
        [(0, document.primary)]
        if own
        else [
            (number, header)
            for number, header in document.images
            if str(header.get("HDUCLAS2", "")).strip() in _PIXEL_CLASSES
        ]
    )


def is_eso(primary: Header) -> bool:
    """Whether the product comes from ESO, as far as ORIGIN says."""
    return (text(primary, "ORIGIN") or "").startswith("ESO")


def _of_group(
    document: Document, group: KeywordGroup, header: Header, number: int
) -> Iterator[Violation]:
    waived = _waived(document)
    for keyword, kind in group.keywords.items():
        names = keyword.split("|")
        present = [name for name in names if _is_given(header, name, kind)]
        if group.level == "forbidden":
            for name in present:
                yield Violation(name, header[name], "must not be in this header", number)
        elif not present and keyword not in waived:
            blank = any(name in header for name in names)
            reason = "has no value" if blank else f"is missing ({group.level})"
            yield Violation(names[0], header.get(names[0]), reason, number)


def _is_given(header: Header, name: str, kind: Kind) -> bool:
    value = header.get(name)
    if kind == "label":
        return value is not None
    return value is not None and value != ""


def _waived(document: Document) -> set[str]:
    """Keywords that this product need not have: by its collection, instrument or origin."""
    primary = document.primary
    names = (document.collection, text(primary, "INSTRUME"), text(primary, "ORIGIN"))
    table = exceptions().waived
    return {keyword for name in names if name in table for keyword in table[name]}


@rule("K405", source=CHECKS, of=(IMAGE, MOSAIC))
def survey_keywords(document: Document) -> Iterator[Violation]:
    """Images of survey cameras have the keywords of their surveys.

    Deep stacks (PRODCATG of tiles) need no DIT and NJITTER.
    """
    required = exceptions().required.get(text(document.primary, "INSTRUME") or "", {})
    for where, keywords in required.items():
        for number, header in places(document, where):
            for keyword in keywords:
                if header.get(keyword) is None:
                    yield Violation(keyword, None, "is missing for this instrument", number)


@rule("K901", source=STANDARD, of="SCIENCE.")
def types_fit(document: Document) -> Iterator[Violation]:
    """Values have the type of their keyword.

    Numbers are finite numbers, logicals are T or F, texts stand in quotes. An integer will do
    where a real number is expected.
    """
    for group in keyword_groups():
        if any(one in (document.category, "SCIENCE.") for one in group.of):
            for number, header in places(document, group.where):
                yield from _wrong_types(group, header, number)


def _wrong_types(group: KeywordGroup, header: Header, number: int) -> Iterator[Violation]:
    for keyword, kind in group.keywords.items():
        for name in keyword.split("|"):
            value = header.get(name)
            if value is not None and not _is_of(value, kind):
                shown = f"is of type {type(value).__name__}, must be {_KINDS[kind]}"
                yield Violation(name, value, shown, number)


def _is_of(value: FitsValue, kind: Kind) -> bool:
    if kind in {"text", "label"}:
        return isinstance(value, str)
    if kind == "logical":
        return isinstance(value, bool)
    if kind == "any":
        return True
    allowed = int if kind == "integer" else (int, float)
    if isinstance(value, bool) or not isinstance(value, allowed):
        return False
    return math.isfinite(value)
