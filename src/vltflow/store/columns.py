"""What all tables of the registry share: names of constraints, and columns of text."""

from __future__ import annotations

from sqlalchemy import Column, MetaData

from vltflow.store.types import Text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def text_column(name: str, *, default: str = "") -> Column[str]:
    """Column of a text that is never null."""
    return Column(name, Text, nullable=False, server_default=default)
