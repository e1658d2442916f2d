"""The page of the day: instruments, nights and their state, problems first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from vltflow.records import BlockState
from vltflow.store import NightCounts, Transaction
from vltflow.web.pages import as_json, show
from vltflow.web.service import Serving
from vltflow.web.visitors import Visiting

router = APIRouter()
MENU = ("Today", "/")
NIGHTS = 7
"""Shown of each instrument."""
_BUSY = (BlockState.PLANNED, BlockState.RUNNING)
_WRONG = (BlockState.FAILED, BlockState.ABORTED)
_ENDED = (BlockState.SUCCEEDED, BlockState.PARTIAL)
Nights = Annotated[int, Query(ge=1, le=60)]


@dataclass(frozen=True, slots=True)
class NightState:
    """A night of an instrument in one line."""

    instrument: str
    night: str
    frames: int
    """Arrived."""
    outside: int
    """Of them in no AB."""
    blocks: int
    failed: int
    blocked: int
    busy: int
    """Planned or running."""
    running: int
    """Of them running now."""
    waiting: int
    """Made, and nothing decided yet."""
    decided: int

    @property
    def word(self) -> str:
        """Where the night is: the first of these that holds."""
        states = (
            (bool(self.failed), "failures"),
            (bool(self.waiting), "waiting for a person"),
            (bool(self.busy), "processing"),
            (not self.blocks, "arrived"),
            (bool(self.blocked), "blocked"),
            (True, "certified"),
        )
        return next(word for holds, word in states if holds)


@router.get("/", include_in_schema=False)
def today(
    request: Request, visitor: Visiting, service: Serving, nights: Nights = NIGHTS
) -> Response:
    """Instruments and their latest nights."""
    with service.store.read() as tx:
        states = night_states(tx, nights)
        refused = len(tx.quarantine.find())
    by_instrument: dict[str, list[NightState]] = {}
    for one in states:
        by_instrument.setdefault(one.instrument, []).append(one)
    ordered = sorted(by_instrument.items(), key=lambda item: _trouble(item[1]))
    return show(
        request,
        "today.html",
        visitor,
        instruments=ordered,
        totals=_totals(states),
        refused=refused,
    )


@router.get("/api/nights")
def nights_json(request: Request, service: Serving, nights: Nights = NIGHTS) -> Response:
    """State of the latest nights of each instrument."""
    with service.store.read() as tx:
        states = night_states(tx, nights)
    return as_json(request, [asdict(one) | {"state": one.word} for one in states])


def night_states(tx: Transaction, nights: int) -> list[NightState]:
    """Latest nights of all instruments, the latest first."""
    found: list[NightState] = []
    for instrument in tx.overview.instruments():
        counts = tx.overview.counts(instrument, tx.overview.nights(instrument, nights))
        found += [_state(one) for one in counts.values()]
    return found


def _state(one: NightCounts) -> NightState:
    def number(states: Iterable[BlockState]) -> int:
        return sum(one.states.get(state, 0) for state in states)

    return NightState(
        instrument=one.instrument,
        night=one.night,
        frames=one.frames,
        outside=one.outside,
        blocks=number(BlockState),
        failed=number(_WRONG),
        blocked=number((BlockState.BLOCKED,)),
        busy=number(_BUSY),
        running=number((BlockState.RUNNING,)),
        waiting=one.undecided,
        decided=number(_ENDED) - one.undecided,
    )


def _totals(states: Iterable[NightState]) -> dict[str, int]:
    names = ("failed", "waiting", "busy", "running", "blocked", "decided", "frames")
    found = list(states)
    return {name: sum(getattr(one, name) for one in found) for name in names}


def _trouble(states: list[NightState]) -> tuple[Any, ...]:
    """Order of instruments: most failures, then most that waits, then by name."""
    failed, waiting = (sum(getattr(one, name) for one in states) for name in ("failed", "waiting"))
    return -failed, -waiting, states[0].instrument
