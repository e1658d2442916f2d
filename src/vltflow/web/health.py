"""Health Check: how an instrument is, as reports of plots with scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from vltflow.core.errors import UnknownName
from vltflow.core.time import iso_from_mjd
from vltflow.instruments import Instrument
from vltflow.instruments.health import HealthPlot, HealthReport
from vltflow.store import Transaction
from vltflow.trending import (
    RANGES,
    HealthScores,
    Question,
    formats,
    health_scores,
    time_range,
)
from vltflow.web.pages import as_json, packed, show, tagged
from vltflow.web.plots import (
    COLUMNS,
    Columns,
    DataSet,
    Looking,
    Seconds,
    closer,
    correlation_plot,
    time_plot,
    values_file,
)
from vltflow.web.service import Service, Serving
from vltflow.web.visitors import Visiting
from vltflow.web.words import query, segment

router = APIRouter()
MENU = ("Health", "/health")
REFRESH_S = 300
"""Pages load themselves anew so often, as ESO's monitor does."""
Text = Annotated[str, Query(max_length=40)]


@dataclass(frozen=True, slots=True)
class When:
    """Which time: name of a range, and the night that it ends with."""

    range: Text = "health"
    night: Text = ""


Asking = Annotated[When, Depends()]


@router.get("/health", include_in_schema=False)
def health_page(request: Request, visitor: Visiting, service: Serving) -> Response:
    """All instruments with their scores."""
    with service.store.read() as tx:
        found = [_known(service, name) for name in tx.trends.instruments()]
        rows = []
        for instrument in (one for one in found if one is not None):
            night = time_range(tx, instrument.name, "health").last
            rows.append((instrument, night, _scores(service, tx, instrument, night)))
    return show(request, "health_all.html", visitor, rows=rows)


@router.get("/health/{name}", include_in_schema=False)
def instrument_page(
    request: Request, visitor: Visiting, service: Serving, name: str, when: Asking
) -> Response:
    """QUICK-LOOK: groups and reports of an instrument with the scores of seven nights."""
    instrument = service.instrument(name)
    with service.store.read() as tx:
        chosen = time_range(tx, name, when.range, when.night)
        scores = _scores(service, tx, instrument, chosen.last)
        events = tx.health.events(name, limit=20)[::-1]
    return show(
        request, "health.html", visitor, instrument=instrument, chosen=chosen, scores=scores,
        events=events, ranges=RANGES, refresh=REFRESH_S, iso=iso_from_mjd,
    )  # fmt: skip


@router.get("/health/{name}/{report}", include_in_schema=False)
def report_page(
    request: Request, visitor: Visiting, service: Serving, name: str, report: str, when: Asking
) -> Response:
    """Plots of a report."""
    instrument = service.instrument(name)
    wanted = _report(instrument, report)
    with service.store.read() as tx:
        chosen = time_range(tx, name, when.range, when.night)
        scores = _scores(service, tx, instrument, chosen.last, only=report)
    given = query({"range": when.range, "night": when.night})
    here = f"/api/health/{segment(name)}/{segment(report)}"
    return show(
        request, "health_report.html", visitor,
        instrument=instrument, report=wanted, chosen=chosen, ranges=RANGES, refresh=REFRESH_S,
        nights=scores.nights, score=scores.groups[0].reports[0],
        sources=[f"{here}/{number}" for number in range(1, len(wanted.plots) + 1)], given=given,
        endings=formats(),
    )  # fmt: skip


@router.get("/api/health/{name}")
def scores_json(request: Request, service: Serving, name: str, when: Asking) -> Response:
    """Scores of an instrument, its groups, reports and plots, for seven nights."""
    instrument = service.instrument(name)
    with service.store.read() as tx:
        chosen = time_range(tx, name, when.range, when.night)
        scores = _scores(service, tx, instrument, chosen.last)
    return as_json(request, _plain(scores))


@router.get("/api/health/{name}/{report}/{number}")
def plot_json(
    request: Request,
    service: Serving,
    name: str,
    report: str,
    number: Annotated[int, Path(ge=1, le=10)],
    when: Asking,
    start: Seconds = None,
    end: Seconds = None,
    columns: Columns = COLUMNS,
) -> Response:
    """A plot of a report, counted from 1; `start` and `end` (seconds since 1970) for a close-up."""
    instrument = service.instrument(name)
    plot = _plot(instrument, report, number)

    def made() -> bytes:
        sets = [
            DataSet(Question.of(name, one, chosen.mjd), one.label, plot.average)
            for one in plot.series
        ]
        near = closer(chosen.mjd, start, end)
        if plot.kind == "correlation":
            return packed(correlation_plot(look, sets[0], sets[1]))
        return packed(time_plot(look, sets, near, columns))

    with service.store.read() as tx:
        chosen = time_range(tx, name, when.range, when.night)
        look = Looking(service, tx, instrument)
        content = look.shared((repr(plot), chosen, start, end, columns), made)
    return tagged(request, content, "application/json")


@router.get("/api/health/{name}/{report}/{number}/{which}.{ending}")
def plot_file(
    request: Request,
    service: Serving,
    name: str,
    report: str,
    number: Annotated[int, Path(ge=1, le=10)],
    which: Annotated[int, Path(ge=1, le=2)],
    ending: str,
    when: Asking,
) -> Response:
    """Values of a data set of a plot as CSV, VOTable (``vot``) or Parquet."""
    instrument = service.instrument(name)
    series = _plot(instrument, report, number).series
    if which > len(series):
        raise UnknownName(f"plot {number} of report {report} has one data set")
    with service.store.read() as tx:
        chosen = time_range(tx, name, when.range, when.night)
        look = Looking(service, tx, instrument)
        question = Question.of(name, series[which - 1], chosen.mjd)
        return values_file(request, look, question, ending, name=f"{report}_{number}_{which}")


def _scores(
    service: Service, tx: Transaction, instrument: Instrument, night: str, *, only: str = ""
) -> HealthScores:
    return Looking(service, tx, instrument).shared(
        (repr(instrument.health), night, only),
        lambda: health_scores(tx, instrument, night, only=only),
    )


def _known(service: Service, name: str) -> Instrument | None:
    try:
        return service.instrument(name)
    except UnknownName:
        return None


def _report(instrument: Instrument, name: str) -> HealthReport:
    found = next((one for one in instrument.health.reports if one.name == name), None)
    if found is None:
        names = ", ".join(one.name for one in instrument.health.reports) or "none"
        raise UnknownName(
            f"{instrument.name} has no report {name[:60]!r}", hint=f"There is {names}"
        )
    return found


def _plot(instrument: Instrument, report: str, number: int) -> HealthPlot:
    plots = _report(instrument, report).plots
    if number > len(plots):
        raise UnknownName(f"report {report} has {len(plots)} plots, no {number}")
    return plots[number - 1]


def _plain(scores: HealthScores) -> dict[str, Any]:
    return {
        "nights": scores.nights,
        "score": scores.now,
        "groups": [
            {
                "name": group.group.name, "title": group.group.title, "score": group.now,
                "nights": group.nights,
                "reports": [
                    {
                        "name": one.report.name, "title": one.report.title, "score": one.now,
                        "nights": one.nights,
                        "plots": [
                            {"title": plot.plot.title, "score": plot.now, "nights": plot.nights}
                            for plot in one.plots
                        ],
                    }
                    for one in group.reports
                ],
            }
            for group in scores.groups
        ],
    }  # fmt: skip
