"""What belongs to association blocks: their frames and their matches with masters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import (
    ARRAY,
    BindParameter,
    ColumnElement,
    Connection,
    String,
    Update,
    bindparam,
    cast,
    delete,
    func,
    or_,
    select,
    update,
)

from vltflow.core.errors import Conflict
from vltflow.records import AssociationBlock, MasterMatch
from vltflow.store import schema
from vltflow.store.rows import BULK, chunks, insert_rows, run_many, values_of


class Members:
    """Frames and matches of ABs, written many at a time."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def give_frames(self, blocks: Sequence[AssociationBlock]) -> None:
        """Note that the frames belong to their ABs.

        Raises
        ------
        Conflict
            If one belongs to another AB, or is not registered.
        """
        pairs = ((frame_id, block.name) for block in blocks for frame_id in block.frames)
        for chunk in chunks(pairs, BULK):
            wanted = list(dict.fromkeys(chunk))
            together = self._connection.dialect.name == "postgresql"
            given = self._give_together(wanted) if together else self._give_each(wanted)
            if given != len(wanted):
                raise Conflict(self._refusal(wanted))

    def release_frames(self, blocks: Sequence[AssociationBlock]) -> None:
        """Free the frames that belong to one of these ABs but stand in it no more."""
        frame = schema.frame.c
        for chunk in chunks(blocks):
            staying = {(frame_id, block.name) for block in chunk for frame_id in block.frames}
            names = [block.name for block in chunk]
            statement = select(frame.frame_id, frame.block).where(frame.block.in_(names))
            owned = {(row.frame_id, row.block) for row in self._connection.execute(statement)}
            for leaving in chunks(frame_id for frame_id, _ in owned - staying):
                free = update(schema.frame).where(frame.frame_id.in_(leaving)).values(block=None)
                self._connection.execute(free)

    def replace_masters(self, masters: Mapping[str, tuple[MasterMatch, ...]]) -> None:
        """Write the matches of ABs anew."""
        table = schema.block_master
        for chunk in chunks(masters):
            self._connection.execute(delete(table).where(table.c.block.in_(chunk)))
        rows = (
            values_of(match) | {"block": name} for name, found in masters.items() for match in found
        )
        insert_rows(self._connection, table, rows)

    def _give_each(self, pairs: Sequence[tuple[str, str]]) -> int:
        key: BindParameter[str] = bindparam("key")
        owner: BindParameter[str] = bindparam("owner")
        rows = [{"key": frame_id, "owner": name} for frame_id, name in pairs]
        return run_many(self._connection, _gift(key, owner), rows)

    def _give_together(self, pairs: Sequence[tuple[str, str]]) -> int:
        # A server is asked once: many updates would cost many messages.
        frame_ids, names = (
            cast(list(column), ARRAY(String)) for column in zip(*pairs, strict=True)
        )
        given = func.unnest(frame_ids, names).table_valued("key", "owner").render_derived()
        return self._connection.execute(_gift(given.c.key, given.c.owner)).rowcount

    def _refusal(self, pairs: Sequence[tuple[str, str]]) -> str:
        frame = schema.frame.c
        owners: dict[str, str] = {}
        for chunk in chunks(frame_id for frame_id, _ in pairs):
            statement = select(frame.frame_id, frame.block).where(frame.frame_id.in_(chunk))
            owners |= {row.frame_id: row.block for row in self._connection.execute(statement)}
        for frame_id, name in pairs:
            if frame_id not in owners:
                return f"AB {name}: its frame {frame_id} is not registered"
            if owners[frame_id] != name:
                return f"AB {name}: its frame {frame_id} belongs to {owners[frame_id]} already"
        return f"AB {pairs[0][1]}: one of its frames belongs to another AB"


def _gift(key: ColumnElement[str], owner: ColumnElement[str]) -> Update:
    frame = schema.frame.c
    free = or_(frame.block.is_(None), frame.block == owner)
    return update(schema.frame).where(frame.frame_id == key, free).values(block=owner)
