"""Screenshots of every page for the docs: a processed site, a real browser, small files.

Use: ``python tools/make_screenshots.py SITE``; needs playwright, Chromium and Pillow.
"""

from __future__ import annotations

import sys
import tempfile
import threading
from pathlib import Path

import uvicorn
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from vltflow.core.site import load_site
from vltflow.store import Store
from vltflow.web.application import application
from vltflow.web.service import Service

OUT = Path(__file__).parents[1] / "docs" / "images" / "web"
CHROMIUM = "/usr/bin/chromium"
PORT = 8377
TALLEST = 900
COLOURS = 200


def pages(store: Store) -> dict[str, tuple[str, int, str]]:
    """Address, width and scheme of each picture, for the first AB that waits or was scored."""
    with store.read() as tx:
        instrument = tx.overview.instruments()[0]
        night = tx.overview.nights(instrument, 1)[0]
        rows = tx.overview.summaries(instrument, night)
        chosen = max((row for row in rows if row.report), key=lambda row: row.red)
        product = tx.products.of_block(chosen.name)[0]
        value = tx.quality.scores([chosen.name])[chosen.name][0]
    trend = f"/trend/{instrument}?parameter={value.parameter}&category={value.category}"
    qc1 = trend.replace(f"/trend/{instrument}?", f"/qc1?instrument={instrument}&")
    monitor = f"/monitor/{instrument}/{night}"
    return {
        "today": ("/", 1200, "light"),
        "monitor": (monitor, 1400, "light"),
        "monitor-dark": (monitor, 1400, "dark"),
        "phone": (monitor, 390, "dark"),
        "ab": (f"/ab/{chosen.name}", 1400, "light"),
        "report": (f"/ab/{chosen.name}/report", 1200, "light"),
        "log": (f"/ab/{chosen.name}/log", 1200, "light"),
        "trend": (trend, 1200, "light"),
        "health": (f"/health/{instrument}", 1200, "light"),
        "health-report": (f"/health/{instrument}/bias_blue", 1200, "light"),
        "qc1": (qc1, 1200, "dark"),
        "display": (f"/display/{product.name}", 1200, "light"),
        "desk": (f"/desk/{chosen.name}", 1200, "light"),
        "desk-list": ("/desk", 1200, "light"),
        "login": ("/login", 800, "light"),
    }


def shoot(browser: Browser, name: str, address: str, width: int, scheme: str) -> None:
    """One picture, with few colours."""
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{PORT}{address}", wait_until="networkidle")
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "page.png"
        page.screenshot(path=raw, full_page=True)
        with Image.open(raw) as picture:
            cut = picture.crop((0, 0, picture.width, min(picture.height, TALLEST)))
            few = cut.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
            few.save(OUT / f"{name}.png", optimize=True)
    context.close()
    print(f"{name}: {(OUT / f'{name}.png').stat().st_size // 1000} kB")


def main() -> None:
    """Serve the site and take all pictures."""
    site = load_site(Path(sys.argv[1]))
    store = Store(site.database, site.vault)
    OUT.mkdir(parents=True, exist_ok=True)
    app = application(Service(store, site))
    server = uvicorn.Server(uvicorn.Config(app, port=PORT, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            for name, (address, width, scheme) in pages(store).items():
                shoot(browser, name, address, width, scheme)
            browser.close()
    finally:
        server.should_exit = True
        thread.join()
        store.close()


if __name__ == "__main__":
    main()
