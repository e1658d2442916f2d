"""Association blocks in the registry."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from vltflow.core.errors import Conflict, NotFound
from vltflow.records import AssociationBlock, BlockState, MasterMatch, MatchState
from vltflow.store import schema
from vltflow.store.events import Events
from vltflow.store.rows import Setups, chunks, values_of

_OWN_TABLES = ("setup", "setup_keys", "frames", "masters")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An AB as a maker of masters: what association needs to know, and no more."""

    name: str
    raw_type: str
    setup_keys: str
    mjd_mid: float
    state: str
    decision: str


class Blocks:
    """ABs with their frames and masters."""

    def __init__(self, connection: Connection, events: Events, setups: Setups) -> None:
        self._connection = connection
        self._events = events
        self._setups = setups

    def add(self, blocks: Sequence[AssociationBlock]) -> None:
        """Register new ABs and give them their frames.

        Raises
        ------
        Conflict
            If one of the frames belongs to another AB already.
        """
        if not blocks:
            return
        rows = [self._row(block) for block in blocks]
        self._connection.execute(insert(schema.block), rows)
        self._give_frames(blocks)
        self._add_masters(blocks)
        self._events.add_many(
            "block", [(block.name, f"created, {block.state}") for block in blocks]
        )

    def replace(self, block: AssociationBlock, change: str) -> None:
        """Write all fields, frames and masters of an existing AB anew; `change` goes to the log."""
        statement = update(schema.block).where(schema.block.c.name == block.name)
        if not self._connection.execute(statement.values(self._row(block))).rowcount:
            raise NotFound(f"no AB {block.name}")
        self._give_frames([block])
        self.set_masters({block.name: block.masters})
        self._events.add("block", block.name, change)

    def set_masters(self, masters: dict[str, tuple[MasterMatch, ...]]) -> None:
        """Write the matches of ABs anew."""
        table = schema.block_master
        for names in chunks(masters):
            self._connection.execute(delete(table).where(table.c.block.in_(names)))
        rows = [
            values_of(match) | {"block": name} for name, found in masters.items() for match in found
        ]
        if rows:
            self._connection.execute(insert(table), rows)

    def set_state(
        self,
        name: str,
        state: BlockState,
        *,
        problem: str = "",
        expected: Collection[BlockState] = tuple(BlockState),
    ) -> None:
        """Change the state of an AB.

        Raises
        ------
        Conflict
            If its state is none of the `expected` ones: somebody else was faster.
        """
        table = schema.block
        before = self._connection.scalar(select(table.c.state).where(table.c.name == name))
        allowed = table.c.state.in_([str(one) for one in expected])
        statement = update(table).where(table.c.name == name, allowed)
        changed = self._connection.execute(statement.values(state=state, problem=problem))
        if not changed.rowcount:
            wanted = " or ".join(sorted(expected))
            raise Conflict(f"AB {name} is {before or 'unknown'}, not {wanted}")
        if before != state or problem:
            self._events.add(
                "block", name, f"{before} -> {state}" + (f": {problem}" if problem else "")
            )

    def set_problem(self, name: str, problem: str) -> None:
        """Change the sentence that the monitor shows."""
        table = schema.block
        self._connection.execute(update(table).where(table.c.name == name).values(problem=problem))
        self._events.add("block", name, f"problem: {problem}")

    def set_decision(self, name: str, decision: str) -> None:
        """Note the decision in force about the products of an AB; empty when open again."""
        table = schema.block
        self._connection.execute(
            update(table).where(table.c.name == name).values(decision=decision)
        )

    def get(self, name: str) -> AssociationBlock:
        """AB with this name.

        Raises
        ------
        NotFound
            If there is none.
        """
        found = self._records(select(schema.block).where(schema.block.c.name == name))
        if not found:
            raise NotFound(f"no AB {name!r}", hint="`vltflow status` lists the names")
        return found[0]

    def decisions(self, names: Iterable[str]) -> dict[str, str]:
        """Decision in force of ABs ('' = none)."""
        table = schema.block.c
        return {
            row.name: row.decision
            for chunk in chunks(names)
            for row in self._connection.execute(
                select(table.name, table.decision).where(table.name.in_(chunk))
            )
        }

    def find(
        self,
        *,
        instrument: str | None = None,
        night: str | None = None,
        states: Collection[str] | None = None,
        mjd: tuple[float, float] | None = None,
        limit: int | None = None,
    ) -> list[AssociationBlock]:
        """ABs by instrument, night, states or closed MJD range, by time."""
        table = schema.block.c
        conditions: list[Any] = []
        if instrument is not None:
            conditions.append(table.instrument == instrument)
        if night is not None:
            conditions.append(table.night == night)
        if states is not None:
            conditions.append(table.state.in_([str(state) for state in states]))
        if mjd is not None:
            conditions.append(table.mjd_mid.between(*mjd))
        statement = select(schema.block).where(*conditions)
        return self._records(statement.order_by(table.mjd_mid, table.name).limit(limit))

    def by_group(self, group_keys: Iterable[str]) -> dict[str, AssociationBlock]:
        """ABs by group key."""
        column = schema.block.c.group_key
        return {
            block.group_key: block
            for chunk in chunks(group_keys)
            for block in self._records(select(schema.block).where(column.in_(chunk)))
        }

    def candidates(
        self, instrument: str, raw_types: Collection[str], mjd: tuple[float, float]
    ) -> Iterator[Candidate]:
        """ABs of these raw types in a closed MJD range, by time, in brief."""
        table = schema.block.c
        columns = (
            table.name,
            table.raw_type,
            table.setup_number,
            table.mjd_mid,
            table.state,
            table.decision,
        )
        statement = select(*columns).where(
            table.instrument == instrument,
            table.raw_type.in_(list(raw_types)),
            table.mjd_mid.between(*mjd),
        )
        for row in self._connection.execute(statement.order_by(table.mjd_mid, table.name)):
            _, keys = self._setups.value(row.setup_number)
            yield Candidate(row.name, row.raw_type, keys, row.mjd_mid, row.state, row.decision)

    def users_of(self, source_block: str) -> list[tuple[str, MasterMatch]]:
        """ABs that take a master from this AB, with the match."""
        table = schema.block_master
        statement = select(table).where(table.c.source_block == source_block)
        rows = self._connection.execute(statement.order_by(table.c.block, table.c.category))
        return [(row.block, _match(row)) for row in rows]

    def counts(self, instrument: str | None = None) -> list[Row[Any]]:
        """Number of ABs by instrument, night and state."""
        table = schema.block.c
        statement = select(table.instrument, table.night, table.state, func.count().label("number"))
        if instrument is not None:
            statement = statement.where(table.instrument == instrument)
        grouped = statement.group_by(table.instrument, table.night, table.state)
        return list(self._connection.execute(grouped.order_by(table.instrument, table.night)))

    def _row(self, block: AssociationBlock) -> dict[str, Any]:
        number = self._setups.number(block.setup, block.setup_keys)
        return values_of(block, without=_OWN_TABLES) | {"setup_number": number}

    def _give_frames(self, blocks: Sequence[AssociationBlock]) -> None:
        table = schema.frame
        for block in blocks:
            for frame_ids in chunks(block.frames):
                free = table.c.block.is_(None) | (table.c.block == block.name)
                statement = update(table).where(table.c.frame_id.in_(frame_ids), free)
                given = self._connection.execute(statement.values(block=block.name)).rowcount
                if given != len(frame_ids):
                    raise Conflict(f"AB {block.name}: a frame of it belongs to another AB")

    def _add_masters(self, blocks: Sequence[AssociationBlock]) -> None:
        rows = [
            values_of(match) | {"block": block.name} for block in blocks for match in block.masters
        ]
        if rows:
            self._connection.execute(insert(schema.block_master), rows)

    def _records(self, statement: Any) -> list[AssociationBlock]:
        rows = list(self._connection.execute(statement))
        names = [row.name for row in rows]
        frames: dict[str, list[str]] = {name: [] for name in names}
        masters: dict[str, list[MasterMatch]] = {name: [] for name in names}
        frame, match = schema.frame.c, schema.block_master.c
        for chunk in chunks(names):
            members = select(frame.block, frame.frame_id).where(frame.block.in_(chunk))
            for member in self._connection.execute(members.order_by(frame.mjd_obs, frame.name)):
                frames[member.block].append(member.frame_id)
            found = select(schema.block_master).where(match.block.in_(chunk))
            for row in self._connection.execute(found.order_by(match.category)):
                masters[row.block].append(_match(row))
        return [
            self._record(row, tuple(frames[row.name]), tuple(masters[row.name])) for row in rows
        ]

    def _record(
        self, row: Row[Any], frames: tuple[str, ...], masters: tuple[MasterMatch, ...]
    ) -> AssociationBlock:
        values = dict(row._mapping)  # noqa: SLF001 - public by name only
        setup, keys = self._setups.value(values.pop("setup_number"))
        del values["decision"]
        values["state"] = BlockState(values["state"])
        return AssociationBlock(
            **values, setup=setup, setup_keys=keys, frames=frames, masters=masters
        )


def _match(row: Row[Any]) -> MasterMatch:
    return MasterMatch(
        category=row.category,
        required=row.required,
        state=MatchState(row.state),
        source_block=row.source_block,
        product_id=row.product_id,
        level=row.level,
        distance_days=row.distance_days,
    )
