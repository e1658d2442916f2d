"""Plots of QC1 values as JSON: what ``health.js`` draws, thinned to what a screen shows."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import numpy as np
from fastapi import Query, Request
from starlette.responses import Response

from vltflow.core.errors import UserError
from vltflow.instruments import Instrument
from vltflow.store import Transaction
from vltflow.store.trends import Measured, Range
from vltflow.trending import (
    EXPORTS,
    Question,
    Series,
    average,
    correlate,
    decimated,
    exported,
    part,
    series_of,
    view,
)
from vltflow.web.pages import tagged
from vltflow.web.service import Service
from vltflow.web.words import query

T = TypeVar("T")
_UNIX_EPOCH = 40_587.0
"""MJD of 1970-01-01."""
_DAY = 86_400.0
COLUMNS = 800
MOST = 200_000
"""Values in a file."""
Columns = Annotated[int, Query(ge=50, le=4000)]
Seconds = Annotated[float | None, Query(ge=-1e11, le=1e11, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class DataSet:
    """What is drawn as one data set."""

    question: Question
    label: str
    average: str = "median"


def closer(mjd: Range, start: float | None, end: float | None) -> Range:
    """A range of time, cut to what a close-up shows (seconds since 1970)."""
    low = mjd[0] if start is None else max(mjd[0], _mjd(start))
    high = mjd[1] if end is None else min(mjd[1], _mjd(end))
    return low, high


@dataclass(frozen=True, slots=True)
class Looking:
    """A look at the values of an instrument through one transaction."""

    service: Service
    tx: Transaction
    instrument: Instrument

    def shared(self, asked: Hashable, make: Callable[[], T]) -> T:
        """What depends on the store and `asked` alone, made once for all; see `Shared`."""
        event = self.tx.overview.last_event()
        return self.service.shared.get((self.instrument.context, asked), event, make)

    def series(self, question: Question) -> Series:
        """Values of a question in full."""
        return self.shared(repr(question), lambda: series_of(self.tx, self.instrument, question))


def time_plot(look: Looking, sets: Sequence[DataSet], near: Range, columns: int) -> dict[str, Any]:
    """One or two data sets over time with limits, averages and events, within a range."""
    found = [part(look.series(one.question), near) for one in sets]
    shown = view(tuple(found))
    mjd = _span(near, found)
    return {
        "kind": "time",
        "unit": " / ".join(dict.fromkeys(_units(look.instrument, sets))),
        "view": shown,
        "range": [_seconds(mjd[0]), _seconds(mjd[1])],
        "series": [
            _time_set(look.tx, one, series, columns)
            for one, series in zip(sets, found, strict=True)
        ],
        "events": [
            {"time": _seconds(event.mjd), "kind": event.kind, "text": event.text}
            for event in look.tx.health.events(look.instrument.name, mjd)
        ],
    }


def correlation_plot(look: Looking, x: DataSet, y: DataSet) -> dict[str, Any]:
    """The second data set over the first, AB by AB."""
    tx = look.tx
    found = correlate(tx, x.question, y.question)
    known = tx.trends.measured(y.question.kind, found.keys)
    rows = [known[key] for key in found.keys]
    units = list(_units(look.instrument, (x, y)))
    return {
        "kind": "correlation",
        "labels": [_labelled(x.label, units[0]), _labelled(y.label, units[1])],
        "unit": units[1],
        "coefficient": found.coefficient,
        "total": found.total,
        "series": [
            {
                "label": y.label,
                "time": found.x.tolist(),
                "value": found.y.tolist(),
                "outlier": [str(row.colour) == "red" for row in rows],
                "hidden": [False] * len(rows),
                "limits": [None, None],
                "average": None,
                "total": found.total,
                **_words(rows),
            }
        ],
        "events": [],
    }


def _time_set(tx: Transaction, one: DataSet, series: Series, columns: int) -> dict[str, Any]:
    chosen = decimated(series, columns)
    keys = series.keys(chosen)
    known = tx.trends.measured(one.question.kind, keys)
    rows = [known[key] for key in keys]
    return {
        "label": one.label,
        "time": np.round((series.mjd[chosen] - _UNIX_EPOCH) * _DAY, 3).tolist(),
        "value": series.value[chosen].tolist(),
        "outlier": series.is_outlier[chosen].tolist(),
        "hidden": series.is_hidden[chosen].tolist(),
        "limits": [series.low, series.high],
        "average": average(series, one.average),
        "method": one.average,
        "total": int(series.mjd.size),
        "outliers": int(series.is_outlier.sum()),
        "undefined": series.undefined,
        "parameter": one.question.kind[2],
        "category": one.question.kind[1],
        "source": source_of(one.question),
        **_words(rows),
    }


def _words(rows: Sequence[Measured]) -> dict[str, list[Any]]:
    return {
        "ab": [row.block for row in rows],
        "setup": [row.setup for row in rows],
        "origin": [row.origin for row in rows],
        "score": [str(row.colour) for row in rows],
    }


def source_of(question: Question) -> str:
    """Query of the QC1 database for the values of a question."""
    instrument, category, parameter = question.kind
    given = {"instrument": instrument, "category": category, "parameter": parameter}
    return query(given | {"setup": question.setup})


def rows_of(look: Looking, question: Question, *, most: int) -> tuple[Series, list[Measured]]:
    """Values of a question in full, and what is known about the latest `most`, latest first.

    Raises
    ------
    UserError
        If no parameter is named.
    """
    if not question.kind[2]:
        raise UserError("no parameter is named", hint="Choose an instrument and a parameter")
    series = look.series(question)
    keys = series.keys(np.arange(series.mjd.size)[-most:][::-1])
    known = look.tx.trends.measured(question.kind, keys)
    return series, [known[key] for key in keys]


def values_file(
    request: Request, look: Looking, question: Question, ending: str, *, name: str
) -> Response:
    """Values of a question as a file, at most 200,000 of them, the latest.

    Raises
    ------
    UserError
        If no parameter is named, or there is no such format.
    """
    _, rows = rows_of(look, question, most=MOST)
    unit = rows[0].unit if rows else ""
    content = exported(rows[::-1], ending, name=question.kind[2], unit=unit)
    answer = tagged(request, content, EXPORTS[ending])
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.{ending}"'
    return answer


def _units(instrument: Instrument, sets: Iterable[DataSet]) -> Iterable[str]:
    known = {entry.name: entry.unit for entry in instrument.qc.parameters}
    return [known.get(one.question.kind[2], "") for one in sets]


def _labelled(label: str, unit: str) -> str:
    return f"{label} [{unit}]" if unit else label


def _span(mjd: Range, found: Sequence[Series]) -> Range:
    """The range asked for, or that of the values if it has no ends."""
    if mjd[0] > -1e8 and mjd[1] < 1e8:
        return mjd
    ends = [(float(one.mjd[0]), float(one.mjd[-1])) for one in found if one.mjd.size]
    if not ends:
        return _UNIX_EPOCH, _UNIX_EPOCH + 1
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    margin = 0.02 * (high - low) or 0.5
    return max(mjd[0], low - margin), min(mjd[1], high + margin)


def _seconds(mjd: float) -> float:
    return round((mjd - _UNIX_EPOCH) * _DAY, 3)


def _mjd(seconds: float) -> float:
    return seconds / _DAY + _UNIX_EPOCH
