"""What people note about an instrument's health: events, hidden values, plots to come back to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HealthEvent:
    """Something that happened to an instrument and may show in its values."""

    instrument: str
    mjd: float
    kind: str
    """In a word or two: ``intervention``, ``thermal cycle``."""
    text: str
    who: str
    recorded: str
    """UT time, ISO 8601."""
    number: int = 0
    """Place in the store; 0 before."""


@dataclass(frozen=True, slots=True)
class HiddenValue:
    """A QC1 value that no plot shows and no running threshold counts; it is never deleted."""

    record: str
    """Product, or historical product, that it belongs to."""
    parameter: str
    who: str
    reason: str
    hidden: str
    """UT time, ISO 8601."""


@dataclass(frozen=True, slots=True)
class SavedPlot:
    """A plot of the QC1 database under a name."""

    owner: str
    name: str
    is_shared: bool
    """Whether others see it too."""
    question: str
    """What stands after the question mark of its address."""
    created: str
    """UT time, ISO 8601."""
    number: int = 0
    """Place in the store; 0 before."""
