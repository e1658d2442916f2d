"""The five verbs of an executor, and the plain data that go in and out."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

RESULT_FILE = "result.json"
LOG_FILE = "log.txt"


@dataclass(frozen=True, slots=True)
class JobSpec:
    """All that is needed to run one job, as plain JSON-able data: it may travel to any machine."""

    job_id: str
    recipe: str
    """For people and logs; what runs stands in the payload."""
    runner: str
    """Kind of payload: ``native`` (a recipe on arrays), ``esorex`` (a recipe of ESO on files)
    or ``command`` (any program)."""
    work: str
    """URL or path of the job's own folder; nobody else writes there."""
    cores: int
    memory_mb: int
    wall_s: int
    payload: dict[str, Any] = field(default_factory=dict)
    """For the runner: URLs of raw frames, vault URL and file ids of masters, parameters."""

    def to_json(self) -> str:
        """One line of JSON."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return json.dumps(values, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> JobSpec:
        """The description behind its JSON."""
        return cls(**json.loads(text))


class ExecutorState(StrEnum):
    """What an executor knows of a job."""

    RUNNING = "RUNNING"
    """Waiting for a place or at work; leave it alone."""
    ENDED = "ENDED"
    """`collect` gives its outcome."""
    LOST = "LOST"
    """No such job, and no result of it: it has to be submitted again."""


class Ending(StrEnum):
    """How the process of a job ended."""

    RESULT = "RESULT"
    """It wrote its result, good or bad."""
    CRASHED = "CRASHED"
    """It died before."""
    REFUSED = "REFUSED"
    """The disk did not take its result: it was not at fault."""
    TIMEOUT = "TIMEOUT"
    """It was stopped as it used more wall time than declared."""
    CANCELLED = "CANCELLED"
    """It was stopped as `cancel` was called."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is left of a job."""

    handle: str
    ending: Ending
    folder: Path
    """Folder of this job on this machine, with the result, the log and the products."""
    error: str = ""
    """How it died, or why the disk refused."""
    elapsed_s: float | None = None
    cpu_s: float | None = None
    """None where only the result knows."""
    peak_mb: float | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """What an executor can carry, and which of its jobs have ended."""

    cores: int
    memory_mb: int
    running: int
    ended: tuple[str, ...] = ()
    """Handles of jobs that `collect` has not been called for."""


class Executor(Protocol):
    """Where jobs run: this machine, or a batch system.

    A handle is known before a job is submitted (`submit` gives back the job's own id, or a
    name made of it), so a job that was submitted just before a power cut is found again.
    """

    name: str

    def submit(self, spec: JobSpec) -> str:
        """Take over a job; gives its handle.

        Raises
        ------
        VaultError
            If its folder cannot be made: disk full, read-only.
        """

    def status(self, handle: str) -> ExecutorState:
        """State of a job, also of one that an earlier life of the scheduler submitted."""

    def cancel(self, handle: str) -> None:
        """Stop a job with all its processes; it ends as CANCELLED soon after."""

    def collect(self, handle: str) -> Outcome:
        """Outcome of an ended job; the executor then forgets it, its folder stays."""

    def ping(self, wait_s: float = 0.0) -> Health:
        """Capacity and ended jobs; returns early from `wait_s` when a job ends."""
