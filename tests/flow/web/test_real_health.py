"""Ten years of an instrument that a person can read: real headers on the Health page."""

import re

import pytest
from starlette.testclient import TestClient

from vltflow.cli.app import run as run_command
from vltflow.core.site import create_site, load_site
from vltflow.store import Store
from vltflow.web.application import application
from vltflow.web.service import Service

pytestmark = pytest.mark.slow
HEADERS = "uves/line_table_headers/wpol_primary_headers.json.gz"
REPORT = "/health/UVES/wave_blue?range=full"
PLOTS = "/api/health/UVES/wave_blue"


@pytest.fixture(scope="module")
def real_site(real_data, tmp_path_factory):
    site = create_site(tmp_path_factory.mktemp("real") / "site", cores=2, memory_mb=1000)
    given = ["--site", str(site.folder)]
    assert run_command(["qc", "import", str(real_data / HEADERS), *given]) == 0
    note = ["health", "annotate", "UVES", "2011-06-15", "grating realigned"]
    assert run_command([*note, *given]) == 0
    return site.folder


@pytest.fixture(scope="module")
def client(real_site):
    site = load_site(real_site)
    store = Store(site.database, site.vault)
    yield TestClient(application(Service(store, site)), base_url="https://localhost")
    store.close()


@pytest.mark.parametrize(
    ("number", "parameter", "median", "least_height"),
    [
        (3, "QC RESOLMED", 61_400.0, 0.25),
        (5, "QC FWHMMED", 3.114, 0.6),
        (6, "QC LINE RESIDRMS", 0.04935, 0.6),
    ],
)
def test_real_trends_fill_the_plot(client, number, parameter, median, least_height):
    plot = client.get(f"{PLOTS}/{number}?range=full").json()
    (series,) = plot["series"]
    assert series["parameter"] == parameter
    assert series["total"] == len(series["value"]) == 26
    assert series["average"] == pytest.approx(median, rel=1e-3)
    assert series["time"] == sorted(series["time"])
    low, high = plot["view"]
    assert (max(series["value"]) - min(series["value"])) / (high - low) > least_height
    assert [event["text"] for event in plot["events"]] == ["grating realigned"]


def test_real_resolving_power_falls_with_the_width_of_the_lines(client):
    plot = client.get(f"{PLOTS}/9?range=full").json()
    assert plot["total"] == 26
    assert plot["coefficient"] < -0.9


def test_a_file_of_a_plot_holds_its_data_set_alone(client):
    lines = client.get(f"{PLOTS}/3/1.csv?range=full").text.splitlines()
    assert len(lines) == 1 + 26
    assert len(client.get(f"{PLOTS}/1/1.csv?range=full").text.splitlines()) == 1


def test_a_close_up_by_mouse_draws_its_part_and_a_double_click_all(real_site, browser, serving):
    page = browser.new_page(viewport={"width": 1024, "height": 900})
    page.goto(serving(real_site).address(REPORT))
    box = page.locator("[data-health]").nth(5)
    total = page.locator("[data-total]").nth(5)
    box.scroll_into_view_if_needed()
    page.wait_for_load_state("networkidle")
    box.scroll_into_view_if_needed()
    area = box.locator(".u-over").bounding_box()
    across, down = area["x"] + area["width"], area["y"] + 40
    page.mouse.move(across - 5, down)
    page.mouse.down()
    page.mouse.move(across - 60, down)
    page.mouse.move(across - 100, down)
    page.mouse.up()
    page.wait_for_function(
        "n => document.querySelectorAll('[data-total]')[5].textContent === n", arg="6"
    )
    box.dblclick(position={"x": 400, "y": 100})
    page.wait_for_function(
        "n => document.querySelectorAll('[data-total]')[5].textContent === n", arg="26"
    )
    box.focus()
    page.keyboard.press("ArrowRight")
    reading = page.locator("[data-reading]").nth(5)
    assert re.search(r"blue 0\.0\d+ .* historical, no AB", reading.inner_text())
    assert total.inner_text() == "26"
    page.close()
