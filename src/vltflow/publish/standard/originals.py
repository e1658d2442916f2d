"""B2: what a product says of the files that it was made from, where these are at hand."""

from __future__ import annotations

from collections.abc import Iterator

from vltflow.core.time import DAY_SECONDS
from vltflow.fits import FitsValue, Header
from vltflow.publish.batch import Batch, Original
from vltflow.publish.document import Document
from vltflow.publish.rules import CHECKS, Severity, Violation, batch_rule
from vltflow.publish.standard.identity import MULTIPLE
from vltflow.publish.standard.values import number, numbered, text

_TIME_S = 0.1
_RAW_KEYWORDS = {
    "PROG_ID": "ESO OBS PROG ID",
    "OBID": "ESO OBS ID",
}
"""Where raw frames keep what products have in keywords of the standard."""
_FILTERS = tuple(f"ESO INS FILT{number_of} NAME" for number_of in range(1, 5))


def _originals(document: Document, batch: Batch) -> tuple[list[Original], bool]:
    """Files that PROVi name and that are at hand, and whether these are all."""
    names = [
        name.strip()
        for name in numbered(document.primary, "PROV").values()
        if isinstance(name, str)
    ]
    found = [one for name in names if (one := batch.original(name)) is not None]
    complete = bool(names) and len(found) == len(names) and "PROVXTN" not in document.primary
    return found, complete


def _values(header: Header, keyword: str, stem: str) -> set[FitsValue]:
    """A keyword's value, or the values of its list."""
    entries = set(numbered(header, stem).values())
    value = header.get(keyword)
    raw = header.get(_RAW_KEYWORDS.get(keyword, ""))
    single = {one for one in (value, raw) if one is not None and one != "MULTI"}
    return {one.strip() if isinstance(one, str) else one for one in entries or single}


@batch_rule("B201", source=CHECKS, severity=Severity.NOTE)
def originals_are_at_hand(document: Document, batch: Batch) -> Iterator[Violation]:
    """The files that PROVi name are at hand, so that B202 to B208 could be checked."""
    found, _ = _originals(document, batch)
    known = {one.name for one in found}
    for index, name in numbered(document.primary, "PROV").items():
        if str(name).strip() not in known:
            yield Violation(f"PROV{index}", name, "is not at hand: what it says was not compared")


@batch_rule("B202", source=CHECKS)
def origins_agree(document: Document, batch: Batch) -> Iterator[Violation]:
    """TELESCOP, INSTRUME and PROG_ID are those of the originals.

    Or their lists hold those of all of them.
    """
    found, complete = _originals(document, batch)
    for keyword in ("TELESCOP", "INSTRUME", "PROG_ID"):
        own = _values(document.primary, keyword, MULTIPLE[keyword])
        yield from _compare(document, found, keyword, MULTIPLE[keyword], own, complete=complete)


@batch_rule("B203", source=CHECKS)
def blocks_agree(document: Document, batch: Batch) -> Iterator[Violation]:
    """OBIDi are the observation blocks of the originals."""
    found, complete = _originals(document, batch)
    own = set(numbered(document.primary, "OBID").values())
    yield from _compare(document, found, "OBID", "OBID", own, complete=complete)


def _compare(
    document: Document,
    found: list[Original],
    keyword: str,
    stem: str,
    own: set[FitsValue],
    *,
    complete: bool,
) -> Iterator[Violation]:
    shown = f"{stem}1" if keyword == stem else keyword
    theirs = {one.name: _values(one.header, keyword, stem) for one in found}
    for name, values in theirs.items():
        for value in sorted(values - own, key=str):
            yield Violation(
                shown, document.primary.get(shown), f"{name} has {value!r}, which is not here"
            )
    if complete and all(theirs.values()):
        for value in sorted(own - set().union(*theirs.values()), key=str):
            yield Violation(shown, value, "is that of none of the originals")


@batch_rule("B204", source=CHECKS)
def begin_agrees(document: Document, batch: Batch) -> Iterator[Violation]:
    """MJD-OBS is the first of the originals.

    Tolerance: 0.1 s.
    """
    found, complete = _originals(document, batch)
    begin = number(document.primary, "MJD-OBS")
    begins = [value for one in found if (value := number(one.header, "MJD-OBS")) is not None]
    if begin is None or not begins:
        return
    late = (begin - min(begins)) * DAY_SECONDS
    if late > _TIME_S or (complete and late < -_TIME_S):
        yield Violation("MJD-OBS", begin, f"the first of the originals began at {min(begins)!r}")


@batch_rule("B205", source=CHECKS)
def end_agrees(document: Document, batch: Batch) -> Iterator[Violation]:
    """MJD-END is not before the end of any original.

    A raw frame ends at MJD-OBS + EXPTIME. Tolerance: 0.1 s.
    """
    found, _ = _originals(document, batch)
    end = number(document.primary, "MJD-END")
    ends = [value for one in found if (value := _end(one)) is not None]
    if end is not None and ends and (max(ends) - end) * DAY_SECONDS > _TIME_S:
        yield Violation("MJD-END", end, f"the last of the originals ended at {max(ends):.8f}")


def _end(original: Original) -> float | None:
    begin, exposure = number(original.header, "MJD-OBS"), number(original.header, "EXPTIME")
    if (end := number(original.header, "MJD-END")) is not None:
        return end
    return None if begin is None or exposure is None else begin + exposure / DAY_SECONDS


@batch_rule("B206", source=CHECKS)
def filters_agree(document: Document, batch: Batch) -> Iterator[Violation]:
    """FILTER is one of the filters of the originals.

    Checked where all of them tell their filters.
    """
    own = _values(document.primary, "FILTER", "FILTER")
    found, complete = _originals(document, batch)
    theirs = [_filters(one.header) for one in found]
    if not own or not complete or not all(theirs):
        return
    for value in sorted(own - set().union(*theirs), key=str):
        yield Violation("FILTER", value, "is that of none of the originals")


def _filters(header: Header) -> set[FitsValue]:
    own = _values(header, "FILTER", "FILTER")
    return own or {value for key in _FILTERS if (value := text(header, key))}


@batch_rule("B207", source=CHECKS)
def number_agrees(document: Document, batch: Batch) -> Iterator[Violation]:
    """NCOMBINE is the number of raw frames.

    Those that PROVi name, and those combined in products that they name.
    """
    found, complete = _originals(document, batch)
    value = number(document.primary, "NCOMBINE")
    counts = [1.0 if one.is_raw else number(one.header, "NCOMBINE") for one in found]
    known = [count for count in counts if count is not None]
    if complete and value is not None and len(known) == len(counts) and value != sum(known):
        yield Violation("NCOMBINE", value, f"the originals are {sum(known):g} raw frames")


@batch_rule("B208", source=CHECKS)
def exposures_agree(document: Document, batch: Batch) -> Iterator[Violation]:
    """TEXPTIME is the sum of the originals' times, EXPTIME not more.

    Tolerance: 0.1 s for each original.
    """
    found, complete = _originals(document, batch)
    times = [_exposure(one) for one in found]
    known = [time for time in times if time is not None]
    if not complete or len(known) != len(times):
        return
    expected, tolerance = sum(known), _TIME_S * len(known)
    total, one = number(document.primary, "TEXPTIME"), number(document.primary, "EXPTIME")
    if total is not None and abs(total - expected) > tolerance:
        yield Violation("TEXPTIME", total, f"the originals add up to {expected:.4f} s")
    if one is not None and one > expected + tolerance:
        yield Violation("EXPTIME", one, f"the originals add up to {expected:.4f} s")


def _exposure(original: Original) -> float | None:
    total = number(original.header, "TEXPTIME")
    return number(original.header, "EXPTIME") if total is None else total
