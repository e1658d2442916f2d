"""Static calibrations in the registry."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Connection, insert, select, update

from vltflow.core.errors import NotFound
from vltflow.records import StaticCalibration, StaticState
from vltflow.store import schema
from vltflow.store.events import Events
from vltflow.store.rows import chunks, values_of


class Statics:
    """The collection of static calibrations: what there is, whence, and when it holds."""

    def __init__(self, connection: Connection, events: Events) -> None:
        self._connection = connection
        self._events = events

    def add(self, static: StaticCalibration) -> None:
        """Register a static calibration; raises Conflict if its id is known."""
        self._connection.execute(insert(schema.static), values_of(static))
        text = f"{static.category} {static.name} from {static.builder or static.origin}"
        self._events.add("static", static.static_id, text)

    def set_state(self, static_id: str, state: StaticState) -> None:
        """Change the state of a static calibration.

        Raises
        ------
        NotFound
            If there is none.
        """
        table = schema.static
        changed = update(table).where(table.c.static_id == static_id).values(state=state)
        if not self._connection.execute(changed).rowcount:
            raise NotFound(f"no static calibration {static_id}")
        self._events.add("static", static_id, f"now {state}")

    def find(
        self,
        *,
        instrument: str | None = None,
        category: str | None = None,
        states: Collection[StaticState] = (StaticState.VALID,),
    ) -> list[StaticCalibration]:
        """Static calibrations, by instrument, category and time of addition."""
        table = schema.static.c
        conditions: list[Any] = [table.state.in_([str(state) for state in states])]
        if instrument is not None:
            conditions.append(table.instrument == instrument)
        if category is not None:
            conditions.append(table.category == category)
        return self._select(*conditions)

    def by_file(self, file_id: str) -> list[StaticCalibration]:
        """Static calibrations with this content."""
        return self._select(schema.static.c.file_id == file_id)

    def by_id(self, static_ids: Iterable[str]) -> dict[str, StaticCalibration]:
        """Registered static calibrations with these ids, whatever their state."""
        column = schema.static.c.static_id
        return {
            static.static_id: static
            for chunk in chunks(static_ids)
            for static in self._select(column.in_(chunk))
        }

    def _select(self, *conditions: Any) -> list[StaticCalibration]:
        table = schema.static.c
        order = (table.instrument, table.category, table.added, table.name)
        statement = select(schema.static).where(*conditions).order_by(*order)
        return [
            StaticCalibration(**(dict(row) | {"state": StaticState(row["state"])}))
            for row in self._connection.execute(statement).mappings()
        ]
