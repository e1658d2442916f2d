"""`vltflow events`: the log of all changes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from vltflow.cli.context import open_store
from vltflow.cli.options import JsonOption, SiteOption, commands
from vltflow.cli.output import show

app = commands()

COLUMNS = ("number", "time", "who", "kind", "record", "change", "why")


@app.command()
def events(
    context: typer.Context,
    record: Annotated[
        str | None, typer.Option(help="Only this record: an AB, job, product id or frame.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="The latest so many.")] = 50,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """List who or what changed which record, when and why."""
    with open_store(context, site) as (_, store), store.read() as tx:
        rows = [asdict(event) for event in tx.events.find(record=record, limit=limit)]
    show(rows, COLUMNS, as_json=as_json, empty="nothing has happened yet")
