"""The AB monitor: one row an AB, as QC scientists know it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from vltflow.records import BlockState, BlockSummary, Colour, Decision
from vltflow.store import Store, Transaction

_WAITS = "waits for a person"
_ENDED = frozenset({BlockState.SUCCEEDED, BlockState.PARTIAL})


@dataclass(frozen=True, slots=True)
class MonitorRow:
    """One AB in the monitor; the field names are the column names."""

    ab: str
    raw_type: str
    setup: str
    recipe: str
    complete: bool
    status: str
    score: str
    """``(red/total)``; empty while nothing was scored."""
    certification: str
    """``AUTO``, or the decision with its comment, or what it waits for."""
    problem: str
    instrument: str = ""
    night: str = ""
    index: int = 0
    """Place in the night, by time, from 1 on."""
    frames: int = 0
    expected: int = 0
    runner: str = ""
    mark: str = ""
    """``green``, ``red`` or ``grey`` as the worst score; empty while nothing was scored."""
    pipeline_s: float | None = None
    qc_s: float | None = None
    log: bool = False
    """Whether the log of the pipeline is there."""
    report: bool = False
    """Whether the QC report is there."""
    decision: str = ""
    who: str = ""
    decided: str = ""

    @property
    def waits(self) -> bool:
        """Whether a person has to decide."""
        return self.certification == _WAITS


@dataclass(frozen=True, slots=True)
class MonitorCounts:
    """The header line of the monitor."""

    created: int
    processed: int
    scored: int
    failed: int
    incomplete: int
    red: int
    """ABs with a red score."""
    waiting: int
    certified: int


def monitor(
    store: Store, *, instrument: str | None = None, night: str | None = None
) -> list[MonitorRow]:
    """Rows of the AB monitor, by time.

    The number of statements does not depend on the number of ABs.
    """
    with store.read() as tx:
        return monitor_rows(tx, instrument=instrument, night=night)


def monitor_rows(
    tx: Transaction, *, instrument: str | None = None, night: str | None = None
) -> list[MonitorRow]:
    """The same within a look at the store that goes on."""
    found = tx.overview.summaries(instrument, night)
    return [_row(one, place) for place, one in enumerate(found, start=1)]


def counts(rows: Sequence[MonitorRow]) -> MonitorCounts:
    """Numbers of the header line."""
    states = Counter(row.status for row in rows)
    decisions = Counter(row.decision for row in rows)
    return MonitorCounts(
        created=len(rows),
        processed=sum(states[state] for state in (*_ENDED, BlockState.FAILED)),
        scored=sum(bool(row.score) for row in rows),
        failed=states[BlockState.FAILED],
        incomplete=sum(not row.complete for row in rows),
        red=sum(row.mark == Colour.RED for row in rows),
        waiting=sum(row.waits for row in rows),
        certified=decisions[Decision.AUTO] + decisions[Decision.ACCEPTED],
    )


def _row(one: BlockSummary, index: int) -> MonitorRow:
    return MonitorRow(
        ab=one.name,
        raw_type=one.raw_type,
        setup=one.setup,
        recipe=one.recipe,
        complete=one.complete,
        status=str(one.state),
        score=_score(one),
        certification=_certification(one),
        problem=one.problem,
        instrument=one.instrument,
        night=one.night,
        index=index,
        frames=one.frames,
        expected=one.expected,
        runner=one.runner,
        mark=_mark(one),
        pipeline_s=one.pipeline_s,
        qc_s=one.qc_s,
        log=bool(one.log_file),
        report=one.report,
        decision=one.decision,
        who=one.who,
        decided=one.decided,
    )


def _score(one: BlockSummary) -> str:
    scored = one.red + one.green
    return f"({one.red}/{scored})" if scored or one.grey else ""


def _mark(one: BlockSummary) -> str:
    if one.red:
        return Colour.RED
    return Colour.GREEN if one.green else Colour.GREY if one.grey else ""


def _certification(one: BlockSummary) -> str:
    if one.decision == Decision.AUTO:
        return one.decision
    if one.decision:
        return f"{one.decision}: {one.comment}"
    return _WAITS if one.state in _ENDED and _score(one) else ""
