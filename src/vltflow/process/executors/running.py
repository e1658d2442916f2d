"""A job at work on this machine."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from vltflow.process.admission import Tokens
from vltflow.process.executors.interface import Ending, JobSpec, Outcome


@dataclass(slots=True)
class Running:
    """A submitted job until it is collected."""

    spec: JobSpec
    folder: Path
    started: float = 0.0
    """By the monotonic clock: the wall clock may jump. When its turn came, if it had to wait."""
    restarts: int = 0
    """Workers that were killed before it had begun in them."""
    stopped_as: Ending | None = None
    """Set before its processes are killed on purpose."""
    ending: Ending | None = None
    """Set when it is over."""
    error: str = ""
    ended: float = 0.0
    cpu_s: float | None = None
    peak_mb: float | None = None

    @property
    def size(self) -> Tokens:
        """What it takes while it runs."""
        return Tokens(self.spec.cores, self.spec.memory_mb)

    @property
    def deadline(self) -> float:
        """Moment of the monotonic clock at which its time is over."""
        return self.started + self.spec.wall_s

    def end(self, ending: Ending, error: str = "") -> None:
        """Note how it ended; a job that was stopped on purpose ended for that reason."""
        if self.ending is None:
            self.ended = time.monotonic()
            self.ending = self.stopped_as or ending
            self.error = error

    def outcome(self) -> Outcome:
        """What `collect` gives."""
        return Outcome(
            handle=self.spec.job_id,
            ending=self.ending or Ending.CRASHED,
            folder=self.folder,
            error=self.error,
            elapsed_s=self.ended - self.started,
            cpu_s=self.cpu_s,
            peak_mb=self.peak_mb,
        )
