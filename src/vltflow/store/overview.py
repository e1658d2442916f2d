"""Listings of many ABs, in a fixed number of statements, however many there are."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from sqlalchemy import Connection, Select, func, literal, select, text, tuple_

from vltflow.core.time import night_range
from vltflow.records import AssociationBlock, BlockState, BlockSummary
from vltflow.store import schema
from vltflow.store.rows import distinct_values
from vltflow.store.setups import Setups
from vltflow.store.types import Real, Text

_KINDS = ("block", "verdict")
"""Kinds of events whose record is the name of an AB."""

_LAST_EVENT = select(func.max(schema.event.c.number))
_OUTSIDE = schema.frame.c.block.is_(None)


@dataclass(frozen=True, slots=True)
class NightCounts:
    """ABs of an instrument and night in numbers."""

    instrument: str
    night: str
    states: dict[BlockState, int] = field(default_factory=dict)
    undecided: int = 0
    """With products, about which nothing was decided yet."""
    frames: int = 0
    """Raw frames that arrived."""
    outside: int = 0
    """Raw frames that are in no AB: not associated yet, unknown, or never reduced."""


@dataclass(frozen=True, slots=True)
class SetupUse:
    """ABs of one raw type and setup in one night."""

    night: str
    raw_type: str
    setup: str
    setup_keys: str
    blocks: int
    mjd: float
    """Mean of their middles."""


class Overview:
    """What the monitor and the page of the day show."""

    def __init__(self, connection: Connection, setups: Setups) -> None:
        self._connection = connection
        self._setups = setups
        self._distinct = partial(distinct_values, connection)

    def summaries(self, instrument: str | None, night: str | None) -> list[BlockSummary]:
        """ABs of an instrument and night, None is all, by time."""
        block = schema.block.c
        chosen = _chosen(instrument, night)
        statement = select(*_OWN, block.setup_number).where(*chosen)
        rows = self._connection.execute(statement.order_by(block.mjd_start, block.name))
        found = [dict(row) for row in rows.mappings()]
        more: dict[str, dict[str, Any]] = {row["name"]: {"frames": 0} for row in found}
        for part in (_frames, _jobs, _scores, _reports, _verdicts):
            for values in self._connection.execute(part(chosen)).mappings():
                more[values["name"]].update(_named(values))
        return [self._summary(row, more[row["name"]]) for row in found]

    def neighbours(self, block: AssociationBlock) -> tuple[str, str]:
        """Names of the ABs before and after one in its night; empty where there is none."""
        table = schema.block.c
        here = _chosen(block.instrument, block.night)
        place = tuple_(table.mjd_start, table.name)
        own = tuple_(literal(block.mjd_start, Real), literal(block.name, Text))
        order = (table.mjd_start, table.name)
        before = select(table.name).where(*here, place < own)
        after = select(table.name).where(*here, place > own).order_by(*order)
        falling = before.order_by(*(column.desc() for column in order))
        return (
            self._connection.scalar(falling.limit(1)) or "",
            self._connection.scalar(after.limit(1)) or "",
        )

    def instruments(self) -> list[str]:
        """Instruments that have frames or ABs, by name; jumps along an index."""
        block, frame = schema.block.c.instrument, schema.frame.c.instrument
        return sorted({*self._distinct(block), *self._distinct(frame, _OUTSIDE)})

    def nights(self, instrument: str, limit: int) -> list[str]:
        """Latest nights with ABs or frames of an instrument, the latest first."""
        block, frame = schema.block.c, schema.frame.c
        last_block = select(func.max(block.night)).where(block.instrument == instrument)
        waiting = select(frame.night).where(frame.instrument == instrument, _OUTSIDE)
        last_frame = waiting.order_by(frame.mjd_obs.desc()).limit(1)
        nights: list[str] = []
        statements = (last_block, last_frame)
        while len(nights) < limit:
            found = [self._connection.scalar(one) for one in statements]
            night = max((one for one in found if one is not None), default=None)
            if night is None:
                break
            nights.append(night)
            # Always one bound alone: of several, an index would use any.
            statements = (
                last_block.where(block.night < night),
                last_frame.where(frame.mjd_obs < night_range(night)[0]),
            )
        return nights

    def counts(self, instrument: str, nights: Collection[str]) -> dict[str, NightCounts]:
        """ABs and frames of an instrument in numbers, by night."""
        block, frame = schema.block.c, schema.frame.c
        here = (block.instrument == instrument, block.night.in_(list(nights)))
        open_ones = text(f"({schema.UNDECIDED})")
        arrived = (frame.instrument == instrument, frame.night.in_(list(nights)))
        found = {night: NightCounts(instrument, night) for night in nights}
        for night, state, number in self._grouped(here, block.night, block.state):
            found[night].states[BlockState(state)] = number
        for night, number in self._grouped((*here, open_ones), block.night):
            found[night] = replace(found[night], undecided=number)
        by_night = select(frame.night, func.count(), func.count(frame.block)).where(*arrived)
        for night, number, associated in self._connection.execute(by_night.group_by(frame.night)):
            outside = number - associated
            found[night] = replace(found[night], frames=number, outside=outside)
        return found

    def setups_used(self, instrument: str, nights: Collection[str]) -> list[SetupUse]:
        """Setups of an instrument's ABs in some nights, by time."""
        block = schema.block.c
        statement = (
            select(
                block.night, block.raw_type, block.setup_number, func.count(),
                func.avg(block.mjd_mid).label("mjd"),
            )
            .where(block.instrument == instrument, block.night.in_(list(nights)))
            .group_by(block.night, block.raw_type, block.setup_number)
            .order_by("mjd", block.raw_type, block.setup_number)
        )  # fmt: skip
        return [
            SetupUse(night, raw_type, *self._setups.value(number), count, mjd)
            for night, raw_type, number, count, mjd in self._connection.execute(statement)
        ]

    def last_event(self) -> int:
        """Number of the latest event; 0 while nothing happened."""
        return self._connection.scalar(_LAST_EVENT) or 0

    def changed(self, since: int, last: int, *, limit: int = 5000) -> list[tuple[str, str]]:
        """Name of AB and change of the events after one, up to another, in their order."""
        event = schema.event.c
        statement = (
            select(event.record, event.change, event.kind)
            .where(event.number > since, event.number <= last)
            .order_by(event.number)
            .limit(limit)
        )
        return [
            (row.record, row.change)
            for row in self._connection.execute(statement)
            if row.kind in _KINDS
        ]

    def _grouped(self, conditions: tuple[Any, ...], *columns: Any) -> Iterator[Any]:
        statement = select(*columns, func.count()).where(*conditions).group_by(*columns)
        yield from self._connection.execute(statement)

    def _summary(self, row: dict[str, Any], more: dict[str, Any]) -> BlockSummary:
        setup, _ = self._setups.value(row.pop("setup_number"))
        row["state"] = BlockState(row["state"])
        return BlockSummary(**row, **more, setup=setup)


_OWN = [
    schema.block.c[name]
    for name in (
        "name", "instrument", "night", "raw_type", "recipe", "expected", "complete", "mjd_start",
        "revision", "state", "problem",
    )
]  # fmt: skip


def _chosen(instrument: str | None, night: str | None) -> list[Any]:
    block = schema.block.c
    given = ((block.instrument, instrument), (block.night, night))
    return [column == value for column, value in given if value is not None]


def _named(values: Any) -> dict[str, Any]:
    found = {key: value for key, value in values.items() if key not in {"name", "order"}}
    if "colour" in found:
        return {found["colour"]: found["number"]}
    return found


def _frames(chosen: list[Any]) -> Select[Any]:
    frame, block = schema.frame.c, schema.block.c
    return (
        select(block.name, func.count().label("frames"))
        .join(schema.frame, frame.block == block.name)
        .where(*chosen)
        .group_by(block.name)
    )


def _jobs(chosen: list[Any]) -> Select[Any]:
    job, block = schema.job.c, schema.block.c
    return (
        select(block.name, job.runner, job.elapsed_s.label("pipeline_s"), job.log_file)
        .join(schema.job, job.block == block.name)
        .where(*chosen)
        .order_by(job.number)  # the latest comes last and stays
    )


def _scores(chosen: list[Any]) -> Select[Any]:
    score, block = schema.score.c, schema.block.c
    return (
        select(block.name, score.colour, func.count().label("number"))
        .join(schema.score, (score.block == block.name) & (score.revision == block.revision))
        .where(*chosen)
        .group_by(block.name, score.colour)
    )


def _reports(chosen: list[Any]) -> Select[Any]:
    report, block = schema.report.c, schema.block.c
    return (
        select(block.name, literal(True).label("report"), report.elapsed_s.label("qc_s"))
        .join(schema.report, (report.block == block.name) & (report.revision == block.revision))
        .where(*chosen)
    )


def _verdicts(chosen: list[Any]) -> Select[Any]:
    verdict, block = schema.verdict.c, schema.block.c
    return (
        select(block.name, verdict.decision, verdict.who, verdict.comment, verdict.decided)
        .join(schema.verdict, (verdict.block == block.name) & (verdict.revision == block.revision))
        .where(*chosen)
        .order_by(verdict.number)
    )
