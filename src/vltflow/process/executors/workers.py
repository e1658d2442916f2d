"""Jobs in long-lived worker processes: libraries are loaded and kernels compiled once."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from vltflow.process.executors.commands import signal_name
from vltflow.process.executors.interface import RESULT_FILE, Ending
from vltflow.process.executors.running import Running

_QUIT_SECONDS = 5.0


@dataclass(slots=True, eq=False)
class Worker:
    """One worker process and the job it has."""

    process: subprocess.Popen[bytes]
    log: Path
    """What it said outside of any job."""
    running: Running | None = None


class WorkerPool:
    """Worker processes, started when they are needed and used again.

    A worker has one job at a time. One that dies takes nothing with it but its job. When
    the scheduler dies, the workers see the end of their input and die too.

    Parameters
    ----------
    selector
        Where the answers of workers are registered, with the worker as data.
    folder
        Where workers write what they say outside of jobs.
    threads
        Most threads that a kernel may ever use.
    """

    def __init__(self, selector: selectors.BaseSelector, folder: Path, threads: int) -> None:
        self._selector = selector
        self._folder = folder
        self._threads = threads
        self._workers: list[Worker] = []
        self._started = 0

    def __len__(self) -> int:
        return len(self._workers)

    def start(self, running: Running) -> None:
        """Give a job to an idle worker, a new one if there is none; raises OSError."""
        idle = [worker for worker in self._workers if worker.running is None]
        worker = idle[-1] if idle else self._new_worker()
        worker.running = running
        assert worker.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it just died: its end is read soon
            worker.process.stdin.write(f"{running.spec.to_json()}\n".encode())
            worker.process.stdin.flush()

    def stop(self, running: Running) -> None:
        """Kill the worker that has a job; the next job gets another one."""
        for worker in self._workers:
            if worker.running is running:
                _kill(worker)

    def answered(self, worker: Worker) -> None:
        """Take what a worker had to say: that its job has ended, or that it is dead."""
        assert worker.process.stdout is not None
        answer = os.read(worker.process.stdout.fileno(), 1 << 16)
        if not answer:
            self._bury(worker)
        elif worker.running is not None and worker.running.spec.job_id.encode() in answer:
            worker.running.end(Ending.RESULT)
            worker.running = None

    def close(self) -> None:
        """End all workers; those that do not go by themselves are killed."""
        for worker in self._workers:
            assert worker.process.stdin is not None
            if worker.running is not None:
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
        threads = str(self._threads)
        with log.open("wb") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "vltflow.process.worker", str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                env=os.environ | {"NUMBA_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": "1"},
                start_new_session=True,
            )
        worker = Worker(process, log)
        assert process.stdout is not None
        self._selector.register(process.stdout, selectors.EVENT_READ, worker)
        self._workers.append(worker)
        return worker

    def _bury(self, worker: Worker) -> None:
        """Remove a worker that has closed its output: it is dead, or made to be."""
        _kill(worker)
        status = worker.process.wait()
        assert worker.process.stdin is not None
        assert worker.process.stdout is not None
        self._selector.unregister(worker.process.stdout)
        worker.process.stdout.close()
        with contextlib.suppress(OSError):
            worker.process.stdin.close()
        self._workers.remove(worker)
        if worker.running is not None:
            _end_of_the_dead(worker.running, status, _text(worker.log))
        worker.log.unlink(missing_ok=True)


def _end_of_the_dead(running: Running, status: int, said: str) -> None:
    if running.stopped_as is None and (running.folder / RESULT_FILE).exists():
        running.end(Ending.RESULT)  # it died between its last word on disk and its answer
        return
    how = f"killed by {signal_name(-status)}" if status < 0 else f"exit status {status}"
    running.end(Ending.CRASHED, f"its worker process died: {how}" + (f"; {said}" if said else ""))


def _kill(worker: Worker) -> None:
    if worker.process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(worker.process.pid, signal.SIGKILL)


def _text(path: Path) -> str:
    try:
        return " | ".join(path.read_text("utf-8", "replace").strip().splitlines()[-5:])
    except OSError:
        return ""
