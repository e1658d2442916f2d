"""`vltflow rebuild`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from vltflow.cli.context import open_store
from vltflow.cli.options import JsonOption, SiteOption, commands
from vltflow.cli.output import console, print_json, progress, show
from vltflow.flow.finding import find_products
from vltflow.flow.rebuild import Likeness, Rebuilt, rebuild

app = commands()
_GOOD = frozenset({Likeness.IDENTICAL, Likeness.EQUAL})
_SHOWN = 20


@app.command("rebuild")
def rebuild_product(
    context: typer.Context,
    what: Annotated[
        str,
        typer.Argument(metavar="FILE_OR_PRODUCT", help="A file, product name or id, or an AB."),
    ],
    out: Annotated[Path, typer.Option(help="Folder for what is made again.")],
    depth: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Levels of masters to make again; 0 takes the recorded ones. All by default.",
        ),
    ] = None,
    raw: Annotated[
        Path | None, typer.Option(help="Folder with the raw frames, if they have moved.")
    ] = None,
    cores: Annotated[
        int | None, typer.Option(min=1, help="Threads of native recipes; else as recorded.")
    ] = None,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a product again from what is recorded, and say whether it is the same to the bit.

    Recipes, parameters and the instrument definition are those of then, whatever counts now.
    The site is only read. The exit code is 1 if anything but the moments of writing differs.
    """
    with open_store(context, site) as (opened, store), progress("rebuild") as tell:
        found = find_products(store, what)
        made = rebuild(
            store,
            opened,
            found.product_ids,
            out,
            science=found.science,
            depth=depth,
            raw=raw,
            cores=cores,
            progress=tell,
        )
    rows = [_row(one) for one in made]
    if as_json:
        print_json(rows)
    else:
        show(rows, ("product", "result", "sha256"), as_json=False, empty="nothing was made")
        for one in made:
            _tell(one)
    if any(one.likeness not in _GOOD for one in made):
        raise typer.Exit(1)


def _row(one: Rebuilt) -> dict[str, Any]:
    return {
        "product": one.product.name,
        "category": one.product.category,
        "result": str(one.likeness),
        "file": str(one.path) if one.path else "",
        "sha256": one.sha256,
        "recorded": one.product.file_id,
        "differences": [asdict(found) for found in one.differences],
        "causes": list(one.causes),
    }


def _tell(one: Rebuilt) -> None:
    if one.likeness is Likeness.IDENTICAL:
        return
    out = console()
    out.print(f"\n[bold]{one.product.name}[/]: {one.likeness}", highlight=False)
    for found in one.differences[:_SHOWN]:
        place = f"HDU {found.hdu} {found.extension}".strip()
        said = " ".join(filter(None, (place, found.what, found.name)))
        out.print(f"  {said}: {found.text}", highlight=False, markup=False)
    if len(one.differences) > _SHOWN:
        out.print(f"  and {len(one.differences) - _SHOWN} more (--json has all)")
    for cause in one.causes:
        out.print(f"  why: {cause}", highlight=False, markup=False)
