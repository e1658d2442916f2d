"""What to take so that setups get the calibrations that they lack, and how long it still helps."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from vltflow.associate.completeness_rules import Check, Completeness, worst
from vltflow.associate.matching import parsed
from vltflow.instruments import Instrument
from vltflow.instruments.setups import setup_of
from vltflow.records import RawFrame
from vltflow.store import Transaction


@dataclass(frozen=True, slots=True)
class Task:
    """Calibrations to take."""

    raw_types: tuple[str, ...]
    """Any of these."""
    setup: str
    keys: Mapping[str, Any]
    """Keyword values that count; the rest of the setup does not matter."""
    frames: int
    """How many: as many as the last time, else the fewest that are reduced."""
    template: str
    """TPL ID of the last time; empty if it was never taken within reach."""
    example: str
    """AB of the last time."""
    required: bool
    state: Completeness
    until: float
    """MJD after which it comes too late for the first of those that want it."""
    late: bool
    """It comes too late for the plan already: association would take it at a worse level."""
    wanted_by: tuple[str, ...]
    """Raw type and setup."""
    problem: str
    refused: str
    """AB that is there and may not be used; empty: none."""
    refusal: str
    """Why it may not."""


def tasks_of(
    tx: Transaction,
    instrument: Instrument,
    lacking: Iterable[tuple[str, Check]],
    moment: float,
) -> tuple[Task, ...]:
    """Tasks that still help at a moment, required and urgent ones first.

    Parameters
    ----------
    lacking
        Raw type and setup with what it lacks.
    moment
        MJD.
    """
    grouped: dict[tuple[Any, ...], list[tuple[str, Check]]] = {}
    for user, check in lacking:
        if check.latest > moment and check.raw_types:
            key = (check.raw_types, json.dumps(check.keys, sort_keys=True))
            grouped.setdefault(key, []).append((user, check))
    names = {check.block or check.refused for found in grouped.values() for _, check in found}
    frames = tx.frames.of_blocks(names - {""})
    tasks = [_task(instrument, found, frames, moment) for found in grouped.values()]
    return tuple(sorted(tasks, key=lambda one: (not one.required, one.until, one.raw_types)))


def _task(
    instrument: Instrument,
    found: list[tuple[str, Check]],
    frames: Mapping[str, tuple[RawFrame, ...]],
    moment: float,
) -> Task:
    ends = [one.until if one.until > moment else one.latest for _, one in found]
    until = min(ends)
    urgent = found[ends.index(until)][1]
    entry = instrument.raw_types[urgent.raw_types[0]]
    keys = parsed(urgent.setup_keys)
    example = next((name for _, one in found if (name := one.block or one.refused)), "")
    last = frames.get(example, ())
    return Task(
        raw_types=urgent.raw_types,
        setup=setup_of(entry, [keys.get(name) for name in entry.setup])[0],
        keys=urgent.keys,
        frames=max(len(last), entry.minimum),
        template=last[0].tpl_id if last else "",
        example=example,
        required=any(check.required for _, check in found),
        state=worst(check.state for _, check in found),
        until=until,
        late=urgent.until <= moment,
        wanted_by=tuple(dict.fromkeys(user for user, _ in found)),
        problem=urgent.problem,
        refused=urgent.refused,
        refusal=urgent.refusal,
    )
