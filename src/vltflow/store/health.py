"""Events of instruments, hidden QC1 values and saved plots in the registry."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, or_, select

from vltflow.core.errors import Conflict, UnknownName
from vltflow.records import HealthEvent, HiddenValue, SavedPlot
from vltflow.store import health_schema, schema
from vltflow.store.events import Events
from vltflow.store.rows import values_of


class Health:
    """What people noted."""

    def __init__(self, connection: Connection, events: Events) -> None:
        self._connection = connection
        self._events = events

    def add_event(self, event: HealthEvent) -> None:
        """Register something that happened to an instrument."""
        row = values_of(event, without=("number",))
        self._connection.execute(insert(health_schema.health_event).values(row))
        self._events.add("health_event", event.instrument, f"{event.kind}: {event.text}")

    def remove_event(self, number: int) -> None:
        """Take an event away again; the log keeps it.

        Raises
        ------
        UnknownName
            If there is none with this number.
        """
        table = health_schema.health_event
        same = table.c.number == number
        row = self._connection.execute(select(table).where(same)).mappings().first()
        if row is None:
            raise UnknownName(f"no event {number}", hint="`vltflow health events` lists them")
        self._connection.execute(delete(table).where(same))
        self._events.add("health_event", row["instrument"], f"removed: {row['text']}")

    def events(
        self, instrument: str, mjd: tuple[float, float] | None = None, *, limit: int = 500
    ) -> list[HealthEvent]:
        """Latest `limit` events of an instrument within a closed range, by time."""
        table = health_schema.health_event.c
        statement = select(health_schema.health_event).where(table.instrument == instrument)
        if mjd is not None:
            statement = statement.where(table.mjd.between(*mjd))
        latest = statement.order_by(table.mjd.desc(), table.number.desc()).limit(limit)
        return [HealthEvent(**row) for row in self._connection.execute(latest).mappings()][::-1]

    def hide(self, value: HiddenValue) -> None:
        """Hide a value of a product or of a historical one.

        Raises
        ------
        UnknownName
            If the record has no such value.
        Conflict
            If it is hidden already.
        """
        own, old = schema.qc_value.c, schema.historical_value.c
        places = (
            select(own.number).where(
                own.product_id == value.record, own.parameter == value.parameter
            ),
            select(old.parameter).where(
                old.source_id == value.record, old.parameter == value.parameter
            ),
        )
        if all(self._connection.execute(place).first() is None for place in places):
            raise UnknownName(f"{value.record[:80]!r} has no value of {value.parameter[:80]!r}")
        if self._hidden(value.record, value.parameter) is not None:
            raise Conflict(f"{value.parameter} of {value.record} is hidden already")
        self._connection.execute(insert(health_schema.hidden_value).values(values_of(value)))
        change = f"{value.parameter} hidden: {value.reason}"
        self._events.add("qc_value", value.record, change)

    def unhide(self, record: str, parameter: str) -> None:
        """Show a hidden value again.

        Raises
        ------
        UnknownName
            If it is not hidden.
        """
        if self._hidden(record, parameter) is None:
            raise UnknownName(f"{parameter[:80]!r} of {record[:80]!r} is not hidden")
        table = health_schema.hidden_value
        same = (table.c.record == record) & (table.c.parameter == parameter)
        self._connection.execute(delete(table).where(same))
        self._events.add("qc_value", record, f"{parameter} shown again")

    def hidden(self, parameter: str) -> dict[str, HiddenValue]:
        """Hidden values of a parameter, by the record that they belong to."""
        table = health_schema.hidden_value
        rows = self._connection.execute(select(table).where(table.c.parameter == parameter))
        return {row["record"]: HiddenValue(**row) for row in rows.mappings()}

    def save_plot(self, plot: SavedPlot) -> None:
        """Keep a plot; another one of its owner with the same name goes."""
        table = health_schema.saved_plot
        same = (table.c.owner == plot.owner) & (table.c.name == plot.name)
        self._connection.execute(delete(table).where(same))
        self._connection.execute(insert(table).values(values_of(plot, without=("number",))))
        self._events.add("saved_plot", f"{plot.owner}/{plot.name}", "saved")

    def remove_plot(self, number: int, owner: str) -> None:
        """Remove a plot of its owner.

        Raises
        ------
        UnknownName
            If they have none with this number.
        """
        table = health_schema.saved_plot
        same = (table.c.number == number) & (table.c.owner == owner)
        name = self._connection.scalar(select(table.c.name).where(same))
        if name is None:
            raise UnknownName(f"{owner} has no plot {number}")
        self._connection.execute(delete(table).where(same))
        self._events.add("saved_plot", f"{owner}/{name}", "removed")

    def plots(self, visitor: str) -> list[SavedPlot]:
        """Plots that somebody sees: own and shared ones, by name."""
        table = health_schema.saved_plot
        seen = or_(table.c.owner == visitor, table.c.is_shared)
        rows = self._connection.execute(
            select(table).where(seen).order_by(table.c.name, table.c.owner)
        )
        return [
            SavedPlot(**dict(row) | {"is_shared": bool(row["is_shared"])})
            for row in rows.mappings()
        ]

    def _hidden(self, record: str, parameter: str) -> str | None:
        table = health_schema.hidden_value.c
        return self._connection.scalar(
            select(table.record).where(table.record == record, table.parameter == parameter)
        )
