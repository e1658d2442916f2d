"""Jobs in long-lived worker processes: libraries are loaded and kernels compiled once."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from vltflow.process.executors.commands import signal_name
from vltflow.process.executors.folders import LOCK_FILE
from vltflow.process.executors.interface import RESULT_FILE, Ending
from vltflow.process.executors.running import Running

_QUIT_SECONDS = 5.0
_RESTARTS = 10


@dataclass(slots=True, eq=False)
class Worker:
    """One worker process and the jobs it has: the first is at work, the others wait behind it."""

    process: subprocess.Popen[bytes]
    log: Path
    """What it said outside of any job."""
    jobs: deque[Running] = field(default_factory=deque)


class WorkerPool:
    """Worker processes, started when they are needed and used again.

    A worker runs one job at a time; short ones may queue behind it, so that it need not wait
    for the scheduler. One that dies takes nothing with it but the job at work. When the scheduler
    dies, the workers see the end of their input and die too.

    Parameters
    ----------
    selector
        Where the answers of workers are registered, with the worker as data.
    folder
        Where workers write what they say outside of jobs.
    """

    def __init__(self, selector: selectors.BaseSelector, folder: Path) -> None:
        self._selector = selector
        self._folder = folder
        self._workers: list[Worker] = []
        self._started = 0

    def __len__(self) -> int:
        return len(self._workers)

    def start(self, running: Running) -> None:
        """Give a job to an idle worker, a new one if there is none; raises OSError."""
        idle = [worker for worker in self._workers if not worker.jobs]
        _send(idle[-1] if idle else self._new_worker(), running)

    def queue(self, running: Running) -> bool:
        """Let a job wait behind one of its size; False if there is none."""
        size = running.size
        peers = [worker for worker in self._workers if worker.jobs and worker.jobs[0].size == size]
        if not peers:
            return False
        _send(min(peers, key=lambda worker: len(worker.jobs)), running)
        return True

    def stop(self, running: Running) -> None:
        """Kill the worker that works on a job; one that waits is stopped when its turn comes."""
        for worker in self._workers:
            if worker.jobs and worker.jobs[0] is running:
                _kill(worker)

    def answered(self, worker: Worker) -> list[Running]:
        """Take what a worker had to say; gives the jobs that its death left without one."""
        assert worker.process.stdout is not None
        answer = os.read(worker.process.stdout.fileno(), 1 << 16)
        if not answer:
            return self._bury(worker)
        for line in answer.splitlines():  # short, so each was written as a whole
            refused = json.loads(line).get("refused", "")
            worker.jobs.popleft().end(Ending.REFUSED if refused else Ending.RESULT, refused)
            if worker.jobs:
                worker.jobs[0].started = time.monotonic()
                if worker.jobs[0].stopped_as is not None:
                    _kill(worker)
        return []

    def close(self) -> None:
        """End all workers; those that do not go by themselves are killed."""
        for worker in self._workers:
            assert worker.process.stdin is not None
            if worker.jobs:
                _kill(worker)
            with contextlib.suppress(OSError):
                worker.process.stdin.close()
        for worker in list(self._workers):
            with contextlib.suppress(subprocess.TimeoutExpired):
                worker.process.wait(_QUIT_SECONDS)
            self._bury(worker)

    def _new_worker(self) -> Worker:
        self._started += 1
        log = self._folder / f"worker-{os.getpid()}-{self._started}.log"
        with log.open("wb") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "vltflow.process.worker", str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                # One heap for all threads: of several, each keeps what its thread has freed.
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"},
                start_new_session=True,
            )
        worker = Worker(process, log)
        assert process.stdout is not None
        self._selector.register(process.stdout, selectors.EVENT_READ, worker)
        self._workers.append(worker)
        return worker

    def _bury(self, worker: Worker) -> list[Running]:
        """Remove a worker that has closed its output; gives the jobs that it had not begun."""
        _kill(worker)
        status = worker.process.wait()
        assert worker.process.stdin is not None
        assert worker.process.stdout is not None
        self._selector.unregister(worker.process.stdout)
        worker.process.stdout.close()
        with contextlib.suppress(OSError):
            worker.process.stdin.close()
        self._workers.remove(worker)
        if worker.jobs and not _may_start_again(worker.jobs[0], status):
            _end_of_the_dead(worker.jobs.popleft(), status, _text(worker.log))
        worker.log.unlink(missing_ok=True)
        return list(worker.jobs)


def _send(worker: Worker, running: Running) -> None:
    assert worker.process.stdin is not None
    running.started = time.monotonic()
    worker.jobs.append(running)
    with contextlib.suppress(BrokenPipeError):  # it just died: its end is read soon
        worker.process.stdin.write(f"{running.spec.to_json()}\n".encode())
        worker.process.stdin.flush()


def _may_start_again(running: Running, status: int) -> bool:
    """Whether a job is innocent of its worker's death: killed before the job had begun."""
    begun = (running.folder / LOCK_FILE).exists()
    if begun or status >= 0 or running.stopped_as is not None:
        return False
    running.restarts += 1
    return running.restarts <= _RESTARTS


def _end_of_the_dead(running: Running, status: int, said: str) -> None:
    if running.stopped_as is None and (running.folder / RESULT_FILE).exists():
        running.end(Ending.RESULT)  # it died between its last word on disk and its answer
        return
    how = f"killed by {signal_name(-status)}" if status < 0 else f"exit status {status}"
    running.end(Ending.CRASHED, f"its worker process died: {how}" + (f"; {said}" if said else ""))


def _kill(worker: Worker) -> None:
    """Kill a worker with all that it has started, also when it is dead itself."""
    if worker.process.returncode is None:  # not reaped: the number is still its group's
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(worker.process.pid, signal.SIGKILL)


def _text(path: Path) -> str:
    try:
        return " | ".join(path.read_text("utf-8", "replace").strip().splitlines()[-5:])
    except OSError:
        return ""
