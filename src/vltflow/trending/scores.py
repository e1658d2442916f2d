"""Scores of the Health Check: of plots, reports, groups and the instrument; the last seven nights.

As ESO does it: the score of a plot is the last one in it, within seven nights, so that new green
data take away an old red score; whatever holds several is as bad as the worst of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from vltflow.core.time import night_of, night_range
from vltflow.instruments import Instrument
from vltflow.instruments.health import HealthGroup, HealthPlot, HealthReport
from vltflow.records import Colour
from vltflow.store import Transaction
from vltflow.trending.series import Question

NIGHTS = 7


@dataclass(frozen=True, slots=True)
class PlotScore:
    """Score of a plot now and in each night; grey is no current data."""

    plot: HealthPlot
    now: Colour
    nights: tuple[Colour, ...]


@dataclass(frozen=True, slots=True)
class ReportScore:
    """Score of a report."""

    report: HealthReport
    plots: tuple[PlotScore, ...]
    now: Colour
    nights: tuple[Colour, ...]


@dataclass(frozen=True, slots=True)
class GroupScore:
    """Score of a report group."""

    group: HealthGroup
    reports: tuple[ReportScore, ...]
    now: Colour
    nights: tuple[Colour, ...]


@dataclass(frozen=True, slots=True)
class HealthScores:
    """Score of an instrument."""

    nights: tuple[str, ...]
    """Seven nights, the earliest first."""
    groups: tuple[GroupScore, ...]
    now: Colour


def health_scores(
    tx: Transaction, instrument: Instrument, night: str, *, only: str = ""
) -> HealthScores:
    """Scores of the seven nights that end with `night`.

    Parameters
    ----------
    only
        Name of the report that is wanted alone.
    """
    last = date.fromisoformat(night)
    nights = tuple((last - timedelta(days=NIGHTS - 1 - n)).isoformat() for n in range(NIGHTS))
    groups = []
    for group in instrument.health.groups:
        reports = tuple(
            _report(tx, instrument.name, report, nights)
            for report in group.reports
            if only in {"", report.name}
        )
        if reports:
            now, days = _worst(reports)
            groups.append(GroupScore(group, reports, now, days))
    return HealthScores(nights, tuple(groups), worst(one.now for one in groups))


def worst(colours: Iterable[Colour]) -> Colour:
    """Red if one is red, else green if one is green, else grey."""
    found = set(colours)
    return next((one for one in (Colour.RED, Colour.GREEN) if one in found), Colour.GREY)


def _report(
    tx: Transaction, instrument: str, report: HealthReport, nights: tuple[str, ...]
) -> ReportScore:
    plots = tuple(_plot(tx, instrument, plot, nights) for plot in report.plots)
    now, days = _worst(plots)
    return ReportScore(report, plots, now, days)


def _plot(tx: Transaction, instrument: str, plot: HealthPlot, nights: tuple[str, ...]) -> PlotScore:
    window = (night_range(nights[0])[0], night_range(nights[-1])[1])
    latest, by_night = [], []
    for series in plot.series:
        question = Question.of(instrument, series, window)
        hidden = tx.trends.hidden(series.parameter)
        setups = question.setups(tx)
        scored = tx.trends.scored(question.kind, setups, window) if setups else []
        shown = [
            (night_of(mjd), colour)
            for number, mjd, colour in scored
            if number not in hidden and colour is not Colour.GREY
        ]
        by_night.append(dict(shown))  # the last of a night counts
        latest.append(shown[-1][1] if shown else Colour.GREY)
    days = tuple(worst(one.get(night, Colour.GREY) for one in by_night) for night in nights)
    return PlotScore(plot, worst(latest), days)


def _worst(
    parts: Iterable[PlotScore | ReportScore],
) -> tuple[Colour, tuple[Colour, ...]]:
    found = list(parts)
    days = zip(*(one.nights for one in found), strict=True)
    return worst(one.now for one in found), tuple(worst(day) for day in days)
