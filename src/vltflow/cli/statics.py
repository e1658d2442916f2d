"""`vltflow statics`: the collection of static calibrations."""

from __future__ import annotations

import getpass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from vltflow import archive
from vltflow.archive.statics import FIRST_DAY, LAST_DAY
from vltflow.cli.context import open_store
from vltflow.cli.options import InstrumentOption, JsonOption, SiteOption, commands
from vltflow.cli.output import console, show
from vltflow.core.errors import UserError
from vltflow.core.time import iso_from_mjd
from vltflow.instruments import available, load
from vltflow.records import StaticCalibration, StaticState

app = commands("Static calibrations: what no night makes.")
COLUMNS = (
    "id", "instrument", "category", "name", "setup", "valid_from", "valid_to", "origin", "licence",
    "status",
)  # fmt: skip

RequiredInstrument = Annotated[
    str, typer.Option("--instrument", "-i", help="Name of the instrument, such as UVES.")
]


@app.command("list")
def list_(
    context: typer.Context,
    instrument: InstrumentOption = None,
    category: Annotated[str | None, typer.Option(help="PRO CATG: LINE_REFER_TABLE.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what was superseded or withdrawn.")
    ] = False,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the collection: line lists, extinction curves, standard stars, formats."""
    states = tuple(StaticState) if everything else (StaticState.VALID,)
    with open_store(context, site, instrument=instrument) as (_, store), store.read() as tx:
        found = tx.statics.find(instrument=instrument, category=category, states=states)
    _print(found, as_json=as_json)


@app.command()
def build(
    context: typer.Context,
    instrument: InstrumentOption = None,
    again: Annotated[
        bool, typer.Option("--again", help="Build everything anew, not only what is missing.")
    ] = False,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Build the static calibrations that instrument definitions make from open sources.

    `vltflow night` does it by itself for what is missing.
    """
    with open_store(context, site, instrument=instrument) as (opened, store):
        names = [instrument] if instrument else available(opened)
        built = [
            static
            for name in names
            for static in archive.build_statics(store, load(name, opened), again=again)
        ]
    _print(built, as_json=as_json)


@app.command()
def add(
    context: typer.Context,
    paths: Annotated[
        list[Path], typer.Argument(help="FITS files, or the folder of ESO's calibration kit.")
    ],
    instrument: RequiredInstrument,
    origin: Annotated[str, typer.Option(help="Where they come from: 'UVES kit 6.1.8'.")],
    licence: Annotated[str, typer.Option(help="What may be done with them.")] = "not stated",
    category: Annotated[str, typer.Option(help="PRO CATG; by default what the header says.")] = "",
    valid_from: Annotated[str, typer.Option(help="First day: 2010-01-31.")] = str(FIRST_DAY),
    valid_to: Annotated[str, typer.Option(help="Last day.")] = str(LAST_DAY),
    key: Annotated[
        list[str] | None,
        typer.Option(help="Setup that it is for: INS.GRAT1.WLEN=390; may be given again."),
    ] = None,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add static calibrations, or ESO's own calibration kit by pointing at its folder.

    What people add goes before what `vltflow statics build` makes.
    """
    with open_store(context, site, instrument=instrument) as (opened, store):
        definition = load(instrument, opened)
        files = [
            file
            for path in paths
            for file in (archive.calibration_kit(path, definition) if path.is_dir() else [path])
        ]
        added = archive.add_statics(
            store, definition, files, origin=origin, licence=licence, category=category,
            keys=dict(map(_pair, key)) if key else None,
            valid=(_day(valid_from), _day(valid_to)), by=getpass.getuser(),
        )  # fmt: skip
    _print(added, as_json=as_json)


@app.command()
def withdraw(
    context: typer.Context,
    static_id: Annotated[str, typer.Argument(help="Its id, as `vltflow statics list` shows it.")],
    comment: Annotated[str, typer.Option(help="Why.")],
    site: SiteOption = None,
) -> None:
    """Withdraw a static calibration; tells which products were made with it."""
    with open_store(context, site) as (_, store):
        with store.read() as tx:
            found = [one for one in tx.statics.find() if one.static_id.startswith(static_id)]
        if len(found) != 1:
            raise UserError(
                f"{len(found)} static calibrations have an id that begins with {static_id!r}",
                hint="Give more of it; `vltflow statics list` shows them",
            )
        made = archive.withdraw_static(
            store, found[0].static_id, by=getpass.getuser(), comment=comment
        )
    console().print(f"{found[0].name} is withdrawn; {len(made)} products were made with it")
    for name in made:
        console().print(f"  {name}")


def _print(statics: list[StaticCalibration], *, as_json: bool) -> None:
    rows = [
        {
            "id": one.static_id[:12],
            "instrument": one.instrument,
            "category": one.category,
            "name": one.name,
            "setup": one.keys if one.keys != "{}" else "",
            "valid_from": iso_from_mjd(one.valid_from)[:10],
            "valid_to": iso_from_mjd(one.valid_to - 1)[:10],
            "origin": one.origin,
            "licence": one.licence,
            "status": str(one.state),
        }
        for one in statics
    ]
    show(rows, COLUMNS, as_json=as_json, empty="none")


def _day(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError as error:
        raise UserError(f"{text!r} is no day; give one such as 2010-01-31") from error


def _pair(text: str) -> tuple[str, str | int | float]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UserError(f"--key {text!r} is no KEYWORD=VALUE")
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            continue
    return name, value
