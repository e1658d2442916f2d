"""`vltflow ingest`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vltflow import ingest as room
from vltflow.cli.context import instruments, open_store
from vltflow.cli.options import JsonOption, SiteOption, commands
from vltflow.cli.output import console, progress, show

app = commands()

COLUMNS = ("file", "outcome", "reason")


@app.command()
def ingest(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="RAW...", help="Files or folders.")],
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read raw frames into the store: new, known or rejected, with the reason.

    Files stay where they lie; a frame is known by its content. Rejected files are
    listed by `vltflow quarantine`; the exit code is 1 if there are any.
    """
    with open_store(context, site) as (opened, store), progress("ingest") as tell:
        report = room.run(store, instruments(opened), paths, progress=tell)
    told = report.arrivals if as_json else report.rejected
    rows = [
        {
            "file": one.location,
            "outcome": str(one.outcome),
            "reason": one.reason.removeprefix(f"{one.location}: "),
        }
        for one in told
    ]
    show(rows, COLUMNS, as_json=as_json, empty="")
    if not as_json:
        console().print(
            ", ".join(f"{number} {outcome}" for outcome, number in report.counts.items())
        )
    if report.rejected:
        raise typer.Exit(1)
