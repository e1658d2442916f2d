"""`vltflow compare`: the native recipe and ESO's own on the same AB."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from vltflow.cli.context import JsonOption, SiteOption, block_name, commands, open_store
from vltflow.cli.output import console, print_json, show
from vltflow.flow.compare import compare as run
from vltflow.flow.compare import keep_comparison
from vltflow.flow.comparison_page import render, summary
from vltflow.instruments import load

app = commands()
RUNNER_COLUMNS = ("runner", "recipe", "version", "elapsed_s", "cpu_s", "peak_mb")
PARAMETER_COLUMNS = ("category", "parameter", "native", "esorex", "percent")
PIXEL_COLUMNS = ("category", "shape", "median", "scatter", "largest", "share_equal")


@app.command()
def compare(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="AB", help="Name, or a unique part of it.")],
    out: Annotated[
        Path | None, typer.Option(help="HTML page with tables and difference images.")
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each; times are their median.")] = 1,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run the native recipe and ESO's own on the same AB and show both side by side.

    QC1 parameters, pixels, times and memory: what a scientist needs to trust the native
    recipe. Nothing of it is registered as a product; the page is kept with the AB.
    """
    with open_store(context, site) as (opened, store):
        full_name = block_name(store, name)
        with store.read() as tx:
            instrument = load(tx.blocks.get(full_name).instrument, opened)
        found = run(store, opened, instrument, full_name, repeats=repeats)
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
