"""Connections to the registry: SQLite in WAL mode or PostgreSQL, the same tables in both."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Connection, Engine, create_engine, event, exc, text

from vltflow.core.errors import SiteBusy, StoreError

BUSY_SECONDS = 60


def open_engine(url: str) -> Engine:
    """Engine for a database URL, set up so that commits are durable and writers queue.

    Raises
    ------
    StoreError
        If the URL or its driver cannot be used.
    """
    try:
        if url.startswith("sqlite"):
            engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
            return engine
        return create_engine(url, pool_pre_ping=True)
    except (exc.ArgumentError, ImportError, exc.NoSuchModuleError) as error:
        raise StoreError(
            f"database URL {url!r} cannot be used: {error}",
            hint="Use sqlite:///PATH or postgresql+psycopg://USER@HOST/NAME "
            "(the latter needs `pip install vltflow[postgresql]`)",
        ) from error


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see _begin_sqlite
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")  # a commit survives a power cut
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA cache_size = -65536")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes its lock at once: upgrading a read lock later could only fail.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextlib.contextmanager
def exclusive(engine: Engine, role: str) -> Iterator[None]:
    """Hold a role of this store, such as ``scheduler``, that only one process may have.

    The lock is the operating system's or the server's, so it ends with its holder
    however that ends, and no clock takes part.

    Raises
    ------
    SiteBusy
        If another process holds it.
    """
    if engine.dialect.name == "sqlite":
        with _locked_file(Path(f"{engine.url.database}.{role}.lock"), role):
            yield
        return
    key = int.from_bytes(hashlib.sha256(role.encode()).digest()[:8], "big", signed=True)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}):
            raise _busy(role, "another connection to the database")
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": key})


@contextlib.contextmanager
def _locked_file(path: Path, role: str) -> Iterator[None]:
    import fcntl  # noqa: PLC0415 - absent on Windows, where a site cannot run

    handle: IO[str]
    with path.open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            handle.seek(0)
            raise _busy(role, handle.read().strip() or "another process") from error
        handle.truncate(0)
        handle.write(f"process {os.getpid()}")
        handle.flush()
        yield
        handle.truncate(0)


def _busy(role: str, holder: str) -> SiteBusy:
    return SiteBusy(
        f"the {role} of this store is already running ({holder})",
        hint="Wait until it has ended, or stop it; what it has done is kept",
    )
