"""The QC1 database: any parameter, as a plot, a table or a file; saved plots; hidden values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from vltflow.core.errors import UserError
from vltflow.core.time import iso_from_mjd, night_range, now_iso
from vltflow.records import HiddenValue, Right, SavedPlot
from vltflow.store import Transaction
from vltflow.store.trends import EVER, Range
from vltflow.trending import Question, formats
from vltflow.web.pages import packed, show, tagged
from vltflow.web.plots import (
    COLUMNS,
    Columns,
    DataSet,
    Looking,
    Seconds,
    closer,
    correlation_plot,
    rows_of,
    time_plot,
    values_file,
)
from vltflow.web.service import Serving
from vltflow.web.visitors import Deciding, Visiting, Visitor, needs
from vltflow.web.words import query

router = APIRouter()
MENU = ("QC1", "/qc1")
SHOWN = 200
"""Values in the table."""
Text = Annotated[str, Query(max_length=200)]
Field = Annotated[str, Form(max_length=200)]
Known = Annotated[Visitor, Depends(needs(Right.READ))]
"""Somebody who is logged in."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which values; `x_parameter` of `x_category` to plot them over another parameter."""

    instrument: Text = ""
    category: Text = ""
    parameter: Text = ""
    setup: Text = ""
    ab: Text = ""
    start: Text = ""
    """First night; empty for all."""
    end: Text = ""
    x_category: Text = ""
    x_parameter: Text = ""
    hidden: Text = ""
    """Anything: hidden values too."""

    @property
    def given(self) -> dict[str, str]:
        """All that is asked, by name."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @property
    def mjd(self) -> Range:
        """Range of time; a mistaken date is an error of who asks."""
        try:
            low = night_range(self.start)[0] if self.start else EVER[0]
            high = night_range(self.end)[1] if self.end else EVER[1]
        except (ValueError, OverflowError) as error:
            raise UserError("no such night", hint="Write the evening's date: 2015-02-26") from error
        return low, high

    def question(self, *, of_x: bool = False) -> Question:
        """What is asked of the store."""
        category = (self.x_category or self.category) if of_x else self.category
        parameter = self.x_parameter if of_x else self.parameter
        return Question(
            (self.instrument, category, parameter), self.setup, mjd=self.mjd,
            with_hidden=bool(self.hidden),
        )  # fmt: skip


Asking = Annotated[Asked, Depends()]


@router.get("/qc1", include_in_schema=False)
def qc1_page(request: Request, visitor: Visiting, service: Serving, asked: Asking) -> Response:
    """Form, plot and table."""
    with service.store.read() as tx:
        values = _choices(tx, asked) | {"plots": tx.health.plots(visitor.name)}
        values |= {"hidden": tx.health.hidden(asked.parameter) if asked.parameter else {}}
        values |= {"total": 0, "rows": (), "block_values": ()}
        if asked.ab:
            values["block_values"] = tx.quality.values(
                block=asked.ab, parameter=asked.parameter or None, category=asked.category or None
            )
        elif asked.parameter and asked.instrument:
            instrument = service.instrument(asked.instrument)
            look = Looking(service, tx, instrument)
            series, rows = rows_of(look, asked.question(), most=SHOWN)
            values |= {"total": series.mjd.size, "rows": rows}
    return show(
        request, "qc1.html", visitor, asked=asked, iso=iso_from_mjd, endings=formats(),
        question=query(asked.given), other=query(asked.given | {"hidden": not asked.hidden}),
        **values,
    )  # fmt: skip


@router.get("/api/qc1")
def qc1_json(
    request: Request,
    service: Serving,
    asked: Asking,
    since: Seconds = None,
    until: Seconds = None,
    columns: Columns = COLUMNS,
) -> Response:
    """Values as a plot; `since` and `until` (seconds since 1970) for a close-up."""
    question = asked.question()
    if not question.kind[2]:
        raise UserError("no parameter is named", hint="Choose an instrument and a parameter")
    instrument = service.instrument(asked.instrument)

    def made() -> bytes:
        y = DataSet(question, asked.parameter)
        if asked.x_parameter:
            x = DataSet(asked.question(of_x=True), asked.x_parameter)
            return packed(correlation_plot(look, x, y))
        return packed(time_plot(look, [y], closer(question.mjd, since, until), columns))

    with service.store.read() as tx:
        look = Looking(service, tx, instrument)
        content = look.shared((asked, since, until, columns), made)
    return tagged(request, content, "application/json")


@router.get("/api/qc1/values.{ending}")
def qc1_file(request: Request, service: Serving, asked: Asking, ending: str) -> Response:
    """Values as CSV, VOTable (``vot``) or Parquet."""
    instrument = service.instrument(asked.instrument)
    with service.store.read() as tx:
        look = Looking(service, tx, instrument)
        return values_file(request, look, asked.question(), ending, name="qc1")


@router.post("/qc1/hide", include_in_schema=False)
def hide(
    visitor: Deciding,
    service: Serving,
    record: Field = "",
    parameter: Field = "",
    reason: Annotated[str, Form(max_length=2000)] = "",
    back: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Hide a value: no plot shows it and no running threshold counts it."""
    if not reason.strip():
        raise UserError("hiding a value needs a reason")
    value = HiddenValue(record, parameter, visitor.name, reason.strip(), now_iso())
    with service.store.write(by=visitor.name, why=reason.strip()) as tx:
        tx.health.hide(value)
    return _back(back)


@router.post("/qc1/unhide", include_in_schema=False)
def unhide(
    visitor: Deciding,
    service: Serving,
    record: Field = "",
    parameter: Field = "",
    back: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Show a hidden value again."""
    with service.store.write(by=visitor.name, why="counts again") as tx:
        tx.health.unhide(record, parameter)
    return _back(back)


@router.post("/qc1/plots", include_in_schema=False)
def save_plot(
    visitor: Known,
    service: Serving,
    name: Field = "",
    shared: Field = "",
    question: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Keep a plot under a name."""
    known = set(Asked.__dataclass_fields__)
    given = {key: value for key, value in parse_qsl(question.lstrip("?")) if key in known}
    if not name.strip() or not given:
        raise UserError("a saved plot needs a name and a parameter")
    plot = SavedPlot(visitor.name, name.strip(), bool(shared), query(given), now_iso())
    with service.store.write(by=visitor.name, why="to come back to") as tx:
        tx.health.save_plot(plot)
    return _back(plot.question)


@router.post("/qc1/plots/{number}/remove", include_in_schema=False)
def remove_plot(visitor: Known, service: Serving, number: int) -> Response:
    """Remove an own plot."""
    with service.store.write(by=visitor.name, why="no more needed") as tx:
        tx.health.remove_plot(number, visitor.name)
    return _back("")


def _choices(tx: Transaction, asked: Asked) -> dict[str, Any]:
    """What can be chosen next."""
    here, category = asked.instrument, asked.category
    kind = (here, category, asked.parameter)
    setups = tx.trends.setups(kind) if here and category and asked.parameter else {}
    return {
        "instruments": tx.trends.instruments(),
        "categories": tx.trends.categories(here) if here else [],
        "parameters": tx.trends.parameters(here, category) if here and category else [],
        "x_parameters": (
            tx.trends.parameters(here, asked.x_category or category) if here and category else []
        ),
        "setups": sorted({label for label, _ in setups.values()}),
    }


def _back(question: str) -> Response:
    known = set(Asked.__dataclass_fields__)
    given = {key: value for key, value in parse_qsl(question.lstrip("?")) if key in known}
    return RedirectResponse(f"/qc1{query(given)}", 303)
