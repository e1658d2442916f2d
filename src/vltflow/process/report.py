"""What a run of the scheduler did, and how it tells meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from vltflow.records import BlockState


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run is."""

    done: int
    total: int
    """ABs that ended, wait, run or may run in this run; may grow."""
    running: tuple[str, ...]
    """Names of the ABs at work."""
    ended: str = ""
    """Name of the AB that ended just now."""
    state: BlockState | None = None
    """Its state."""


Report = Callable[[Progress], None]


@dataclass(slots=True)
class ProcessReport:
    """What a run did, as names of ABs in the order in which they ended."""

    succeeded: list[str] = field(default_factory=list)
    partial: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)
    """No runner can execute their recipe yet."""
    aborted: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    """Among the succeeded: the same work had been done before."""
    recovered: list[str] = field(default_factory=list)
    """Left behind by an earlier run: collected, or queued again."""
    waiting: dict[str, str] = field(default_factory=dict)
    """Still planned at the end, with what they wait for."""
    cancelled: bool = False

    def add(self, name: str, state: BlockState) -> None:
        """Note that an AB ended."""
        lists = {
            BlockState.SUCCEEDED: self.succeeded,
            BlockState.PARTIAL: self.partial,
            BlockState.FAILED: self.failed,
            BlockState.BLOCKED: self.blocked,
            BlockState.ABORTED: self.aborted,
        }
        if state in lists:
            lists[state].append(name)

    @property
    def done(self) -> int:
        """Number of ABs that ended."""
        lists = (self.succeeded, self.partial, self.failed, self.blocked, self.aborted)
        return sum(len(one) for one in lists)
