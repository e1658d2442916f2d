"""Association blocks in the registry."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, select, update

from vltflow.core.errors import Conflict, NotFound
from vltflow.records import AssociationBlock, BlockState, MasterMatch, MatchState
from vltflow.store import schema
from vltflow.store.events import Events
from vltflow.store.members import Members
from vltflow.store.rows import BULK, chunks, insert_rows, values_of
from vltflow.store.setups import Setups

_OWN_TABLES = ("setup", "setup_keys", "frames", "masters")


OPEN_STATES = (BlockState.PLANNED, BlockState.BLOCKED)
"""States in which association may change an AB without re-opening it."""


class Blocks:
    """ABs with their frames and masters."""

    def __init__(self, connection: Connection, events: Events, setups: Setups) -> None:
        self._connection = connection
        self._events = events
        self._setups = setups
        self._members = Members(connection)

    def add(self, blocks: Sequence[AssociationBlock]) -> None:
        """Register new ABs and give them their frames.

        Raises
        ------
        Conflict
            If one of the frames belongs to another AB already.
        """
        insert_rows(self._connection, schema.block, (self._row(block) for block in blocks))
        self._members.give_frames(blocks)
        self._members.replace_masters({block.name: block.masters for block in blocks})
        self._events.add_many(
            "block", [(block.name, f"created, {block.state}") for block in blocks]
        )

    def replace(self, block: AssociationBlock, change: str) -> None:
        """Write all fields, frames and masters of an existing AB anew; `change` goes to the log.

        A new revision has no decision yet, whatever was decided about the one before.

        Raises
        ------
        NotFound
            If there is no AB with this name.
        Conflict
            If one of the frames belongs to another AB.
        """
        before = self.states([block.name])
        if not before:
            raise NotFound(f"no AB {block.name}")
        decision = {} if before[block.name][1] == block.revision else {"decision": ""}
        self._write([block], decision)
        self._events.add("block", block.name, change)

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
        states = self.states(changes)
        found = {name for name, (state, _) in states.items() if state in expected}
        revised = {name: change for name, change in changes.items() if name in found}
        self._write([block for block, _ in revised.values()], {"decision": ""})
        self._events.add_many("block", [(name, why) for name, (_, why) in revised.items()])
        return found

    def remove(self, name: str, why: str) -> None:
        """Forget an AB that was never run; its frames are free again.

        Raises
        ------
        NotFound
            If there is no AB with this name.
        Conflict
            If jobs or products of it are registered.
        """
        frame, block = schema.frame, schema.block
        self._connection.execute(update(frame).where(frame.c.block == name).values(block=None))
        self._members.replace_masters({name: ()})
        if not self._connection.execute(delete(block).where(block.c.name == name)).rowcount:
            raise NotFound(f"no AB {name}")
        self._events.add("block", name, why)

    def set_masters(self, masters: Mapping[str, tuple[MasterMatch, ...]]) -> None:
        """Write the matches of ABs anew."""
        self._members.replace_masters(masters)
        self._events.add_many(
            "block", ((name, f"masters: {_summary(found)}") for name, found in masters.items())
        )

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
        same = table.c.name == name
        before = self._connection.execute(
            select(table.c.state, table.c.problem).where(same)
        ).first()
        if before is None or before.state not in {str(one) for one in expected}:
            wanted = " or ".join(sorted(expected))
            raise Conflict(f"AB {name} is {before.state if before else 'unknown'}, not {wanted}")
        if before != (state, problem):
            values = {"state": state, "problem": problem}
            self._connection.execute(update(table).where(same).values(values))
            change = f"{before.state} -> {state}" + (f": {problem}" if problem else "")
            self._events.add("block", name, change)

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
                select(table.name, table.state, table.revision).where(table.name.in_(chunk))
            )
        }

    def set_problem(self, name: str, problem: str) -> None:
        """Change the sentence that the monitor shows.

        Raises
        ------
        NotFound
            If there is no AB with this name.
        """
        table = schema.block
        statement = update(table).where(table.c.name == name).values(problem=problem)
        if not self._connection.execute(statement).rowcount:
            raise NotFound(f"no AB {name}")
        self._events.add("block", name, f"problem: {problem or 'none'}")

    def set_decision(self, name: str, decision: str) -> None:
        """Note the decision in force about the products of an AB; empty when open again.

        Raises
        ------
        NotFound
            If there is no AB with this name.
        """
        self.set_decisions([name], decision)

    def set_decisions(self, names: Collection[str], decision: str) -> None:
        """Note the decision in force about the products of ABs.

        Raises
        ------
        NotFound
            If one of them does not exist.
        """
        table = schema.block
        known = self.decisions(names)
        if missing := sorted(set(names) - set(known)):
            raise NotFound(f"no AB {', '.join(missing)}")
        for chunk in chunks(known):
            same = table.c.name.in_(chunk)
            self._connection.execute(update(table).where(same).values(decision=decision))
        self._events.add_many(
            "block", [(name, f"decision: {decision or 'none'}") for name in known]
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
        """Names of ABs that contain a text, in capitals or not, by name."""
        column = schema.block.c.name
        statement = select(column).where(column.icontains(part, autoescape=True))
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

    def find(  # noqa: PLR0913 - what an AB can be found by
        self,
        *,
        instrument: str | None = None,
        night: str | None = None,
        month: str | None = None,
        raw_types: Collection[str] | None = None,
        states: Collection[str] | None = None,
        mjd: tuple[float, float] | None = None,
        limit: int | None = None,
    ) -> list[AssociationBlock]:
        """ABs by instrument, night, month of nights, raw types, states or MJD range, by time."""
        table = schema.block.c
        conditions: list[Any] = []
        if instrument is not None:
            conditions.append(table.instrument == instrument)
        if night is not None:
            conditions.append(table.night == night)
        if month is not None:
            # Not BETWEEN: PostgreSQL takes no collated text in it.
            conditions += [table.night >= f"{month}-01", table.night <= f"{month}-31"]
        if raw_types is not None:
            conditions.append(table.raw_type.in_(list(raw_types)))
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
        setups = self._setups.numbers(label=block.setup, keys=block.setup_keys)
        statement = select(table.name).where(
            table.instrument == block.instrument,
            table.night == block.night,
            table.raw_type == block.raw_type,
            table.setup_number.in_(setups),
        )
        return list(self._connection.scalars(statement.order_by(table.mjd_start, table.name)))

    def users_of(self, *source_blocks: str) -> list[tuple[str, MasterMatch]]:
        """ABs that take a master from one of these ABs, with the match."""
        table = schema.block_master
        order = (table.c.block, table.c.category, table.c.source_block)
        return [
            (row.block, _match(row))
            for chunk in chunks(source_blocks)
            for row in self._connection.execute(
                select(table).where(table.c.source_block.in_(chunk)).order_by(*order)
            )
        ]

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

    def _write(self, blocks: Sequence[AssociationBlock], more: dict[str, Any]) -> None:
        statement = update(schema.block).where(schema.block.c.name == bindparam("key"))
        for chunk in chunks(blocks, BULK):
            rows = [self._row(block) | more for block in chunk]
            for row in rows:
                row["key"] = row.pop("name")
            self._connection.execute(statement, rows)
        self._members.release_frames(blocks)
        self._members.give_frames(blocks)
        self._members.replace_masters({block.name: block.masters for block in blocks})

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
            for row in self._connection.execute(found.order_by(match.category, match.source_block)):
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


def _summary(masters: Iterable[MasterMatch]) -> str:
    return ", ".join(f"{match.category} {match.state}" for match in masters) or "none"


def _match(row: Row[Any]) -> MasterMatch:
    return MasterMatch(
        category=row.category,
        required=row.required,
        state=MatchState(row.state),
        source_block=row.source_block,
        product_id=row.product_id,
        level=row.level,
        distance_days=row.distance_days,
        distance_celsius=row.distance_celsius,
        member=row.member,
    )
