"""Calibration completeness, as ESO's calChecker: which setups have all their calibrations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from vltflow.associate import CompletenessReport, completeness_report
from vltflow.associate.completeness import NIGHTS, SetupCompleteness, plain
from vltflow.associate.completeness_rules import Check
from vltflow.core.errors import UnknownName
from vltflow.core.time import iso_from_mjd
from vltflow.store import Transaction
from vltflow.web.pages import as_json, show
from vltflow.web.service import Service, Serving
from vltflow.web.visitors import Visiting

router = APIRouter()
MENU = ("Completeness", "/completeness")
Night = Annotated[str, Query(max_length=40)]


@dataclass(frozen=True, slots=True)
class Row:
    """One calibration that a setup needs, over the nights."""

    check: Check
    """Of the worst night, of several such the latest."""
    until: str
    nights: Mapping[str, Check]
    """Those in which the setup was used."""


@router.get("/completeness", include_in_schema=False)
def completeness_page(request: Request, visitor: Visiting, service: Serving) -> Response:
    """All instruments in a line each."""
    with service.store.read() as tx:
        found = [_known(service, tx, name) for name in tx.overview.instruments()]
    reports = [one for one in found if one is not None]
    return show(request, "completeness_all.html", visitor, reports=reports)


@router.get("/completeness/{name}", include_in_schema=False)
def instrument_page(
    request: Request, visitor: Visiting, service: Serving, name: str, night: Night = ""
) -> Response:
    """What to take, then each setup with its calibrations in seven nights."""
    report = _report(service, name, night)
    return show(
        request,
        "completeness.html",
        visitor,
        report=report,
        moment=iso_from_mjd(report.moment),
        parts=[
            (title, [_part(one) for one in report.setups if one.science is science])
            for title, science in (("Science", True), ("Calibrations of calibrations", False))
        ],
        iso=iso_from_mjd,
        before=_moved(report, -NIGHTS),
        after=_moved(report, NIGHTS) if night else "",
    )


@router.get("/api/completeness/{name}")
def completeness_json(request: Request, service: Serving, name: str, night: Night = "") -> Response:
    """Completeness of the seven nights that end with one, and what to take."""
    return as_json(request, plain(_report(service, name, night)))


def _report(service: Service, name: str, night: str) -> CompletenessReport:
    instrument = service.instrument(name)
    with service.store.read() as tx:
        return completeness_report(tx, instrument, night)


def _moved(report: CompletenessReport, days: int) -> str:
    """The last night of another week; empty where the calendar ends."""
    try:
        return (date.fromisoformat(report.nights[-1]) + timedelta(days=days)).isoformat()
    except OverflowError:
        return ""


def _known(service: Service, tx: Transaction, name: str) -> CompletenessReport | None:
    """None for an instrument whose definition is not installed any more."""
    try:
        return completeness_report(tx, service.instrument(name))
    except UnknownName:
        return None


def _part(setup: SetupCompleteness) -> tuple[SetupCompleteness, dict[str, str], list[Row]]:
    """A setup with its state by night and its rows."""
    return setup, {one.night: str(one.state) for one in setup.nights}, _rows(setup)


def _rows(setup: SetupCompleteness) -> list[Row]:
    found: dict[tuple[Any, ...], dict[str, Check]] = {}
    for night in setup.nights:
        for check in night.checks:
            found.setdefault((check.raw_types, check.categories), {})[night.night] = check
    return [_row(nights) for nights in found.values()]


def _row(nights: Mapping[str, Check]) -> Row:
    check = max(nights.items(), key=lambda item: (item[1].state.rank, item[0]))[1]
    return Row(check, iso_from_mjd(check.until), nights)
