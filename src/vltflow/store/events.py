"""The append-only log of changes."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, insert, select

from vltflow.core.time import now_iso
from vltflow.records import Event
from vltflow.store import schema


class Events:
    """Who or what changed which record, when and why; rows are only ever added."""

    def __init__(self, connection: Connection, who: str, why: str) -> None:
        self._connection = connection
        self._who = who
        self._why = why

    def add(self, kind: str, record: str, change: str) -> None:
        """Log one change."""
        self.add_many(kind, [(record, change)])

    def add_many(self, kind: str, changes: Sequence[tuple[str, str]]) -> None:
        """Log changes of several records of one kind."""
        if not changes:
            return
        common = {"time": now_iso(), "who": self._who, "why": self._why, "kind": kind}
        rows = [common | {"record": record, "change": change} for record, change in changes]
        self._connection.execute(insert(schema.event), rows)

    def find(
        self, *, kind: str | None = None, record: str | None = None, limit: int = 1000
    ) -> list[Event]:
        """Events, the latest `limit`, in the order in which they happened."""
        table = schema.event.c
        statement = select(schema.event).order_by(table.number.desc()).limit(limit)
        if kind is not None:
            statement = statement.where(table.kind == kind)
        if record is not None:
            statement = statement.where(table.record == record)
        rows = self._connection.execute(statement)
        return [Event(**row._mapping) for row in rows][::-1]  # noqa: SLF001 - public by name only
