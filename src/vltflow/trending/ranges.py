"""Time ranges of a Health Check."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from vltflow.core.errors import UserError
from vltflow.core.time import night_of, night_range, now_iso
from vltflow.store import Transaction

HEALTH_DAYS = 90
"""ESO's health check looks back so far."""
RANGES = ("health", "quarter", "year", "full")


@dataclass(frozen=True, slots=True)
class TimeRange:
    """What is looked at: a name, and nights from the first to the last, both included."""

    name: str
    first: str
    """ISO date; empty for all."""
    last: str
    """The night that scores are about, whatever the range."""

    @property
    def mjd(self) -> tuple[float, float]:
        """Closed range."""
        if not self.first:
            return -1e9, 1e9
        return night_range(self.first)[0], night_range(self.last)[1]


def time_range(tx: Transaction, instrument: str, name: str, night: str = "") -> TimeRange:
    """Range of a name that ends with a night.

    Parameters
    ----------
    night
        ISO date. By default this night, or the latest with data if there was
        nothing in the last 90 days: so an archive can be looked at too.

    Raises
    ------
    UserError
        If there is no such range or the night is no date.
    """
    if name not in RANGES:
        raise UserError(f"no range {name[:40]!r}", hint=f"One of {', '.join(RANGES)}")
    try:
        last = date.fromisoformat(night) if night else _present(tx, instrument)
        first = _first(name, last)
    except (ValueError, OverflowError) as error:
        raise UserError(
            f"{night[:40]!r} is no date", hint="Write the evening's date as 2015-02-26"
        ) from error
    return TimeRange(name, first.isoformat() if first else "", last.isoformat())


def _first(name: str, last: date) -> date | None:
    if name == "health":
        return last - timedelta(days=HEALTH_DAYS)
    if name == "quarter":
        return last.replace(month=last.month - (last.month - 1) % 3, day=1)
    return last.replace(month=1, day=1) if name == "year" else None


def _present(tx: Transaction, instrument: str) -> date:
    today = date.fromisoformat(now_iso()[:10])
    latest = tx.trends.latest(instrument)
    if latest is None:
        return today
    last = date.fromisoformat(night_of(latest))
    return today if today - last <= timedelta(days=HEALTH_DAYS) else last
