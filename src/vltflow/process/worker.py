"""A worker process: takes job descriptions line by line, runs them, answers line by line.

``python -m vltflow.process.worker PARENT`` is started by the pool, never by hand. It
dies when its parent dies: at once where the system tells it (Linux), else as soon as its
input ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import json
import logging
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from vltflow.core.time import now_iso
from vltflow.process.executors.folders import FOLDER_VARIABLE, hold_lock, local_path
from vltflow.process.executors.interface import LOG_FILE, JobSpec
from vltflow.process.resources import Meter
from vltflow.process.result import JobResult, write_result
from vltflow.process.runners.boundary import failure_of
from vltflow.process.runners.esorex.run import run_esorex
from vltflow.process.runners.native import run_native
from vltflow.process.software import versions_of

log = logging.getLogger("vltflow.process.worker")  # not __main__, as which it runs

_PR_SET_PDEATHSIG = 1  # prctl(2), linux/prctl.h


def main() -> None:
    """Serve until the input ends."""
    parent = int(sys.argv[1])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the scheduler's to handle
    _die_with(parent)
    answers = os.dup(1)
    os.dup2(2, 1)  # whatever prints must not speak to the scheduler
    faulthandler.enable()
    specs: queue.SimpleQueue[JobSpec] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(specs,), daemon=True).start()
    while True:
        spec = specs.get()
        answer = {"ended": spec.job_id}
        try:
            run_job(spec)
        except OSError as error:  # the disk takes neither log nor result: say it by mouth
            answer["refused"] = f"{error.strerror or error}"
        os.write(answers, f"{json.dumps(answer)}\n".encode())
        _give_back()


def run_job(spec: JobSpec) -> None:
    """Run one job in its folder: log first, products, result last.

    Raises
    ------
    OSError
        If the disk refuses the log or the result.
    """
    folder = local_path(spec.work)
    lock = hold_lock(folder)
    os.environ[FOLDER_VARIABLE] = str(folder)
    try:
        with _logging_into(folder / LOG_FILE):
            result = _measured(spec, folder, lock)
        write_result(folder, result)
    finally:
        os.close(lock)


def _measured(spec: JobSpec, folder: Path, lock: int) -> JobResult:
    meter = Meter()
    log.info("job=%s recipe=%s process=%d", spec.job_id, spec.recipe, os.getpid())
    log.info("parameters=%s", json.dumps(spec.payload.get("parameters", {}), sort_keys=True))
    try:
        result = _run(spec, folder, lock)
    except Exception as error:  # noqa: BLE001 - the job's boundary: everything becomes a result
        result = failure_of(spec.job_id, error, folder)
    result = replace(result, software=versions_of(spec))
    usage = meter.stop()
    log.info(
        "state=%s elapsed_s=%.3f cpu_s=%.3f peak_mb=%.0f %s",
        result.state, usage.elapsed_s, usage.cpu_s, usage.peak_mb, result.error,
    )  # fmt: skip
    return usage.into(result)


def _run(spec: JobSpec, folder: Path, lock: int) -> JobResult:
    if spec.runner == "native":
        return run_native(spec, folder)
    return run_esorex(spec, folder, lock)


@contextlib.contextmanager
def _logging_into(path: Path) -> Iterator[None]:
    """Send the log, and what libraries print, into the job's log file."""
    outputs = os.dup(1), os.dup(2)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    sys.stdout.flush()
    for standard in (1, 2):
        os.dup2(descriptor, standard)
    handler = logging.StreamHandler(os.fdopen(descriptor, "a", closefd=False))
    handler.setFormatter(_Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.captureWarnings(capture=True)
    try:
        yield
    finally:
        root.removeHandler(handler)
        with contextlib.suppress(OSError):  # a full disk shows at the result
            handler.close()
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        for standard, saved in zip((1, 2), outputs, strict=True):
            os.dup2(saved, standard)
            os.close(saved)
        os.close(descriptor)


class _Formatter(logging.Formatter):
    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802 - names of the base class
        return now_iso()


def _give_back() -> None:
    """Give the system back the memory that the job has freed (glibc keeps it otherwise)."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def _listen(specs: queue.SimpleQueue[JobSpec]) -> None:
    for line in sys.stdin:
        specs.put(JobSpec.from_json(line))
    os._exit(0)  # the parent has closed the pipe or is dead: nobody waits for an answer


def _die_with(parent: int) -> None:
    """Ask the system to kill this process when its parent dies."""
    if sys.platform == "linux":
        library: Any = ctypes.CDLL(None, use_errno=True)
        library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before
        os._exit(0)


if __name__ == "__main__":
    time.tzset()
    main()
