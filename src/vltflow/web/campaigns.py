"""Campaigns: the history of mass production by month, and each batch with its process QC."""

from __future__ import annotations

import calendar
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, Response

from vltflow.core.errors import NotFound
from vltflow.flow.campaign_state import BatchNow, BatchSummary, batch_now, batch_summary
from vltflow.flow.selection import Selection, selection_text
from vltflow.instruments import Instrument
from vltflow.qc.statistics import ModeStatistics, picture, science_statistics
from vltflow.records import Batch, Campaign
from vltflow.store import Transaction
from vltflow.web.figures import without_styles
from vltflow.web.pages import as_json, show, tagged
from vltflow.web.service import Service, Serving
from vltflow.web.visitors import Visiting

router = APIRouter()
MENU = ("Campaigns", "/campaigns")
LISTED = 200
"""Problems and anomalies that a page shows."""
_REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
"""A report is a file with styles of its own; it may be looked at and do nothing, as nobody's."""
Year = Annotated[int, Query(ge=0, le=9998)]


@dataclass(frozen=True, slots=True)
class History:
    """A campaign with its batches."""

    campaign: Campaign
    selection: str
    """In words."""
    batches: Sequence[BatchSummary]
    """By month."""

    @property
    def years(self) -> list[int]:
        """Years with batches, the latest first."""
        return sorted({int(one.month[:4]) for one in self.batches}, reverse=True)

    def months(self, year: int) -> list[BatchSummary | None]:
        """The batches of a year, twelve; None where none was begun."""
        known = {one.month: one for one in self.batches}
        return [known.get(f"{year:04d}-{month:02d}") for month in range(1, 13)]


@dataclass(frozen=True, slots=True)
class Month:
    """A batch of a campaign with everything that is known now."""

    campaign: Campaign
    batch: Batch
    instrument: Instrument
    now: BatchNow
    modes: Sequence[ModeStatistics]

    @property
    def selection(self) -> Selection:
        """What the campaign takes."""
        return Selection.from_json(self.campaign.selection)


@router.get("/campaigns", include_in_schema=False)
def campaigns_page(request: Request, visitor: Visiting, service: Serving) -> Response:
    """All campaigns, each with its months."""
    with service.store.read() as tx:
        histories = [_history(tx, one) for one in tx.campaigns.all()]
    return show(request, "campaigns.html", visitor, histories=histories, months=_MONTHS)


@router.get("/campaigns/{name}", include_in_schema=False)
def campaign_page(
    request: Request, visitor: Visiting, service: Serving, name: str, year: Year = 0
) -> Response:
    """One campaign: its history, and the batches of a year with numbers."""
    with service.store.read() as tx:
        history = _history(tx, tx.campaigns.get(name))
        shown = year or next(iter(history.years), 0)
        taken = tx.downloads.by_month(history.campaign.instrument, shown) if shown else {}
    return show(
        request,
        "campaign.html",
        visitor,
        history=history,
        months=_MONTHS,
        year=shown,
        batches=[one for one in history.months(shown) if one] if shown else [],
        taken=taken,
    )


@router.get("/campaigns/{name}/{month}", include_in_schema=False)
def batch_page(
    request: Request, visitor: Visiting, service: Serving, name: str, month: str
) -> Response:
    """One batch: numbers, problems, process QC, downloads."""
    found = _month(service, name, month)
    with service.store.read() as tx:
        months = [one.month for one in tx.campaigns.batches(name)]
    place = months.index(month)
    year, number = int(month[:4]), int(month[5:])
    return show(
        request,
        "batch.html",
        visitor,
        one=found,
        summary=batch_summary(found.batch),
        numbers=json.loads(found.batch.numbers),
        selection=selection_text(found.selection),
        modes=[_mode(one) for one in found.modes],
        anomalies=_anomalies(found.modes),
        listed=LISTED,
        before=months[place - 1] if place else "",
        after=months[place + 1] if place + 1 < len(months) else "",
        last=f"{month}-{calendar.monthrange(year, number)[1]}",
    )


@router.get("/campaigns/{name}/{month}/report", include_in_schema=False)
def report(service: Serving, name: str, month: str) -> Response:
    """The report of the batch's latest run, as it was written then."""
    with service.store.read() as tx:
        _, batch = _batch(tx, name, month)
    if not batch.report:
        raise NotFound(f"{name} {month} has no report yet: its first run has not ended")
    page = service.store.vault.get_bytes(batch.report)
    return HTMLResponse(page, headers={"Content-Security-Policy": _REPORT_POLICY})


@router.get("/api/campaigns")
def campaigns_json(request: Request, service: Serving) -> Response:
    """All campaigns and their batches in numbers."""
    with service.store.read() as tx:
        histories = [_history(tx, one) for one in tx.campaigns.all()]
    return as_json(request, [_plain(one) for one in histories])


@router.get("/campaigns/{name}/{month}/statistics", include_in_schema=False)
def statistics(request: Request, service: Serving, name: str, month: str) -> Response:
    """Process QC of all spectra of a batch, as a part of its page."""
    found = _month(service, name, month)
    title = f"{found.campaign.name} {month}: science spectra"
    drawn = picture(title, found.modes, file_format="svg", prefix="s").decode()
    return tagged(request, without_styles(drawn).encode(), "text/html; charset=utf-8")


@router.get("/api/campaigns/{name}")
def campaign_json(request: Request, service: Serving, name: str) -> Response:
    """A campaign and its batches in numbers."""
    with service.store.read() as tx:
        history = _history(tx, tx.campaigns.get(name))
    return as_json(request, _plain(history))


@router.get("/api/campaigns/{name}/{month}")
def batch_json(request: Request, service: Serving, name: str, month: str) -> Response:
    """A batch: what its latest run found and did, and its science ABs as they are now."""
    found = _month(service, name, month)
    content = {
        "batch": asdict(batch_summary(found.batch)) | {"word": batch_summary(found.batch).word},
        "numbers": json.loads(found.batch.numbers),
        "now": asdict(found.now),
        "modes": [_mode(one) for one in found.modes],
        "anomalies": _anomalies(found.modes),
    }
    return as_json(request, content)


def _history(tx: Transaction, campaign: Campaign) -> History:
    batches = [batch_summary(one) for one in tx.campaigns.batches(campaign.name)]
    return History(campaign, selection_text(Selection.from_json(campaign.selection)), batches)


def _batch(tx: Transaction, name: str, month: str) -> tuple[Campaign, Batch]:
    campaign = tx.campaigns.get(name)
    for one in tx.campaigns.batches(name):
        if one.month == month:
            return campaign, one
    raise NotFound(
        f"{name} has no batch {month[:40]!r}", hint=f"`vltflow campaign status {name}` lists them"
    )


def _month(service: Service, name: str, month: str) -> Month:
    with service.store.read() as tx:
        campaign, batch = _batch(tx, name, month)
        instrument = service.instrument(campaign.instrument)
        now = batch_now(tx, instrument, Selection.from_json(campaign.selection), month)
        names = frozenset(now.names)
        modes = science_statistics(tx, instrument, mjd=now.mjd, blocks=names) if now.mjd else []
    return Month(campaign, batch, instrument, now, modes)


def _mode(one: ModeStatistics) -> dict[str, Any]:
    """A mode in numbers; None where nothing was measured."""
    return {
        "mode": one.mode,
        "spectra": len(one.points),
        "scale": one.law.scale if math.isfinite(one.law.scale) else None,
        "median_ratio": _median(one, "ratio"),
        "median_days": _median(one, "days"),
        "anomalies": len(one.anomalies),
    }


def _median(one: ModeStatistics, name: str) -> float | None:
    known = sorted(value for value in one.column(name).tolist() if math.isfinite(value))
    return known[len(known) // 2] if known else None


def _anomalies(modes: Sequence[ModeStatistics]) -> list[dict[str, str]]:
    return [
        {"ab": point.block, "category": point.category, "mode": point.mode, "reason": reason}
        for one in modes
        for point, reason in one.anomalies
    ]


def _plain(one: History) -> Mapping[str, Any]:
    batches = [asdict(batch) | {"word": batch.word} for batch in one.batches]
    return asdict(one.campaign) | {
        "selection": json.loads(one.campaign.selection),
        "batches": batches,
    }


_MONTHS = tuple(f"{number:02d}" for number in range(1, 13))
