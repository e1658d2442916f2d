"""What an ingestion did, file by file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What became of a file."""

    NEW = "new"
    """A frame was registered."""
    KNOWN = "known"
    """Its content was registered before."""
    REJECTED = "rejected"
    """It is in quarantine."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One file and what became of it."""

    location: str
    outcome: Outcome
    name: str = ""
    """Of the frame; empty where the header could not be used."""
    frame_id: str = ""
    code: str = ""
    """Of the error, where rejected."""
    reason: str = ""
    """Why rejected; which repairs, remarks or earlier file otherwise."""


@dataclass(frozen=True, slots=True)
class IngestReport:
    """All files of one ingestion, in the order in which they were found."""

    arrivals: tuple[Arrival, ...]

    @property
    def new(self) -> tuple[Arrival, ...]:
        """Files that gave new frames."""
        return self._with(Outcome.NEW)

    @property
    def known(self) -> tuple[Arrival, ...]:
        """Files whose content was known."""
        return self._with(Outcome.KNOWN)

    @property
    def rejected(self) -> tuple[Arrival, ...]:
        """Files in quarantine."""
        return self._with(Outcome.REJECTED)

    @property
    def counts(self) -> dict[str, int]:
        """Number of files by outcome: new, known, rejected."""
        return {outcome.value: len(self._with(outcome)) for outcome in Outcome}

    def _with(self, outcome: Outcome) -> tuple[Arrival, ...]:
        return tuple(arrival for arrival in self.arrivals if arrival.outcome is outcome)
