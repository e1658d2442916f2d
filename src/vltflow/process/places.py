"""How many jobs are with the executor, what they take, and how far ahead to plan."""

from __future__ import annotations

from collections.abc import Callable

from vltflow.process.admission import Admission, Tokens

AHEAD_SECONDS = 3.0
AHEAD_MOST = 32
TOGETHER_SECONDS = 0.4
_INERTIA = 0.8


class Places:
    """Tokens in use, and short jobs that wait behind others of their own size.

    A job that waits behind another one takes over its tokens when that one ends. Without
    such, a worker would be idle after each short job until its end is recorded.

    Parameters
    ----------
    total
        What all jobs together may use.
    """

    def __init__(self, total: Tokens) -> None:
        self._total = total
        self._jobs: dict[Tokens, int] = {}
        self._holders: dict[Tokens, int] = {}
        """Those of the jobs that hold tokens."""

    @property
    def free(self) -> Tokens:
        """What nobody holds."""
        cores = sum(size.cores * number for size, number in self._holders.items())
        memory = sum(size.memory_mb * number for size, number in self._holders.items())
        return self._total.minus(Tokens(cores, memory))

    @property
    def depth(self) -> float:
        """How many jobs wait behind each of those that hold tokens, on average."""
        return self._behind / max(1, sum(self._holders.values()))

    @property
    def _behind(self) -> int:
        return sum(self._jobs.values()) - sum(self._holders.values())

    def pick(
        self, admission: Admission, *, ahead: int, most: Callable[[str], int]
    ) -> tuple[str, Tokens] | None:
        """Take the next job out of the queue, and its place.

        Jobs side by side use cores better than threads of one job: a job gets more than it
        was queued with only as far as there are cores for all that wait.

        Parameters
        ----------
        admission
            The queue, each job with the fewest cores that it can do with.
        ahead
            How many jobs may wait behind others.
        most
            Most cores that a job can use.

        Returns
        -------
        str, Tokens
            The job and what it takes; None if none can start.
        """
        free = self.free
        found = admission.next(free)
        if found is not None:
            name, size = found
            share = min(most(name), free.cores // (len(admission) + 1))
            size = Tokens(max(size.cores, share), size.memory_mb)
            self.take(size)
            return name, size
        if self._behind >= ahead:
            return None
        found = admission.next_like(self._holders)
        if found is not None:
            self._jobs[found[1]] += 1
        return found

    def take(self, size: Tokens) -> None:
        """Note a job that holds tokens."""
        self._jobs[size] = self._jobs.get(size, 0) + 1
        self._holders[size] = self._holders.get(size, 0) + 1

    def release(self, size: Tokens) -> None:
        """Note that a job has ended, or was not submitted after all."""
        self._jobs[size] -= 1
        self._holders[size] = min(self._holders[size], self._jobs[size])
        if not self._jobs[size]:
            del self._jobs[size], self._holders[size]


class Pace:
    """How long jobs took of late, and so how many of them to plan ahead."""

    def __init__(self) -> None:
        self._mean_s = float("inf")

    def note(self, elapsed_s: float | None) -> None:
        """Note the wall time of a job that ended."""
        if elapsed_s is None:
            return
        known = self._mean_s != float("inf")
        self._mean_s = _INERTIA * self._mean_s + (1 - _INERTIA) * elapsed_s if known else elapsed_s

    @property
    def ahead(self) -> int:
        """As many jobs as take three seconds, none if one alone takes longer.

        Between the end of a job and the start of the next lie the flush of its files and a
        transaction: tens of milliseconds, on a busy disk more. Long jobs do not feel them, and
        would wait behind one another in vain.
        """
        return int(min(AHEAD_MOST, AHEAD_SECONDS / max(self._mean_s, 1e-6)))

    def pause_s(self, depth: float) -> float:
        """How long jobs that end may be left to be recorded with those that end next.

        A transaction for several costs little more than for one. Never longer than half of the
        time that the jobs take that wait in the workers, `depth` behind each at work.
        """
        return min(TOGETHER_SECONDS, depth * self._mean_s / 2) if depth >= 1 else 0.0
