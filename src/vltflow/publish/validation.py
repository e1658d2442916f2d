"""Validate files: whatever they are, the answer is a list of findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vltflow.core.time import mjd_from_iso, now_iso
from vltflow.publish.batch import fits_files, make_batch
from vltflow.publish.document import Document, open_document
from vltflow.publish.rules import Finding, Rule, Severity, judge, judge_in_batch
from vltflow.publish.standard import RULES


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found in one file."""

    file: str
    category: str
    """PRODCATG; empty if it has none or is damaged."""
    rules: int
    """Number of rules that were put to it."""
    findings: tuple[Finding, ...]
    """By rule."""

    @property
    def is_accepted(self) -> bool:
        """Whether no finding is an error."""
        return all(one.severity is not Severity.ERROR for one in self.findings)


def validate(
    paths: Iterable[Path],
    *,
    originals: Sequence[Path] = (),
    collection: str = "",
    now: float | None = None,
    report: Callable[[int, int], None] = lambda _done, _total: None,
) -> list[Verdict]:
    """Judge files against the rules of ESO's Science Data Products standard.

    Headers are kept of all files, arrays of one row or plane at a time.

    Parameters
    ----------
    paths : iterable of Path
        Files, and folders whose FITS files are meant, with those of the folders in them.
        All are one batch.
    originals : sequence of Path
        Files and folders with raw frames that PROVi name.
    collection : str
        Name of the collection that the files shall belong to: some need less.
    now : float, optional
        MJD of the judgement; the present if not given.
    report
        Called with the number of files done and of all.

    Returns
    -------
    list of Verdict
        One a file, in the order of the files.
    """
    moment = mjd_from_iso(now_iso()) if now is None else now
    files = [path for start in paths for path in fits_files(start)]
    documents = []
    for done, path in enumerate(files):
        report(done, 2 * len(files))
        documents.append(open_document(path, now=moment, collection=collection))
    batch = make_batch(documents, originals)
    verdicts = []
    for done, document in enumerate(documents, start=len(files)):
        report(done, 2 * len(files))
        found = [*judge(RULES, document), *judge_in_batch(RULES, document, batch)]
        findings = tuple(sorted(found, key=lambda one: one.rule))
        verdicts.append(
            Verdict(str(document.path), document.category, len(rules_for(document)), findings)
        )
    return verdicts


def rules_for(document: Document) -> list[Rule]:
    """Rules that are put to a file of its category."""
    return [one for one in RULES if one.is_for(document.category)]
