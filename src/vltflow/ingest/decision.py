"""New, known or in conflict: what a readable file is to the frames already registered."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from vltflow.core.errors import Conflict
from vltflow.ingest.reading import Reading, refused
from vltflow.ingest.report import Outcome
from vltflow.records import Quarantined, RawFrame


class Comparer(Protocol):
    """Answers whether a file is an earlier frame in other packing."""

    def same(self, reading: Reading, earlier: RawFrame, batch: Mapping[str, Reading]) -> bool:
        """Whether `reading` is `earlier`."""
        ...


@dataclass(frozen=True, slots=True)
class Registered:
    """Frames known to the store, as far as they concern a batch."""

    by_id: dict[str, RawFrame] = field(default_factory=dict)
    by_name: dict[str, RawFrame] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a readable file."""

    reading: Reading
    outcome: Outcome
    """NEW or KNOWN."""
    reason: str = ""
    earlier: RawFrame | None = None
    """The frame that it is, where known."""
    moved: bool = False
    """Whether the file that was registered is gone, so that this one takes its place."""


def decide(
    readings: Iterable[Reading], registered: Registered, comparer: Comparer
) -> list[Decision | Quarantined]:
    """Decisions on a batch, in order; a file counts as registered for those after it.

    A frame is known by its content. A file that bears the name of a registered frame
    and has other content is refused, never taken in its place.
    """
    by_id, by_name = dict(registered.by_id), dict(registered.by_name)
    batch: dict[str, Reading] = {}
    decisions: list[Decision | Quarantined] = []
    for reading in readings:
        frame = reading.frame
        earlier = by_id.get(frame.frame_id) or by_name.get(frame.name)
        if earlier is None:
            batch[frame.frame_id] = reading
            by_id[frame.frame_id] = by_name[frame.name] = frame
            decisions.append(Decision(reading, Outcome.NEW, _notes(reading)))
        elif earlier.frame_id == frame.frame_id or comparer.same(reading, earlier, batch):
            decision = _known(reading, earlier)
            if decision.moved:
                present = replace(earlier, location=frame.location, size=frame.size)
                by_id[earlier.frame_id] = by_name[earlier.name] = present
            decisions.append(decision)
        else:
            decisions.append(_conflict(reading, earlier))
    return decisions


def _notes(reading: Reading) -> str:
    repairs = [f"repaired: {name}" for name in reading.frame.repairs]
    return "; ".join((*repairs, *reading.remarks))


def _known(reading: Reading, earlier: RawFrame) -> Decision:
    if reading.frame.location == earlier.location:
        return Decision(reading, Outcome.KNOWN, "ingested before", earlier)
    if _is_gone(earlier):
        reason = f"was at {earlier.location}, which is gone; now registered here"
        return Decision(reading, Outcome.KNOWN, reason, earlier, moved=True)
    return Decision(reading, Outcome.KNOWN, f"same frame as {earlier.location}", earlier)


def _is_gone(frame: RawFrame) -> bool:
    """Whether the registered file is no longer there, or has another length."""
    if "://" in frame.location:
        return False
    try:
        return os.stat(frame.location).st_size != frame.size  # noqa: PTH116 - as in walk
    except OSError:
        return True


def _conflict(reading: Reading, earlier: RawFrame) -> Quarantined:
    location = reading.frame.location
    if location == earlier.location:
        what = "this file was changed since it was ingested"
    else:
        what = f"its content differs from the frame of this name at {earlier.location}"
    return refused(
        location,
        f"{location}: {reading.frame.name} is known, but {what}. The registered frame stays"
        " as it is: find out which of the two is right, and remove or rename the other",
        Conflict.code,
    )
