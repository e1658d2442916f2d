"""Jobs that are programs: each one a process group of its own, watched until it ends."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import select
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

from vltflow.core.errors import RecipeError, UnknownName
from vltflow.process.executors.folders import hold_lock, work_environment
from vltflow.process.executors.interface import LOG_FILE, Ending, JobSpec
from vltflow.process.executors.running import Running
from vltflow.process.resources import high_water_mb
from vltflow.process.result import JobResult, MadeFile, file_sha256, write_result

_TAIL_BYTES = 2000
_SAMPLE_MS = 250
_HAS_PIDFD = hasattr(os, "pidfd_open")  # Linux
_NO_PROGRAM = frozenset({errno.ENOENT, errno.EACCES, errno.ENOEXEC})
# ru_maxrss is in bytes on macOS, in kB elsewhere (getrusage(2)).
_MAXRSS_PER_MB = 1e6 if sys.platform == "darwin" else 1e3


@dataclass(slots=True)
class _Program:
    process: subprocess.Popen[bytes]
    watcher: threading.Thread
    reaping: threading.Lock = field(default_factory=threading.Lock)
    """Held while its number is given back, so that nobody else's process is killed."""


class Commands:
    """Programs as jobs.

    The payload of a job says what runs::

        {"argv": ["esorex", ...],       the program and its arguments
         "environment": {...},          joins the scheduler's own
         "files": {"in.sof": "..."},    texts that are written into its folder first
         "outputs": [{"category": "MASTER_BIAS_BLUE", "file": "masterbias_blue.fits"}],
         "inputs": [...]}               frame_id and product_id of what it works on

    Exit status 0 with all outputs there is success. The status is trusted before the
    files: programs leave some after a failure too.

    Parameters
    ----------
    wake
        File descriptor; a byte is written there when a program ends.
    """

    def __init__(self, wake: int) -> None:
        self._wake = wake
        self._programs: dict[str, _Program] = {}

    def start(self, running: Running) -> None:
        """Start a program in the folder of its job, which exists; raises OSError."""
        spec, folder = running.spec, running.folder
        for name, text in spec.payload.get("files", {}).items():
            (folder / name).write_text(text, encoding="utf-8")
        # All descendants inherit the lock: the job is not over while one of them lives.
        lock = hold_lock(folder)
        try:
            with (folder / LOG_FILE).open("ab") as output:
                process = _start(spec, folder, output.fileno(), lock)
        except OSError as error:
            if error.errno not in _NO_PROGRAM or error.filename != spec.payload["argv"][0]:
                raise
            write_result(folder, _not_there(spec, error))
            running.end(Ending.RESULT)
            return
        finally:
            os.close(lock)
        watcher = threading.Thread(target=self._watch, args=(running,), daemon=True)
        self._programs[spec.job_id] = _Program(process, watcher)
        watcher.start()

    def stop(self, running: Running) -> None:
        """Kill a program with all of its process group."""
        program = self._programs[running.spec.job_id]
        with program.reaping:
            if program.process.returncode is None:
                _kill_group(program.process.pid)

    def forget(self, running: Running) -> None:
        """Let go of a program that has ended."""
        program = self._programs.pop(running.spec.job_id, None)
        if program is not None:
            program.watcher.join()

    def _watch(self, running: Running) -> None:
        program = self._programs[running.spec.job_id]
        process = program.process
        seen_mb = _wait_and_sample(process.pid)
        with program.reaping if _HAS_PIDFD else contextlib.nullcontext():
            if _HAS_PIDFD:  # it has ended and is not reaped: its number is still its own
                _kill_group(process.pid)  # what it left behind
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        running.cpu_s = usage.ru_utime + usage.ru_stime
        running.peak_mb = _peak_mb(usage.ru_maxrss / _MAXRSS_PER_MB, seen_mb)
        self._conclude(running, process.returncode)
        with contextlib.suppress(OSError):
            os.write(self._wake, b"!")

    @staticmethod
    def _conclude(running: Running, status: int) -> None:
        if running.stopped_as is not None:
            running.end(running.stopped_as)
        elif status < 0:
            running.end(Ending.CRASHED, f"killed by {signal_name(-status)}")
        else:
            try:
                write_result(running.folder, _result(running.spec, running.folder, status))
            except OSError as error:
                running.end(Ending.REFUSED, f"{error.strerror or error}")
            else:
                running.end(Ending.RESULT)


def _wait_and_sample(number: int) -> float:
    """Wait for the end of a process without reaping it; gives the most memory seen, MB."""
    if not _HAS_PIDFD:
        return 0.0
    seen = 0.0
    descriptor = os.pidfd_open(number)
    try:
        poller = select.poll()
        poller.register(descriptor, select.POLLIN)
        while True:
            seen = max(seen, high_water_mb(number))
            if poller.poll(_SAMPLE_MS):
                return seen
    finally:
        os.close(descriptor)


def _peak_mb(reported: float, seen: float) -> float:
    """Peak memory of a program.

    The kernel hands the peak of the process that started a program down to it, so what it
    reports is true only where it is more than our own. Else the samples count.
    """
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MAXRSS_PER_MB
    return reported if reported > own or not seen else seen


def signal_name(number: int) -> str:
    """Name of a signal, with the usual reason for the one that nobody can catch."""
    try:
        name = signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
    if number == signal.SIGKILL:
        return f"{name} (often by the system, for lack of memory)"
    return name


def _start(spec: JobSpec, folder: Path, output: int, lock: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        spec.payload["argv"],
        cwd=folder,
        env=os.environ
        | {"OMP_NUM_THREADS": str(spec.cores)}
        | spec.payload.get("environment", {})
        | work_environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        pass_fds=(lock,),
    )


def _kill_group(number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(number, signal.SIGKILL)


def _not_there(spec: JobSpec, error: OSError) -> JobResult:
    wrong = UnknownName(
        f"{spec.recipe}: the program {error.filename} cannot be started ({error.strerror})",
        hint="Install it, or put it on the PATH",
    )
    return JobResult(spec.job_id, "FAILED", error_code=wrong.code, error=str(wrong))


def _result(spec: JobSpec, folder: Path, status: int) -> JobResult:
    outputs = spec.payload.get("outputs", [])
    missing = [output["file"] for output in outputs if not (folder / output["file"]).is_file()]
    if status or missing:
        what = f"exit status {status}" if status else f"no {', '.join(missing)} was made"
        error = f"{spec.recipe}: {what}; its last words: {_tail(folder / LOG_FILE)}"
        return JobResult(spec.job_id, "FAILED", error_code=RecipeError.code, error=error)
    products = tuple(
        MadeFile(
            category=output["category"],
            file=output["file"],
            sha256=file_sha256(folder / output["file"]),
            size=(folder / output["file"]).stat().st_size,
            inputs=tuple(spec.payload.get("inputs", ())),
        )
        for output in outputs
    )
    return JobResult(spec.job_id, "SUCCEEDED", products)


def _tail(path: Path) -> str:
    text = path.read_bytes()[-_TAIL_BYTES:].decode("utf-8", "replace")
    return " | ".join(text.strip().splitlines()[-3:]) or "none"
