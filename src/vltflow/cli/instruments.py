"""`vltflow instruments`: definitions, their import from ESO's rule files, and comparison."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from vltflow.classify.check import Check, CheckedFrame
from vltflow.classify.rules import merged
from vltflow.cli.context import site_or_none
from vltflow.cli.options import JsonOption, SiteOption, commands
from vltflow.cli.output import console, messages, print_json, show
from vltflow.core.errors import DataError, UserError, VltflowError
from vltflow.fits import scan
from vltflow.ingest.rules import repair
from vltflow.ingest.walk import find_files
from vltflow.instruments import Instrument, available, load, load_folder
from vltflow.instruments.dictionary import installed, units
from vltflow.instruments.oca import parse_file
from vltflow.instruments.oca.definition import Definition, definition
from vltflow.instruments.oca.folder import write_folder
from vltflow.instruments.oca.plugins import read_plugins
from vltflow.instruments.oca.tree import RuleFile
from vltflow.process.runners.esorex.program import find_esorex

app = commands("Instrument definitions, and ESO's own rules beside them.")
LIST_COLUMNS = ("name", "title", "raw_types", "recipes", "executed", "pipeline", "context")
NOTE_COLUMNS = ("file", "line", "message")
CHECK_COLUMNS = ("file", "ours", "our_tag", "theirs", "their_tag", "our_rule", "their_lines")
RuleFileOption = Annotated[Path, typer.Option("--oca", help="Rule file of ESO: uves.oca.")]


@app.command("list")
def list_(context: typer.Context, site: SiteOption = None, as_json: JsonOption = False) -> None:
    """List the installed definitions, and the site's own."""
    opened = site_or_none(context, site)
    found = (load(name, opened) for name in available(opened))
    show([_row(one) for one in found], LIST_COLUMNS, as_json=as_json, empty="no definitions")


@app.command("import-oca")
def import_oca(
    file: Annotated[Path, typer.Argument(help="Rule file of ESO: uves.oca.")],
    out: Annotated[Path, typer.Option(help="New folder for the definition.")],
    name: Annotated[
        str | None, typer.Option(help="Name of the instrument; else that of its QC dictionary.")
    ] = None,
    makes: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RECIPE=CATEGORY,...",
            help="What a recipe (or action) makes, where rules and plug-ins do not tell.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Translate a rule file of ESO into a folder that a person can read and edit.

    What a definition cannot say is listed with its lines, and stands as comments in the
    files. Exit code 1: parts of the rule file were not understood.
    """
    rules = parse_file(file)
    pipeline = _pipeline(file)
    words = installed(pipeline) if pipeline else None
    found = definition(
        rules,
        name=(name or (words.scope if words else "") or file.stem).upper(),
        pipeline=pipeline,
        makes=_makes(makes or []),
        plugins=read_plugins(_recipes(rules), _plugin_folder(pipeline)),
    )
    write_folder(found, out, source=file.name, units=units(words.entries) if words else None)
    load_folder(out)
    _report(found, rules, out, as_json=as_json)
    if rules.mistakes:
        raise typer.Exit(1)


@app.command()
def check(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of a definition, or its folder.")],
    raw: Annotated[list[Path], typer.Argument(help="Raw frames, or folders with them.")],
    oca: RuleFileOption,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the frames that a definition and a rule file of ESO classify differently.

    The rules are evaluated themselves, the last true one wins; nothing is translated.
    Exit code 1: there are such frames, or some that cannot be read.
    """
    instrument = _instrument(context, name, site)
    rules = parse_file(oca)
    for mistake in rules.mistakes:
        messages().print(f"{oca}: not understood: {mistake}", highlight=False, markup=False)
    checked, unread = _checked(Check(instrument, rules.rules), instrument, raw)
    different = [one for one in checked if not one.agree]
    rows = [{column: getattr(one, column) for column in CHECK_COLUMNS} for one in different]
    show(rows, CHECK_COLUMNS, as_json=as_json, empty="")
    if not as_json:
        console().print(f"{len(checked)} frames, {len(different)} classified differently")
    if different or unread or rules.mistakes:
        raise typer.Exit(1)


def _row(instrument: Instrument) -> dict[str, object]:
    recipes = instrument.recipes.recipes
    pipeline = instrument.header.pipeline
    return {
        "name": instrument.name,
        "title": instrument.header.title,
        "raw_types": len(instrument.raw_types),
        "recipes": len(recipes),
        "executed": sum(entry.runner != "none" for entry in recipes.values()),
        "pipeline": pipeline.name if pipeline else "",
        "context": instrument.context,
    }


def _pipeline(file: Path) -> str:
    """Name of the pipeline whose folder (``uves-6.1.8``) a rule file lies in; empty if none."""
    names = (part.rpartition("-") for part in reversed(file.resolve().parent.parts))
    return next((name for name, _, version in names if name and version[:1].isdigit()), "")


def _recipes(rules: RuleFile) -> set[str]:
    return {recipe.name for action in rules.actions for recipe in action.recipes}


def _plugin_folder(pipeline: str) -> Path | None:
    try:
        plugins = find_esorex().plugins
    except VltflowError:  # a definition without the knowledge of plug-ins is still one
        return None
    return next((plugin.folder for plugin in plugins if plugin.name == pipeline), None)


def _makes(given: Iterable[str]) -> dict[str, tuple[str, ...]]:
    made: dict[str, tuple[str, ...]] = {}
    for text in given:
        recipe, sign, categories = text.partition("=")
        if not (sign and recipe and categories):
            raise UserError(
                f"--makes {text!r} is not understood",
                hint="Write --makes RECIPE=CATEGORY,CATEGORY",
            )
        made[recipe] = tuple(categories.split(","))
    return made


def _report(found: Definition, rules: RuleFile, out: Path, *, as_json: bool) -> None:
    notes = [
        {"file": note.file, "line": note.line, "message": note.message}
        for note in sorted(found.notes)
    ]
    if as_json:
        print_json(notes)
        return
    show(notes, NOTE_COLUMNS, as_json=False, empty="")
    executed = sum(bool(recipe.products) for recipe in found.recipes.values())
    console().print(
        f"{out}: {len(found.classes.rules)} rules, {len(found.entries)} raw types, of which "
        f"{executed} have a recipe with known products; {len(found.makers)} products; "
        f"{len(notes)} notes, {len(rules.mistakes)} statements not understood",
        highlight=False,
    )


def _instrument(context: typer.Context, name: str, site: Path | None) -> Instrument:
    if Path(name, "instrument.yaml").is_file():
        return load_folder(Path(name))
    return load(name, site_or_none(context, site))


def _checked(
    check: Check, instrument: Instrument, raw: Iterable[Path]
) -> tuple[list[CheckedFrame], int]:
    """Verdicts of all frames of the instrument that can be read, and how many cannot."""
    checked: list[CheckedFrame] = []
    unread = 0
    for path in _paths(raw):
        try:
            headers = scan(path)
        except DataError as error:
            messages().print(str(error), highlight=False, markup=False)
            unread += 1
            continue
        primary, _ = repair(headers[0], instrument.header)
        checked.append(check(str(path), merged([primary, *headers[1:]])))
    return checked, unread


def _paths(raw: Iterable[Path]) -> Iterator[Path]:
    for found in find_files(raw):
        if found.refusal:
            raise UserError(found.refusal)
        yield Path(found.location)
