"""How fast pages are, how large, and whether they stay so when the store grows.

    python benches/bench_web.py [--sizes 10000,100000 | --large] [--postgresql URL]
                                [--chromium /usr/bin/chromium] [--readers 50]

Times are medians in milliseconds of CPU, of the whole request in this process (others may use the
machine); of the database server on PostgreSQL, and in the browser, of the clock. One night has 500
ABs; an AB with products has 25 QC1 values. `--large` is 10,000 and 1,000,000 ABs: 20 million
values, which takes some minutes and 12 GB of disk. A registry of PostgreSQL must be empty: its
schema is dropped for each size. `--readers` measures what people who read take from a night.
"""

from __future__ import annotations

import argparse
import gzip
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import uvicorn
from fill_web import INSTRUMENTS, NIGHT_SIZE, fill, nights
from readers_web import compare
from sqlalchemy import create_engine, text
from starlette.testclient import TestClient

from vltflow.core.site import Site
from vltflow.store import Store
from vltflow.web.application import application
from vltflow.web.service import Service

ROUNDS = 9
PORT = 8378
_LONGEST_MS = 120_000
POINTS = 100_000
"""Values in one Health Check plot."""
PLOT = "/api/health/UVES/wave_blue/5?range=full&columns=1400"
PAIRS = "/api/health/UVES/wave_blue/9?range=full"
"""One parameter over another, for as many ABs."""
QC1 = "instrument=UVES&category=LINE_TABLE_BLUE&parameter=QC+FWHMMED"
_YEAR = (1104537600, 1136073600)
"""One year of ten, seconds since 1970."""
CLOSE = f"&start={_YEAR[0]}&end={_YEAR[1]}"


def milliseconds(work: Callable[[], object], clock: Callable[[], float]) -> float:
    """Median time of some rounds, after one that warms."""
    work()
    times = []
    for _ in range(ROUNDS):
        start = clock()
        work()
        times.append(1e3 * (clock() - start))
    return statistics.median(times)


def change(store: Store, names: list[str]) -> None:
    """Twenty rows change."""
    with store.write(by="bench", why="a change") as tx:
        for name in names:
            tx.blocks.set_problem(name, str(time.perf_counter()))


def measure(folder: Path, count: int, database: str, chromium: str) -> dict[str, float]:
    """All numbers for a store with some ABs."""
    database = _emptied(database) if database else f"sqlite:///{folder}/registry.sqlite"
    clock = time.perf_counter if database.startswith("postgresql") else time.process_time
    Store(database, str(folder / "vault")).close()
    start = time.perf_counter()
    fill(database, count, POINTS)
    print(f"{count} ABs written in {time.perf_counter() - start:.0f} s", flush=True)
    store = Store(database, str(folder / "vault"))
    service = Service(store, Site(folder, database, str(folder / "vault"), 1, 1000))
    app = application(service)
    client = TestClient(app, base_url="https://localhost")

    def cold(path: str) -> None:
        service.shared.__init__()  # as after any event: nothing is known
        assert client.get(path).status_code in {200, 204}, path

    instrument, night = [one[1:3] for one in nights(count) if one[1] == INSTRUMENTS[0]][-1]
    monitor = f"/monitor/{instrument}/{night}"
    known = client.get(f"/api{monitor}").json()
    names = [row["ab"] for row in known["rows"]]
    since = known["event"]
    found = {
        title: milliseconds(lambda path=path: cold(path), clock)
        for title, path in pages(monitor, names[2], since).items()
    }
    client.get(PLOT)
    found["health plot, asked again"] = milliseconds(lambda: client.get(PLOT), clock)
    change(store, names[:20])
    update = f"{monitor}/changes?since={since}"
    found["20 changed rows"] = milliseconds(lambda: cold(update), clock)
    found["20 changed rows, kB"] = len(client.get(update).content) / 1e3
    page = client.get(monitor)
    found["monitor, kB"] = len(page.content) / 1e3
    found["monitor, kB packed"] = len(gzip.compress(page.content, 6)) / 1e3
    if chromium:
        found |= in_browser(app, monitor, chromium)
    store.close()
    return found


def pages(monitor: str, ab: str, since: int) -> dict[str, str]:
    """Pages by what they are."""
    return {
        "today": "/",
        "monitor": monitor,
        "monitor json": f"/api{monitor}",
        "nothing new": f"{monitor}/changes?since={since}",
        "ab": f"/ab/{ab}",
        "qc report": f"/ab/{ab}/report",
        "desk": "/desk",
        "health of all": "/health",
        "health": "/health/UVES",
        "health report": "/health/UVES/bias_blue",
        "health plot, 100,000": PLOT,
        "health plot, one year": PLOT + CLOSE,
        "health plot, 90 days": "/api/health/UVES/bias_blue/1",
        "correlation of 100,000": PAIRS,
        "qc1 form": "/qc1?instrument=UVES",
        "qc1 page, 100,000": f"/qc1?{QC1}",
        "qc1 plot, 100,000": f"/api/qc1?{QC1}&columns=1400",
        "qc1 plot, one year": f"/api/qc1?{QC1}&columns=1400&since={_YEAR[0]}&until={_YEAR[1]}",
        "products": "/products",
        "products of a target": "/products?target=T77",
        "products in a circle": "/products?position=10.0+10.0&radius=1",
    }


def _emptied(url: str) -> str:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return url


def in_browser(app: object, monitor: str, chromium: str) -> dict[str, float]:
    """Until 500 rows, and until 100,000 points are on the screen; after an event each time."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - seldom needed

    server = uvicorn.Server(uvicorn.Config(app, port=PORT, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    times: dict[str, list[float]] = {}
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            for _ in range(5):
                page = browser.new_context(viewport={"width": 1400, "height": 900}).new_page()
                app.state.service.shared.__init__()
                for title, value in (*_monitor(page, monitor), *_plots(page)):
                    times.setdefault(title, []).append(value)
                page.context.close()
            browser.close()
    finally:
        server.should_exit = True
        thread.join()
    return {title: statistics.median(values) for title, values in times.items()}


def _monitor(page: object, monitor: str) -> list[tuple[str, float]]:
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    amounts: list[float] = []
    session.on("Network.loadingFinished", lambda done: amounts.append(done["encodedDataLength"]))
    start = time.perf_counter()
    page.goto(f"http://127.0.0.1:{PORT}{monitor}")
    assert page.locator("tbody tr").count() == NIGHT_SIZE
    taken = 1e3 * (time.perf_counter() - start)
    return [("monitor in a browser", taken), ("all it loads, kB", sum(amounts) / 1e3)]


def _plots(page: object) -> list[tuple[str, float]]:
    """First draw and close-up of 100,000 values, from the request, as the browser itself tells."""
    page.goto(f"http://127.0.0.1:{PORT}/health/UVES/wave_blue?range=full")
    boxes = page.locator("[data-health]")
    found = [("health plot drawn", _drawn(boxes.nth(4)))]
    found += [("health close-up drawn", _closer(page, boxes.nth(4)))]
    found += [("correlation drawn", _drawn(boxes.nth(8)))]
    page.goto(f"http://127.0.0.1:{PORT}/qc1?{QC1}")
    found += [("qc1 plot drawn", _drawn(boxes.first))]
    return [*found, ("qc1 close-up drawn", _closer(page, boxes.first))]


def _drawn(box: object) -> float:
    """Milliseconds that a plot took, when it is drawn."""
    box.scroll_into_view_if_needed()
    drawn = "(box) => box.dataset.drawn"
    box.page.wait_for_function(drawn, arg=box.element_handle(), timeout=_LONGEST_MS)
    return float(box.evaluate(drawn))


def _closer(page: object, box: object) -> float:
    """Drag over a tenth of a plot, once no other plot that comes into sight moves it any more."""
    before, area = None, _place(box)
    while area != before:
        page.wait_for_load_state("networkidle")
        before, area = area, _place(box)
    across, down = area["x"] + 0.4 * area["width"], area["y"] + 60
    box.evaluate("(box) => { box.dataset.drawn = ''; }")
    page.mouse.move(across, down)
    page.mouse.down()
    page.mouse.move(across + 0.1 * area["width"], down, steps=5)
    page.mouse.up()
    return _drawn(box)


def _place(box: object) -> dict[str, float]:
    box.scroll_into_view_if_needed()
    box.page.wait_for_timeout(300)
    return box.locator(".u-over").bounding_box()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="10000,100000")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--postgresql", default="", help="URL of a database to be emptied")
    parser.add_argument("--chromium", default="")
    parser.add_argument("--readers", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=300, help="of the night that is read")
    options = parser.parse_args()
    if options.readers:
        with tempfile.TemporaryDirectory() as folder:
            compare(Path(folder), options.readers, options.jobs)
        return
    columns: dict[int, dict[str, float]] = {}
    for size in (10_000, 1_000_000) if options.large else map(int, options.sizes.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            found = measure(Path(folder), size, options.postgresql, options.chromium)
            columns[size] = found
    print(f"{'':<28}" + "".join(f"{size:>12}" for size in columns))
    for title in next(iter(columns.values())):
        numbers = (column[title] for column in columns.values())
        print(f"{title:<28}" + "".join(f"{number:>12.1f}" for number in numbers))


if __name__ == "__main__":
    main()
