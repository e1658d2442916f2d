"""A real browser at a real server over a processed night."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from argon2 import PasswordHasher

from vltflow.cli.app import run
from vltflow.core.site import FILE_NAME, load_site
from vltflow.core.time import now_iso
from vltflow.instruments import load
from vltflow.records import Account, Role
from vltflow.simulate import chosen_science, headers_only, simulate_day
from vltflow.simulate.cards import Card
from vltflow.simulate.frame import frame_bytes
from vltflow.store import Store

try:
    from playwright.sync_api import Browser, Page, sync_playwright
except ImportError:
    sync_playwright = None

CHROMIUM = "/usr/bin/chromium"
PASSWORD = "correct horse battery"
NIGHTS = tuple(f"2015-02-{day}" for day in range(20, 27))
SCIENCE_NIGHT, RUNNING_NIGHT, LAST_NIGHT = NIGHTS[4:]
"""UVES takes a window of a quasar; biases, reduced while somebody looks; frames with defects."""
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


def write_week(folder: Path) -> None:
    """Raw frames of three instruments, but for UVES' last night; pixels where they are reduced."""
    for instrument, nights in (("uves", NIGHTS[:4]), ("giraffe", NIGHTS[:6]), ("muse", NIGHTS)):
        write_without_pixels(instrument, nights, folder / instrument)
    simulate_day("giraffe", LAST_NIGHT, folder / "biases", small=True, raw_types=("BIAS",))
    quasar = chosen_science("uves", SCIENCE_NIGHT, ("point",), window=True)
    blue = [one for one in quasar if one.raw_type.endswith("_BLUE")]
    simulate_day("uves", SCIENCE_NIGHT, folder / "science", templates=blue)
    biases = ("BIAS_BLUE", "BIAS_RED")
    simulate_day("uves", RUNNING_NIGHT, folder / "biases", small=True, raw_types=biases)


def write_without_pixels(instrument: str, nights: tuple[str, ...], folder: Path) -> None:
    """Frames with the headers that they have, and next to nothing in them."""
    folder.mkdir(parents=True)
    structure = ("SIMPLE", "BITPIX", "NAXIS", "EXTEND", "BZERO", "BSCALE")
    for record in headers_only(instrument, nights):
        cards = [Card(*item) for item in record.items() if not item[0].startswith(structure)]
        content = frame_bytes([cards], [np.zeros((2, 2), np.uint16)])
        (folder / str(record["ARCFILE"])).write_bytes(content)


@pytest.fixture(scope="session")
def web_site(processed_defects: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A week of three instruments, some of which waits for people, with accounts."""
    site, raw = tmp_path_factory.mktemp("web") / "site", tmp_path_factory.mktemp("week") / "raw"
    shutil.copytree(processed_defects, site)
    write_week(raw)
    here = ["--site", str(site)]
    assert run(["ingest", str(raw), *here]) == 0
    assert run(["night", SCIENCE_NIGHT, "--instrument", "UVES", *here]) == 0
    assert run(["night", LAST_NIGHT, "--instrument", "GIRAFFE", *here]) == 0  # needs esorex to run
    for instrument in ("GIRAFFE", "MUSE"):  # recognised and associated
        assert run(["campaign", "plan", instrument, "--from", LAST_NIGHT[:7], *here]) == 0
    assert run(["campaign", "run", "UVES", "--from", LAST_NIGHT[:7], *here]) == 0
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


@dataclass(frozen=True)
class GatedNight:
    """A night over the store of another site, whose red biases wait until the gate is there."""

    site: Path
    gate: Path

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """The real command, on its own; the gate opens at the end at the latest."""
        night = ["night", RUNNING_NIGHT, "--instrument", "UVES", "--site", str(self.site)]
        paths = [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
        given = {"GATE": str(self.gate), "PYTHONPATH": os.pathsep.join(paths)}
        command = [sys.executable, "-m", "vltflow", *night]
        with subprocess.Popen(command, env=os.environ | given) as process:
            try:
                yield process
            finally:
                self.gate.touch()


@pytest.fixture
def gated_night(web_site: Path, tmp_path: Path) -> GatedNight:
    """UVES' biases are planned, and nothing runs yet."""
    shutil.copytree(load("UVES").folder, tmp_path / "uves")
    recipes = tmp_path / "uves" / "recipes.yaml"
    gated = recipes.read_text().replace("detector.master_bias", "'vltflow_gated:GatedBias'", 1)
    recipes.write_text(gated)
    opened = load_site(web_site)
    (tmp_path / FILE_NAME).write_text(
        f'[store]\ndatabase = "{opened.database}"\nvault = "{opened.vault}"\n'
        '[process]\ncores = 4\nmemory_mb = 8000\n[instruments]\nUVES = "uves"\n'
    )
    return GatedNight(tmp_path, tmp_path / "gate")


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
    """Names of some ABs and products of the site."""
    opened = load_site(web_site)
    store = Store(opened.database, opened.vault)
    with store.read() as tx:
        rows = tx.overview.summaries("UVES", LAST_NIGHT)
        red = [one.name for one in rows if one.red]
        image = tx.products.of_block(red[0])[0].name
        spectrum = tx.science.find()[0].name
    store.close()
    abs_ = dict(zip(("red", "other", "third"), red, strict=False)) | {"first": rows[0].name}
    return abs_ | {"image": image, "spectrum": spectrum}
