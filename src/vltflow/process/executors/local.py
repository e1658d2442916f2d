"""The executor of this machine."""

from __future__ import annotations

import logging
import os
import selectors
import time
from pathlib import Path
from typing import Self

from vltflow.core.errors import UnknownName
from vltflow.core.site import Site
from vltflow.process.executors.commands import Commands
from vltflow.process.executors.folders import local_path, make_folder, refused, settle
from vltflow.process.executors.interface import (
    RESULT_FILE,
    Ending,
    ExecutorState,
    Health,
    JobSpec,
    Outcome,
)
from vltflow.process.executors.running import Running
from vltflow.process.executors.workers import Worker, WorkerPool

log = logging.getLogger(__name__)


class LocalExecutor:
    """Native recipes in warm worker processes, other programs as process groups.

    It runs at once what it is given: who submits keeps to the capacity that `ping` states.

    Parameters
    ----------
    site
        Capacity, and the folder in which each job has its own.
    """

    name = "local"

    def __init__(self, site: Site) -> None:
        self._site = site
        self._jobs: dict[str, Running] = {}
        self._selector = selectors.DefaultSelector()
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._woken, False)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._workers = WorkerPool(self._selector, site.work, site.cores)
        self._commands = Commands(self._wake)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def submit(self, spec: JobSpec) -> str:
        """Start a job; its handle is its id.

        Raises
        ------
        VaultError
            If its folder cannot be made.
        UnknownName
            If there is no such runner.
        """
        folder = local_path(spec.work)
        make_folder(folder)
        running = Running(spec, folder)
        try:
            self._place(spec).start(running)
        except OSError as error:
            raise refused(f"job {spec.job_id} could not be started in {folder}", error) from error
        self._jobs[spec.job_id] = running
        return spec.job_id

    def status(self, handle: str) -> ExecutorState:
        """State of a job; what an earlier life left running is stopped first."""
        running = self._jobs.get(handle)
        if running is not None:
            return ExecutorState.RUNNING if running.ending is None else ExecutorState.ENDED
        folder = self._folder(handle)
        settle(folder)
        if (folder / RESULT_FILE).exists():
            return ExecutorState.ENDED
        return ExecutorState.LOST

    def cancel(self, handle: str) -> None:
        """Kill a job with all its processes."""
        running = self._jobs.get(handle)
        if running is not None and running.ending is None:
            self._stop(running, Ending.CANCELLED)

    def collect(self, handle: str) -> Outcome:
        """Outcome of an ended job, also of one that ended in an earlier life.

        Raises
        ------
        UnknownName
            If the job has not ended, or never was.
        """
        if self.status(handle) is not ExecutorState.ENDED:
            raise UnknownName(f"job {handle} has not ended on this machine")
        running = self._jobs.pop(handle, None)
        if running is None:
            return Outcome(handle, Ending.RESULT, self._folder(handle))
        if running.spec.runner == "command":
            self._commands.forget(running)
        return running.outcome()

    def ping(self, wait_s: float = 0.0) -> Health:
        """Capacity and ended jobs; sleeps until a job ends or its time is over."""
        end = time.monotonic() + wait_s
        while True:
            self._listen(0.0 if self._ended() else max(0.0, self._wake_up(end) - time.monotonic()))
            self._stop_overdue()
            if self._ended() or time.monotonic() >= end:
                break
        running = sum(job.ending is None for job in self._jobs.values())
        return Health(self._site.cores, self._site.memory_mb, running, self._ended())

    def close(self) -> None:
        """Stop everything; the results that are there stay."""
        for running in self._jobs.values():
            if running.ending is None and running.spec.runner == "command":
                running.stopped_as = Ending.CANCELLED
                self._commands.stop(running)
                self._commands.forget(running)
        self._workers.close()
        self._selector.close()
        os.close(self._woken)
        os.close(self._wake)

    def _ended(self) -> tuple[str, ...]:
        return tuple(handle for handle, job in self._jobs.items() if job.ending is not None)

    def _wake_up(self, end: float) -> float:
        deadlines = [job.deadline for job in self._jobs.values() if job.stopped_as is None]
        return min([end, *deadlines])

    def _listen(self, wait_s: float) -> None:
        for key, _ in self._selector.select(wait_s):
            if isinstance(key.data, Worker):
                self._workers.answered(key.data)
            else:
                os.read(self._woken, 1 << 12)

    def _stop_overdue(self) -> None:
        now = time.monotonic()
        for running in self._jobs.values():
            if running.ending is None and running.stopped_as is None and now >= running.deadline:
                self._stop(running, Ending.TIMEOUT)

    def _stop(self, running: Running, reason: Ending) -> None:
        running.stopped_as = reason
        log.info("job=%s stopped=%s", running.spec.job_id, reason)
        self._place(running.spec).stop(running)

    def _place(self, spec: JobSpec) -> WorkerPool | Commands:
        if spec.runner == "native":
            return self._workers
        if spec.runner == "command":
            return self._commands
        raise UnknownName(f"no runner {spec.runner!r}", hint="Known: native, command")

    def _folder(self, handle: str) -> Path:
        return self._site.work / handle
