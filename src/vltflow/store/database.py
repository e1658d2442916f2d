"""Connections to the registry: SQLite in WAL mode or PostgreSQL, the same tables in both.

Both behave alike: writers queue and have the registry for themselves, so that what a
transaction has read still holds when it writes; readers see one moment and wait for nobody.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url, text

from vltflow.core.errors import StoreError
from vltflow.store.failures import translate_failures, without_password

BUSY_SECONDS = 60
"""How long a writer waits for its turn."""
_ALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}


def open_engine(url: str) -> Engine:
    """Engine for a database URL, set up so that commits are durable and writers queue.

    Raises
    ------
    StoreError
        If the URL or its driver cannot be used.
    """
    try:
        return _engine(make_url(url))
    except (exc.ArgumentError, ImportError, exc.NoSuchModuleError) as error:
        raise StoreError(
            f"database URL {without_password(url)} cannot be used: {without_password(str(error))}",
            hint="Use sqlite:///PATH or postgresql+psycopg://USER@HOST/NAME "
            "(the latter needs `pip install vltflow[postgresql]`)",
        ) from error


def _engine(url: URL) -> Engine:
    backend = url.get_backend_name()
    if backend == "postgresql":
        engine = create_engine(url, pool_pre_ping=True, max_overflow=-1, connect_args=_ALIVE)
        event.listen(engine, "begin", _begin_postgresql)
    elif backend != "sqlite":
        raise exc.ArgumentError(f"{backend} is no database that vltflow knows")
    elif url.database in {None, "", ":memory:"}:
        raise exc.ArgumentError("a registry in memory would forget everything")
    else:
        engine = create_engine(url, max_overflow=-1, connect_args={"timeout": BUSY_SECONDS})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    translate_failures(engine)
    return engine


@contextlib.contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Connection in a transaction that may write, as soon as it is its turn."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


@contextlib.contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Connection in a transaction that sees one moment and cannot write."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        with connection.begin():
            yield connection


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see _begin_sqlite
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")  # a commit survives a power cut
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA recursive_triggers = ON")  # REPLACE must not delete events unseen
    cursor.execute("PRAGMA cache_size = -65536")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql(f"PRAGMA query_only = {'OFF' if writes else 'ON'}")
    # A writer takes its lock at once: upgrading a read lock later could only fail.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _begin_postgresql(connection: Connection) -> None:
    # One writer at a time, as on SQLite: a check (do validity ranges overlap?) then holds until
    # the commit, and events are numbered in the order of the commits.
    if connection.get_execution_options().get("writes", False):
        connection.execute(
            text(
                "SELECT set_config('lock_timeout', :patience, true), pg_advisory_xact_lock("
                "hashtextextended('vltflow writer ' || current_schema(), 0))"
            ),
            {"patience": f"{BUSY_SECONDS}s"},
        )
