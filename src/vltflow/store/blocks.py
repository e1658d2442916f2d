"""Association blocks in the registry."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update

from vltflow.core.errors import Conflict, NotFound
from vltflow.records import AssociationBlock, BlockState, MasterMatch, MatchState
from vltflow.store import schema
from vltflow.store.events import Events
from vltflow.store.rows import Setups, chunks, values_of

_OWN_TABLES = ("setup", "setup_keys", "frames", "masters")


OPEN_STATES = (BlockState.PLANNED, BlockState.BLOCKED)
"""States in which association may change an AB without re-opening it."""


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

    def revise(
        self,
        changes: Mapping[str, tuple[AssociationBlock, str]],
        *,
        expected: Collection[BlockState] = OPEN_STATES,
    ) -> set[str]:
        """Write existing ABs anew, by name, with the text for the log; gives those written.

        Those whose state is none of the `expected` ones are left as they are: somebody
        else was faster. A decision about an AB that is written ends with it.
        """
        table = schema.block
        allowed = table.c.state.in_([str(state) for state in expected])
        found: set[str] = set()
        for names in chunks(changes):
            statement = select(table.c.name).where(table.c.name.in_(names), allowed)
            found.update(self._connection.scalars(statement.with_for_update()))
        revised = {name: changes[name] for name in changes if name in found}
        if revised:
            blocks = [block for block, _ in revised.values()]
            columns = [column for column in self._row(blocks[0]) if column != "name"]
            statement = (
                update(table)
                .where(table.c.name == bindparam("of_block"))
                .values({name: bindparam(f"new_{name}") for name in columns} | {"decision": ""})
            )
            self._connection.execute(statement, [self._revision(block) for block in blocks])
            self._give_frames(blocks)
            self.set_masters({block.name: block.masters for block in blocks})
            self._events.add_many(
                "block", [(name, change) for name, (_, change) in revised.items()]
            )
        return found

    def remove(self, name: str, why: str) -> None:
        """Forget an AB that was never run; its frames are free again.

        Raises
        ------
        Conflict
            If jobs or products of it are registered.
        """
        frame, match, block = schema.frame, schema.block_master, schema.block
        self._connection.execute(
            update(frame).where(frame.c.block == name).values(block=None)
        )
        self._connection.execute(delete(match).where(match.c.block == name))
        self._connection.execute(delete(block).where(block.c.name == name))
        self._events.add("block", name, why)

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

    def move(self, names: Collection[str], state: BlockState) -> None:
        """Change the state of ABs whose present one was just read by `states`; problems stay."""
        table = schema.block
        before = {name: now for name, (now, _) in self.states(names).items()}
        for chunk in chunks(before):
            statement = update(table).where(table.c.name.in_(chunk))
            self._connection.execute(statement.values(state=state))
        self._events.add_many(
            "block", [(name, f"{now} -> {state}") for name, now in before.items() if now != state]
        )

    def states(self, names: Iterable[str]) -> dict[str, tuple[BlockState, int]]:
        """State and revision of ABs; within `write` nobody else changes them until its end."""
        table = schema.block.c
        return {
            row.name: (BlockState(row.state), row.revision)
            for chunk in chunks(names)
            for row in self._connection.execute(
                select(table.name, table.state, table.revision)
                .where(table.name.in_(chunk))
                .with_for_update(key_share=True)
            )
        }

    def set_problem(self, name: str, problem: str) -> None:
        """Change the sentence that the monitor shows."""
        table = schema.block
        self._connection.execute(update(table).where(table.c.name == name).values(problem=problem))
        self._events.add("block", name, f"problem: {problem}")

    def lock(self, name: str) -> AssociationBlock:
        """AB with this name, which nobody else can change until this transaction ends.

        Raises
        ------
        NotFound
            If there is none.
        """
        column = schema.block.c.name
        self._connection.execute(select(column).where(column == name).with_for_update())
        return self.get(name)

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

    def names_containing(self, part: str) -> list[str]:
        """Names of ABs that contain a text, by name."""
        column = schema.block.c.name
        statement = select(column).where(column.contains(part, autoescape=True))
        return list(self._connection.scalars(statement.order_by(column)))

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

    def by_name(self, names: Iterable[str]) -> dict[str, AssociationBlock]:
        """ABs by name; those that do not exist are left out."""
        column = schema.block.c.name
        return {
            block.name: block
            for chunk in chunks(names)
            for block in self._records(select(schema.block).where(column.in_(chunk)))
        }

    def by_group(self, group_keys: Iterable[str]) -> dict[str, AssociationBlock]:
        """ABs by group key."""
        column = schema.block.c.group_key
        return {
            block.group_key: block
            for chunk in chunks(group_keys)
            for block in self._records(select(schema.block).where(column.in_(chunk)))
        }

    def siblings(self, block: AssociationBlock) -> list[str]:
        """Names of all ABs of its night, raw type and setup, itself included, by time."""
        table = schema.block.c
        statement = select(table.name).where(
            table.instrument == block.instrument,
            table.night == block.night,
            table.raw_type == block.raw_type,
            table.setup_number == self._setups.number(block.setup, block.setup_keys),
        )
        return list(self._connection.scalars(statement.order_by(table.mjd_start, table.name)))

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

    def _revision(self, block: AssociationBlock) -> dict[str, Any]:
        row = self._row(block)
        name = row.pop("name")
        return {"of_block": name} | {f"new_{column}": value for column, value in row.items()}

    def _give_frames(self, blocks: Sequence[AssociationBlock]) -> None:
        table = schema.frame
        free = table.c.block.is_(None) | (table.c.block == bindparam("of_block"))
        statement = (
            update(table)
            .where(table.c.frame_id == bindparam("of_frame"), free)
            .values(block=bindparam("of_block"))
        )
        rows = [
            {"of_frame": frame_id, "of_block": block.name}
            for block in blocks
            for frame_id in block.frames
        ]
        self._connection.execute(statement, rows)
        # Drivers disagree on the row count of many updates: count what the ABs have now.
        for chunk in chunks(blocks):
            owned = select(func.count()).where(table.c.block.in_([one.name for one in chunk]))
            if self._connection.scalar(owned) != sum(len(one.frames) for one in chunk):
                names = ", ".join(one.name for one in chunk[:3])
                raise Conflict(f"ABs {names} ...: a frame of them belongs to another AB")

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
