"""The web over a store with a few ABs of a small instrument."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from starlette.testclient import TestClient

from vltflow.core.site import Site
from vltflow.core.time import now_iso
from vltflow.instruments import Instrument
from vltflow.records import (
    Account,
    Colour,
    QcValue,
    Role,
    ScienceProduct,
    ScienceState,
    Score,
)
from vltflow.store import Store
from vltflow.web.application import application
from vltflow.web.service import Service

NIGHT = "2015-02-26"
PASSWORD = "correct horse battery"
ADDRESS = "https://localhost"
_HASH = PasswordHasher(time_cost=1, memory_cost=64).hash(PASSWORD)
"""Cheap: the cost of real ones is of no interest here."""
NAMES = {"vera": Role.VIEWER, "anna": Role.QC_SCIENTIST, "otto": Role.OPERATOR, "ada": Role.ADMIN}


@dataclass(frozen=True)
class LampService(Service):
    """A service that knows the small instrument of the tests."""

    lamp: Instrument | None = field(default=None)

    def instrument(self, name: str) -> Instrument:
        return self.lamp if name == "LAMP" and self.lamp else super().instrument(name)


@dataclass
class Web:
    """A client, and what it talks to."""

    service: Service
    client: TestClient
    quasar: ScienceProduct | None = None
    """Of the fixture `shop`, the second version; it has the score bit 3."""
    star: ScienceProduct | None = None
    file: bytes = b""
    """Of the first."""
    api: str = ""

    @property
    def store(self) -> Store:
        return self.service.store

    def get(self, path: str, **options: Any) -> Any:
        return self.client.get(path, **options)

    def text(self, path: str, status: int = 200) -> str:
        answer = self.client.get(path)
        assert answer.status_code == status, answer.text
        return answer.text

    def login(self, name: str, password: str = PASSWORD, **fields: str) -> Any:
        secret = re.search(r'name="secret" value="([^"]+)"', self.text("/login"))
        data = {"name": name, "password": password, "secret": secret[1]} | fields
        return self.client.post("/login", data=data, follow_redirects=False)

    def csrf(self) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self.text("/"))
        return found[1] if found else ""

    def post(self, path: str, **data: Any) -> Any:
        values = {"csrf": self.csrf()} | data
        return self.client.post(path, data=values, follow_redirects=False)


def client_of(service: Service) -> TestClient:
    return TestClient(application(service), base_url=ADDRESS)


@pytest.fixture
def service(store: Store, tmp_path: Path, small_instrument: Instrument) -> LampService:
    site = Site(tmp_path, store.database, str(tmp_path / "vault"), 1, 1000)
    return LampService(store, site, lamp=small_instrument)


@pytest.fixture
def web(service: LampService) -> Web:
    with service.store.write(by="admin", why="a test") as tx:
        for name, role in NAMES.items():
            tx.accounts.add(Account(name, name.title(), role, now_iso()), _HASH)
    return Web(service, client_of(service))


@pytest.fixture
def routes(web: Web) -> set[tuple[str, str]]:
    """Method and path, with its parameters in braces, of everything that the web answers."""
    parts = [getattr(one, "original_router", None) for one in web.client.app.routes]
    inner = [one for part in parts if part for one in part.routes]
    found = [one for one in (*web.client.app.routes, *inner) if hasattr(one, "methods")]
    return {(method, one.path) for one in found for method in one.methods}


@pytest.fixture
def another() -> Callable[..., Web]:
    """Function that gives another browser at the same service, or at one with changes."""

    def open_another(web: Web, **changes: Any) -> Web:
        service = replace(web.service, **changes) if changes else web.service
        return Web(service, client_of(service))

    return open_another


@pytest.fixture
def shop(web: Web, science_site: Any, published_once: Any) -> Web:
    """A web over science products of two targets; the first has two versions."""
    found, content = published_once
    for number in (0, 1):
        science_site.science(number, layout="table")
    with web.store.write(by="publish", why="made for a test") as tx:
        for file_id, kept in content.items():
            assert web.store.vault.put_bytes(kept) == file_id
        for one in sorted(found, key=lambda product: product.version):
            inputs = tuple(made.product_id for made in tx.products.of_block(one.block))
            tx.science.publish(
                replace(one, inputs=inputs, state=ScienceState.PUBLISHED, problem="")
            )
        web.quasar, web.star = tx.science.find()
    web.file = content[web.quasar.file_id]
    web.api = f"/api/science/{web.quasar.name}"
    return web


@pytest.fixture
def add_judged(add_block: Callable[..., Any]) -> Callable[..., Any]:
    """Function that adds an AB with a QC report, a value and a score, and waits for a person."""

    def add(store: Store, name: str, *, colour: Colour = Colour.RED, **options: Any) -> Any:
        made = add_block(store, name, **options)
        product = made.products[0]
        value = QcValue(
            name, 1, product.product_id, "LAMP", made.block.night, made.block.raw_type,
            made.block.setup, product.category, "QC RON", 5.0, "ADU", made.block.mjd_mid,
        )  # fmt: skip
        score = Score(
            name, 1, product.category, "QC RON", 5.0, 1.0, 4.0, colour, "FIXED", "5 is too high"
        )
        with store.write(by="qc", why="made for a test") as tx:
            report = store.vault.put_bytes(b"<p>kept</p>")
            tx.quality.add_values([value])
            tx.quality.set_scores(name, 1, [score])
            tx.quality.set_report(name, 1, report, now_iso(), elapsed_s=1.5)
        return made

    return add


@pytest.fixture
def change_block() -> Callable[..., None]:
    """Function that gives an AB another problem, as a room would."""

    def change(store: Store, name: str, problem: str) -> None:
        with store.write(by="test", why="made for a test") as tx:
            tx.blocks.set_problem(name, problem)

    return change
