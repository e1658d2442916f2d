"""Tables of what products owe to: instrument definitions and software, each kept once."""

from __future__ import annotations

from sqlalchemy import Column, Table

from vltflow.store.columns import metadata
from vltflow.store.types import Text

definition = Table(
    "definition",
    metadata,
    Column("context", Text, primary_key=True),
    Column("instrument", Text, nullable=False),
    Column("file_id", Text, nullable=False),
    Column("recorded", Text, nullable=False),
)

software = Table(
    "software",
    metadata,
    Column("software_id", Text, primary_key=True),
    Column("versions", Text, nullable=False),
)
