"""Refused files in the registry."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, delete, select

from vltflow.core.time import now_iso
from vltflow.records import Quarantined
from vltflow.store import schema
from vltflow.store.events import Events
from vltflow.store.rows import chunks, insert_rows, values_of


class Quarantine:
    """Files that were refused, with the reason; the files stay where they lie."""

    def __init__(self, connection: Connection, events: Events) -> None:
        self._connection = connection
        self._events = events

    def add(self, files: Sequence[Quarantined]) -> None:
        """Register refused files; a file refused again keeps its latest reason."""
        table = schema.quarantine
        latest = {refused.location: refused for refused in files}
        if not latest:
            return
        self._connection.execute(
            delete(table).where(table.c.location == bindparam("key")),
            [{"key": location} for location in latest],
        )
        rows = (values_of(one) | {"found": one.found or now_iso()} for one in latest.values())
        insert_rows(self._connection, table, rows)
        self._events.add_many(
            "quarantine", [(one.location, f"refused: {one.reason}") for one in latest.values()]
        )

    def find(self) -> list[Quarantined]:
        """All refused files, by location."""
        table = schema.quarantine
        rows = self._connection.execute(select(table).order_by(table.c.location)).mappings()
        return [Quarantined(**row) for row in rows]

    def by_location(self, locations: Sequence[str]) -> dict[str, Quarantined]:
        """Those of the files that were refused."""
        table = schema.quarantine
        return {
            row["location"]: Quarantined(**row)
            for chunk in chunks(locations)
            for row in self._connection.execute(
                select(table).where(table.c.location.in_(chunk))
            ).mappings()
        }

    def clear(self, location: str) -> None:
        """Forget a refusal: the file is fine now."""
        table = schema.quarantine
        result = self._connection.execute(delete(table).where(table.c.location == location))
        if result.rowcount:
            self._events.add("quarantine", location, "accepted at last")
