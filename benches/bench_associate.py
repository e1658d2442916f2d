"""Association of ten years of header records, and of one more day on top of them.

Peer: the same store writing the same rows with nothing decided, as bulk statements: what
the database alone takes. Usage: bench_associate.py [--frames N ...] [--json PATH]
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import resource
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from vltflow.associate import run
from vltflow.classify.rules import Classifier
from vltflow.core.time import night_of
from vltflow.instruments import load
from vltflow.records import RawFrame
from vltflow.simulate import headers_only
from vltflow.store import Store, pack_headers

FIRST_NIGHT = date(2005, 1, 1)
COPIES = 2
LIMIT_SECONDS, LIMIT_DAY_SECONDS, LIMIT_MB = 120.0, 2.0, 2048.0


def nights(first: int) -> Iterator[str]:
    for day in itertools.count(first):
        yield (FIRST_NIGHT + timedelta(days=day)).isoformat()


def classified(first: int) -> Iterator[RawFrame]:
    """Classified frames of simulated nights without end, from the given one on."""
    instrument = load("UVES")
    classifier = Classifier(instrument)
    for header in headers_only("UVES", nights(first), copies=COPIES):
        kind = classifier(header)
        name = header["ARCFILE"].removesuffix(".fits")
        yield RawFrame(
            frame_id=hashlib.sha256(name.encode()).hexdigest(),
            name=name,
            instrument="UVES",
            location=f"/archive/{name}.fits",
            size=12_900_000,
            mjd_obs=header["MJD-OBS"],
            night=night_of(header["MJD-OBS"]),
            exptime=header["EXPTIME"],
            dpr_catg=header["ESO DPR CATG"],
            dpr_type=header["ESO DPR TYPE"],
            dpr_tech=header["ESO DPR TECH"],
            tpl_id=header["ESO TPL ID"],
            tpl_start=header["ESO TPL START"],
            tpl_nexp=header["ESO TPL NEXP"],
            tpl_expno=header["ESO TPL EXPNO"],
            raw_type=kind.raw_type,
            setup=kind.setup,
            setup_keys=kind.setup_keys,
            context=instrument.context,
        )


def fill(store: Store, frames: Iterator[RawFrame]) -> None:
    packed = pack_headers([{}])
    while batch := [(frame, packed) for frame in itertools.islice(frames, 20_000)]:
        with store.write(by="bench", why="fill") as change:
            change.frames.add(batch)


def night_after(store: Store) -> str:
    with store.read() as look:
        last = max(count.night for count in look.blocks.counts("UVES"))
    return (date.fromisoformat(last) + timedelta(days=1)).isoformat()


def days_between(night: str) -> int:
    return (date.fromisoformat(night) - FIRST_NIGHT).days


def bulk_seconds(path: Path, target: Path) -> float:
    """The rows of ABs and matches copied by SQL into an empty database of the same tables."""
    Store(f"sqlite:///{target}", str(target.parent / "vault2")).close()
    with sqlite3.connect(target) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("ATTACH ? AS full", (str(path),))
        connection.execute("INSERT INTO setup SELECT * FROM full.setup")
        connection.execute(
            "INSERT INTO frame SELECT number, frame_id, name, instrument, location, size, mjd_obs,"
            " night, exptime, dpr_catg, dpr_type, dpr_tech, tpl_id, tpl_start, tpl_nexp,"
            " tpl_expno, obs_id, prog_id, object_name, repairs, raw_type, setup_number, context,"
            " NULL FROM full.frame"
        )
        connection.commit()
        begin = time.perf_counter()
        connection.execute("INSERT INTO block SELECT * FROM full.block")
        connection.execute("INSERT INTO block_master SELECT * FROM full.block_master")
        connection.execute(
            "UPDATE frame SET block ="
            " (SELECT block FROM full.frame f WHERE f.number = frame.number)"
        )
        connection.commit()
        return time.perf_counter() - begin


def measure(count: int) -> dict[str, float]:
    instrument = load("UVES")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "registry.sqlite"
        store = Store(f"sqlite:///{path}", f"{folder}/vault")
        begin = time.perf_counter()
        fill(store, itertools.islice(classified(0), count))
        filled = time.perf_counter() - begin
        begin, busy = time.perf_counter(), time.process_time()
        report = run(store, instrument)
        associated, busy = time.perf_counter() - begin, time.process_time() - busy
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        begin = time.perf_counter()
        again = run(store, instrument)
        idle = time.perf_counter() - begin
        assert not again.changed
        next_night = night_after(store)
        day_frames = itertools.takewhile(
            lambda frame: frame.night == next_night, classified(days_between(next_night))
        )
        fill(store, day_frames)
        begin = time.perf_counter()
        more = run(store, instrument)
        day = time.perf_counter() - begin
        store.close()
        bulk = bulk_seconds(path, Path(folder) / "copy.sqlite")
    return {
        "frames": count,
        "blocks": len(report.created),
        "fill_s": filled,
        "associate_s": associated,
        "associate_cpu_s": busy,
        "frames_per_s": count / associated,
        "peak_mb": peak,
        "again_s": idle,
        "day_blocks": len(more.created),
        "day_rematched": len(more.rematched),
        "day_s": day,
        "bulk_write_s": bulk,
        "over_bulk": associated / bulk,
        "share_of_limit": associated / (LIMIT_SECONDS * count / 1e6),
        "day_share_of_limit": day / LIMIT_DAY_SECONDS,
        "memory_share_of_limit": peak / LIMIT_MB,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, nargs="*", default=[100_000, 1_000_000])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results = [measure(count) for count in options.frames]
    for name in results[0]:
        print(f"{name:>22}", *(f"{result[name]:>14,.3f}" for result in results))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
