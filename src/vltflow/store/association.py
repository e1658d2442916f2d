"""What association asks the registry: who could make a master, who would be better served."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select

from vltflow.records import ProductState
from vltflow.store import schema
from vltflow.store.blocks import OPEN_STATES
from vltflow.store.events import Events
from vltflow.store.rows import chunks
from vltflow.store.setups import Setups

Span = tuple[float, float]
_OPEN = [str(state) for state in OPEN_STATES]
_USABLE = [str(ProductState.CREATED), str(ProductState.CERTIFIED)]
_KINDS = ("block", "product", "verdict")
_MARK = "association"
_BEST_LEVEL = -1


@dataclass(frozen=True, slots=True)
class Candidate:
    """An AB as a maker of masters: what association needs to know, and no more."""

    name: str
    raw_type: str
    setup: str
    setup_keys: str
    mjd_mid: float
    state: str
    decision: str
    complete: bool
    problem: str
    products: Mapping[str, str] = field(default_factory=dict)
    """product_id by PRO CATG of what its present revision made and may be used."""


class Contested(NamedTuple):
    """A match of an open AB that might be improved."""

    block: str
    setup_keys: str
    mjd_mid: float
    level: int | None
    distance_days: float | None


@dataclass(frozen=True, slots=True)
class Mark:
    """Up to where the last complete association of an instrument has looked."""

    number: int
    """Number of the mark's own event; 0 if there was no association yet."""
    seen: int
    """Number of the last event that it took into account."""
    who: str
    context: str


class Association:
    """Candidates, their users, and the mark that makes association incremental."""

    def __init__(self, connection: Connection, events: Events, setups: Setups) -> None:
        self._connection = connection
        self._events = events
        self._setups = setups

    def candidates(
        self, instrument: str, raw_type: str, spans: Sequence[Span]
    ) -> Iterator[Candidate]:
        """ABs of a raw type in closed MJD ranges, by time within each."""
        table = schema.block.c
        for start, stop in spans:
            yield from self._candidates(
                table.instrument == instrument,
                table.raw_type == raw_type,
                table.mjd_mid.between(start, stop),
            )

    def candidates_named(self, names: Iterable[str]) -> Iterator[Candidate]:
        """ABs with these names."""
        for chunk in chunks(names):
            yield from self._candidates(schema.block.c.name.in_(chunk))

    def observed(
        self, instrument: str, raw_types: Collection[str], field: str, values: Collection[Any]
    ) -> dict[str, Any]:
        """ABs of science exposures that share an observation or a target, with what they share.

        Parameters
        ----------
        field
            ``obs_id`` or ``object_name``.
        """
        frame = schema.frame.c
        return {
            name: value
            for chunk in chunks(values)
            for name, value in self._connection.execute(
                select(frame.block, frame[field]).where(
                    frame[field].in_(chunk),
                    frame.dpr_catg == "SCIENCE",
                    frame.instrument == instrument,
                    frame.raw_type.in_(list(raw_types)),
                    frame.block.is_not(None),
                )
            )
        }

    def names(self, instrument: str, raw_types: Collection[str]) -> list[str]:
        """ABs of these raw types, whatever their state."""
        table = schema.block.c
        statement = select(table.name).where(
            table.instrument == instrument, table.raw_type.in_(list(raw_types))
        )
        return list(self._connection.scalars(statement))

    def open_names(self, instrument: str, raw_type: str) -> list[str]:
        """ABs of a raw type that are PLANNED or BLOCKED."""
        table = schema.block.c
        statement = select(table.name).where(
            table.instrument == instrument, table.raw_type == raw_type, table.state.in_(_OPEN)
        )
        return list(self._connection.scalars(statement))

    def open_users(self, sources: Iterable[str], raw_type: str) -> set[str]:
        """PLANNED or BLOCKED ABs of a raw type that take a master from these ABs."""
        match, block = schema.block_master.c, schema.block.c
        return {
            name
            for chunk in chunks(sources)
            for name in self._connection.scalars(
                select(block.name)
                .join(schema.block_master, match.block == block.name)
                .where(
                    match.source_block.in_(chunk),
                    block.raw_type == raw_type,
                    block.state.in_(_OPEN),
                )
            )
        }

    def contestable(
        self, instrument: str, raw_type: str, category: str, *, at: Span, days: float
    ) -> Iterator[Contested]:
        """Matches of PLANNED or BLOCKED ABs within `days` of `at` that are missing or improvable.

        Improvable is a match of any level but the best, or one farther away than the
        nearest end of `at`.
        """
        match, block = schema.block_master.c, schema.block.c
        gap = case(
            (block.mjd_mid < at[0], at[0] - block.mjd_mid),
            (block.mjd_mid > at[1], block.mjd_mid - at[1]),
            else_=0.0,
        )
        statement = (
            select(block.name, block.setup_number, block.mjd_mid, match.level, match.distance_days)
            .join(schema.block_master, and_(match.block == block.name, match.category == category))
            .where(
                block.instrument == instrument,
                block.raw_type == raw_type,
                block.mjd_mid.between(at[0] - days, at[1] + days),
                block.state.in_(_OPEN),
                or_(
                    match.level.is_(None),
                    match.level > _BEST_LEVEL,
                    func.abs(match.distance_days) >= gap - 1e-9,
                ),
            )
        )
        for name, number, mjd_mid, level, distance in self._connection.execute(statement):
            yield Contested(name, self._setups.value(number)[1], mjd_mid, level, distance)

    def ever_run(self, names: Collection[str]) -> set[str]:
        """Those of the ABs that have jobs."""
        column = schema.job.c.block
        return {
            name
            for chunk in chunks(names)
            for name in self._connection.scalars(select(column).where(column.in_(chunk)))
        }

    def mark(self, instrument: str) -> Mark:
        """Mark of the last complete association."""
        found = self._events.find(kind=_MARK, record=instrument, limit=1)
        if not found:
            return Mark(0, 0, "", "")
        values = json.loads(found[0].change)
        return Mark(found[0].number, values["seen"], found[0].who, values["context"])

    def set_mark(self, instrument: str, seen: int, context: str) -> None:
        """Note that an association is complete that has looked at all events up to `seen`."""
        self._events.add(_MARK, instrument, json.dumps({"seen": seen, "context": context}))

    def last_event(self) -> int:
        """Number of the latest event of all."""
        return self._connection.scalar(select(func.max(schema.event.c.number))) or 0

    def changed_since(self, mark: Mark) -> set[str]:
        """ABs that anybody else has changed, or whose products were, after a mark."""
        table = schema.event.c
        own = and_(table.who == mark.who, table.number < mark.number)
        # coalesce keeps SQLite from its index on kind: the range of numbers is the small one.
        statement = select(table.kind, table.record).where(
            table.number > mark.seen, func.coalesce(table.kind, "").in_(_KINDS), ~own
        )
        names: set[str] = set()
        products: set[str] = set()
        for kind, record in self._connection.execute(statement):
            (products if kind == "product" else names).add(record)
        column = schema.product.c
        for chunk in chunks(products):
            owners = select(column.block).where(column.product_id.in_(chunk))
            names.update(self._connection.scalars(owners))
        return names

    def _candidates(self, *conditions: ColumnElement[bool]) -> Iterator[Candidate]:
        block = schema.block.c
        made = self._products(*conditions)
        statement = select(
            block.name,
            block.raw_type,
            block.setup_number,
            block.mjd_mid,
            block.state,
            block.decision,
            block.complete,
            block.problem,
        ).where(*conditions)
        for row in self._connection.execute(statement.order_by(block.mjd_mid, block.name)):
            name, raw_type, number, *others = row
            setup, keys = self._setups.value(number)
            products = made.get(name, {})
            yield Candidate(*(name, raw_type, setup, keys, *others, products))

    def _products(self, *conditions: Any) -> dict[str, dict[str, str]]:
        product, block = schema.product.c, schema.block.c
        statement = (
            select(product.block, product.category, product.product_id)
            .join(
                schema.block,
                and_(block.name == product.block, block.revision == product.revision),
            )
            .where(product.state.in_(_USABLE), *conditions)
        )
        made: dict[str, dict[str, str]] = {}
        for name, category, product_id in self._connection.execute(statement):
            made.setdefault(name, {})[category] = product_id
        return made
