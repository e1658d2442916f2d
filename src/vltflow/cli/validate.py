"""`vltflow validate`: files against ESO's Science Data Products standard."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from vltflow.cli.options import JsonOption, commands
from vltflow.cli.output import console, messages, print_json, progress, show
from vltflow.core.errors import UserError
from vltflow.publish.rules import Rule, Severity
from vltflow.publish.standard import RULES
from vltflow.publish.validation import Verdict, validate

app = commands()
FINDING_COLUMNS = ("rule", "severity", "hdu", "keyword", "value", "reason")
RULE_COLUMNS = ("number", "severity", "of", "title", "details", "source")


@app.command("validate")
def validate_(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Files, or folders of files; all together are one batch."),
    ] = None,
    originals: Annotated[
        list[Path] | None,
        typer.Option(help="Folder or file of raw frames that PROVi name; may be given again."),
    ] = None,
    collection: Annotated[
        str, typer.Option(help="Collection that they shall belong to; some need less keywords.")
    ] = "",
    notes: Annotated[
        bool, typer.Option("--notes", help="Show also recommendations and what was not checked.")
    ] = False,
    rules: Annotated[bool, typer.Option("--rules", help="List all rules, and end.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Judge files against ESO's Science Data Products standard; needs no site.

    Prints each rule that is violated, with keyword, value and reason. Exit code 0: no file
    has an error (warnings may be); 1: some have; 2: wrong use.
    """
    if rules:
        show([_rule_row(one) for one in RULES], RULE_COLUMNS, as_json=as_json, empty="no rules")
        return
    if not files:
        raise UserError("no files are given", hint="`vltflow validate FILES`, or `--rules`")
    for path in (*files, *(originals or ())):
        if not path.exists():
            raise UserError(f"{path}: there is no such file or folder")
    with progress("validating") as report:
        verdicts = validate(files, originals=originals or (), collection=collection, report=report)
    if not verdicts:
        raise UserError("there are no FITS files in what is given")
    if as_json:
        print_json([_verdict_record(one) for one in verdicts])
    else:
        _print(verdicts, notes=notes)
    if not all(one.is_accepted for one in verdicts):
        raise typer.Exit(1)


def _print(verdicts: list[Verdict], *, notes: bool) -> None:
    for verdict in verdicts:
        shown = [one for one in verdict.findings if notes or one.severity is not Severity.NOTE]
        hidden = len(verdict.findings) - len(shown)
        counts = ", ".join(
            f"{number} {severity}{'s' if number != 1 else ''}"
            for severity in Severity
            if (number := sum(one.severity is severity for one in verdict.findings))
        )
        category = verdict.category or "no PRODCATG"
        state = "accepted" if verdict.is_accepted else "refused"
        tail = " (notes: --notes)" if hidden else ""
        console().print(
            f"{verdict.file}: {state}; {category}, {verdict.rules} rules, {counts or 'no findings'}"
            f"{tail}",
            highlight=False, markup=False, soft_wrap=True,
        )  # fmt: skip
        show([asdict(one) for one in shown], FINDING_COLUMNS, as_json=False, empty="")
    refused = sum(not one.is_accepted for one in verdicts)
    if len(verdicts) > 1:
        messages().print(f"{len(verdicts)} files, {refused} refused")


def _rule_row(one: Rule) -> dict[str, Any]:
    return {
        "number": one.number, "severity": str(one.severity), "of": " ".join(one.of),
        "title": one.title, "details": one.details, "source": one.source,
    }  # fmt: skip


def _verdict_record(verdict: Verdict) -> dict[str, Any]:
    return {
        "file": verdict.file,
        "category": verdict.category,
        "accepted": verdict.is_accepted,
        "rules": verdict.rules,
        "findings": [
            {name: value for name, value in asdict(one).items() if name != "file"}
            for one in verdict.findings
        ],
    }
