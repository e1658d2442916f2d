"""The AB monitor: a night of an instrument, live."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import RedirectResponse, Response

from vltflow.core.errors import UnknownName
from vltflow.core.time import night_range
from vltflow.flow.monitor import MonitorCounts, MonitorRow, counts, monitor_rows
from vltflow.store import Transaction
from vltflow.web.pages import HTML, as_json, rendered, show, tagged
from vltflow.web.service import Service, Serving
from vltflow.web.visitors import Visiting, Visitor
from vltflow.web.words import segment

router = APIRouter()
MENU = ("AB monitor", "/monitor")
NIGHTS = 30
"""Offered for a jump."""
MOST_CHANGES = 300
"""Rows that are sent one by one; more are sent as a whole table."""
_PART = 0.02
"""Part of a core's time that may go into one live night, however many people look at it."""
Text = Annotated[str, Query(max_length=200)]


@dataclass(frozen=True, slots=True)
class Filters:
    """What is shown, and in which order: all of it in the address."""

    q: Text = ""
    """Words, each of which must be somewhere in the row."""
    kind: Text = ""
    """``calibration`` or ``science``."""
    raw_type: Text = ""
    setup: Text = ""
    recipe: Text = ""
    status: Text = ""
    complete: Text = ""
    """``yes`` or ``no``."""
    score: Text = ""
    """``green``, ``red``, ``grey`` or ``none``."""
    certification: Text = ""
    """``AUTO``, ``ACCEPTED``, ``REJECTED``, ``REVOKED``, ``waits`` or ``open``."""
    sort: Text = ""
    """Name of a column; with a minus before it in falling order."""

    @property
    def given(self) -> dict[str, str]:
        """Those that are set, without the order."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value and name != "sort"}

    def address(self, **changes: str) -> dict[str, str]:
        """Values of an address with some changes."""
        sort = {"sort": self.sort} if self.sort else {}
        return {name: value for name, value in (self.given | sort | changes).items() if value}


Filtering = Annotated[Filters, Depends()]


@dataclass(frozen=True, slots=True)
class NightSeen:
    """A night as it was at an event."""

    instrument: str
    night: str
    event: int
    rows: list[MonitorRow]
    counts: MonitorCounts


@router.get("/monitor", include_in_schema=False)
def latest(service: Serving) -> Response:
    """The latest night of all."""
    with service.store.read() as tx:
        newest = [
            (night, instrument)
            for instrument in tx.overview.instruments()
            for night in tx.overview.nights(instrument, 1)
        ]
    if not newest:
        return RedirectResponse("/")
    night, instrument = max(newest)
    return RedirectResponse(f"/monitor/{segment(instrument)}/{night}")


@router.get("/monitor/{instrument}/{night}", include_in_schema=False)
def monitor_page(
    request: Request,
    visitor: Visiting,
    service: Serving,
    instrument: str,
    night: str,
    filters: Filtering,
) -> Response:
    """The whole page, or its table alone when a filter changed."""
    _check_night(night)
    with service.store.read() as tx:
        seen = _seen(service, tx, instrument, night)
        nights = tx.overview.nights(instrument, NIGHTS)
        instruments = tx.overview.instruments()
    rows = seen.rows
    if not rows and instrument not in instruments:
        raise UnknownName(f"the store has nothing of {instrument}", hint="See Today")
    kinds = _kinds(service, instrument, rows)
    return show(
        request,
        "monitor_table.html" if request.headers.get("hx-target") == "table" else "monitor.html",
        visitor,
        rows=selected(rows, filters, kinds),
        counts=seen.counts,
        choices=_choices(rows),
        filters=filters,
        since=seen.event,
        instrument=instrument,
        night=night,
        nights=sorted({night, *nights}, reverse=True),
        instruments=instruments,
        columns=COLUMNS,
    )


@router.get("/monitor/{instrument}/{night}/changes", include_in_schema=False)
def changes(
    request: Request,
    visitor: Visiting,
    service: Serving,
    instrument: str,
    night: str,
    filters: Filtering,
    since: Annotated[int, Query(ge=0, le=2**62)] = 0,
) -> Response:
    """Rows that changed after an event; the whole table when ABs came or went.

    The header ``Live-After`` says after how many seconds the page should ask again.
    """
    _check_night(night)
    with service.store.read() as tx:
        content = _changes(request, visitor, service, tx, (instrument, night), filters, since)
    answer = Response(status_code=204) if content is None else tagged(request, content, HTML)
    answer.headers["Live-After"] = f"{service.rhythm.asked():.1f}"
    return answer


def _changes(
    request: Request,
    visitor: Visitor,
    service: Service,
    tx: Transaction,
    place: tuple[str, str],
    filters: Filters,
    since: int,
) -> bytes | None:
    """Rows of an instrument's night that changed after an event; None if there are none."""
    if tx.overview.last_event() == since:
        return None
    seen = _seen(service, tx, *place, part=_PART)
    if seen.event <= since:
        return None
    # Nothing in the answer is about who asks: it is made once for all who saw the same.
    answers: dict[int, bytes] = service.shared.get((*place, filters), seen.event, dict)
    if since not in answers:
        answers[since] = _answer(request, visitor, service, tx, seen, filters, since)
    return answers[since]


@router.get("/api/monitor/{instrument}/{night}")
def monitor_json(
    request: Request, service: Serving, instrument: str, night: str, filters: Filtering
) -> Response:
    """Rows of the AB monitor with its header line."""
    _check_night(night)
    with service.store.read() as tx:
        seen = _seen(service, tx, instrument, night)
    shown = selected(seen.rows, filters, _kinds(service, instrument, seen.rows))
    rows = [asdict(row) for row in shown]
    return as_json(request, {"event": seen.event, "counts": asdict(seen.counts), "rows": rows})


COLUMNS: tuple[tuple[str, str], ...] = (
    ("index", "QC #"),
    ("ab", "AB"),
    ("complete", "complete"),
    ("raw_type", "raw type"),
    ("setup", "setup"),
    ("recipe", "recipe"),
    ("status", "status"),
    ("t_exec", "T_EXEC"),
    ("score", "score"),
    ("certification", "certification, problem"),
)
"""That can be sorted by, with the words above them."""
_SEVERITY = {"red": 3, "grey": 2, "green": 1}
_SORTING: dict[str, Callable[[MonitorRow], Any]] = {
    "index": lambda row: row.index,
    "ab": lambda row: row.ab,
    "complete": lambda row: row.complete,
    "raw_type": lambda row: row.raw_type,
    "setup": lambda row: row.setup,
    "recipe": lambda row: row.recipe,
    "status": lambda row: row.status,
    "t_exec": lambda row: (row.pipeline_s or 0.0) + (row.qc_s or 0.0),
    "score": lambda row: (_SEVERITY.get(row.mark, 0), row.score),
    "certification": lambda row: row.certification,
}
_SEARCHED = ("ab", "raw_type", "setup", "recipe", "status", "certification", "problem")
_EXACT = ("raw_type", "setup", "recipe", "status")


def selected(
    rows: Sequence[MonitorRow], filters: Filters, kinds: dict[str, str]
) -> list[MonitorRow]:
    """Rows that pass all filters, in the order that was asked for."""
    words = filters.q.casefold().split()
    found = list(rows)
    if filters.given:
        found = [
            row
            for row in rows
            if _fits(row, filters, kinds) and all(word in _text(row) for word in words)
        ]
    name = filters.sort.removeprefix("-")
    if name in _SORTING:
        found.sort(key=_SORTING[name], reverse=filters.sort.startswith("-"))
    return found


def _fits(row: MonitorRow, filters: Filters, kinds: dict[str, str]) -> bool:
    exact = all(getattr(filters, name) in {"", getattr(row, name)} for name in _EXACT)
    return (
        exact
        and filters.kind in {"", kinds.get(row.raw_type, "calibration")}
        and filters.complete in {"", "yes" if row.complete else "no"}
        and filters.score in {"", row.mark or "none"}
        and filters.certification in {"", row.decision or ("waits" if row.waits else "open")}
    )


def _text(row: MonitorRow) -> str:
    """All words of a row, in small letters."""
    return " ".join(getattr(row, name) for name in _SEARCHED).casefold()


def _kinds(service: Service, instrument: str, rows: Sequence[MonitorRow]) -> dict[str, str]:
    """``calibration`` or ``science`` by raw type; nothing where there is no definition."""
    try:
        known = service.instrument(instrument).raw_types
    except UnknownName:
        return {}
    used = {row.raw_type for row in rows}
    return {name: known[name].kind for name in used if name in known}


def _seen(
    service: Service, tx: Transaction, instrument: str, night: str, *, part: float | None = None
) -> NightSeen:
    """A night now; with `part` perhaps a moment ago, see `Shared`."""
    event = tx.overview.last_event()

    def made() -> NightSeen:
        rows = monitor_rows(tx, instrument=instrument, night=night)
        return NightSeen(instrument, night, event, rows, counts(rows))

    return service.shared.get((instrument, night), event, made, part=part)


def _answer(
    request: Request,
    visitor: Visitor,
    service: Service,
    tx: Transaction,
    seen: NightSeen,
    filters: Filters,
    since: int,
) -> bytes:
    """Rows that changed since an event."""
    names, whole = _changed(tx, since, seen.event)
    whole = whole or bool(filters.given)  # with a filter, a row may come or go by any change
    shown = selected(seen.rows, filters, _kinds(service, seen.instrument, seen.rows))
    return rendered(
        request,
        "monitor_changes.html",
        visitor,
        rows=shown if whole else [row for row in shown if row.ab in names],
        whole=whole,
        since=seen.event,
        filters=filters,
        instrument=seen.instrument,
        night=seen.night,
        counts=seen.counts,
        columns=COLUMNS,
    )


def _choices(rows: Sequence[MonitorRow]) -> dict[str, list[str]]:
    return {name: sorted({getattr(row, name) for row in rows}) for name in _EXACT}


def _changed(tx: Transaction, since: int, last: int) -> tuple[set[str], bool]:
    """Names of changed ABs, and whether ABs came or went: then the whole table is sent."""
    found = tx.overview.changed(since, last)
    names = {name for name, _ in found}
    moved = any(change.startswith(("created", "becomes")) for _, change in found)
    return names, moved or len(names) > MOST_CHANGES


def _check_night(night: str) -> None:
    try:
        night_range(night)
    except ValueError as error:
        raise UnknownName(
            f"{night!r} is no night", hint="Write the evening's date as 2015-02-26"
        ) from error
