"""`vltflow quarantine`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import typer

from vltflow.cli.context import open_store
from vltflow.cli.options import JsonOption, SiteOption, commands
from vltflow.cli.output import show
from vltflow.store import Store

app = commands()
COLUMNS = ("location", "code", "reason", "size", "found")


@app.command()
def quarantine(
    context: typer.Context, site: SiteOption = None, as_json: JsonOption = False
) -> None:
    """List the files that were refused, with the reason. The files stay where they lie."""
    with open_store(context, site) as (_, store):
        rows = refused(store)
    show(rows, COLUMNS, as_json=as_json, empty="no file was refused")


def refused(store: Store) -> list[dict[str, Any]]:
    """Refused files by location; the reason does not name the file again."""
    with store.read() as tx:
        files = tx.quarantine.find()
    return [asdict(one) | {"reason": one.reason.removeprefix(f"{one.location}: ")} for one in files]
