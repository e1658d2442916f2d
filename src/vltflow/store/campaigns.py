"""Campaigns and their batches in the registry."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select

from vltflow.core.errors import NotFound
from vltflow.records import Batch, BatchState, Campaign
from vltflow.store.campaigns_schema import batch, campaign
from vltflow.store.events import Events
from vltflow.store.rows import values_of


class Campaigns:
    """What is produced in mass, and how far it is."""

    def __init__(self, connection: Connection, events: Events) -> None:
        self._connection = connection
        self._events = events

    def add(self, one: Campaign) -> None:
        """Register a campaign; raises Conflict if there is one with its name."""
        self._connection.execute(insert(campaign), values_of(one))
        self._events.add("campaign", one.name, f"{one.instrument} {one.selection}")

    def get(self, name: str) -> Campaign:
        """Campaign with this name.

        Raises
        ------
        NotFound
            If there is none.
        """
        for one in self.all():
            if one.name == name:
                return one
        known = ", ".join(one.name for one in self.all()) or "none"
        raise NotFound(f"no campaign {name!r}", hint=f"Known: {known}")

    def all(self) -> list[Campaign]:
        """All campaigns, by name."""
        rows = self._connection.execute(select(campaign).order_by(campaign.c.name)).mappings()
        return [Campaign(**row) for row in rows]

    def put_batch(self, one: Batch) -> None:
        """Write a batch as it is now."""
        same = (batch.c.campaign == one.campaign) & (batch.c.month == one.month)
        self._connection.execute(delete(batch).where(same))
        self._connection.execute(insert(batch), values_of(one))
        self._events.add("batch", f"{one.campaign} {one.month}", str(one.state))

    def batches(self, name: str) -> list[Batch]:
        """Batches of a campaign that were begun, by month."""
        statement = select(batch).where(batch.c.campaign == name).order_by(batch.c.month)
        return [
            Batch(**(dict(row) | {"state": BatchState(row["state"])}))
            for row in self._connection.execute(statement).mappings()
        ]
