"""Tables of mass production: campaigns and their monthly batches."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Table

from vltflow.store.columns import metadata
from vltflow.store.types import Real, Text

campaign = Table(
    "campaign",
    metadata,
    Column("name", Text, primary_key=True),
    Column("instrument", Text, nullable=False),
    Column("selection", Text, nullable=False),
    Column("created", Text, nullable=False),
    Column("who", Text, nullable=False),
)

batch = Table(
    "batch",
    metadata,
    Column("campaign", Text, ForeignKey("campaign.name"), primary_key=True),
    Column("month", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("context", Text, nullable=False),
    Column("started", Text, nullable=False),
    Column("ended", Text, nullable=False, server_default=""),
    Column("elapsed_s", Real),
    Column("numbers", Text, nullable=False, server_default="{}"),
    Column("report", Text, nullable=False, server_default=""),
)
