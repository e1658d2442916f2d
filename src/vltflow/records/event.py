"""The event log: who or what changed which record, when and why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the append-only log; `number` gives the order, not the clock."""

    number: int
    time: str
    who: str
    """A person's name or the room that acted: ``certify``, ``scheduler``."""
    kind: str
    """Kind of record: ``frame``, ``block``, ``job``, ``product``, ``master``, ``verdict``."""
    record: str
    """Its identifier."""
    change: str
    """What happened: ``created``, ``PLANNED -> RUNNING``, ``valid 57080.1..57087.3``."""
    why: str
