"""Association of ten years of header records, and of one more day on top of them.

Peer: the same store writing the same rows with nothing decided, as bulk statements: what
the database alone takes. Usage: bench_associate.py [--frames N ...] [--json PATH]
"""

from __future__ import annotations

import argparse
import json
import resource
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vltflow.associate import run
from vltflow.classify.rules import Classifier
from vltflow.core.time import iso_from_mjd, night_of
from vltflow.instruments import load
from vltflow.records import RawFrame
from vltflow.store import Store, pack_headers

START = 53371.0  # 2005-01-01
LIMIT_SECONDS, LIMIT_DAY_SECONDS, LIMIT_MB = 120.0, 2.0, 2048.0
DETECTORS = {
    "BLUE": {"ESO DET CHIPS": 1, "ESO DET OUTPUTS": 1, "ESO DET READ SPEED": "1pt/225kHz/lg"},
    "RED": {"ESO DET CHIPS": 2, "ESO DET OUTPUTS": 2, "ESO DET READ SPEED": "2pts/225kHz/lg"},
}
SETTINGS = {"BLUE": [346.0, 390.0, 437.0], "RED": [520.0, 564.0, 580.0, 760.0, 860.0]}


def header(arm: str, kind: tuple[str, str, str], binning: int, wavelength: float) -> dict[str, Any]:
    grating, slit = ("1", "2") if arm == "BLUE" else ("2", "3")
    optics = {
        f"ESO INS GRAT{grating} ID": f"CD#{int(wavelength) % 4}",
        f"ESO INS GRAT{grating} WLEN": wavelength,
        f"ESO INS SLIT{slit} WID": 0.8,
        f"ESO INS SLIT{slit} LEN": 10.0,
        "ESO INS SLIT1 NAME": "FREE",
        "ESO INS MODE": "DICHR#1",
    }
    size = {"ESO DET WIN1 NX": 2148 // binning, "ESO DET WIN1 NY": 3000 // binning}
    start = {"ESO DET WIN1 STRX": 1, "ESO DET WIN1 STRY": 1}
    bins = {"ESO DET WIN1 BINX": binning, "ESO DET WIN1 BINY": binning}
    dpr = dict(zip(("ESO DPR CATG", "ESO DPR TYPE", "ESO DPR TECH"), kind, strict=True))
    return DETECTORS[arm] | size | start | bins | dpr | (optics if wavelength else {})


def templates() -> Iterator[tuple[float, float, int, dict[str, Any]]]:
    """Templates of a day: hour, exposure time, number of frames, header."""
    for arm in ("BLUE", "RED"):
        for binning in (1, 2):
            yield 22.0, 0.0, 5, header(arm, ("CALIB", "BIAS", "IMAGE"), binning, 0.0)
        yield 1.0, 3600.0, 3, header(arm, ("CALIB", "DARK", "IMAGE"), 1, 0.0)
        for order, wavelength in enumerate(SETTINGS[arm]):
            for binning in (1, 2):
                flat = header(arm, ("CALIB", "LAMP,FLAT", "ECHELLE"), binning, wavelength)
                yield 23.0, 10.0, 5, flat
                for kind in ("LAMP,FMTCHK", "LAMP,ORDERDEF", "LAMP,WAVE"):
                    once = header(arm, ("CALIB", kind, "ECHELLE"), binning, wavelength)
                    yield 22.5, 5.0, 1, once
            for number in range(4):
                science = ("SCIENCE", "OBJECT,POINT", "ECHELLE")
                hour = 10.0 + number * 2 + order * 0.1
                yield hour, 1500.0, 1, header(arm, science, 1 + number % 2, wavelength)
        star = header(arm, ("CALIB", "STD", "ECHELLE"), 1, SETTINGS[arm][0])
        yield 10.0, 120.0, 1, star


def days(count: int, first: int = 0) -> Iterator[RawFrame]:
    """Classified frames, day after day."""
    instrument = load("UVES")
    classifier = Classifier(instrument)
    prepared = [(*one[:3], classifier(one[3]), one[3]) for one in templates()]
    number, day = 0, first
    while True:
        clock = 0.0
        for hour, exptime, frames, kind, keywords in prepared:
            start = START + day + 0.5 + hour / 24 + clock / 86_400
            clock += 7.013
            for exposure in range(frames):
                mjd = start + exposure * (exptime + 35.0) / 86_400 + number % 7 * 1e-8
                yield RawFrame(
                    frame_id=f"{first:08x}{number:056x}",
                    name=f"UVES.{iso_from_mjd(mjd)}.{number % 1000:03d}",
                    instrument="UVES",
                    location=f"/data/{day}/{number}.fits",
                    size=12_900_000,
                    mjd_obs=mjd,
                    night=night_of(mjd),
                    exptime=exptime,
                    dpr_catg=keywords["ESO DPR CATG"],
                    tpl_id="UVES_cal",
                    tpl_start=iso_from_mjd(start),
                    tpl_nexp=frames,
                    tpl_expno=exposure + 1,
                    raw_type=kind.raw_type,
                    setup=kind.setup,
                    setup_keys=kind.setup_keys,
                    context=instrument.context,
                )
                number += 1
                if number >= count:
                    return
        day += 1


def fill(store: Store, frames: Iterator[RawFrame]) -> None:
    packed = pack_headers([{}])
    batch: list[tuple[RawFrame, bytes]] = []
    for frame in frames:
        batch.append((frame, packed))
        if len(batch) == 20_000:
            with store.write(by="bench", why="fill") as change:
                change.frames.add(batch)
            batch = []
    with store.write(by="bench", why="fill") as change:
        change.frames.add(batch)


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
        fill(store, days(count))
        filled = time.perf_counter() - begin
        begin = time.perf_counter()
        report = run(store, instrument)
        associated = time.perf_counter() - begin
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        begin = time.perf_counter()
        again = run(store, instrument)
        idle = time.perf_counter() - begin
        assert not again.changed
        per_day = sum(one[2] for one in templates())
        fill(store, days(per_day, first=count // per_day + 1))
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
