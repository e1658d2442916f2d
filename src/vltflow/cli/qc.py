"""`vltflow qc`: measured values and their scores."""

from __future__ import annotations

from typing import Annotated

import typer

from vltflow.cli.context import (
    InstrumentOption,
    JsonOption,
    NightOption,
    SiteOption,
    block_name,
    commands,
    open_store,
    site_or_none,
)
from vltflow.cli.output import show
from vltflow.core.time import night_range
from vltflow.instruments import load
from vltflow.qc.catalogue import catalogue

app = commands("QC1 values and scores.")
VALUE_COLUMNS = ("ab", "category", "setup", "parameter", "value", "unit", "mjd")
SCORE_COLUMNS = ("ab", "category", "parameter", "value", "low", "high", "score", "method", "reason")
CATALOGUE_COLUMNS = ("name", "type", "unit", "format", "description")
BlockOption = Annotated[
    str | None, typer.Option("--ab", help="Name of an AB, or a unique part of it.")
]
ParameterOption = Annotated[
    str | None,
    typer.Option("--parameter", "-p", help='QC1 parameter, such as "QC OUT1 RON MASTER".'),
]


@app.command()
def values(
    context: typer.Context,
    ab: BlockOption = None,
    parameter: ParameterOption = None,
    category: Annotated[
        str | None, typer.Option(help="PRO CATG, such as MASTER_BIAS_BLUE.")
    ] = None,
    instrument: InstrumentOption = None,
    night: NightOption = None,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """List QC1 values, by time: one AB's, or one parameter's over all time."""
    with open_store(context, site, instrument=instrument) as (_, store):
        full_name = block_name(store, ab) if ab else None
        with store.read() as tx:
            found = tx.quality.values(
                block=full_name,
                parameter=parameter,
                category=category,
                instrument=instrument,
                mjd=night_range(night) if night else None,
            )
    rows = [
        {"ab": value.block} | {column: getattr(value, column) for column in VALUE_COLUMNS[1:]}
        for value in found
    ]
    show(rows, VALUE_COLUMNS, as_json=as_json, empty="no QC1 values")


@app.command()
def scores(
    context: typer.Context,
    ab: BlockOption = None,
    instrument: InstrumentOption = None,
    night: NightOption = None,
    red: Annotated[bool, typer.Option("--red", help="Only red scores.")] = False,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """List scores with the limits that were applied and why each has its colour."""
    with open_store(context, site, instrument=instrument) as (_, store):
        full_name = block_name(store, ab) if ab else None
        with store.read() as tx:
            blocks = tx.blocks.find(instrument=instrument, night=night)
            names = [full_name] if full_name else [block.name for block in blocks]
            found = tx.quality.scores(names)
    rows = [
        {
            "ab": score.block,
            "category": score.category,
            "parameter": score.parameter,
            "value": score.value,
            "low": score.low,
            "high": score.high,
            "score": str(score.colour),
            "method": score.method,
            "reason": score.reason,
        }
        for name in names
        for score in found.get(name, [])
        if not red or score.colour == "red"
    ]
    show(rows, SCORE_COLUMNS, as_json=as_json, empty="no scores")


@app.command()
def parameters(
    context: typer.Context,
    instrument: Annotated[str, typer.Argument(help="Name of an instrument, such as UVES.")],
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the catalogue of QC1 parameters.

    Those of the definition and of ESO's installed dictionary, and in a site those that were
    measured; what the definition says about one stands before what the dictionary says.
    """
    opened = site_or_none(context, site)
    found = dict(catalogue(load(instrument, opened)).parameters)
    if opened is not None:
        with open_store(context, site) as (_, store), store.read() as tx:
            measured = {one.name: one for one in tx.quality.parameters(instrument.upper())}
        found = measured | found
    rows = [
        {column: getattr(found[name], column) for column in CATALOGUE_COLUMNS}
        for name in sorted(found)
    ]
    show(rows, CATALOGUE_COLUMNS, as_json=as_json, empty="no QC1 parameters are known")
