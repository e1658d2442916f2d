"""`vltflow masters`: certified master calibrations."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Annotated

import typer

from vltflow import archive, certify
from vltflow.cli.context import open_store
from vltflow.cli.options import JsonOption, SiteOption, commands
from vltflow.cli.output import console, show
from vltflow.core.time import iso_from_mjd
from vltflow.instruments import load

app = commands("Certified master calibrations.")
COLUMNS = ("name", "category", "setup", "mjd", "valid_from", "valid_to", "status", "sha256")
SUMMARY_COLUMNS = ("category", "masters", "setups", "first", "last")
RequiredInstrument = Annotated[
    str, typer.Option("--instrument", "-i", help="Name of the instrument: UVES.")
]
CategoryOption = Annotated[str | None, typer.Option(help="PRO CATG, such as MASTER_BIAS_BLUE.")]
SetupOption = Annotated[
    str | None, typer.Option(help="Label of the setup, as `vltflow status` shows it.")
]
MjdOption = Annotated[
    float | None, typer.Option(help="The moment for which the master must hold, MJD.")
]


@app.command()
def find(
    context: typer.Context,
    instrument: RequiredInstrument,
    category: CategoryOption = None,
    setup: SetupOption = None,
    mjd: MjdOption = None,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """List certified masters; with --mjd those that hold at that moment.

    The table has days of validity and the beginning of SHA-256; --json has all.
    """
    with open_store(context, site) as (opened, store):
        found = archive.find(store, load(instrument, opened), category, setup=setup, mjd=mjd)
    rows = [
        {
            "name": master.name,
            "category": master.category,
            "setup": master.setup,
            "mjd": master.mjd,
            "valid_from": master.valid_from if as_json else iso_from_mjd(master.valid_from)[:10],
            "valid_to": master.valid_to if as_json else iso_from_mjd(master.valid_to)[:10],
            "status": str(master.state),
            "sha256": master.file_id if as_json else master.file_id[:12],
        }
        for master in found
    ]
    show(rows, COLUMNS, as_json=as_json, empty="no certified master fits")


@app.command()
def summary(
    context: typer.Context,
    instrument: RequiredInstrument,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Count certified masters by category, and the ABs that wait for a person."""
    with open_store(context, site) as (opened, store):
        definition = load(instrument, opened)
        found = archive.find(store, definition)
        waiting = certify.waiting(store, definition.name, definition=lambda _: definition)
    by_category = attrgetter("category")
    groups = [list(kind) for _, kind in groupby(sorted(found, key=by_category), by_category)]
    rows = [
        {
            "category": kind[0].category,
            "masters": len(kind),
            "setups": len({master.setup for master in kind}),
            "first": iso_from_mjd(kind[0].mjd)[:10],
            "last": iso_from_mjd(kind[-1].mjd)[:10],
        }
        for kind in groups
    ]
    show(rows, SUMMARY_COLUMNS, as_json=as_json, empty="no certified masters")
    if not as_json:
        tell = console().print
        tell(f"{len(found)} masters: vltflow masters find --instrument {definition.name}")
        tell(f"{len(waiting)} ABs wait for a person, and why: vltflow certify list")


@app.command()
def get(
    context: typer.Context,
    names: Annotated[
        list[str], typer.Argument(metavar="NAME...", help="File names of products, or ABs.")
    ],
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path(),
    site: SiteOption = None,
) -> None:
    """Copy products out of the vault under their names."""
    with open_store(context, site) as (_, store):
        for path in archive.export_products(store, names, out):
            console().print(str(path))
