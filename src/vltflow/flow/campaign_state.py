"""How far campaigns are: each batch in numbers, and what is in its way now."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vltflow.flow.campaign_plan import BAD, flawed, lacks_of, problems_of
from vltflow.flow.selection import Selection, chosen
from vltflow.instruments import Instrument
from vltflow.records import AssociationBlock, Batch, BatchState, BlockState
from vltflow.store import DownloadCount, Transaction

_MADE = frozenset({BlockState.SUCCEEDED, BlockState.PARTIAL})


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """A batch in a line: what its latest run found, and the pace of all its runs.

    None or 0 before its first end; the pace also where no run had a job.
    """

    campaign: str
    month: str
    state: str
    science: int | None
    made: int
    failed: int
    flawed: int
    """Made, and not published or without something that it should have."""
    blocked: int
    wait: int
    jobs_per_hour: float | None
    cores_used: float | None
    """Share of the cores that jobs and publishing used as CPU time."""
    elapsed_s: float | None
    ended: str

    @property
    def word(self) -> str:
        """Where the batch is: the first of these that holds."""
        states = (
            (self.state == BatchState.RUNNING, "running"),
            (bool(self.failed), "failures"),
            (bool(self.flawed), "problems"),
            (bool(self.blocked or self.wait), "waits"),
            (True, "done"),
        )
        return next(word for holds, word in states if holds)


def batch_summary(batch: Batch) -> BatchSummary:
    """A batch in a line, from the numbers of its latest report."""
    numbers = json.loads(batch.numbers)
    runs = numbers.get("all_runs", numbers)
    states = numbers.get("states", {})
    return BatchSummary(
        campaign=batch.campaign,
        month=batch.month,
        state=str(batch.state),
        science=numbers.get("science"),
        made=states.get("SUCCEEDED", 0),
        failed=sum(states.get(state, 0) for state in BAD),
        flawed=numbers.get("flawed", 0),
        blocked=states.get("BLOCKED", 0),
        wait=states.get("PLANNED", 0),
        jobs_per_hour=runs.get("jobs_per_hour"),
        cores_used=runs.get("cores_used"),
        elapsed_s=batch.elapsed_s,
        ended=batch.ended,
    )


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is in the way of science ABs."""

    what: str
    where: str
    """Setup; or raw type and setup of the AB."""
    blocks: int
    block: str = ""
    """The AB, where it is about one."""


@dataclass(frozen=True, slots=True)
class BatchNow:
    """Science ABs of a batch as they are now, whatever its last run found."""

    names: tuple[str, ...]
    """All of them, by time."""
    states: Mapping[str, int]
    decisions: Mapping[str, int]
    undecided: tuple[str, ...]
    """Those that were made, and nothing is decided yet."""
    problems: tuple[Problem, ...]
    """Failures first, those of calibrations of the month's nights too."""
    downloads: DownloadCount
    mjd: tuple[float, float] | None
    """First and last of their moments; None if there are no ABs."""


def batch_now(
    tx: Transaction, instrument: Instrument, selection: Selection, month: str
) -> BatchNow:
    """Science ABs of a month that a selection takes, in numbers, with their problems."""
    science = chosen(tx, instrument, selection, month)
    names = tuple(block.name for block in science)
    decisions = tx.blocks.decisions(names)
    failed = [
        block
        for block in tx.blocks.find(instrument=instrument.name, month=month, states=BAD)
        if block.name in decisions or instrument.raw_types[block.raw_type].kind == "calibration"
    ]
    moments = [block.mjd_mid for block in science]
    return BatchNow(
        names=names,
        states=_counted(str(block.state) for block in science),
        decisions=_counted(one for one in decisions.values() if one),
        undecided=tuple(
            block.name for block in science if block.state in _MADE and not decisions[block.name]
        ),
        problems=tuple(_problems(science, failed)),
        downloads=tx.downloads.of_blocks(names),
        mjd=(min(moments), max(moments)) if moments else None,
    )


def _counted(words: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(words).items()))


def _problems(science: list[AssociationBlock], failed: list[AssociationBlock]) -> Iterable[Problem]:
    for block in [*failed, *flawed(science)]:
        what = f"{block.state}: {block.problem}" if block.problem else str(block.state)
        yield Problem(what, f"{block.raw_type} {block.setup}", 1, block.name)
    for lack in lacks_of(science):
        yield Problem(f"no {lack.category}", lack.setup, lack.number)
    for problem, number in problems_of(science).items():
        yield Problem(problem, "", number)
