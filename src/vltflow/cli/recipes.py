"""`vltflow recipes`: which recipes there are, what executes them, what they take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, get_args

import typer

from vltflow.cli.context import site_or_none
from vltflow.cli.options import JsonOption, SiteOption, commands
from vltflow.cli.output import console, print_json, show
from vltflow.core.errors import RunnerMissing, UnknownName
from vltflow.instruments import Instrument, available, load
from vltflow.instruments.conditions import describe
from vltflow.instruments.execution import Execution, ExecutionCase
from vltflow.instruments.model import RecipeEntry
from vltflow.process.runners.esorex import find_esorex, recipe_metadata
from vltflow.process.runners.lookup import native_recipe

app = commands("Recipes, and the programs that execute them.")
RUNNER_COLUMNS = ("instrument", "pipeline", "version", "place", "problem")
LIST_COLUMNS = ("recipe", "title", "runner", "native", "esorex", "raw_types")
PARAMETER_COLUMNS = ("runner", "parameter", "value", "default", "type", "description")
InstrumentOption = Annotated[
    str, typer.Option("--instrument", "-i", help="Name of the instrument, such as UVES.")
]


@app.command()
def runners(context: typer.Context, site: SiteOption = None, as_json: JsonOption = False) -> None:
    """Tell which of ESO's pipelines are installed, and how to install what is missing.

    The exit code is 1 if an instrument's pipeline is missing.
    """
    opened = site_or_none(context, site)
    rows = [_runner_row(load(name, opened)) for name in available(opened)]
    show(rows, RUNNER_COLUMNS, as_json=as_json, empty="no instrument definitions")
    if any(row["problem"] for row in rows):
        raise typer.Exit(1)


@app.command("list")
def list_(
    context: typer.Context,
    instrument: InstrumentOption,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the recipes of an instrument with their runners and raw types."""
    definition = load(instrument, site_or_none(context, site))
    users: dict[str, list[str]] = {}
    for name, entry in definition.raw_types.items():
        users.setdefault(entry.recipe, []).append(name)
    rows = [
        {
            "recipe": name,
            "title": entry.title,
            "runner": entry.runner,
            "native": entry.native.recipe if entry.native else "",
            "esorex": entry.esorex.recipe if entry.esorex else "",
            "raw_types": " ".join(users.get(name, [])),
        }
        for name, entry in definition.recipes.recipes.items()
    ]
    show(rows, LIST_COLUMNS, as_json=as_json, empty="no recipes")


@app.command("show")
def show_(
    context: typer.Context,
    recipe: Annotated[str, typer.Argument(help="Name of the recipe, such as uves_cal_mbias.")],
    instrument: InstrumentOption,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the parameters of a recipe with each runner: value, default, meaning.

    Values and resources that hold for some setups only come last, with their conditions.
    """
    definition = load(instrument, site_or_none(context, site))
    entry = definition.recipes.recipes.get(recipe)
    if entry is None:
        known = ", ".join(definition.recipes.recipes)
        raise UnknownName(f"{definition.name} has no recipe {recipe!r}", hint=f"Known: {known}")
    rows = [*_native_rows(entry), *_esorex_rows(definition, entry)]
    rows += _case_rows(entry)
    if as_json:
        print_json(rows)
        return
    console().print(f"{recipe}: {entry.title}; runner {entry.runner}\n")
    show(rows, PARAMETER_COLUMNS, as_json=False, empty="no parameters")


def _runner_row(definition: Instrument) -> dict[str, str]:
    row = dict.fromkeys(RUNNER_COLUMNS, "") | {"instrument": definition.name}
    pipeline = definition.header.pipeline
    if pipeline is None:
        return row | {"pipeline": "none"}
    row["pipeline"] = pipeline.name
    try:
        esorex = find_esorex()
    except RunnerMissing as error:
        return row | {"problem": str(error)}
    found = next((one for one in esorex.plugins if one.name == pipeline.name), None)
    if found is None:
        hint = f"On Debian 12: apt install {pipeline.package}"
        return row | {"problem": f"no plug-in {pipeline.name} for {esorex.path}. {hint}"}
    version = f"{found.version} (esorex {esorex.version})"
    return row | {"version": version, "place": str(found.folder)}


def _native_rows(entry: RecipeEntry) -> list[dict[str, Any]]:
    if entry.native is None:
        return []
    fields = native_recipe(entry.native.recipe).parameters.model_fields
    return [
        {
            "runner": "native",
            "parameter": name,
            "value": entry.native.parameters.get(name, field.default),
            "default": field.default,
            "type": _type_text(field.annotation),
            "description": field.description or "",
        }
        for name, field in fields.items()
    ]


def _type_text(kind: Any) -> str:
    choices = get_args(kind)
    return "|".join(map(str, choices)) if choices else getattr(kind, "__name__", str(kind))


def _esorex_rows(definition: Instrument, entry: RecipeEntry) -> list[dict[str, Any]]:
    if entry.esorex is None:
        return []
    pipeline = definition.header.pipeline
    metadata = recipe_metadata(
        find_esorex(), entry.esorex.recipe, package=pipeline.package if pipeline else ""
    )
    return [
        {
            "runner": f"esorex {metadata.plugin} {metadata.version}",
            "parameter": one.name,
            "value": entry.esorex.parameters.get(one.name, one.default),
            "default": one.default,
            "type": "|".join(map(str, one.choices)) or one.kind,
            "description": one.description,
        }
        for one in metadata.parameters
    ]


def _case_rows(entry: RecipeEntry) -> list[dict[str, Any]]:
    """What `cases` in recipes.yaml change, and under which conditions."""
    executions = {"native": entry.native, "esorex": entry.esorex}
    return [
        {
            "runner": runner,
            "parameter": name,
            "value": value,
            "default": general.get(name, ""),
            "type": kind,
            "description": f"only where {conditions}",
        }
        for runner, execution in executions.items()
        if execution is not None
        for case in execution.cases
        for conditions in [" and ".join(f"{key} {describe(one)}" for key, one in case.when.items())]
        for kind, general, values in _changed(execution, case)
        for name, value in values.items()
    ]


def _changed(
    execution: Execution, case: ExecutionCase
) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """Kind, values otherwise and values in this case."""
    yield "parameter", execution.parameters, case.parameters
    yield "environment", execution.environment, case.environment
    resources = {name: getattr(case, name) for name in ("cores", "memory_mb", "wall_s")}
    given = {name: value for name, value in resources.items() if value is not None}
    yield "resource", {name: getattr(execution, name) for name in given}, given
