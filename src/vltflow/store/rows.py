"""Between records and rows: the field names of a record are the columns of its table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from functools import cache
from itertools import islice
from operator import attrgetter, itemgetter
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Table, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.compiler import Compiled, SQLCompiler
from sqlalchemy.sql.dml import Insert, Update

T = TypeVar("T")
BULK = 10_000
"""Rows that one statement takes at a time: enough to be fast, few enough to stay small."""

_FEW = 50
"""Rows up to which the statement that SQLAlchemy remembers is faster than one of our own."""


def values_of(record: Any, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """Column values of a record, except the named fields."""
    kind: Any = type(record)
    names, get = _fields(kind, without)
    return dict(zip(names, get(record), strict=True))


@cache
def _fields(
    record_type: Any, without: tuple[str, ...]
) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    names = tuple(field.name for field in fields(record_type) if field.name not in without)
    return names, attrgetter(*names)


def insert_rows(connection: Connection, table: Table, rows: Iterable[dict[str, Any]]) -> None:
    """Insert many rows with the same keys, a bounded number at a time."""
    for chunk in chunks(rows, BULK):
        run_many(connection, insert(table), chunk)


def run_many(
    connection: Connection, statement: Insert | Update, rows: Sequence[dict[str, Any]]
) -> int:
    """Run a statement once for each row, as fast as the driver can; gives the rows it touched.

    On SQLite most of the time of many rows would go into SQLAlchemy's handling of each value: the
    statement is compiled anew, which few rows do not pay for, and only types that convert
    something are asked.
    """
    if len(rows) <= _FEW:
        return connection.execute(statement, rows).rowcount
    names = tuple(rows[0])
    compiled = statement.compile(dialect=connection.dialect, column_keys=names)
    order = getattr(compiled, "positiontup", None)
    if not order or not set(order) <= set(names):
        return connection.execute(statement, rows).rowcount
    columns = [_converted(connection, compiled, name, rows) for name in order]
    return connection.exec_driver_sql(str(compiled), list(zip(*columns, strict=True))).rowcount


def _converted(
    connection: Connection, compiled: Compiled, name: str, rows: Sequence[dict[str, Any]]
) -> Iterable[Any]:
    """Values of one parameter in all rows, as the driver wants them."""
    kind = cast("SQLCompiler", compiled).binds[name].type
    convert = kind.dialect_impl(connection.dialect).bind_processor(connection.dialect)
    values = map(itemgetter(name), rows)
    return values if convert is None else map(convert, values)


def insert_or_ignore(connection: Connection, table: Table) -> Insert:
    """INSERT that leaves an existing row with the same key as it is."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


def chunks(items: Iterable[T], size: int = 500) -> Iterator[list[T]]:
    """Lists of at most `size` items: SQL parameter lists are bounded."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def distinct_values(connection: Connection, column: Any, *conditions: Any) -> Iterator[Any]:
    """Different values of a column in rising order, by jumps along an index.

    The index begins with the columns of the conditions, then has this one; `DISTINCT` would read it
    from end to end, and so would a comparison of pairs on SQLite.
    """
    statement = select(func.min(column)).where(*conditions)
    value = connection.scalar(statement)
    while value is not None:
        yield value
        value = connection.scalar(statement.where(column > value))


def pack_list(items: Iterable[str]) -> str:
    """JSON text of a list of texts."""
    return json.dumps(list(items), separators=(",", ":"))


def unpack_list(text: str) -> tuple[str, ...]:
    """List of texts from its JSON."""
    return tuple(json.loads(text)) if text != "[]" else ()
