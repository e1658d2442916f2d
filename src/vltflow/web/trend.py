"""A QC1 parameter over time, to be looked at closely."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from vltflow.core.errors import UserError
from vltflow.core.time import iso_from_mjd
from vltflow.records import QcValue, Score
from vltflow.store import Transaction
from vltflow.web.pages import as_json, show
from vltflow.web.service import Serving
from vltflow.web.visitors import Visiting
from vltflow.web.words import query, segment

router = APIRouter()
_UNIX_EPOCH = 40_587.0
"""MJD of 1970-01-01."""
_DAY = 86_400.0
_MOST = 20_000
Text = Annotated[str, Query(max_length=200)]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which values: parameter, product category, setup."""

    parameter: Text = ""
    category: Text = ""
    setup: Text = ""


Asking = Annotated[Asked, Depends()]


@router.get("/trend/{instrument}", include_in_schema=False)
def trend_page(
    request: Request, visitor: Visiting, service: Serving, instrument: str, asked: Asking
) -> Response:
    """The plot and the table of its values."""
    with service.store.read() as tx:
        values, scores = _found(tx, instrument, asked)
    given = {"parameter": asked.parameter, "category": asked.category, "setup": asked.setup}
    return show(
        request,
        "trend.html",
        visitor,
        instrument=instrument,
        asked=asked,
        values=list(reversed(values))[:500],
        scores=scores,
        total=len(values),
        source=f"/api/trend/{segment(instrument)}{query(given)}",
        iso=iso_from_mjd,
    )


@router.get("/api/trend/{instrument}")
def trend_json(request: Request, service: Serving, instrument: str, asked: Asking) -> Response:
    """Values over time (seconds since 1970, UT) with their limits, AB and score."""
    with service.store.read() as tx:
        values, scores = _found(tx, instrument, asked)
    known = [one for one in values if math.isfinite(one.value)]
    limits = [scores.get(one.block) for one in known]
    content = {
        "label": asked.parameter,
        "unit": known[0].unit if known else "",
        "time": [round((one.mjd - _UNIX_EPOCH) * _DAY, 3) for one in known],
        "value": [one.value for one in known],
        "low": [one.low if one else None for one in limits],
        "high": [one.high if one else None for one in limits],
        "colour": [str(one.colour) if one else "grey" for one in limits],
        "ab": [one.block for one in known],
    }
    return as_json(request, content)


def _found(
    tx: Transaction, instrument: str, asked: Asked
) -> tuple[Sequence[QcValue], dict[str, Score]]:
    if not asked.parameter:
        raise UserError("no parameter is named", hint="Come here from a QC report")
    values = tx.quality.values(
        instrument=instrument,
        parameter=asked.parameter,
        category=asked.category or None,
        setup=asked.setup or None,
    )[-_MOST:]
    scores = tx.quality.scores({one.block for one in values})
    return values, {
        block: score
        for block, own in scores.items()
        for score in own
        if score.parameter == asked.parameter and asked.category in {"", score.category}
    }
