"""What a campaign produces: science ABs by month, programme, target, setup and raw type."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import date
from fnmatch import fnmatchcase
from typing import Any

from vltflow.core.errors import UserError
from vltflow.instruments import Instrument
from vltflow.process.rules import OPEN
from vltflow.records import AssociationBlock, MatchState, RawFrame
from vltflow.store import Transaction

_LAST_MONTH = 12


@dataclass(frozen=True, slots=True)
class Selection:
    """Which science is taken. Patterns are those of a shell; none of a kind takes all."""

    programmes: tuple[str, ...] = ()
    """OBS PROG ID: ``084.A-*``."""
    targets: tuple[str, ...] = ()
    """OBS TARG NAME."""
    setups: tuple[str, ...] = ()
    """Label of the setup: ``1x1_390nm*``."""
    raw_types: tuple[str, ...] = ()
    """``SCI_POINT_*``."""
    complete: bool = False
    """COMPLETE mode: masters that are missing are made first. Else science waits for them."""

    def to_json(self) -> str:
        """Canonical JSON."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Selection:
        """The selection behind its JSON."""
        values: dict[str, Any] = json.loads(text)
        patterns = {name: tuple(one) for name, one in values.items() if isinstance(one, list)}
        return cls(**patterns, complete=values["complete"])


def selection_text(selection: Selection) -> str:
    """A selection in words."""
    parts = [
        f"{title} {', '.join(patterns)}"
        for title, patterns in (
            ("programmes", selection.programmes),
            ("targets", selection.targets),
            ("setups", selection.setups),
            ("raw types", selection.raw_types),
        )
        if patterns
    ]
    text = "; ".join(parts) or "all science"
    return f"{text}; COMPLETE: missing masters are made first" if selection.complete else text


def months(first: str, last: str) -> list[str]:
    """All months from the first to the last, as ``2010-10``.

    Raises
    ------
    UserError
        If one of them is no month, or they are in the wrong order.
    """
    found = []
    year, month = _month(first)
    while (year, month) <= _month(last):
        found.append(f"{year:04d}-{month:02d}")
        year, month = (year + 1, 1) if month == _LAST_MONTH else (year, month + 1)
    if not found:
        raise UserError(f"{first} is later than {last}", hint="Give the earlier month first")
    return found


def _month(text: str) -> tuple[int, int]:
    try:
        found = date.fromisoformat(f"{text}-01")
    except ValueError as error:
        raise UserError(f"{text!r} is no month", hint="Write it as 2010-10") from error
    return found.year, found.month


def chosen(
    tx: Transaction, instrument: Instrument, selection: Selection, month: str
) -> list[AssociationBlock]:
    """Science ABs of a month that a selection takes, by time; stacks with their first exposure."""
    raw_types = [
        name
        for name, entry in instrument.raw_types.items()
        if entry.kind == "science" and _fits(name, selection.raw_types)
    ]
    science = [
        block
        for block in tx.blocks.find(instrument=instrument.name, month=month, raw_types=raw_types)
        if _fits(block.setup, selection.setups)
    ]
    frames = tx.frames.by_id(block.frames[0] for block in science if block.frames)
    taken = {
        block.name
        for block in science
        if block.frames and _is_wanted(frames[block.frames[0]], selection)
    }
    return [block for block in science if block.name in taken or _members(block) & taken]


def _members(block: AssociationBlock) -> set[str]:
    return {match.source_block for match in block.masters if match.member}


def _is_wanted(frame: RawFrame, selection: Selection) -> bool:
    return _fits(frame.prog_id, selection.programmes) and _fits(
        frame.object_name, selection.targets
    )


def _fits(text: str, patterns: Collection[str]) -> bool:
    return not patterns or any(fnmatchcase(text, pattern) for pattern in patterns)


def runnable(blocks: Iterable[AssociationBlock], *, complete: bool) -> list[str]:
    """Names of the open ABs that may run: in COMPLETE mode all, else those with real masters.

    Those that run are among them: whoever ran them may have been killed. A stack runs when the
    exposures that it waits for may run.
    """
    planned = {block.name: block for block in blocks if block.state in OPEN}
    if complete:
        return list(planned)
    ready = {name for name, block in planned.items() if not _waits(block, member=False)}
    while True:
        stuck = {name for name in ready if not _waits(planned[name], member=True) <= ready}
        if not stuck:
            return [name for name in planned if name in ready]
        ready -= stuck


def _waits(block: AssociationBlock, *, member: bool) -> set[str]:
    return {
        match.source_block
        for match in block.masters
        if match.state is MatchState.VIRTUAL and match.member is member
    }
