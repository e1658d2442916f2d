"""`vltflow products`: science products for astronomers (IDPs)."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from vltflow import archive
from vltflow.cli.context import instruments, open_store
from vltflow.cli.options import (
    CommentOption,
    InstrumentOption,
    JsonOption,
    NightOption,
    SiteOption,
    WhoOption,
    commands,
    person,
)
from vltflow.cli.output import console, messages, print_json, show
from vltflow.core.errors import NotFound
from vltflow.instruments import load
from vltflow.publish import run
from vltflow.records import ScienceProduct, ScienceState

app = commands("Science products of ESO's standard (IDPs): what is handed to astronomers.")
COLUMNS = ("name", "target", "setup", "mjd_obs", "snr", "bits", "version", "status", "ab")
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="File name of a product.")]
AllOption = Annotated[
    bool, typer.Option("--all", help="Earlier versions and hidden products, too.")
]


@app.command("list")
def list_products(
    context: typer.Context,
    instrument: InstrumentOption = None,
    night: NightOption = None,
    target: Annotated[str | None, typer.Option(help="Name of the target.")] = None,
    every: AllOption = False,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """List science products, by time."""
    states = tuple(ScienceState) if every else (ScienceState.PUBLISHED,)
    with open_store(context, site, instrument=instrument) as (_, store), store.read() as tx:
        found = tx.science.find(instrument=instrument, night=night, target=target, states=states)
    show([_row(one) for one in found], COLUMNS, as_json=as_json, empty="no science products")


@app.command("show")
def show_product(
    context: typer.Context,
    name: NameArgument,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show all versions of a product, what it was made of and what goes with it."""
    with open_store(context, site) as (_, store), store.read() as tx:
        found = tx.science.find(name=name, states=tuple(ScienceState))
        inputs = tx.products.by_id(one for product in found for one in product.inputs)
    if not found:
        raise NotFound(f"no science product {name!r}", hint="`vltflow products list` has names")
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        console().print(f"[bold]{one.name}[/] version {one.version}", highlight=False)
        for key, value in (_row(one) | _details(one)).items():
            if key not in {"name", "version"} and value not in ("", None):
                text = f"  {key.replace('_', ' '):<14} {value}"
                console().print(text, highlight=False, markup=False)
        for product in (inputs[key] for key in one.inputs):
            text = f"  {'made of':<14} {product.name}  {product.category}  {product.state}"
            console().print(text, highlight=False, markup=False)
        for file in one.associated:
            text = f"  {'with':<14} {file.name}  {file.category}  {file.size} bytes"
            console().print(text, highlight=False, markup=False)


@app.command()
def export(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="Folder to write to.")],
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME...", help="File names; all, if none.")
    ] = None,
    instrument: InstrumentOption = None,
    night: NightOption = None,
    site: SiteOption = None,
) -> None:
    """Copy science products with their associated files out of the vault."""
    with open_store(context, site, instrument=instrument) as (_, store):
        with store.read() as tx:
            found = tx.science.find(instrument=instrument, night=night)
        wanted = set(names or ())
        if absent := wanted - {one.name for one in found}:
            raise NotFound(f"no published science product {', '.join(sorted(absent))}")
        chosen = [one for one in found if not wanted or one.name in wanted]
        files: list[archive.KeptFile] = []
        for one in chosen:
            files += [one, *one.associated]
        for path in archive.export_files(store, files, out):
            console().print(str(path), highlight=False, markup=False, soft_wrap=True)
    if not chosen:
        messages().print("no science products")


@app.command()
def publish(
    context: typer.Context,
    instrument: InstrumentOption = None,
    ab: Annotated[list[str] | None, typer.Option("--ab", help="Full name of an AB.")] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Make new versions of what is published already.")
    ] = False,
    site: SiteOption = None,
) -> None:
    """Publish certified spectra that are not yet; `vltflow night` does it, too.

    The exit code is 1 if a product could not be made: its AB says why.
    """
    failed = 0
    with open_store(context, site, instrument=instrument) as (opened, store):
        chosen = [load(instrument, opened)] if instrument else instruments(opened)
        for definition in chosen:
            done = run(store, definition, blocks=ab, again=again)
            for one in done.new:
                console().print(f"{one.name} version {one.version}", highlight=False, markup=False)
            for one in done.hidden:
                console().print(f"{one.name} hidden", highlight=False, markup=False)
            for name in done.failed:
                messages().print(f"{name}: not published, see `vltflow ab show`", style="red")
            failed += len(done.failed)
    if failed:
        raise typer.Exit(1)


@app.command()
def hide(
    context: typer.Context,
    name: NameArgument,
    comment: CommentOption,
    who: WhoOption = None,
    site: SiteOption = None,
) -> None:
    """Take a product out of use; its files are kept, and the next version is shown again."""
    with (
        open_store(context, site) as (_, store),
        store.write(by=person(who), why=comment) as tx,
    ):
        found = tx.science.find(name=name)
        if not found:
            raise NotFound(f"no published science product {name!r}")
        for one in found:
            tx.science.hide(one.science_id, f"hidden by {person(who)}: {comment}")
    console().print(f"{name}: HIDDEN", highlight=False, markup=False)


def _row(one: ScienceProduct) -> dict[str, Any]:
    return {
        "name": one.name,
        "target": one.target,
        "setup": one.setup,
        "mjd_obs": one.mjd_obs,
        "snr": one.snr,
        "bits": one.bits,
        "version": one.version,
        "status": str(one.state),
        "ab": one.block,
    }


def _details(one: ScienceProduct) -> dict[str, Any]:
    return {
        "category": one.category,
        "archive_name": one.archive_name,
        "revision": one.revision,
        "sha256": one.file_id,
        "size": one.size,
        "created": one.created,
        "problem": one.problem,
    }
