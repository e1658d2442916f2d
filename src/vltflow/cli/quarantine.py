"""`vltflow quarantine`."""

from __future__ import annotations

import typer

from vltflow.cli.context import JsonOption, SiteOption, commands, open_store
from vltflow.cli.output import show

app = commands()
COLUMNS = ("location", "code", "reason", "size", "found")


@app.command()
def quarantine(
    context: typer.Context, site: SiteOption = None, as_json: JsonOption = False
) -> None:
    """List the files that were refused, with the reason. The files stay where they lie."""
    with open_store(context, site) as (_, store), store.read() as tx:
        rows = [
            {name: getattr(refused, name) for name in COLUMNS} for refused in tx.quarantine.find()
        ]
    show(rows, COLUMNS, as_json=as_json, empty="no file was refused")
