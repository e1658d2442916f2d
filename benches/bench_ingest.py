"""How fast raw frames are registered: walk, read, hash, scan, rules, commit.

Run ``python benches/bench_ingest.py [--json PATH] [--small]``. Header-sized files (350 cards,
no pixels) at N and 10 N, then full-size frames. The limit is reading and hashing the same bytes
in one process and, for full-size frames, in as many processes as ingestion uses. The header cards
are as in a night: a quarter has values of its own in each frame; then all of them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from vltflow import ingest
from vltflow.core.time import iso_from_mjd
from vltflow.instruments.model import (
    AssociationFile,
    ClassificationFile,
    Instrument,
    InstrumentFile,
    QcFile,
    RecipesFile,
    ScoresFile,
)
from vltflow.store import Store

CARDS = 350
FIRST_MJD = 57_000.0


def instrument() -> Instrument:
    header = {
        "name": "UVES",
        "title": "bench",
        "prefix": "UV",
        "instrume": ["UVES"],
        "mandatory": ["INSTRUME", "MJD-OBS", "EXPTIME", "DPR.CATG", "DPR.TYPE", "DPR.TECH"],
        "detectors": {},
    }
    return Instrument(
        header=InstrumentFile.model_validate(header),
        classification=ClassificationFile(rules=()),
        association=AssociationFile(raw_types={}),
        recipes=RecipesFile(recipes={}),
        qc=QcFile(parameters=()),
        scores=ScoresFile(thresholds=()),
        context="bench",
        folder="",
    )


def header_bytes(number: int, distinct: float, shape: tuple[int, ...]) -> bytes:
    mjd = FIRST_MJD + number / 1440
    axes = [f"NAXIS{axis + 1}  = {length}" for axis, length in enumerate(reversed(shape))]
    cards = ["SIMPLE  = T", "BITPIX  = 16", f"NAXIS   = {len(shape)}", *axes]
    cards += [
        *("BZERO   = 32768.0", "INSTRUME= 'UVES'", f"MJD-OBS = {mjd!r} / Start"),
        *(f"DATE-OBS= '{iso_from_mjd(mjd)}'", "EXPTIME = 0.0 / Integration time"),
        f"ARCFILE = 'UVES.{iso_from_mjd(mjd)}.fits'",
        *("HIERARCH ESO DPR CATG = 'CALIB'", "HIERARCH ESO DPR TYPE = 'BIAS'"),
        *("HIERARCH ESO DPR TECH = 'IMAGE'", f"HIERARCH ESO TPL START = '{iso_from_mjd(mjd)}'"),
    ]
    own, shared = random.Random(number), random.Random(0)
    while len(cards) < CARDS:
        values = own if shared.random() < distinct else shared
        value = (values.randrange(10**6), f"{values.uniform(-9, 9):.5f}", f"'{values.random()}'")
        name = f"HIERARCH ESO {shared.choice(['DET', 'INS', 'TEL'])} PART{len(cards)} VAL"
        cards.append(f"{name} = {value[len(cards) % 3]} / what it means")
    text = "".join(card[:80].ljust(80) for card in [*cards, "END"])
    return text.encode().ljust(-(-len(text) // 2880) * 2880)


def write_files(folder: Path, count: int, distinct: float, shape: tuple[int, ...]) -> int:
    pixels = b""
    if shape:
        values = np.random.default_rng(1).normal(-32568, 3, shape).astype(">i2").tobytes()
        pixels = values.ljust(-(-len(values) // 2880) * 2880, b"\0")
    total = 0
    for number in range(count):
        place = folder / f"{number // 1000:04}"
        place.mkdir(parents=True, exist_ok=True)
        content = header_bytes(number, distinct, shape) + pixels
        (place / f"frame{number:07}.fits").write_bytes(content)
        total += len(content)
    return total


def read_and_hash(paths: list[Path]) -> None:
    buffer = memoryview(bytearray(1 << 19))
    for path in paths:
        digest = hashlib.sha256()
        with path.open("rb", 0) as file:
            while count := file.readinto(buffer):
                digest.update(buffer[:count])


def hash_in_processes(pool: ProcessPoolExecutor, paths: list[Path], workers: int) -> float:
    start = time.perf_counter()
    list(pool.map(read_and_hash, [paths[part::workers] for part in range(workers)]))
    return time.perf_counter() - start


def cpu_seconds() -> float:
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def bench(name: str, count: int, distinct: float, shape: tuple[int, ...], workers: int) -> dict:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "raw"
        total = write_files(folder, count, distinct, shape)
        paths = sorted(folder.rglob("*.fits"))
        read_and_hash(paths)
        start = time.process_time()
        read_and_hash(paths)
        limit_cpu = time.process_time() - start
        with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
            hash_in_processes(pool, paths[:workers], workers)
            limit = min(hash_in_processes(pool, paths, workers) for _ in range(2))
        store = Store(f"sqlite:///{temporary}/registry.sqlite", f"{temporary}/vault")
        start, start_cpu = time.perf_counter(), cpu_seconds()
        report = ingest.run(store, [instrument()], [folder], workers=workers)
        elapsed, cpu = time.perf_counter() - start, cpu_seconds() - start_cpu
        store.close()
        if len(report.new) != count:
            raise SystemExit(f"only {report.counts} of {count}: {report.rejected[:1]}")
    return {
        "what": name,
        "files": count,
        "MB": total / 1e6,
        "files_per_s": count / elapsed,
        "files_per_cpu_s": count / cpu,
        "elapsed_s": elapsed,
        "read_and_hash_s": limit,
        "share_of_limit": limit / elapsed,
        "share_of_limit_cpu": limit_cpu / cpu,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    count, frames = (100, 10) if arguments.small else (1000, 120)
    shape = (300, 215) if arguments.small else (3000, 2148)
    cases = [
        ("headers, a quarter of the cards distinct", count, 0.25, ()),
        ("headers, a quarter of the cards distinct", 10 * count, 0.25, ()),
        ("headers, all cards distinct", 10 * count, 1.0, ()),
        ("full-size frames", frames, 0.25, shape),
    ]
    print(
        f"{'what':42} {'files':>6} {'MB':>7} {'files/s':>8} {'/CPU s':>7}"
        f" {'s':>7} {'limit s':>8} {'share':>6} {'of CPU':>6}"
    )
    rows = []
    for case in cases:
        row = bench(*case, arguments.workers)
        rows.append(row)
        print(
            f"{row['what']:42} {row['files']:6} {row['MB']:7.0f} {row['files_per_s']:8.0f}"
            f" {row['files_per_cpu_s']:7.0f} {row['elapsed_s']:7.2f} {row['read_and_hash_s']:8.2f}"
            f" {row['share_of_limit']:6.2f} {row['share_of_limit_cpu']:6.2f}",
            flush=True,
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
