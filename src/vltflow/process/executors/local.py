"""The executor of this machine."""

from __future__ import annotations

import logging
import os
import selectors
import time
from collections import deque
from pathlib import Path
from typing import Self

from vltflow.core.errors import DoesNotFit, UnknownName
from vltflow.core.site import Site
from vltflow.process.admission import Tokens
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

_RUNNERS = ("native", "esorex", "command")

log = logging.getLogger(__name__)


class LocalExecutor:
    """Recipes in warm worker processes, other programs as process groups.

    A worker runs native recipes itself, and esorex as its child. Jobs start in the order of
    submission, as soon as their cores and memory are free. A recipe's job may queue behind one
    of its own size in the same worker.

    Parameters
    ----------
    site
        Capacity, and the folder in which each job has its own.
    """

    name = "local"

    def __init__(self, site: Site) -> None:
        self.site = site
        self._free = Tokens(site.cores, site.memory_mb)
        self._jobs: dict[str, Running] = {}
        self._waiting: deque[Running] = deque()
        self._holders: dict[str, Running] = {}
        """Jobs that take tokens now."""
        self._selector = selectors.DefaultSelector()
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._woken, False)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._workers = WorkerPool(self._selector, site.work)
        self._commands = Commands(self._wake)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def submit(self, spec: JobSpec) -> str:
        """Start or queue a job; its handle is its id.

        Raises
        ------
        VaultError
            If its folder cannot be made.
        UnknownName
            If there is no such runner.
        DoesNotFit
            If it asks for more than this machine may use.
        """
        if spec.runner not in _RUNNERS:
            raise UnknownName(f"no runner {spec.runner!r}", hint=f"Known: {', '.join(_RUNNERS)}")
        running = Running(spec, local_path(spec.work))
        if not Tokens(self.site.cores, self.site.memory_mb).holds(running.size):
            raise DoesNotFit(
                f"job {spec.job_id} needs {spec.cores} cores and {spec.memory_mb} MB",
                hint=f"The site has {self.site.cores} and {self.site.memory_mb}",
            )
        make_folder(running.folder)
        self._jobs[spec.job_id] = running
        self._waiting.append(running)
        self._start_waiting()
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
            self._start_waiting()
            if self._ended() or time.monotonic() >= end:
                break
        ended = self._ended()
        running = len(self._jobs) - len(ended)
        return Health(self.site.cores, self.site.memory_mb, running, ended)

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

    def _start_waiting(self) -> None:
        """Start what fits, in order; the tokens of what ended are free first."""
        for handle, running in list(self._holders.items()):
            if running.ending is not None:
                self._free = self._free.plus(self._holders.pop(handle).size)
        while self._waiting:
            running = self._waiting[0]
            if not self._place(running):
                break
            self._waiting.popleft()

    def _place(self, running: Running) -> bool:
        """Start a job or queue it behind another one; False if it has to wait."""
        if running.stopped_as is not None:
            running.end(running.stopped_as)
            return True
        warm = running.spec.runner != "command"
        try:
            if not self._free.holds(running.size):
                return warm and self._workers.queue(running)
            running.started = time.monotonic()
            (self._workers if warm else self._commands).start(running)
        except OSError as error:
            what = f"job {running.spec.job_id} could not be started in {running.folder}"
            raise refused(what, error) from error
        self._holders[running.spec.job_id] = running
        self._free = self._free.minus(running.size)
        return True

    def _wake_up(self, end: float) -> float:
        deadlines = [job.deadline for job in self._holders.values() if job.stopped_as is None]
        return min([end, *deadlines])

    def _listen(self, wait_s: float) -> None:
        for key, _ in self._selector.select(wait_s):
            if isinstance(key.data, Worker):
                self._hand_over(key.data)
            else:
                os.read(self._woken, 1 << 12)

    def _hand_over(self, worker: Worker) -> None:
        """The next job in a worker takes the tokens of the one that ended."""
        before = worker.jobs[0] if worker.jobs else None
        left = self._workers.answered(worker)
        self._waiting.extendleft(reversed(left))
        now = worker.jobs[0] if worker.jobs and not left else None
        if before is not None and now is not None and before is not now:
            del self._holders[before.spec.job_id]
            self._holders[now.spec.job_id] = now

    def _stop_overdue(self) -> None:
        now = time.monotonic()
        for running in self._holders.values():
            if running.ending is None and running.stopped_as is None and now >= running.deadline:
                self._stop(running, Ending.TIMEOUT)

    def _stop(self, running: Running, reason: Ending) -> None:
        running.stopped_as = reason
        log.info("job=%s stopped=%s", running.spec.job_id, reason)
        if running.spec.job_id in self._holders:
            (self._commands if running.spec.runner == "command" else self._workers).stop(running)
        else:
            self._start_waiting()

    def _folder(self, handle: str) -> Path:
        return self.site.work / handle
