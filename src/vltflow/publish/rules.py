"""What a rule of the standard is, and how rules are put to a file or a batch of files."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from vltflow.core.errors import InvalidHeader, UnprocessableData, UnreadableFile
from vltflow.fits import FitsValue

if TYPE_CHECKING:
    from vltflow.publish.batch import Batch
    from vltflow.publish.document import Document

CHECKS = "ESO Phase 3 checks of 2025-03-27"
"""ESO's own list of what its archive verifies."""
STANDARD = "ESO-044286 v8"
"""ESO Science Data Products Standard, issue 8 of 2022-03-15."""
FITS = "FITS standard 4.0"
OURS = "vltflow"
"""No rule of ESO: what the meaning of the keywords demands."""

ANY, SCIENCE, ANCILLARY = "*", "SCIENCE.", "ANCILLARY."
SPECTRUM, CUBE, IMAGE, MOSAIC = (
    "SCIENCE.SPECTRUM", "SCIENCE.CUBE.IFS", "SCIENCE.IMAGE", "SCIENCE.MEFIMAGE",
)  # fmt: skip


class Severity(StrEnum):
    """How bad a violation is."""

    ERROR = "error"
    """The archive would refuse the file."""
    WARNING = "warning"
    """The standard says otherwise, or a value cannot mean what it says."""
    NOTE = "note"
    """A recommendation that is not followed, or something that was not checked."""


class Violation(NamedTuple):
    """Where and why a file breaks a rule."""

    keyword: str
    """Keyword, column or, in brackets, what else is meant."""
    value: FitsValue
    """As found; None where it is missing."""
    reason: str
    """What is wrong and what was expected."""
    hdu: int = 0
    """Number of the HDU; 0 is the primary one."""


Check = Callable[["Document"], Iterable[Violation]]
BatchCheck = Callable[["Document", "Batch"], Iterable[Violation]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the standard."""

    number: str
    """Stable: a number is never given to another rule."""
    title: str
    details: str
    """What is checked, beyond the title; may be empty."""
    source: str
    of: tuple[str, ...]
    """Categories (PRODCATG) that it is for; one that ends in a dot means all that begin so."""
    severity: Severity
    check: Check | None = None
    batch_check: BatchCheck | None = None
    """Instead of `check`: what needs the other files of the batch."""

    def is_for(self, category: str) -> bool:
        """Whether it is put to files of this category."""
        return any(
            one in (ANY, category) or (one.endswith(".") and category.startswith(one))
            for one in self.of
        )


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation of one rule in one file."""

    file: str
    rule: str
    """Number of the rule."""
    severity: Severity
    hdu: int
    keyword: str
    value: FitsValue
    reason: str


def rule(
    number: str,
    *,
    source: str,
    of: str | tuple[str, ...] = SCIENCE,
    severity: Severity = Severity.ERROR,
) -> Callable[[Check], Rule]:
    """Make a rule of a function; the first line of its docstring is the title."""

    def made(check: Check) -> Rule:
        title, details = _words(check)
        return Rule(number, title, details, source, _tuple(of), severity, check=check)

    return made


def batch_rule(
    number: str,
    *,
    source: str,
    of: str | tuple[str, ...] = SCIENCE,
    severity: Severity = Severity.ERROR,
) -> Callable[[BatchCheck], Rule]:
    """Make a rule of a function that looks at the other files of the batch, too."""

    def made(check: BatchCheck) -> Rule:
        title, details = _words(check)
        return Rule(number, title, details, source, _tuple(of), severity, batch_check=check)

    return made


def judge(rules: Sequence[Rule], document: Document) -> Iterator[Finding]:
    """Findings of the rules of single files in one file."""
    for one in rules:
        if one.check is not None and one.is_for(document.category):
            yield from _findings(one, document, one.check(document))


def judge_in_batch(rules: Sequence[Rule], document: Document, batch: Batch) -> Iterator[Finding]:
    """Findings of the rules of batches in one file."""
    for one in rules:
        if one.batch_check is not None and one.is_for(document.category):
            yield from _findings(one, document, one.batch_check(document, batch))


def _findings(one: Rule, document: Document, found: Iterable[Violation]) -> Iterator[Finding]:
    """Violations as findings; data that cannot be read for a rule are a violation of it."""
    try:
        for violation in found:
            keyword, value, reason, hdu = violation
            yield Finding(str(document.path), one.number, one.severity, hdu, keyword, value, reason)
    except (UnreadableFile, InvalidHeader, UnprocessableData) as error:
        reason = f"cannot be checked: {str(error).removeprefix(f'{document.path}: ')}"
        yield Finding(str(document.path), one.number, one.severity, 0, "(data)", None, reason)


def _words(check: Callable[..., object]) -> tuple[str, str]:
    title, _, details = inspect.cleandoc(check.__doc__ or "").partition("\n")
    return title.rstrip("."), " ".join(details.split())


def _tuple(of: str | tuple[str, ...]) -> tuple[str, ...]:
    return (of,) if isinstance(of, str) else of
