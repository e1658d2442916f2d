"""Products in a real browser: a spectrum that is zoomed, pages that everybody can read."""

import threading
from pathlib import Path

import pytest
import uvicorn

from vltflow.web.application import application

pytestmark = pytest.mark.slow
playwright = pytest.importorskip("playwright.sync_api")
Axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe
CHROMIUM = "/usr/bin/chromium"


@pytest.fixture
def address(shop):
    server = uvicorn.Server(uvicorn.Config(application(shop.service), port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        thread.join(0.05)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def browser():
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no browser: needs {CHROMIUM} (Debian package `chromium`)")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


def test_products_are_read_on_any_screen_and_spectra_zoomed(shop, address, browser):
    paths = ("/products?hidden=yes", "/products?position=north", f"/products/{shop.quasar.name}")
    for width, scheme in ((1400, "light"), (390, "dark")):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page = context.new_page()
        faults = []
        page.on("pageerror", lambda error, faults=faults: faults.append(str(error)))
        for path in paths:
            page.goto(address + path, wait_until="networkidle")
            found = Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        status = page.locator("[data-spectrum] [role=status]")
        playwright.expect(status).to_contain_text("6000 elements, extremes of each bin drawn")
        box = page.locator(".plot.flux .u-over").bounding_box()
        page.mouse.move(box["x"] + 1, box["y"] + 50)
        page.mouse.down()
        page.mouse.move(box["x"] + 20, box["y"] + 50)
        page.mouse.up()
        playwright.expect(status).not_to_contain_text("6000")
        page.fill("[name=start]", "4790")
        page.fill("[name=stop]", "4791")
        page.keyboard.press("Enter")
        playwright.expect(status).to_contain_text("71 elements, each drawn")
        page.fill("[name=start]", "6000")
        page.keyboard.press("Enter")
        playwright.expect(status).to_contain_text("no range of wavelengths")
        page.click("button[name=all]")
        playwright.expect(status).to_contain_text("6000 elements")
        assert faults == []
        context.close()
