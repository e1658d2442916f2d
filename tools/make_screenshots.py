"""Pictures of every page: a processed site, a real browser, small files.

    python tools/make_screenshots.py SITE [--look FOLDER]

Makes those of the docs, or with `--look` all pages at three widths, light and dark, to look at.
Needs playwright, Chromium and Pillow. Pages are shown as people whose accounts are made for it; so
give a site that may be changed.
"""

from __future__ import annotations

import argparse
import json
import secrets
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from vltflow.core.site import load_site
from vltflow.core.time import now_iso
from vltflow.records import Account, Role
from vltflow.store import Store
from vltflow.web.application import application
from vltflow.web.passwords import hashed
from vltflow.web.service import Service

OUT = Path(__file__).parents[1] / "docs" / "images" / "web"
CHROMIUM = "/usr/bin/chromium"
PORT = 8377
ADDRESS = f"http://127.0.0.1:{PORT}"
TALLEST = 900
COLOURS = 128
WIDTHS = (390, 1000, 1440)
Login = tuple[str, str]
"""Name and password."""
DARK = {"monitor-dark", "phone", "product-phone"}
NARROW = {"phone", "product-phone"}
PEOPLE = {
    "anna": ("Anna Example", Role.QC_SCIENTIST),
    "bert": ("Bert Example", Role.VIEWER),
    "ada": ("Ada Example", Role.ADMIN),
}


def pages(store: Store) -> dict[str, str]:
    """Address of each picture, of the instrument with the most nights."""
    with store.read() as tx:
        instrument = max(
            tx.overview.instruments(), key=lambda one: len(tx.overview.nights(one, 99))
        )
        nights = tx.overview.nights(instrument, 99)
        rows = {night: tx.overview.summaries(instrument, night) for night in nights}
        night = max(nights, key=lambda one: len(rows[one]))
        judged = [row for found in rows.values() for row in found if row.report]
        worst = max(judged, key=lambda row: (not row.decision, row.red, row.name)).name
        arc = max(judged, key=lambda row: (row.raw_type == "ARC_LAMP_BLUE", row.red)).name
        flat = max(judged, key=lambda row: row.raw_type == "FLAT_BLUE").name
        image = tx.products.of_block(flat)[0].name
        value = tx.quality.scores([worst])[worst][0]
        spectra = tx.science.find(instrument=instrument)
        batches = [
            one for campaign in tx.campaigns.all() for one in tx.campaigns.batches(campaign.name)
        ]
    trend = f"parameter={value.parameter}&category={value.category}"
    monitor = f"/monitor/{instrument}/{night}"
    found = {
        "today": "/", "monitor": monitor, "monitor-dark": monitor, "phone": monitor,
        "ab": f"/ab/{arc}", "report": f"/ab/{arc}/report", "log": f"/ab/{arc}/log",
        "desk-list": "/desk", "desk": f"/desk/{worst}", "display": f"/display/{image}",
        "health": f"/health/{instrument}",
        "health-report": f"/health/{instrument}/wave_blue?range=full",
        "qc1": f"/qc1?instrument={instrument}&{trend}",
        "completeness": f"/completeness/{instrument}", "campaigns": "/campaigns",
        "campaign": f"/campaigns/{instrument}", "products": "/products",
        "login": "/login", "profile": "/profile", "accounts": "/accounts",
    }  # fmt: skip
    if batches:
        batch = max(batches, key=lambda one: json.loads(one.numbers).get("science", 0))
        found["batch"] = f"/campaigns/{batch.campaign}/{batch.month}"
    if spectra:
        best = max(spectra, key=lambda one: one.snr or 0.0).name
        found |= {"product": f"/products/{best}", "product-phone": f"/products/{best}"}
    return found


def shoot(context: BrowserContext, address: str, path: Path) -> bool:
    """One picture of few colours, cut below; none if there is no such page."""
    page = context.new_page()
    answer = page.goto(ADDRESS + address, wait_until="networkidle")
    there = answer is not None and answer.status == 200
    if there:
        with tempfile.NamedTemporaryFile(suffix=".png") as raw:
            page.screenshot(path=raw.name, full_page=True)
            with Image.open(raw.name) as picture:
                cut = picture.crop((0, 0, picture.width, min(picture.height, TALLEST)))
                few = cut.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
                few.save(path, optimize=True)
    print(f"{path.name}: {path.stat().st_size // 1000} kB" if there else f"no page {address}")
    page.close()
    return there


@contextmanager
def context(
    browser: Browser, width: int, scheme: str, login: Login | None
) -> Iterator[BrowserContext]:
    """A browser with a screen of its own, logged in if there is a name and password."""
    opened = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    if login:
        page = opened.new_page()
        page.goto(f"{ADDRESS}/login")
        page.fill("[name=name]", login[0])
        page.fill("[name=password]", login[1])
        page.click("button.main")
        page.close()
    yield opened
    opened.close()


def for_docs(browser: Browser, addresses: dict[str, str], password: str) -> None:
    """The pictures of the docs."""
    for name, address in addresses.items():
        width = 390 if name in NARROW else 1200
        scheme = "dark" if name in DARK else "light"
        person = "ada" if name == "accounts" else "anna"
        login = None if name == "login" else (person, password)
        with context(browser, width, scheme, login) as opened:
            shoot(opened, address, OUT / f"{name}.png")


def to_look(browser: Browser, addresses: dict[str, str], password: str, folder: Path) -> None:
    """Every page at every width, light and dark."""
    folder.mkdir(parents=True, exist_ok=True)
    by_address = {address: name for name, address in reversed(addresses.items())}
    for width in WIDTHS:
        for scheme in ("light", "dark"):
            with context(browser, width, scheme, ("ada", password)) as opened:
                for address, name in by_address.items():
                    shoot(opened, address, folder / f"{name}-{width}-{scheme}.png")


def accounts(store: Store) -> str:
    """Password of the people who are shown, a new one each time."""
    password = secrets.token_urlsafe()
    with store.write(by="ada", why="pictures of the pages") as tx:
        for name, (full_name, role) in PEOPLE.items():
            if tx.accounts.find(name) is None:
                tx.accounts.add(Account(name, full_name, role, now_iso()), hashed(password))
            else:
                tx.accounts.set_password(name, hashed(password))
    return password


def main() -> None:
    """Serve the site and take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("site", type=Path)
    parser.add_argument("--look", type=Path, metavar="FOLDER")
    asked = parser.parse_args()
    site = load_site(asked.site)
    store = Store(site.database, site.vault)
    OUT.mkdir(parents=True, exist_ok=True)
    app = application(Service(store, site))
    server = uvicorn.Server(uvicorn.Config(app, port=PORT, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            addresses, password = pages(store), accounts(store)
            if asked.look:
                to_look(browser, addresses, password, asked.look)
            else:
                for_docs(browser, addresses, password)
            browser.close()
    finally:
        server.should_exit = True
        thread.join()
        store.close()


if __name__ == "__main__":
    main()
