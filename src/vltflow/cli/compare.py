"""`vltflow compare`: the native recipe and ESO's own on the same AB."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from vltflow.cli.context import block_name, open_store
from vltflow.cli.options import JsonOption, SiteOption, commands
from vltflow.cli.output import console, print_json, show
from vltflow.core.errors import UserError
from vltflow.flow.compare import compare as run
from vltflow.flow.compare import keep_comparison
from vltflow.flow.comparison import render, summary
from vltflow.instruments import load
from vltflow.process.executors import LocalExecutor
from vltflow.store import Store

app = commands()
RUNNER_COLUMNS = ("runner", "recipe", "version", "elapsed_s", "cpu_s", "peak_mb", "job_mb")
PARAMETER_COLUMNS = ("category", "parameter", "native", "esorex", "percent")
PIXEL_COLUMNS = ("category", "shape", "median", "scatter", "largest", "share_equal")


def _write_kept(store: Store, name: str, out: Path | None) -> None:
    with store.read() as tx:
        pages = tx.quality.comparisons([name])
    if name not in pages or out is None:
        what = f"{name} was not compared yet" if name not in pages else "--kept needs --out FILE"
        raise UserError(what, hint="See `vltflow compare --help`")
    out.write_bytes(store.vault.get_bytes(pages[name]))
    console().print(f"{out}")


@app.command()
def compare(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="AB", help="Name, or a unique part of it.")],
    out: Annotated[
        Path | None, typer.Option(help="HTML page with tables and difference images.")
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each; times are their median.")] = 1,
    kept: Annotated[
        bool, typer.Option("--kept", help="Write the page that is kept with the AB; run nothing.")
    ] = False,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run the native recipe and ESO's own on the same AB and show both side by side.

    QC1 parameters, pixels, times and memory: what a scientist needs to trust the native
    recipe. Nothing of it is registered as a product; the page is kept with the AB. Where the
    runner of a recipe is `both`, the night compares by itself.
    """
    with open_store(context, site) as (opened, store):
        full_name = block_name(store, name)
        if kept:
            _write_kept(store, full_name, out)
            return
        with store.read() as tx:
            instrument = load(tx.blocks.get(full_name).instrument, opened)
        with LocalExecutor(opened) as executor:
            found = run(store, executor, instrument, full_name, repeats=repeats)
        page = render(found)
        keep_comparison(store, found, page, by=getpass.getuser())
    if out is not None:
        out.write_bytes(page)
    if as_json:
        print_json([found.to_json()])
        return
    rows = [asdict(row) | {"percent": row.percent} for row in found.parameters]
    show([asdict(row) for row in found.runners], RUNNER_COLUMNS, as_json=False, empty="")
    console().print(f"{summary(found)}\n")
    show(rows, PARAMETER_COLUMNS, as_json=False, empty="no QC1 parameters")
    console().print("\npixels, native minus esorex")
    show([asdict(row) for row in found.pixels], PIXEL_COLUMNS, as_json=False, empty="no images")
    if out is not None:
        console().print(f"\n{out}")
