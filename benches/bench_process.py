"""Overhead of the scheduler: jobs that do nothing, with all state durable.

    python benches/bench_process.py [--jobs 10000] [--json PATH]

What a job costs here: its records and events in the registry (SQLite, synchronous = FULL), its
own folder, the opening of its raw frame, a result file, a log in the vault (written,
flushed, renamed), the removal of the folder. Compared with, measured in the same run:

* echo: the same number of messages through bare worker processes and pipes, nothing kept;
* flush: what the disk takes for the least that durability needs, one commit and one flushed
  and renamed file a job, one after the other.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import yaml
from astropy.io import fits

from vltflow.core.site import create_site
from vltflow.instruments import load_folder
from vltflow.process.run import run
from vltflow.records import AssociationBlock, RawFrame
from vltflow.store import Store, pack_headers

RECIPE = '''
from typing import Any, ClassVar
from vltflow.recipes import Parameters, RawInput, Recipe, RecipeResult


class Nothing(Recipe):
    """Makes nothing."""

    name: ClassVar = "bench.nothing"
    version: ClassVar = "1"
    summary: ClassVar = "Nothing"
    raw: ClassVar = RawInput(0)
    masters: ClassVar = ()
    outputs: ClassVar = ()
    parameters: ClassVar = Parameters
    qc: ClassVar = ()

    def process(self, inputs: Any, parameters: Any) -> RecipeResult:
        return RecipeResult(())
'''
ECHO = "import sys\nfor line in sys.stdin:\n    sys.stdout.write(line)\n    sys.stdout.flush()\n"


def write_instrument(folder: Path) -> None:
    """An instrument whose recipe makes nothing."""
    product = {"role": "NOTHING", "category": "NOTHING", "name": "n", "main": False}
    chip = {"name": "A", "extension": 0, "output": 1, "quarter_turns": 0, "saturation": 1e5}
    recipe = {
        "title": "Nothing",
        "runner": "native",
        "native": {"recipe": "vltflow_bench:Nothing", "memory_mb": 100, "wall_s": 60},
        "products": [product],
    }
    raw_type = {"detector": "d", "group": "frame", "recipe": "r", "setup": [], "label": "all"}
    files = {
        "instrument": {
            "name": "BENCH",
            "title": "Bench",
            "prefix": "BE",
            "instrume": ["BENCH"],
            "mandatory": [],
            "detectors": {"d": [chip]},
        },
        "classification": {"rules": []},
        "association": {"raw_types": {"T": raw_type}},
        "recipes": {"recipes": {"r": recipe}},
        "qc": {"parameters": []},
        "scores": {"thresholds": []},
    }
    folder.mkdir()
    for name, content in files.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(content))


def write_frame(path: Path) -> None:
    header = fits.Header({"INSTRUME": "BENCH", "MJD-OBS": 57080.5, "EXPTIME": 0.0})
    for name, value in (("CONAD", 2.0), ("RON", 3.0)):
        header[f"HIERARCH ESO DET OUT1 {name}"] = value
    fits.PrimaryHDU(np.zeros((8, 8), np.uint16), header).writeto(path)


def plan(store, frame_path: Path, jobs: int) -> None:
    """Register as many ABs of one frame each; all frames lie in one file."""
    size, packed = frame_path.stat().st_size, pack_headers([{}])
    for start in range(0, jobs, 1000):
        frames, blocks = [], []
        for number in range(start, min(start + 1000, jobs)):
            mjd = 57080.5 + number / 1e5
            frame = RawFrame(
                frame_id=f"{number:064x}",
                name=f"BENCH.{number}",
                instrument="BENCH",
                location=str(frame_path),
                size=size,
                mjd_obs=mjd,
                night="2015-02-27",
                exptime=0.0,
                raw_type="T",
            )
            block = AssociationBlock(
                name=f"BENCH.{number}",
                instrument="BENCH",
                night="2015-02-27",
                raw_type="T",
                setup="all",
                setup_keys="{}",
                recipe="r",
                grouping="none",
                group_key=str(number),
                frames=(frame.frame_id,),
                masters=(),
                expected=1,
                complete=True,
                mjd_start=mjd,
                mjd_mid=mjd,
                mjd_end=mjd,
                context="c",
            )
            frames.append((frame, packed))
            blocks.append(block)
        with store.write(by="bench", why="bench") as tx:
            tx.frames.add(frames)
            tx.blocks.add(blocks)


def time_scheduler(folder: Path, jobs: int) -> float:
    """Seconds to run that many jobs that do nothing."""
    site = create_site(folder / f"site-{jobs}", cores=2, memory_mb=4000)
    store = Store(site.database, site.vault)
    write_frame(folder / f"frame-{jobs}.fits")
    plan(store, folder / f"frame-{jobs}.fits", jobs)
    instruments = {"BENCH": load_folder(folder / "bench")}
    started = time.perf_counter()
    report = run(store, site, instruments)
    elapsed = time.perf_counter() - started
    if len(report.succeeded) != jobs:
        raise SystemExit(f"only {len(report.succeeded)} of {jobs} jobs succeeded")
    store.close()
    return elapsed


def time_echo(jobs: int) -> float:
    """Seconds for as many lines through two bare worker processes."""
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", ECHO], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(2)
    ]
    line = b"x" * 1500 + b"\n"
    started = time.perf_counter()
    for number in range(jobs):
        worker = workers[number % 2]
        worker.stdin.write(line)
        worker.stdin.flush()
        if number % 2:
            for one in workers:
                one.stdout.readline()
    elapsed = time.perf_counter() - started
    for worker in workers:
        worker.stdin.close()
        worker.wait()
    return elapsed


def time_flush(folder: Path, jobs: int) -> float:
    """Seconds for as many commits and as many flushed, renamed files."""
    connection = sqlite3.connect(folder / "flush.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE t (n INTEGER)")
    target = folder / "flushed"
    target.mkdir()
    started = time.perf_counter()
    for number in range(jobs):
        connection.execute("INSERT INTO t VALUES (?)", (number,))
        with (target / "part").open("wb") as file:
            file.write(b"x" * 600)
            file.flush()
            os.fsync(file.fileno())
        (target / "part").replace(target / str(number))
        descriptor = os.open(target, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
    return time.perf_counter() - started


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--jobs", type=int, default=10_000)
    arguments.add_argument("--json", type=Path)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "vltflow_bench.py").write_text(RECIPE)
        sys.path.insert(0, name)
        os.environ["PYTHONPATH"] = os.pathsep.join([name, os.environ.get("PYTHONPATH", "")])
        write_instrument(folder / "bench")
        rows = []
        for jobs in (given.jobs // 10, given.jobs):
            seconds = time_scheduler(folder, jobs)
            rows.append(("scheduler", jobs, seconds))
        rows.append(("echo", given.jobs, time_echo(given.jobs)))
        rows.append(("flush", given.jobs // 10, time_flush(folder, given.jobs // 10)))
    per_job = {f"{what} {jobs}": 1e3 * seconds / jobs for what, jobs, seconds in rows}
    ours = rows[1][2] / rows[1][1]
    print(f"{'what':12}{'jobs':>8}{'seconds':>10}{'ms/job':>9}{'ratio':>8}")
    for what, jobs, seconds in rows:
        ratio = ours / (seconds / jobs)
        print(f"{what:12}{jobs:8}{seconds:10.2f}{1e3 * seconds / jobs:9.3f}{ratio:8.2f}")
    if given.json:
        given.json.write_text(json.dumps({"ms_per_job": per_job}, indent=1))


if __name__ == "__main__":
    main()
