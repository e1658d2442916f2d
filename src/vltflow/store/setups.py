"""Setups by number: labels and match keys are few, frames are millions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from vltflow.store import schema
from vltflow.store.rows import insert_or_ignore


@dataclass(slots=True)
class KnownSetups:
    """Committed setups, which never change: shared by all transactions of a store."""

    by_value: dict[tuple[str, str], int] = field(default_factory=dict)
    by_number: dict[int, tuple[str, str]] = field(default_factory=dict)


class Setups:
    """Setups as one transaction sees them; new ones are shared when it has been committed."""

    def __init__(self, connection: Connection, known: KnownSetups) -> None:
        self._connection = connection
        self._known = known
        self._seen = KnownSetups()

    def number(self, label: str, keys: str) -> int:
        """Number of a setup, new if nobody had it before."""
        value = (label, keys)
        number = self._known.by_value.get(value) or self._seen.by_value.get(value)
        if number is not None:
            return number
        table = schema.setup.c
        insert = insert_or_ignore(self._connection, schema.setup)
        self._connection.execute(insert, {"label": label, "match_keys": keys})
        self._read(table.label == label, table.match_keys == keys)
        return self._seen.by_value[value]

    def value(self, number: int | None) -> tuple[str, str]:
        """Label and match keys of a setup; empty texts for None."""
        if number is None:
            return "", ""
        value = self._known.by_number.get(number) or self._seen.by_number.get(number)
        if value is not None:
            return value
        self._read()
        return self._seen.by_number[number]

    def numbers(self, *, label: str | None = None, keys: str | None = None) -> list[int]:
        """Numbers of all setups with this label, with these match keys."""
        table = schema.setup.c
        given = ((table.label, label), (table.match_keys, keys))
        conditions = [column == value for column, value in given if value is not None]
        return list(self._connection.scalars(select(table.number).where(*conditions)))

    def share(self) -> None:
        """Let later transactions know what this one has seen; only after its commit."""
        self._known.by_value.update(self._seen.by_value)
        self._known.by_number.update(self._seen.by_number)

    def _read(self, *conditions: Any) -> None:
        for row in self._connection.execute(select(schema.setup).where(*conditions)):
            self._seen.by_value[row.label, row.match_keys] = row.number
            self._seen.by_number[row.number] = (row.label, row.match_keys)
