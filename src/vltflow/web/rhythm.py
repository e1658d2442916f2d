"""How often live pages ask: the seldomer the more they are, so that they never cost more."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

LIVE_S = 2.0
"""Between two questions of a live page, if there are few of them."""
MOST_A_SECOND = 15.0
"""Questions of all live pages together."""


@dataclass(slots=True)
class Rhythm:
    """Time between two questions of a live page, from how many asked within the last of it."""

    interval_s: float = LIVE_S
    _asked: int = 0
    _since: float = field(default_factory=time.monotonic)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def asked(self, now: float | None = None) -> float:
        """Seconds after which the page that asks now should ask again.

        Parameters
        ----------
        now
            Seconds of a clock that never goes back; by default the system's.
        """
        now = time.monotonic() if now is None else now
        with self._turn:
            self._asked += 1
            passed = now - self._since
            if passed >= self.interval_s:
                pages = self._asked * self.interval_s / passed
                self.interval_s = max(LIVE_S, pages / MOST_A_SECOND)
                self._asked, self._since = 0, now
            return self.interval_s
