"""What a job uses: wall time, CPU time, peak memory; and a limit on the last."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from vltflow.process.result import JobResult

_CLEAR = Path("/proc/self/clear_refs")
_LOOK_SECONDS = 0.05
_RESET_PEAK = "5"  # proc(5): resets VmHWM to the present size


@dataclass(frozen=True, slots=True)
class Usage:
    """Resources of one job."""

    elapsed_s: float
    cpu_s: float
    peak_mb: float
    base_mb: float
    """What the process held before the job."""

    def into(self, result: JobResult) -> JobResult:
        """The result with these numbers; those of a program that the job ran count before."""
        program = result.peak_mb is not None
        return replace(
            result,
            elapsed_s=self.elapsed_s,
            cpu_s=self.cpu_s + (result.cpu_s or 0.0),
            peak_mb=result.peak_mb if program else round(self.peak_mb, 1),
            base_mb=0.0 if program else round(self.base_mb, 1),
        )


@dataclass(frozen=True, slots=True)
class ProgramUsage:
    """How a program ended and what it used."""

    status: int
    """Exit status; the negative number of the signal that killed it."""
    too_much: bool
    """Whether it was killed because it used more memory than allowed."""
    cpu_s: float
    peak_mb: float

    def into(self, result: JobResult) -> JobResult:
        """The result with these numbers."""
        return replace(result, cpu_s=self.cpu_s, peak_mb=round(self.peak_mb, 1))


class Meter:
    """Measures this process from its creation to `stop`.

    The peak of the memory is that of the whole process, libraries included. On Linux the
    kernel's high-water mark is reset when the meter starts; elsewhere, and where that is not
    permitted, the mark is the highest since the process started, so it may stem from an
    earlier job of the same worker.
    """

    def __init__(self) -> None:
        _reset_peak()
        self._base_mb = _status_mb("VmRSS", "self")
        self._started = time.monotonic()
        self._cpu = time.process_time()

    def stop(self) -> Usage:
        """Resources used so far."""
        elapsed = time.monotonic() - self._started
        cpu = time.process_time() - self._cpu
        return Usage(elapsed, cpu, _peak_mb(), self._base_mb)


def watched(process: subprocess.Popen[bytes], limit_mb: float) -> ProgramUsage:
    """Wait for a program; it is killed when it and its children use more memory than allowed.

    Memory is looked at twenty times a second: what grows faster than the machine's memory
    in that time is the kernel's to stop.
    """
    peak, too_much = 0.0, False
    while (ended := _reaped(process.pid)) is None:
        used = _resident_mb(process.pid)
        peak = max(peak, used)
        if used > limit_mb and not too_much:
            too_much = True
            process.kill()
        time.sleep(_LOOK_SECONDS)
    status, usage = ended
    process.returncode = os.waitstatus_to_exitcode(status)
    return ProgramUsage(process.returncode, too_much, usage.ru_utime + usage.ru_stime, peak)


def _reaped(number: int) -> tuple[int, resource.struct_rusage] | None:
    found, status, usage = os.wait4(number, os.WNOHANG)
    return (status, usage) if found else None


def _resident_mb(number: int) -> float:
    """Memory of a program and its children, MB; 0 when it is gone."""
    try:
        program = psutil.Process(number)
        family = [program, *program.children(recursive=True)]
    except psutil.Error:
        return 0.0
    used = 0.0
    for one in family:
        with contextlib.suppress(psutil.Error):
            used += one.memory_info().rss
    return used / 1e6


def _reset_peak() -> None:
    try:
        _CLEAR.write_text(_RESET_PEAK)
    except OSError:
        return


def high_water_mb(process: int | str = "self") -> float:
    """Highest memory of a process since its program started, MB; 0 where nobody tells."""
    return _status_mb("VmHWM", process)


def _status_mb(name: str, process: int | str) -> float:
    try:
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024 / 1e6  # "kB" there are units of 1024 bytes
    except OSError:
        pass
    return 0.0


def _peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return high_water_mb() or peak * (1 if sys.platform == "darwin" else 1024) / 1e6
