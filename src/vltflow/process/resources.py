"""What a job used: wall time, CPU time, peak memory."""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from vltflow.process.result import JobResult

_CLEAR = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # proc(5): resets VmHWM to the present size


@dataclass(frozen=True, slots=True)
class Usage:
    """Resources of one job."""

    elapsed_s: float
    cpu_s: float
    peak_mb: float

    def into(self, result: JobResult) -> JobResult:
        """The result with these numbers."""
        return replace(
            result, elapsed_s=self.elapsed_s, cpu_s=self.cpu_s, peak_mb=round(self.peak_mb, 1)
        )


class Meter:
    """Measures this process from its creation to `stop`.

    The peak of the memory is that of the whole process, libraries included. On Linux the
    kernel's high-water mark is reset when the meter starts; elsewhere, and where that is not
    permitted, the mark is the highest since the process started, so it may stem from an
    earlier job of the same worker.
    """

    def __init__(self) -> None:
        _reset_peak()
        self._started = time.monotonic()
        self._cpu = time.process_time()

    def stop(self) -> Usage:
        """Resources used so far."""
        elapsed = time.monotonic() - self._started
        return Usage(elapsed, time.process_time() - self._cpu, _peak_mb())


def _reset_peak() -> None:
    try:
        _CLEAR.write_text(_RESET_PEAK)
    except OSError:
        return


def high_water_mb(process: int | str = "self") -> float:
    """Highest memory of a process since its program started, MB; 0 where nobody tells."""
    try:
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1e3
    except OSError:
        pass
    return 0.0


def _peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return high_water_mb() or peak / (1e6 if sys.platform == "darwin" else 1e3)
