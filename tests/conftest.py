"""Fixtures that several rooms share: a store on each backend, a site folder, real data."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from vltflow.core.errors import RunnerMissing
from vltflow.process.runners.esorex import Esorex, find_esorex
from vltflow.store import Store

try:
    import psycopg
except ImportError:
    psycopg = None

NOBODY = "65534"
STARTING_SECONDS = 30

# A loaded machine is no failure: benches measure time, tests do not.
settings.register_profile("vltflow", deadline=None, derandomize=True)
settings.load_profile("vltflow")


def _programs() -> Path:
    """Folder of PostgreSQL's server programs; Debian keeps them out of PATH."""
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    by_version = sorted(debian, key=lambda folder: float(folder.parent.name))
    on_path = shutil.which("initdb")
    folders = [*by_version, *([Path(on_path).resolve().parent] if on_path else [])]
    for folder in reversed(folders):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    pytest.skip("PostgreSQL is not installed (Debian package `postgresql`)")


def _as_server(*command: str | Path) -> list[str]:
    """Command with which PostgreSQL runs: it refuses to be root, and ends with the tests."""
    words = [str(word) for word in command]
    if not shutil.which("setpriv"):
        return words
    until_we_end = ["setpriv", "--pdeathsig=INT"]
    if os.geteuid() == 0:
        until_we_end += [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    return [*until_we_end, *words]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + STARTING_SECONDS
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > end:
                pytest.fail(f"PostgreSQL does not start: {log.read_text()}")
            time.sleep(0.02)
        else:
            return


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """URL of a real PostgreSQL server in a temporary folder on a loopback port."""
    if psycopg is None:
        pytest.skip("psycopg is not installed (`pip install vltflow[postgresql]`)")
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="vltflow-postgresql-"))
    data = folder / "data"
    data.mkdir()
    if os.geteuid() == 0:
        for path in (folder, data):
            os.chown(path, int(NOBODY), int(NOBODY))
    new = ["-D", data, "-A", "trust", "-U", "vltflow", "-E", "UTF8", "--no-locale", "--no-sync"]
    subprocess.run(
        _as_server(programs / "initdb", *new), check=True, capture_output=True, cwd=folder
    )
    port = _free_port()
    settings = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "fsync": "off",  # we kill processes, not the power
        "shared_buffers": "32MB",
    }
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    start = _as_server(programs / "postgres", "-D", data, "-p", str(port), *options)
    log = folder / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(start, stdout=output, stderr=output, cwd=folder)
    try:
        address = f"vltflow@127.0.0.1:{port}/postgres"
        _wait_for(server, f"postgresql://{address}", log)
        yield f"postgresql+psycopg://{address}"
    finally:
        server.send_signal(signal.SIGQUIT)
        server.wait()
        shutil.rmtree(folder)


@contextlib.contextmanager
def _database(server: str, options: str) -> Iterator[str]:
    """URL of a database of its own on the server."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} {options}")
        yield server.rpartition("/")[0] + f"/{name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgresql_database(postgresql: str) -> Iterator[str]:
    """URL of an empty database on the server, one a test.

    It sorts texts as English dictionaries do, as many servers in the field.
    """
    english = "TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"
    with _database(postgresql, english) as url:
        yield url


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql: str) -> Iterator[str]:
    """Name of a database with tables and no rows: copied faster than migrated anew."""
    english = "TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"
    with _database(postgresql, english) as url:
        Store(url, "memory://template").close()
        yield url.rpartition("/")[2]


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry with tables and no rows: copied faster than migrated anew."""
    path = tmp_path_factory.mktemp("registry") / "registry.sqlite"
    Store(f"sqlite:///{path}", "memory://template").close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a database without tables; each test that takes it runs on both backends."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/registry.sqlite"
    return str(request.getfixturevalue("postgresql_database"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a database with tables; each test that takes it runs on both backends."""
    if request.param == "sqlite":
        yield _copied(request.getfixturevalue("migrated_sqlite"), tmp_path)
        return
    template = request.getfixturevalue("migrated_postgresql")
    with _database(request.getfixturevalue("postgresql"), f"TEMPLATE {template}") as url:
        yield url


@pytest.fixture
def store(database: str, tmp_path: Path) -> Iterator[Store]:
    """A new store; each test that takes it runs on SQLite and on PostgreSQL."""
    opened = Store(database, str(tmp_path / "vault"))
    yield opened
    opened.close()


@pytest.fixture
def sqlite_store(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Store]:
    """A new store on SQLite alone, for what does not depend on the backend."""
    opened = Store(_copied(migrated_sqlite, tmp_path), str(tmp_path / "vault"))
    yield opened
    opened.close()


def _copied(registry: Path, folder: Path) -> str:
    return f"sqlite:///{shutil.copy(registry, folder / 'registry.sqlite')}"


def _esorex(*plugins: str) -> Esorex:
    """The installed esorex; skips where it, or the plug-in of one of these pipelines, is absent."""
    try:
        found = find_esorex()
    except RunnerMissing as error:
        pytest.skip(f"{error}")
    if absent := sorted(set(plugins) - {one.name for one in found.plugins}):
        packages = " ".join(f"cpl-plugin-{name}" for name in absent)
        pytest.skip(f"{found.path} has no plug-in of {', '.join(absent)}: apt install {packages}")
    return found


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before any fixture runs, look for what `pytest.mark.esorex("uves", ...)` names."""
    for mark in item.iter_markers("esorex"):
        _esorex(*mark.args)


@pytest.fixture(scope="session")
def esorex() -> Esorex:
    """The installed esorex with the plug-in of UVES."""
    return _esorex("uves")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder with real UVES and HARPS data; skips where it is absent."""
    default = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("VLTFLOW_REAL_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder} (set VLTFLOW_REAL_DATA)")
    return folder
