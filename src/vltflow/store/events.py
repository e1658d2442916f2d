"""The append-only log of changes."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select

from vltflow.core.time import now_iso
from vltflow.records import Event
from vltflow.store import schema
from vltflow.store.rows import insert_rows


class Events:
    """Who or what changed which record, when and why; the database refuses to change a row."""

    def __init__(self, connection: Connection, who: str, why: str) -> None:
        self._connection = connection
        self._who = who
        self._why = why

    def add(self, kind: str, record: str, change: str) -> None:
        """Log one change."""
        self.add_many(kind, [(record, change)])

    def add_many(self, kind: str, changes: Iterable[tuple[str, str]]) -> None:
        """Log changes of several records of one kind."""
        common = {"time": now_iso(), "who": self._who, "why": self._why, "kind": kind}
        rows = (common | {"record": record, "change": change} for record, change in changes)
        insert_rows(self._connection, schema.event, rows)

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
        rows = self._connection.execute(statement).mappings()
        return [Event(**row) for row in rows][::-1]
