"""Mass production: a campaign and its monthly batches."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class BatchState(StrEnum):
    """State of a batch; each member says what can be relied upon."""

    RUNNING = "RUNNING"
    """It was begun; what is finished is in the store, the next run goes on from there."""
    DONE = "DONE"
    """All that could be made when it ended was made, judged and reported."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """What is produced in mass: an instrument and a selection of its science."""

    name: str
    instrument: str
    selection: str
    """Canonical JSON of what is taken: programmes, targets, setups, raw types; how it is judged."""
    created: str
    who: str


@dataclass(frozen=True, slots=True)
class Batch:
    """One month of a campaign."""

    campaign: str
    month: str
    """``2010-10``: the nights that begin in it."""
    state: BatchState
    context: str
    """Hash of the instrument definition of its latest run."""
    started: str
    """UT time of the beginning of its latest run, ISO 8601; runs before it that were killed are
    parts of it."""
    ended: str = ""
    elapsed_s: float | None = None
    """Wall time of all its runs by a monotonic clock."""
    numbers: str = "{}"
    """JSON of what its latest run found and did."""
    report: str = ""
    """Vault id of the page."""
