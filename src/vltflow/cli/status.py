"""`vltflow status`: the AB monitor in the terminal."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

import typer

from vltflow.cli.context import open_store
from vltflow.cli.options import InstrumentOption, JsonOption, NightOption, SiteOption, commands
from vltflow.cli.output import console, show
from vltflow.cli.quarantine import refused
from vltflow.flow.monitor import MonitorRow, monitor

app = commands()

COLUMNS = (
    "ab", "raw_type", "setup", "recipe", "complete", "status", "score", "certification", "problem",
)  # fmt: skip


@app.command()
def status(
    context: typer.Context,
    night: NightOption = None,
    instrument: InstrumentOption = None,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the AB monitor: each AB with state, score, certification and problem."""
    with open_store(context, site, instrument=instrument) as (_, store):
        rows = monitor(store, night=night, instrument=instrument)
        files = refused(store)
    show(
        [asdict(row) for row in rows],
        COLUMNS,
        as_json=as_json,
        empty="no ABs yet: `vltflow ingest RAW`, then `vltflow night NIGHT --instrument NAME`",
    )
    if not as_json:
        _summary(rows, files)


def _summary(rows: list[MonitorRow], files: list[dict[str, Any]]) -> None:
    states = Counter(row.status for row in rows)
    incomplete = sum(not row.complete for row in rows)
    scored = sum(bool(row.score) for row in rows)
    waiting = sum(row.certification.startswith("waits") for row in rows)
    counts = ", ".join(f"{number} {state}" for state, number in sorted(states.items()))
    if rows:
        console().print(
            f"\n{len(rows)} ABs: {counts}; {scored} scored, {incomplete} incomplete, "
            f"{waiting} wait for a person (`vltflow certify list`)"
        )
    if files:
        console().print(f"\n{len(files)} files were refused and are in no AB:")
        show(files, ("location", "reason"), as_json=False, empty="")
