"""Between records and rows: the field names of a record are the columns of its table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Insert

from vltflow.store import schema

Row = Mapping[str, Any]


def field_names(record_type: Any) -> tuple[str, ...]:
    """Field names of a record type, in order."""
    return tuple(field.name for field in fields(record_type))


def values_of(record: Any, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """Column values of a record, except the named fields."""
    return {
        name: getattr(record, name) for name in field_names(type(record)) if name not in without
    }


def insert_or_ignore(connection: Connection, table: Any) -> Insert:
    """INSERT that leaves an existing row with the same key as it is."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement: Insert = dialect.insert(table).on_conflict_do_nothing()
    return statement


class Setups:
    """Setups by number: labels and match keys are few, frames are millions."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._by_value: dict[tuple[str, str], int] = {}
        self._by_number: dict[int, tuple[str, str]] = {}

    def number(self, label: str, keys: str) -> int:
        """Number of a setup, new if nobody had it before."""
        if (label, keys) not in self._by_value:
            values = {"label": label, "match_keys": keys}
            self._connection.execute(insert_or_ignore(self._connection, schema.setup), values)
            self._read(schema.setup.c.label == label, schema.setup.c.match_keys == keys)
        return self._by_value[label, keys]

    def value(self, number: int | None) -> tuple[str, str]:
        """Label and match keys of a setup; empty texts for None."""
        if number is None:
            return "", ""
        if number not in self._by_number:
            self._read()
        return self._by_number[number]

    def numbers(self, label: str) -> list[int]:
        """Numbers of all setups with this label."""
        self._read(schema.setup.c.label == label)
        return [number for (text, _), number in self._by_value.items() if text == label]

    def _read(self, *conditions: Any) -> None:
        for row in self._connection.execute(select(schema.setup).where(*conditions)):
            self._by_value[row.label, row.match_keys] = row.number
            self._by_number[row.number] = (row.label, row.match_keys)


def chunks(items: Iterable[Any], size: int = 500) -> Iterable[list[Any]]:
    """Lists of at most `size` items: SQL parameter lists are bounded."""
    chunk: list[Any] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def pack_list(items: Iterable[str]) -> str:
    """JSON text of a list of texts."""
    return json.dumps(list(items), separators=(",", ":"))


def unpack_list(text: str) -> tuple[str, ...]:
    """List of texts from its JSON."""
    return tuple(json.loads(text)) if text != "[]" else ()
