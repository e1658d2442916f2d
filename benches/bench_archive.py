"""Archiving thousands of masters of one kind, which share the time among them.

    python benches/bench_archive.py [--counts 1000 3000 10000] [--json PATH]

All masters are certified biases of one setup, a night apart. First all of them arrive at once, then
one more. The time a master must not grow with their number; beside it stands what the registry
takes to write as many products.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

from vltflow import archive
from vltflow.core.time import night_of
from vltflow.instruments import load
from vltflow.records import AssociationBlock, Job, JobState, Product, ProductState
from vltflow.store import Store

FIRST_MJD = 57_000.4
CATEGORY = "MASTER_BIAS_BLUE"


def block(number: int) -> AssociationBlock:
    mjd = FIRST_MJD + number
    return AssociationBlock(
        name=f"UVES.{number}",
        instrument="UVES",
        night=night_of(mjd),
        raw_type="BIAS_BLUE",
        setup="1x1",
        setup_keys='{"DET.WIN1.BINX":1}',
        recipe="uves_cal_mbias",
        grouping="none",
        group_key=str(number),
        frames=(),
        masters=(),
        expected=5,
        complete=True,
        mjd_start=mjd,
        mjd_mid=mjd,
        mjd_end=mjd,
        context="bench",
    )


def job(one: AssociationBlock) -> Job:
    return Job(
        job_id=f"job {one.name}",
        block=one.name,
        revision=1,
        recipe=one.recipe,
        recipe_version="1",
        runner="native",
        parameters="{}",
        input_hash=one.name,
        cores=1,
        memory_mb=1,
        wall_s=1,
        created="2015-02-27T12:00:00.000",
        state=JobState.SUCCEEDED,
    )


def product(one: AssociationBlock) -> Product:
    return Product(
        product_id=f"product {one.name}",
        block=one.name,
        revision=1,
        job_id=f"job {one.name}",
        instrument="UVES",
        night=one.night,
        category=CATEGORY,
        setup=one.setup,
        setup_keys=one.setup_keys,
        mjd=one.mjd_mid,
        file_id="0" * 64,
        size=1,
        name=f"{one.name}.fits",
        created="2015-02-27T12:00:00.000",
        state=ProductState.CERTIFIED,
    )


def add(store: Store, numbers: range) -> float:
    """Register certified products; seconds that the products alone took."""
    blocks = [block(number) for number in numbers]
    with store.write(by="bench", why="bench") as tx:
        tx.blocks.add(blocks)
        tx.jobs.add([job(one) for one in blocks])
    begin = time.perf_counter()
    with store.write(by="bench", why="bench") as tx:
        tx.products.add([product(one) for one in blocks])
    return time.perf_counter() - begin


def measure(count: int) -> dict[str, float]:
    instrument = load("UVES")
    with tempfile.TemporaryDirectory() as name:
        store = Store(f"sqlite:///{name}/registry.sqlite", f"{name}/vault")
        rows_s = add(store, range(count))
        begin = time.perf_counter()
        made = archive.run(store, instrument)
        all_s = time.perf_counter() - begin
        add(store, range(count, count + 1))
        begin = time.perf_counter()
        made += archive.run(store, instrument)
        one_s = time.perf_counter() - begin
        store.close()
    if len(made) != count + 1:
        raise SystemExit(f"only {len(made)} of {count + 1} masters were archived")
    return {"masters": count, "all_s": all_s, "one_more_s": one_s, "rows_s": rows_s}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", type=int, nargs="+", default=[1000, 3000, 10_000])
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    print(f"{'masters':>8} {'s':>7} {'ms each':>8} {'x writing products':>19} {'one more s':>11}")
    rows = []
    for count in given.counts:
        row = measure(count)
        rows.append(row)
        print(
            f"{count:8} {row['all_s']:7.2f} {row['all_s'] / count * 1e3:8.3f}"
            f" {row['all_s'] / row['rows_s']:19.1f} {row['one_more_s']:11.3f}",
            flush=True,
        )
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
