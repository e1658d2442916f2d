"""`vltflow explain`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text
from rich.tree import Tree

from vltflow.cli.context import open_store, site_or_none
from vltflow.cli.options import JsonOption, SiteOption, commands
from vltflow.cli.output import console, messages, print_json
from vltflow.core.errors import NotFound, UserError
from vltflow.core.time import iso_from_mjd
from vltflow.flow.finding import find_products, said_by_header
from vltflow.flow.provenance import Origin, Provenance, Used, provenance
from vltflow.flow.provenance_export import plain, prov_json
from vltflow.records import Colour, RawFrame, ScienceProduct

app = commands()
_FOLDED = 3
"""So many raw frames are shown one by one; of more the first and the last."""


@app.command()
def explain(
    context: typer.Context,
    what: Annotated[
        str,
        typer.Argument(metavar="FILE_OR_PRODUCT", help="A file, product name or id, or an AB."),
    ],
    full: Annotated[
        bool, typer.Option("--full", help="All raw frames, parameters and QC1 values.")
    ] = False,
    prov: Annotated[
        bool, typer.Option("--prov", help="Print PROV-JSON of the W3C instead of a tree.")
    ] = False,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell what a product owes to: raw frames, masters, recipes, versions, decisions.

    A file may lie anywhere and bear any name: its checksum counts, else what its header says.
    Without a site that knows it, the header is all that can be told.
    """
    if site_or_none(context, site) is None and Path(what).is_file():
        _tell_header(Path(what), as_json=as_json)
        return
    with open_store(context, site) as (_, store):
        try:
            found = find_products(store, what)
        except NotFound as error:
            if not Path(what).is_file():
                raise
            messages().print(f"{error}", highlight=False)
            _tell_header(Path(what), as_json=as_json)
            return
        origin = provenance(store, found.product_ids)
    if prov:
        print_json(prov_json(origin, found.science))
    elif as_json:
        print_json([plain(origin, found.science) | {"found_by": found.how}])
    else:
        if found.remark:
            messages().print(found.remark, highlight=False)
        seen: set[str] = set()
        trees = [_tree(origin, root, full=full, seen=seen) for root in origin.roots]
        for tree in trees if found.science is None else [_science_tree(found.science, trees)]:
            console().print(tree, highlight=False)


def _tell_header(path: Path, *, as_json: bool) -> None:
    said = said_by_header(path)
    if not said["recipe"]:
        raise UserError(f"{path}: its header names no recipe")
    if as_json:
        print_json([said])
        return
    for key, value in said.items():
        shown = ", ".join(map(str, value)) if isinstance(value, list) else value
        console().print(f"{key.replace('_', ' '):<14} {shown}", highlight=False, markup=False)


def _science_tree(science: ScienceProduct, trees: Sequence[Tree]) -> Tree:
    about = f"{science.category}  {science.target}  {science.setup}  {science.state}"
    tree = Tree(_line(science.name, about, ""))
    tree.add(Text(f"sha256 {science.file_id}", "dim"))
    made = f"version {science.version}, published {science.created} as {science.archive_name}"
    tree.add(Text(f"{made}; SNR {science.snr:.1f}, score bits {science.bits or 'none'}"))
    for below in trees:
        tree.add(below)
    return tree


def _tree(
    found: Provenance, product_id: str, *, full: bool, seen: set[str], match: str = ""
) -> Tree:
    origin = found.origins[product_id]
    product, job = origin.product, origin.job
    known = product_id in seen
    seen.add(product_id)
    about = f"{product.category}  {product.setup}  {product.state}"
    tree = Tree(_line(product.name, about, match + ("  (see above)" if known else "")))
    if known:
        return tree
    tree.add(Text(f"sha256 {product.file_id}", "dim"))
    by = f"by {job.recipe} {job.recipe_version}, runner {job.runner}, job {job.job_id}"
    tree.add(Text(f"made {product.created} {by}"))
    for text in (_software(origin), _definition(origin)):
        if text not in seen:  # most masters were made by the same software and rules
            tree.add(Text(text, "dim"))
            seen.add(text)
    if origin.parameters:
        tree.add(Text(_parameters(origin, full=full), "dim"))
    _quality(tree, origin, full=full)
    _frames(tree, [found.frames[one] for one in origin.raws], full=full)
    for used in origin.calibrations:
        if used.kind == "master":
            tree.add(_tree(found, used.source, full=full, seen=seen, match=_match(used)))
        else:
            static = found.statics[used.source]
            tree.add(_line(static.name, f"{static.category}  static, from {static.origin}", ""))
    return tree


def _line(name: str, about: str, remark: str) -> Text:
    text = Text.assemble((name, "bold"), f"  {about}")
    return Text.assemble(text, (f"  {remark}", "cyan")) if remark else text


def _match(used: Used) -> str:
    if used.distance_days is None:
        return ""
    side = "before" if used.distance_days < 0 else "after"
    return f"  level {used.level}, {abs(used.distance_days):.3f} d {side}"


def _software(origin: Origin) -> str:
    said = ", ".join(f"{name} {one}" for name, one in origin.versions.items())
    return f"software: {said or 'not recorded'}"


def _definition(origin: Origin) -> str:
    kept = "kept" if origin.definition_kept else "not kept"
    return f"context {origin.job.context or 'not recorded'}: instrument definition {kept}"


def _parameters(origin: Origin, *, full: bool) -> str:
    shown = origin.parameters.items() if full else list(origin.parameters.items())[:6]
    more = len(origin.parameters) - len(shown)
    text = ", ".join(f"{name}={value}" for name, value in shown)
    return f"parameters: {text}" + (f" and {more} more" if more else "")


def _quality(tree: Tree, origin: Origin, *, full: bool) -> None:
    red = [one for one in origin.scores if one.colour is Colour.RED]
    scored = sum(one.colour is not Colour.GREY for one in origin.scores)
    shown = tree.add(Text(f"{len(origin.qc)} QC1 values, {len(red)} of {scored} scores red"))
    for value in origin.qc if full else ():
        shown.add(Text(f"{value.parameter} = {value.value:g} {value.unit}", "dim"))
    for score in red:
        shown.add(Text(f"{score.parameter} = {score.value}: {score.reason}", "red"))
    for verdict in origin.verdicts:
        said = f"{verdict.decision} by {verdict.who}, {verdict.decided}: {verdict.comment}"
        tree.add(Text(said, "green" if verdict.decision in {"AUTO", "ACCEPTED"} else "red"))


def _frames(tree: Tree, frames: Sequence[RawFrame], *, full: bool) -> None:
    if not frames:
        return
    raws = tree.add(
        Text(f"{len(frames)} raw frame{'s' if len(frames) > 1 else ''} {frames[0].raw_type}")
    )
    shown: list[Any] = list(frames)
    if len(frames) > _FOLDED and not full:
        shown = [frames[0], f"... {len(frames) - 2} more", frames[-1]]
    for one in shown:
        if isinstance(one, str):
            raws.add(Text(one, "dim"))
        else:
            about = f"{iso_from_mjd(one.mjd_obs)}  {one.exptime:g} s  sha256 {one.frame_id[:16]}..."
            raws.add(Text(f"{one.name}  {about}"))
