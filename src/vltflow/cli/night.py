"""`vltflow night`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated

import typer

from vltflow.cli.context import instruments, open_store
from vltflow.cli.options import InstrumentOption, JsonOption, SiteOption, checked_night, commands
from vltflow.cli.output import console, print_json, progress
from vltflow.flow.night import NightReport, run_night
from vltflow.instruments import load

app = commands()


@app.command()
def night(
    context: typer.Context,
    date: Annotated[str, typer.Argument(metavar="NIGHT", help="Date of the evening: 2015-02-26.")],
    instrument: InstrumentOption = None,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Classify, associate, process, measure, score, certify and archive a night.

    Of one instrument, or of all that have frames in that night. Does what is
    left to do: run it again after more frames came, or after anything
    was interrupted. The exit code is 1 if an AB of the night failed.
    """
    checked_night(date)
    with open_store(context, site) as (opened, store), progress(f"night {date}") as tell:
        known = [load(instrument, opened)] if instrument else instruments(opened)
        with store.read() as tx:
            present = tx.frames.instruments(night=date)
        chosen = [one for one in known if instrument or one.name in present]
        reports = run_night(store, opened, chosen, date, progress=_only_jobs(tell))
    if as_json:
        print_json([asdict(report) for report in reports])
    elif not reports:
        console().print(f"no frames of the night {date}: `vltflow ingest RAW` first")
    else:
        for report in reports:
            _print(report)
        console().print(f"next: vltflow status --night {date}")
    if any(report.states.get("FAILED") for report in reports):
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
    if report.published:
        out.print(f"{report.published} science products published: `vltflow products list`")
    if report.compared:
        out.print(f"{report.compared} ABs compared by both runners: `vltflow compare AB --kept`")
    if report.unknown:
        out.print(f"{report.unknown} frames of the night are of no known type")
