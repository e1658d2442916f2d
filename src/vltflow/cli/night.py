"""`vltflow night`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated

import typer

from vltflow.cli.context import JsonOption, SiteOption, checked_night, commands, open_store
from vltflow.cli.output import console, print_json, progress
from vltflow.flow.night import NightReport, run_night
from vltflow.instruments import load

app = commands()


@app.command()
def night(
    context: typer.Context,
    date: Annotated[str, typer.Argument(metavar="NIGHT", help="Date of the evening: 2015-02-26.")],
    instrument: Annotated[
        str, typer.Option("--instrument", "-i", help="Name of the instrument: UVES.")
    ],
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Classify, associate, process, measure, score, certify and archive a night.

    Does what is left to do: run it again after more frames came, or after anything
    was interrupted. The exit code is 1 if an AB of the night failed.
    """
    checked_night(date)
    definition = load(instrument)
    with (
        open_store(context, site) as (opened, store),
        progress(f"{definition.name} {date}") as tell,
    ):
        report = run_night(store, opened, definition, date, progress=_only_jobs(tell))
    if as_json:
        print_json([asdict(report)])
    else:
        _print(report)
    if report.states.get("FAILED"):
        raise typer.Exit(1)


def _only_jobs(tell: Callable[[int, int], None]) -> Callable[[str, int, int], None]:
    return lambda room, done, total: tell(done, total) if room == "process" else None


def _print(report: NightReport) -> None:
    out = console()
    states = ", ".join(f"{number} {state}" for state, number in sorted(report.states.items()))
    out.print(f"{report.instrument} {report.night}: {report.blocks} ABs ({states or 'none'})")
    out.print(
        f"this run: {report.processed} jobs, {report.failed} failed; "
        f"{report.certified} ABs certified automatically, {report.archived} masters archived"
    )
    if report.unknown:
        out.print(f"{report.unknown} frames of the night are of no known type")
    out.print(f"next: vltflow status --night {report.night}")
