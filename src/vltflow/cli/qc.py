"""`vltflow qc`: measured values and their scores."""

from __future__ import annotations

from math import isnan
from operator import itemgetter
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vltflow.cli.context import block_name, instruments, open_store, site_or_none
from vltflow.cli.options import InstrumentOption, JsonOption, NightOption, SiteOption, commands
from vltflow.cli.output import console, messages, show
from vltflow.core.errors import DataError, NotFound, UserError
from vltflow.core.time import night_range
from vltflow.fits import write_bytes
from vltflow.instruments import load
from vltflow.qc.catalogue import catalogue
from vltflow.qc.history import import_file
from vltflow.qc.statistics import ModeStatistics, SciencePoint, picture, science_statistics
from vltflow.records import HistoricalProduct, HistoricalValue, QcValue

if TYPE_CHECKING:
    from vltflow.plots.long_trend import Series
    from vltflow.plots.style import FileFormat

app = commands("QC1 values and scores.")
VALUE_COLUMNS = ("ab", "category", "setup", "parameter", "value", "unit", "mjd", "origin")
MODE_COLUMNS = (
    "mode", "spectra", "scale", "median_ratio", "median_days", "median_celsius", "anomalies",
)  # fmt: skip
ANOMALY_COLUMNS = ("ab", "category", "mode", "bits", "reason")
SCORE_COLUMNS = ("ab", "category", "parameter", "value", "low", "high", "score", "method", "reason")
CATALOGUE_COLUMNS = ("name", "type", "unit", "format", "description")
RequiredInstrument = Annotated[
    str,
    typer.Option(
        "--instrument",
        "-i",
        callback=lambda name: name.upper(),
        help="Name of an instrument, such as UVES.",
    ),
]
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
    """List QC1 values, by time: one AB's, or one parameter's over all time, imported ones too."""
    with open_store(context, site, instrument=instrument) as (_, store):
        full_name = block_name(store, ab) if ab else None
        chosen: dict[str, Any] = {
            "parameter": parameter,
            "category": category,
            "instrument": instrument,
            "mjd": night_range(night) if night else None,
        }
        with store.read() as tx:
            own = tx.quality.values(block=full_name, **chosen)
            others = tx.history.values(**chosen) if full_name is None else []
    rows = [_row(value, value) | {"ab": value.block, "origin": ""} for value in own]
    rows += [
        _row(one, one.source) | {"ab": "", "origin": f"{one.source.name} {one.source.pipeline}"}
        for one in others
    ]
    rows.sort(key=itemgetter("mjd"))  # stable: those of one moment keep their order
    show(rows, VALUE_COLUMNS, as_json=as_json, empty="no QC1 values")


def _row(value: QcValue | HistoricalValue, source: QcValue | HistoricalProduct) -> dict[str, Any]:
    return {
        "category": source.category,
        "setup": source.setup,
        "parameter": value.parameter,
        "value": value.value,
        "unit": value.unit,
        "mjd": source.mjd,
    }


@app.command("import")
def import_values(
    context: typer.Context,
    files: Annotated[
        list[Path], typer.Argument(help="FITS products, or JSON (or .gz): {file name: [cards]}.")
    ],
    for_thresholds: Annotated[
        bool,
        typer.Option("--for-thresholds", help="Let running thresholds look back on these values."),
    ] = False,
    site: SiteOption = None,
) -> None:
    """Enter the QC1 values of products that others made: history for trends.

    The same values are entered once, wherever they come from. Running thresholds look back on
    them only if you say so; say it, or leave it out, again for values that are known.
    """
    refused = new = known = values_ = 0
    with open_store(context, site) as (opened, store):
        definitions = instruments(opened)
        for path in files:
            try:
                done = import_file(store, definitions, path, for_thresholds=for_thresholds)
            except DataError as error:
                refused += 1
                messages().print(f"refused: {error}", style="red", markup=False, soft_wrap=True)
                continue
            new, known, values_ = new + done.new, known + done.known, values_ + done.values
    console().print(
        f"{new} products new with {values_} QC1 values, {known} known; {refused} files refused"
    )
    if refused:
        raise typer.Exit(1)


@app.command()
def plot(
    context: typer.Context,
    parameter: Annotated[str, typer.Argument(help='QC1 parameter, such as "QC RESOLMED".')],
    instrument: RequiredInstrument,
    out: Annotated[Path, typer.Option(help="File to write: .png or .svg.")],
    category: Annotated[str | None, typer.Option(help="PRO CATG, such as LINE_TABLE_BLUE.")] = None,
    setup: Annotated[str | None, typer.Option(help="Label of a setup; all, if not given.")] = None,
    site: SiteOption = None,
) -> None:
    """Draw a QC1 parameter over all time: filled symbols measured here, open ones imported."""
    from vltflow.plots.long_trend import MOST_SERIES, draw_series  # noqa: PLC0415 - slow to load

    file_format = _format_of(out)
    with open_store(context, site, instrument=instrument) as (_, store), store.read() as tx:
        chosen: dict[str, Any] = {
            "parameter": parameter,
            "category": category,
            "instrument": instrument,
            "setup": setup,
        }
        own, others = tx.quality.values(**chosen), tx.history.values(**chosen)
    values_ = [(one.category, one.setup, one.mjd, one.value, False) for one in own]
    values_ += [
        (one.source.category, one.source.setup, one.source.mjd, one.value, True) for one in others
    ]
    if not values_:
        raise NotFound(
            f"no values of {parameter!r} of {instrument}",
            hint="`vltflow qc values` lists what there is, with the names of parameters",
        )
    series = _series(values_)
    if len(series) > MOST_SERIES:
        raise UserError(
            f"{len(series)} kinds of values do not fit into one figure",
            hint="Choose with --category or --setup: " + "; ".join(one.label for one in series),
        )
    units = [*(one.unit for one in own), *(one.unit for one in others)]
    unit = next(filter(None, units), "")
    write_bytes(out, draw_series(parameter, unit, series, file_format=file_format))
    console().print(f"{len(values_)} values of {len(series)} kinds in {out}")


def _series(values_: list[tuple[str, str, float, float, bool]]) -> list[Series]:
    """A series for each product category and setup, points by time."""
    from vltflow.plots.long_trend import Point, Series  # noqa: PLC0415 - slow to load

    kinds: dict[tuple[str, str], list[Point]] = {}
    for category, setup, mjd, value, imported in sorted(values_):
        kinds.setdefault((category, setup), []).append(Point(mjd, value, imported))
    return [Series(f"{category} {setup}", points) for (category, setup), points in kinds.items()]


def _format_of(out: Path) -> FileFormat:
    suffix = out.suffix.lower()
    if suffix == ".png":
        return "png"
    if suffix == ".svg":
        return "svg"
    raise UserError(f"{out}: a figure is written as .png or .svg", hint="Give such a name")


@app.command()
def science(
    context: typer.Context,
    instrument: RequiredInstrument,
    night: NightOption = None,
    out: Annotated[Path | None, typer.Option(help="Figure to write: .png or .svg.")] = None,
    anomalies: Annotated[
        bool, typer.Option("--anomalies", help="List the spectra that stand out.")
    ] = False,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare all science spectra of a mode: photon noise law, error bars, distances."""
    file_format = _format_of(out) if out else None
    with open_store(context, site, instrument=instrument) as (opened, store), store.read() as tx:
        mjd = night_range(night) if night else None
        modes = science_statistics(tx, load(instrument, opened), mjd=mjd)
    if out is not None and file_format is not None:
        title = f"{instrument} science spectra"
        write_bytes(out, picture(title, modes, file_format=file_format))
        messages().print(f"figure in {out}", markup=False, soft_wrap=True)
    if anomalies:
        listed = [_anomaly_row(point, why) for one in modes for point, why in one.anomalies]
        show(listed, ANOMALY_COLUMNS, as_json=as_json, empty="no anomalies")
        return
    rows = [
        {
            "mode": one.mode,
            "spectra": len(one.points),
            "scale": None if isnan(one.law.scale) else one.law.scale,
            "median_ratio": _median(one, "ratio"),
            "median_days": _median(one, "days"),
            "median_celsius": _median(one, "celsius"),
            "anomalies": len(one.anomalies),
        }
        for one in modes
    ]
    show(rows, MODE_COLUMNS, as_json=as_json, empty="no science spectra were measured")


def _anomaly_row(point: SciencePoint, why: str) -> dict[str, Any]:
    return {
        "ab": point.block,
        "category": point.category,
        "mode": point.mode,
        "bits": point.bits,
        "reason": why,
    }


def _median(statistics: ModeStatistics, name: str) -> float | None:
    known = sorted(value for value in statistics.column(name).tolist() if not isnan(value))
    return median(known) if known else None


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
