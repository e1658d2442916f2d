"""Which job starts next: tokens for cores and memory, largest first, nobody starves.

The rule. Every job takes as many tokens as it declares; what is free decides.

1. The largest job that fits starts (by its share of the site, cores or memory, whichever
   is larger; equal ones by arrival).
2. Jobs of one size start in the order of their arrival.
3. When later arrivals have started before the oldest job of a size `patience` times, that
   job is due: nothing else starts until it fits, so tokens gather for it.

So no job is overtaken by later ones without bound, whatever arrives.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

PATIENCE = 8


@dataclass(frozen=True, slots=True)
class Tokens:
    """Cores and memory."""

    cores: int
    memory_mb: int

    def holds(self, other: Tokens) -> bool:
        """Whether `other` fits into this."""
        return other.cores <= self.cores and other.memory_mb <= self.memory_mb

    def plus(self, other: Tokens) -> Tokens:
        """Sum."""
        return Tokens(self.cores + other.cores, self.memory_mb + other.memory_mb)

    def minus(self, other: Tokens) -> Tokens:
        """Difference."""
        return Tokens(self.cores - other.cores, self.memory_mb - other.memory_mb)


@dataclass(slots=True)
class _Line:
    """Jobs of one size, by arrival."""

    waiting: deque[tuple[int, str]] = field(default_factory=deque)
    overtaken: int = 0
    """How often later arrivals started before the present head."""


class Admission:
    """The queue of jobs that could start, and the rule that picks the next one.

    Parameters
    ----------
    total
        What all jobs together may use.
    patience
        Number of times that later arrivals may start before the oldest job of a size.
    """

    def __init__(self, total: Tokens, *, patience: int = PATIENCE) -> None:
        self.total = total
        self._patience = patience
        self._lines: dict[Tokens, _Line] = {}
        self._arrivals = 0

    def __len__(self) -> int:
        return sum(len(line.waiting) for line in self._lines.values())

    def __iter__(self) -> Iterator[str]:
        return (name for line in self._lines.values() for _, name in line.waiting)

    def add(self, name: str, size: Tokens) -> None:
        """Queue a job.

        Raises
        ------
        ValueError
            If it can never fit: see `Tokens.holds` on `total`.
        """
        if not self.total.holds(size):
            raise ValueError(f"{name} can never fit into {self.total}")
        self._lines.setdefault(size, _Line()).waiting.append((self._arrivals, name))
        self._arrivals += 1

    def next(self, free: Tokens) -> tuple[str, Tokens] | None:
        """Take out the job to start now with its tokens; None if nothing may start."""
        heads = [(size, line) for size, line in self._lines.items() if line.waiting]
        due = [(line.waiting[0][0], size) for size, line in heads if self._is_due(line)]
        if due:
            _, size = min(due, key=lambda one: one[0])
            return self._take(size) if free.holds(size) else None
        fitting = [
            (-self._share(size), line.waiting[0][0], size)
            for size, line in heads
            if free.holds(size)
        ]
        return self._take(min(fitting, key=lambda one: one[:2])[2]) if fitting else None

    def next_like(self, sizes: Collection[Tokens]) -> tuple[str, Tokens] | None:
        """Take out the next job of one of these sizes, unless another one is due."""
        heads = [(size, line) for size, line in self._lines.items() if line.waiting]
        if any(self._is_due(line) for _, line in heads):
            return None
        like = [
            (-self._share(size), line.waiting[0][0], size) for size, line in heads if size in sizes
        ]
        return self._take(min(like, key=lambda one: one[:2])[2]) if like else None

    def clear(self) -> None:
        """Forget all queued jobs."""
        self._lines.clear()

    def _is_due(self, line: _Line) -> bool:
        return line.overtaken >= self._patience

    def _share(self, size: Tokens) -> float:
        return max(size.cores / self.total.cores, size.memory_mb / self.total.memory_mb)

    def _take(self, size: Tokens) -> tuple[str, Tokens]:
        arrival, name = self._lines[size].waiting.popleft()
        self._lines[size].overtaken = 0
        for line in self._lines.values():
            if line.waiting and line.waiting[0][0] < arrival:
                line.overtaken += 1
        return name, size
