"""`vltflow reduce`: the astronomer's short way."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import psutil
import typer

from vltflow.cli.options import JsonOption, commands
from vltflow.cli.output import console, print_json, progress, show
from vltflow.core.site import Site, create_site
from vltflow.flow.lacks import ARCHIVE, Lack
from vltflow.flow.reduce import SITE, raw_paths, reduce_folder
from vltflow.flow.reduced import PRODUCTS, Reduced
from vltflow.store import Store

app = commands()
_MEMORY_SHARE = 0.75
_COLUMNS = ("target", "setup", "raw_type", "exposures", "state", "score", "files", "problem")


@app.command("reduce")
def reduce_command(
    folder: Annotated[Path, typer.Argument(help="Folder with raw frames, calibrations too.")],
    stack: Annotated[
        Literal["target", "ob"],
        typer.Option(help="Stack all exposures of a target and setup, or of an observation block."),
    ] = "target",
    runner: Annotated[
        Literal["native", "esorex"],
        typer.Option(help="Who executes recipes that both can: our own, or ESO's pipeline."),
    ] = "native",
    cores: Annotated[int | None, typer.Option(min=1, help="Cores; all, if not given.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Reduce a folder of raw frames: no site is needed, products go to FOLDER/products.

    Recognises the instruments, makes the calibrations and the science, stacks exposures, and
    says which calibrations are missing and what to ask the archive for. Run it again after
    more frames came: only science that better calibrations came for is made again. Raw frames
    are only read.

    The exit code is 0 if all science was reduced and published, 1 if not, 2 if there is none.
    """
    raw_paths(folder)
    site = _site(folder, cores)
    store = Store(site.database, site.vault)
    try:
        with progress(f"reduce {folder.name}") as bar:
            found = reduce_folder(
                store, site, folder, stack=stack, runner=runner,
                tell=lambda what, done, total: bar(done, total, what),
            )  # fmt: skip
    finally:
        store.close()
    if as_json:
        print_json([_record(found)])
    else:
        _tell(found)
    if not found.science:
        raise typer.Exit(2)
    if not found.is_complete:
        raise typer.Exit(1)


def _site(folder: Path, cores: int | None) -> Site:
    memory = int(psutil.virtual_memory().total / 1e6 * _MEMORY_SHARE)
    site = folder / PRODUCTS / SITE
    return create_site(site, cores=cores or os.cpu_count() or 1, memory_mb=memory)


def _record(found: Reduced) -> dict[str, Any]:
    return asdict(found) | {
        "folder": str(found.folder),
        "files": [str(path) for path in found.files],
        "complete": found.is_complete,
    }


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _tell(found: Reduced) -> None:
    out = console()
    if not found.frames:
        out.print("no raw frame of an instrument that vltflow knows: vltflow instruments list")
    for name in found.instruments:
        kinds = {kind: count for owner, kind, count in found.found if owner == name}
        words = ", ".join(f"{count} {kind or 'unknown'}" for kind, count in kinds.items())
        out.print(f"{_counted(sum(kinds.values()), 'raw frame')} of {name}: {words}")
    rows = [asdict(row) | {"files": len(row.products), "problem": row.remark}
            for row in found.science]  # fmt: skip
    show(rows, _COLUMNS, as_json=False, empty="")
    if found.frames and not found.science:
        _tell_no_science(found)
    for name, reason in found.failures:
        out.print(f"[red]failed:[/] {name}: {reason}", highlight=False)
    for name, reason in found.doubts:
        out.print(f"[yellow]used all the same:[/] {name}: {reason}", highlight=False)
    for name, reason in found.left_alone:
        out.print(f"[yellow]left alone:[/] {name}: {reason}", highlight=False)
    if found.lacks:
        out.print(f"\n[bold]missing calibrations[/]: fetch them from {ARCHIVE}, then run it again")
    _tell_lacks(found.lacks)
    if found.without:
        out.print("\n[bold]made without[/], as products need not have them:")
    _tell_lacks(found.without)
    if found.files:
        out.print(
            f"\n{_counted(len(found.files), 'file')} in {found.folder}, begin with index.html"
        )


def _tell_lacks(lacks: Sequence[Lack]) -> None:
    out = console()
    for lack in lacks:
        what = f"{lack.category} for {_counted(len(lack.wanted_by), 'AB')}"
        there = lack.nearest or "nothing"
        out.print(f"{what}; there is {there}", highlight=False, markup=False)
        out.print(f"  ask for {lack.query}", highlight=False, markup=False)


def _tell_no_science(found: Reduced) -> None:
    out = console()
    made = ", ".join(f"{count} {state}" for state, count in sorted(found.calibrations.items()))
    out.print(f"[bold]no science frame[/] among them; ABs of calibrations: {made}", highlight=False)
    nights = " to ".join(dict.fromkeys([found.nights[0], found.nights[-1]]))
    for name in found.instruments:
        out.print(
            f"masters: vltflow masters find -i {name} --site {found.folder / SITE}\n"
            f"science: fetch it from {ARCHIVE}, then run it again; ask for "
            f"INSTRUME={name}, DPR.CATG=SCIENCE, nights near {nights}", highlight=False,
        )  # fmt: skip
