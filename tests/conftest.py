"""Fixtures that several rooms share: a store on each backend, a site folder, real data."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from vltflow.store import Store

POSTGRESQL_FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


def _server_command(program: str) -> list[str]:
    """PostgreSQL refuses to run as root: step down to `nobody` there."""
    found = shutil.which(program) or ""
    path = str(POSTGRESQL_FOLDERS[-1] / program) if POSTGRESQL_FOLDERS else found
    if os.geteuid() == 0:
        return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", path]
    return [path]


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a real PostgreSQL server in a temporary folder on a loopback port."""
    if not POSTGRESQL_FOLDERS and not shutil.which("postgres"):
        pytest.skip("PostgreSQL is not installed (Debian package `postgresql`)")
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    folder = tmp_path_factory.mktemp("postgresql")
    data = folder / "data"
    for parent in (folder, *folder.parents):
        if parent.owner() == "root" and parent != Path("/") and os.geteuid() == 0:
            parent.chmod(parent.stat().st_mode | 0o755)
    data.mkdir()
    if os.geteuid() == 0:
        shutil.chown(data, "nobody", "nogroup")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
    initdb = [*_server_command("initdb"), "-D", data, "-A", "trust", "-U", "vltflow", "-E", "UTF8"]
    subprocess.run([*initdb, "--locale=C.UTF-8"], check=True, capture_output=True, cwd="/")
    control = [*_server_command("pg_ctl"), "-D", data, "-w"]
    log = ["-l", data / "server.log", "-o", options]
    subprocess.run([*control, *log, "start"], check=True, stdout=subprocess.DEVNULL, cwd="/")
    try:
        yield f"postgresql+psycopg://vltflow@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=True, capture_output=True, cwd="/")


@pytest.fixture
def postgresql_database(postgresql: str) -> str:
    """URL of an empty database on the server, one a test."""
    import uuid

    import psycopg

    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgresql.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return postgresql.rpartition("/")[0] + f"/{name}"


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A new store; each test that takes it runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        database = f"sqlite:///{tmp_path}/registry.sqlite"
    else:
        database = request.getfixturevalue("postgresql_database")
    opened = Store(database, str(tmp_path / "vault"))
    yield opened
    opened.close()


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[Store]:
    """A new store on SQLite alone, for what does not depend on the backend."""
    opened = Store(f"sqlite:///{tmp_path}/registry.sqlite", str(tmp_path / "vault"))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder with real UVES and HARPS data; skips where it is absent."""
    default = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("VLTFLOW_REAL_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder} (set VLTFLOW_REAL_DATA)")
    return folder
