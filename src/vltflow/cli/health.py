"""`vltflow health`: scores of the Health Check, and events that may explain what it shows."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from typing import Annotated

import typer

from vltflow.cli.context import open_store
from vltflow.cli.options import JsonOption, NightOption, SiteOption, WhoOption, commands
from vltflow.cli.output import show
from vltflow.core.errors import UserError
from vltflow.core.time import iso_from_mjd, mjd_from_iso, now_iso
from vltflow.instruments import load
from vltflow.records import HealthEvent
from vltflow.trending import health_scores, time_range

app = commands("How instruments are: scores of the Health Check, and events.")
InstrumentArgument = Annotated[
    str, typer.Argument(metavar="INSTRUMENT", help="Name of an instrument.")
]


@app.command("scores")
def scores(
    context: typer.Context,
    instrument: InstrumentArgument,
    night: NightOption = None,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the score of each report, with those of the last seven nights."""
    with open_store(context, site) as (place, store), store.read() as tx:
        definition = load(instrument, place)
        last = time_range(tx, definition.name, "health", night or "").last
        found = health_scores(tx, definition, last)
    rows = [
        {"report": one.report.name, "score": str(one.now)}
        | {day[5:]: str(colour) for day, colour in zip(found.nights, one.nights, strict=True)}
        for group in found.groups
        for one in group.reports
    ]
    columns = ("report", "score", *(day[5:] for day in found.nights))
    show(rows, columns, as_json=as_json, empty="this instrument has no health.yaml")


@app.command("annotate")
def annotate(
    context: typer.Context,
    instrument: InstrumentArgument,
    time: Annotated[str, typer.Argument(help="UT: 2015-02-26 or 2015-02-26T14:30.")],
    text: Annotated[str, typer.Argument(help="What happened.")],
    kind: Annotated[str, typer.Option(help="In a word or two.")] = "intervention",
    by: WhoOption = None,
    site: SiteOption = None,
) -> None:
    """Note an intervention, a thermal cycle: plots draw it as a line with its text."""
    who = by or getpass.getuser()
    with open_store(context, site) as (place, store):
        name = load(instrument, place).name
        event = HealthEvent(name, _mjd(time), kind.strip(), text.strip(), who, now_iso())
        if not (event.kind and event.text):
            raise UserError("an event needs a kind and a text")
        with store.write(by=who, why="noted") as tx:
            tx.health.add_event(event)
    typer.echo(f"noted for {name} at {iso_from_mjd(event.mjd)}")


@app.command("events")
def events(
    context: typer.Context,
    instrument: InstrumentArgument,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what was noted."""
    with open_store(context, site) as (_, store), store.read() as tx:
        found = tx.health.events(instrument.upper())
    rows = [asdict(one) | {"time": iso_from_mjd(one.mjd)} for one in found]
    columns = ("number", "time", "kind", "text", "who")
    show(rows, columns, as_json=as_json, empty="nothing was noted")


@app.command("remove")
def remove(
    context: typer.Context,
    number: Annotated[int, typer.Argument(help="As `vltflow health events` lists it.")],
    by: WhoOption = None,
    site: SiteOption = None,
) -> None:
    """Take a note away again; the log of events keeps it."""
    who = by or getpass.getuser()
    with open_store(context, site) as (_, store), store.write(by=who, why="mistaken") as tx:
        tx.health.remove_event(number)
    typer.echo(f"event {number} is removed")


def _mjd(text: str) -> float:
    try:
        mjd = mjd_from_iso(text)
    except (ValueError, OverflowError) as error:
        raise UserError(f"{text!r} is no time", hint="Write UT as 2015-02-26T14:30") from error
    return mjd
