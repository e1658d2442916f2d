"""Results that are made once for all who ask the same, until something happens in the store."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

T = TypeVar("T")
_MOST = 64
"""Results that are kept: the largest, a series of 100,000 values, takes 3 MB."""
_BURST_S = 0.5
"""Time that a result which may be older can take at once, when it was not asked for a while."""


@dataclass(slots=True)
class _Kept:
    """A result and the last event that it knows."""

    event: int = -1
    result: Any = None
    turn: threading.Lock = field(default_factory=threading.Lock)
    credit_s: float = _BURST_S
    asked: float = field(default_factory=time.monotonic)

    def is_due(self, part: float) -> bool:
        """Whether so small a part of the time went into it that it may be made anew."""
        now = time.monotonic()
        self.credit_s = min(_BURST_S, self.credit_s + part * (now - self.asked))
        self.asked = now
        return self.event < 0 or self.credit_s > 0


class Shared:
    """Results by what was asked; each holds until the next event, as all changes are events."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._turn = threading.Lock()

    def get(
        self, asked: Hashable, event: int, make: Callable[[], T], *, part: float | None = None
    ) -> T:
        """Result of `make`, which one thread runs while others that ask the same wait for it.

        Parameters
        ----------
        asked
            All that the result depends on, but the store.
        event
            Last event of the transaction that `make` looks through.
        part
            Part of a core's time that may go into this result at most: while it is used up, an
            earlier result stands. By default there is no limit, and it is never of another event.
        """
        kept = self._place(asked)
        with kept.turn:
            stands = part is not None and (kept.event > event or not kept.is_due(part))
            if kept.event != event and not stands:
                start = time.thread_time()
                kept.result, kept.event = make(), event
                kept.credit_s -= time.thread_time() - start
            return cast("T", kept.result)

    def _place(self, asked: Hashable) -> _Kept:
        with self._turn:
            kept = self._kept.setdefault(asked, _Kept())
            self._kept.move_to_end(asked)
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
            return kept
