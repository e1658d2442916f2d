"""Tables of health checks: events of instruments, hidden QC1 values, saved plots."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Column, ForeignKey, Index, Table, UniqueConstraint, exists

from vltflow.store import schema
from vltflow.store.columns import metadata
from vltflow.store.types import Real, Text, Whole

health_event = Table(
    "health_event",
    metadata,
    Column("number", Whole, primary_key=True),
    Column("instrument", Text, nullable=False),
    Column("mjd", Real, nullable=False),
    Column("kind", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("recorded", Text, nullable=False),
    Index("ix_health_event_time", "instrument", "mjd"),
)

# One table for values of our products and of historical ones: both are named by a hash.
hidden_value = Table(
    "hidden_value",
    metadata,
    Column("record", Text, primary_key=True),
    Column("parameter", Text, primary_key=True),
    Column("who", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("hidden", Text, nullable=False),
    Index("ix_hidden_value_parameter", "parameter"),
)

saved_plot = Table(
    "saved_plot",
    metadata,
    Column("number", Whole, primary_key=True),
    Column("owner", Text, ForeignKey("account.name"), nullable=False),
    Column("name", Text, nullable=False),
    Column("is_shared", Boolean, nullable=False),
    Column("question", Text, nullable=False),
    Column("created", Text, nullable=False),
    UniqueConstraint("owner", "name"),
)

# Red scores are few among millions, and no plot may lose one.
Index(
    "ix_score_red",
    schema.score.c.parameter,
    schema.score.c.category,
    schema.score.c.block,
    schema.score.c.revision,
    postgresql_where=schema.score.c.colour == "red",
    sqlite_where=schema.score.c.colour == "red",
)


def is_hidden(record: Any, parameter: Any) -> Any:
    """Condition that a value, given by the columns of its record and parameter, is hidden."""
    hidden = hidden_value.c
    return exists().where(hidden.record == record, hidden.parameter == parameter)
