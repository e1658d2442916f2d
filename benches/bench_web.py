"""How fast pages are, how large, and whether they stay so when the store grows.

Run: ``python benches/bench_web.py [--sizes 10000,1000000] [--chromium /usr/bin/chromium]``.
Times are medians in milliseconds of CPU, of the whole request in this process (others may use the
machine), in the browser of the clock; one night has 500 ABs.
"""

# ruff: noqa: E501 - rows of tables stand on one line
from __future__ import annotations

import argparse
import gzip
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import uvicorn
from starlette.testclient import TestClient

from vltflow.core.site import Site
from vltflow.store import Store
from vltflow.web.application import application
from vltflow.web.service import Service

NIGHT_SIZE = 500
INSTRUMENTS = ("UVES", "GIRAFFE", "MUSE")
ROUNDS = 9
PORT = 8378


def nights(count: int) -> Iterator[tuple[str, str, float]]:
    """Instrument, night and MJD of each full night."""
    first = date(2010, 1, 1)
    for number in range(count // NIGHT_SIZE):
        instrument = INSTRUMENTS[number % len(INSTRUMENTS)]
        night = first + timedelta(days=number // len(INSTRUMENTS))
        yield instrument, night.isoformat(), 55197.5 + number // len(INSTRUMENTS)


def fill(path: Path, count: int) -> None:
    """Rows as the house leaves them, straight into the file: frames, ABs, jobs, scores, verdicts."""
    database = sqlite3.connect(path)
    database.execute("PRAGMA synchronous = OFF")
    database.execute("INSERT INTO setup VALUES (1, '1x1', '{}')")
    job = product = 0
    for instrument, night, mjd in nights(count):
        rows: dict[str, list[tuple[object, ...]]] = {}
        for place in range(NIGHT_SIZE):
            job += 1
            name = f"{instrument}.{night}T{place:06d}.000_tpl"
            raw_type = "DARK_BLUE" if place % 5 == 2 else "BIAS_BLUE"
            at = mjd + place / 1000
            done = place % 5 > 0
            state, decision = ("SUCCEEDED", "AUTO") if done else ("BLOCKED", "")
            if place % 100 == 1:
                decision = ""
            rows.setdefault("frame", []).append(
                (
                    job,
                    f"{job:064x}",
                    f"F{job}",
                    instrument,
                    "/x",
                    1,
                    at,
                    night,
                    1.0,
                    "BIAS_BLUE",
                    1,
                    name,
                    1,
                    1,
                    0,
                )
            )
            rows.setdefault("block", []).append(
                (
                    name,
                    instrument,
                    night,
                    raw_type,
                    1,
                    "uves_cal_mbias",
                    "tpl",
                    name,
                    1,
                    True,
                    at,
                    at,
                    at,
                    "c",
                    1,
                    state,
                    "" if done else "no MASTER_BIAS_BLUE within 30 days",
                    decision,
                )
            )
            if not done:
                continue
            rows.setdefault("job", []).append(
                (
                    job,
                    f"j{job}",
                    name,
                    1,
                    "r",
                    "1",
                    "native",
                    "{}",
                    "h",
                    1,
                    1,
                    1,
                    "",
                    1,
                    "SUCCEEDED",
                    2.5,
                    "f" * 64,
                )
            )
            product += 1
            rows.setdefault("product", []).append(
                (
                    product,
                    f"p{product}",
                    name,
                    1,
                    f"j{job}",
                    instrument,
                    night,
                    "MASTER_BIAS_BLUE",
                    1,
                    at,
                    "f" * 64,
                    1,
                    f"P{product}",
                    "",
                    "CERTIFIED",
                )
            )
            rows.setdefault("report", []).append((name, 1, "f" * 64, "", 1.5))
            rows.setdefault("score", []).extend(
                (name, 1, "M", f"QC {n}", 1.0, 0.0, 2.0, "green", "FIXED", "") for n in range(2)
            )
            rows.setdefault("qc_value", []).append(
                (
                    product,
                    name,
                    1,
                    f"p{product}",
                    instrument,
                    night,
                    "BIAS_BLUE",
                    1,
                    "MASTER_BIAS_BLUE",
                    "QC RON",
                    1.0,
                    "ADU",
                    at,
                )
            )
            if decision:
                rows.setdefault("verdict", []).append(
                    (job, name, 1, "AUTO", "certify", "green", "")
                )
        rows["event"] = [
            (None, "2015", "x", "block", row[0], "created, PLANNED", "") for row in rows["block"]
        ]
        for table, values in rows.items():
            columns = COLUMNS.get(table, "")
            marks = ",".join("?" * len(values[0]))
            database.executemany(f"INSERT INTO {table} {columns} VALUES ({marks})", values)
    database.commit()
    database.execute("ANALYZE")
    database.commit()
    database.close()


COLUMNS = {
    "frame": "(number, frame_id, name, instrument, location, size, mjd_obs, night, exptime, raw_type, "
    "setup_number, block, tpl_nexp, tpl_expno, obs_id)",
    "block": "(name, instrument, night, raw_type, setup_number, recipe, grouping, group_key, expected, "
    "complete, mjd_start, mjd_mid, mjd_end, context, revision, state, problem, decision)",
    "job": "(number, job_id, block, revision, recipe, recipe_version, runner, parameters, input_hash, "
    "cores, memory_mb, wall_s, created, attempt, state, elapsed_s, log_file)",
    "product": "(number, product_id, block, revision, job_id, instrument, night, category, setup_number, "
    "mjd, file_id, size, name, created, state)",
}


def milliseconds(work: Callable[[], object]) -> float:
    """Median time of some rounds, after one that warms."""
    work()
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        times.append(1e3 * (time.process_time() - start))
    return statistics.median(times)


def change(store: Store, names: list[str]) -> None:
    """Twenty rows change."""
    with store.write(by="bench", why="a change") as tx:
        for name in names:
            tx.blocks.set_problem(name, str(time.perf_counter()))


def measure(folder: Path, count: int, chromium: str) -> dict[str, float]:
    """All numbers for a store with some ABs."""
    database = f"sqlite:///{folder}/registry.sqlite"
    Store(database, str(folder / "vault")).close()
    start = time.perf_counter()
    fill(folder / "registry.sqlite", count)
    print(f"{count} ABs written in {time.perf_counter() - start:.0f} s")
    store = Store(database, str(folder / "vault"))
    app = application(Service(store, Site(folder, database, str(folder / "vault"), 1, 1000)))
    client = TestClient(app, base_url="https://localhost")
    instrument, night, _ = [one for one in nights(count) if one[0] == INSTRUMENTS[0]][-1]
    monitor = f"/monitor/{instrument}/{night}"
    names = [row["ab"] for row in client.get(f"/api{monitor}").json()["rows"]]
    found = {}
    for title, path in {
        "today": "/", "monitor": monitor, "monitor json": f"/api{monitor}",
        "ab": f"/ab/{names[2]}", "desk json": "/api/desk",
        "nothing new": f"{monitor}/changes?since={client.get(f'/api{monitor}').json()['event']}",
    }.items():  # fmt: skip
        if title == "desk json" and count > 20_000:
            continue  # a thousandth of all ABs waits here: no store would be left like that
        found[title] = milliseconds(lambda path=path: client.get(path))
    since = client.get(f"/api{monitor}").json()["event"]
    change(store, names[:20])
    update = client.get(f"{monitor}/changes?since={since}")
    found["20 changed rows"] = milliseconds(lambda: client.get(f"{monitor}/changes?since={since}"))
    found["20 changed rows, kB"] = len(update.content) / 1e3
    page = client.get(monitor)
    found["monitor, kB"] = len(page.content) / 1e3
    found["monitor, kB packed"] = len(gzip.compress(page.content, 6)) / 1e3
    if chromium:
        found |= in_browser(app, monitor, chromium)
    store.close()
    return found


def in_browser(app: object, monitor: str, chromium: str) -> dict[str, float]:
    """Until 500 rows are on the screen, and all bytes that came over the line."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - seldom needed

    server = uvicorn.Server(uvicorn.Config(app, port=PORT, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        times, sent = [], 0
        for _ in range(5):
            context = browser.new_context()
            page = context.new_page()
            session = context.new_cdp_session(page)
            session.send("Network.enable")
            amounts: list[float] = []
            session.on(
                "Network.loadingFinished", lambda e, a=amounts: a.append(e["encodedDataLength"])
            )
            start = time.perf_counter()
            page.goto(f"http://127.0.0.1:{PORT}{monitor}")
            assert page.locator("tbody tr").count() == NIGHT_SIZE
            times.append(1e3 * (time.perf_counter() - start))
            sent = sum(amounts)
            context.close()
        browser.close()
    server.should_exit = True
    thread.join()
    return {"monitor in a browser": statistics.median(times), "all it loads, kB": sent / 1e3}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="10000")
    parser.add_argument("--chromium", default="")
    options = parser.parse_args()
    columns: dict[int, dict[str, float]] = {}
    for size in map(int, options.sizes.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            columns[size] = measure(Path(folder), size, options.chromium)
    print(f"{'':<24}" + "".join(f"{size:>12}" for size in columns))
    for title in next(iter(columns.values())):
        numbers = (column.get(title) for column in columns.values())
        print(f"{title:<24}" + "".join(f"{'' if n is None else f'{n:.1f}':>12}" for n in numbers))


if __name__ == "__main__":
    main()
