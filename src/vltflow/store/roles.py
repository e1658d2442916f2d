"""Roles that only one process may have on a store, such as ``scheduler``.

The lock is the operating system's (SQLite: a file beside the registry) or the server's
(PostgreSQL: an advisory lock of a session), so it ends with its holder however that ends,
and no clock takes part.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, NullPool, create_engine, text

from vltflow.core.errors import SiteBusy
from vltflow.store.failures import translate_failures

_HELD: set[int] = set()
_LOCK = "hashtextextended('vltflow role ' || current_schema() || ' ' || :role, 0)"
# The halves of a 64-bit key in pg_locks: PostgreSQL documentation, section 54.12.
_HOLDER = f"""
    SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND objsubid = 1
    AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND classid::bigint = (({_LOCK}) >> 32) & 4294967295
    AND objid::bigint = ({_LOCK}) & 4294967295
"""  # noqa: S608 - no value of a user in it


@contextlib.contextmanager
def exclusive(engine: Engine, role: str) -> Iterator[None]:
    """Hold a role of this store that only one process may have.

    Raises
    ------
    SiteBusy
        If another one holds it; names the holder.
    """
    if engine.dialect.name == "sqlite":
        registry = Path(str(engine.url.database)).resolve()
        with _locked_file(registry.with_name(f"{registry.name}.{role}.lock"), role):
            yield
        return
    # A session of its own, that ends with the role and never goes back to a pool.
    alone = create_engine(engine.url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    translate_failures(alone)
    with alone.connect() as connection, _locked_session(connection, role):
        yield


@contextlib.contextmanager
def _locked_file(path: Path, role: str) -> Iterator[None]:
    with path.open("a+", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            handle.seek(0)
            raise _busy(role, handle.read().strip()) from error
        handle.truncate(0)
        handle.write(_own_name())
        handle.flush()
        with _not_inherited(handle.fileno()):
            try:
                yield
            finally:
                handle.truncate(0)


@contextlib.contextmanager
def _locked_session(connection: Connection, role: str) -> Iterator[None]:
    name = {"role": role}
    if not connection.scalar(text(f"SELECT pg_try_advisory_lock({_LOCK})"), name):
        raise _busy(role, connection.scalar(text(_HOLDER), name))
    # A machine that vanishes without a word keeps its lock for a minute, not for two hours.
    for setting, value in (
        ("application_name", _own_name()),
        ("tcp_keepalives_idle", "30"),
        ("tcp_keepalives_interval", "10"),
        ("tcp_keepalives_count", "3"),
    ):
        connection.execute(
            text("SELECT set_config(:setting, :value, false)"),
            {"setting": setting, "value": value},
        )
    session: Any = connection.connection.driver_connection
    with _not_inherited(session.fileno()):
        try:
            yield
        finally:
            connection.execute(text(f"SELECT pg_advisory_unlock({_LOCK})"), name)


@contextlib.contextmanager
def _not_inherited(descriptor: int) -> Iterator[None]:
    # A forked worker that outlives its scheduler must not keep the scheduler's lock.
    _HELD.add(descriptor)
    try:
        yield
    finally:
        _HELD.discard(descriptor)


def _leave_locks_to_parent() -> None:
    for descriptor in _HELD:
        with contextlib.suppress(OSError):
            os.close(descriptor)
    _HELD.clear()


os.register_at_fork(after_in_child=_leave_locks_to_parent)


def _own_name() -> str:
    # PostgreSQL keeps 63 bytes of an application's name.
    return f"process {os.getpid()} on {socket.gethostname()}"[:63]


def _busy(role: str, holder: str | None) -> SiteBusy:
    return SiteBusy(
        f"the {role} of this store is already running ({holder or 'another process'})",
        hint="Wait until it has ended, or stop it; what it has done is kept",
    )
