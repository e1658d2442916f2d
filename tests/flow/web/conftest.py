"""A real browser at a real server over a processed night."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from vltflow.core.site import load_site
from vltflow.core.time import now_iso
from vltflow.records import Account, Role
from vltflow.store import Store

try:
    from playwright.sync_api import Browser, Page, sync_playwright
except ImportError:
    sync_playwright = None

CHROMIUM = "/usr/bin/chromium"
PASSWORD = "correct horse battery"
PEOPLE = {"anna": Role.QC_SCIENTIST, "bert": Role.QC_SCIENTIST, "ada": Role.ADMIN}


@dataclass
class Server:
    """A server that can be interrupted."""

    site: Path
    port: int = 0
    process: subprocess.Popen[str] | None = None

    def start(self) -> Server:
        command = [sys.executable, "-m", "vltflow", "serve", "--port", str(self.port)]
        self.process = subprocess.Popen(
            [*command, "--site", str(self.site)], stdout=subprocess.PIPE, text=True
        )
        line = self.process.stdout.readline()
        self.port = int(line.partition("127.0.0.1:")[2].partition("/")[0])
        return self

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        ended = self.process.wait(timeout=30)
        self.process.stdout.close()
        return ended

    def address(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if sync_playwright is None or not Path(CHROMIUM).exists():
        pytest.skip(f"no browser: needs playwright and {CHROMIUM} (Debian package `chromium`)")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def web_site(processed_defects: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the day of defects, some of which waits for people, with accounts."""
    site = tmp_path_factory.mktemp("web") / "site"
    shutil.copytree(processed_defects, site)
    opened = load_site(site)
    store = Store(opened.database, opened.vault)
    hashed = PasswordHasher(time_cost=1, memory_cost=64).hash(PASSWORD)
    with store.write(by="test", why="people of a test") as tx:
        for name, role in PEOPLE.items():
            tx.accounts.add(Account(name, name.title(), role, now_iso()), hashed)
    store.close()
    return site


@pytest.fixture(scope="session")
def server(web_site: Path) -> Iterator[Server]:
    running = Server(web_site).start()
    yield running
    running.stop()


@pytest.fixture
def serving() -> Iterator[Callable[[Path], Server]]:
    """Function that starts a server of another site."""
    started = []

    def start(site: Path) -> Server:
        started.append(Server(site).start())
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def store(web_site: Path) -> Iterator[Store]:
    """The store behind the server."""
    opened = load_site(web_site)
    found = Store(opened.database, opened.vault)
    yield found
    found.close()


@pytest.fixture
def open_page(browser: Browser, server: Server) -> Iterator[Callable[..., Page]]:
    """Function that opens a page in a browser of its own, as somebody or nobody."""
    contexts = []

    def opened(path: str, *, person: str = "", width: int = 1400, scheme: str = "light") -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.faults = []
        page.hosts = set()
        page.on(
            "console", lambda said: page.faults.append(said.text) if said.type == "error" else 0
        )
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.on("request", lambda asked: page.hosts.add(asked.url.split("/")[2]))
        if person:
            page.goto(server.address("/login"))
            page.fill("[name=name]", person)
            page.fill("[name=password]", PASSWORD)
            page.click("button.main")
        page.goto(server.address(path))
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def known(web_site: Path) -> dict[str, str]:
    """Names of some ABs and a product of the site."""
    opened = load_site(web_site)
    store = Store(opened.database, opened.vault)
    with store.read() as tx:
        rows = tx.overview.summaries("UVES", "2015-02-26")
        red = [one.name for one in rows if one.red]
        product = tx.products.of_block(red[0])[0].name
    store.close()
    return {"red": red[0], "other": red[1], "third": red[2], "first": rows[0].name} | {
        "product": product
    }
