"""How fast records and bytes are kept, against what the disk and sqlite3 alone can do.

Run: ``python benches/bench_store.py [--size N] [--postgresql URL] [--json PATH]``. Each line
is a ratio: our time divided by the time of the peer, measured a moment before on the same disk.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from vltflow.records import AssociationBlock, RawFrame
from vltflow.store import Store, pack_headers

HEADER = pack_headers([{f"ESO INS KEY{number}": number * 1.5 for number in range(350)}])
BLOCK = 1 << 20


@contextmanager
def clock(times: dict[str, float], name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    times[name] = time.perf_counter() - start


def best(work: Callable[[], None], rounds: int = 3) -> float:
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def frame(number: int) -> RawFrame:
    return RawFrame(
        frame_id=f"{number:064x}",
        name=f"UVES.{number:09d}",
        instrument="UVES",
        location=f"/raw/2015/UVES.{number:09d}.fits",
        size=13_000_000,
        mjd_obs=57000.0 + number / 100,
        night="2015-02-26",
        exptime=10.0,
        dpr_catg="CALIB",
        dpr_type="BIAS",
        dpr_tech="IMAGE",
        tpl_start=f"2015-02-26T{number // 5:012d}",
        tpl_nexp=5,
        raw_type="BIAS_BLUE",
        setup="1x1",
        setup_keys='{"DET.WIN1.BINX":1}',
        context="c" * 64,
    )


def block(number: int) -> AssociationBlock:
    return AssociationBlock(
        name=f"UVES.{number:09d}_tpl",
        instrument="UVES",
        night="2015-02-26",
        raw_type="BIAS_BLUE",
        setup="1x1",
        setup_keys='{"DET.WIN1.BINX":1}',
        recipe="uves_cal_mbias",
        grouping="tpl",
        group_key=f"group {number}",
        frames=tuple(f"{one:064x}" for one in range(5 * number, 5 * number + 5)),
        masters=(),
        expected=5,
        complete=True,
        mjd_start=57000.0 + number,
        mjd_mid=57000.1 + number,
        mjd_end=57000.2 + number,
        context="c" * 64,
    )


def raw_sqlite(folder: Path, number: int) -> dict[str, float]:
    """The same numbers of commits and rows with sqlite3 and no code of ours."""
    times: dict[str, float] = {}
    connection = sqlite3.connect(folder / "raw.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE event (number INTEGER PRIMARY KEY, a, b, c, d, e, f)")
    columns = ", ".join(f"c{n}" for n in range(20))
    connection.execute(f"CREATE TABLE frame (id TEXT UNIQUE, name TEXT UNIQUE, block, {columns})")
    connection.execute("CREATE INDEX by_block ON frame (block) WHERE block IS NOT NULL")
    connection.execute("CREATE TABLE header (id TEXT PRIMARY KEY, headers BLOB)")
    event = ("2026-01-01T00:00:00.000", "who", "why", "block", "record", "change")
    insert = "INSERT INTO event (a, b, c, d, e, f) VALUES (?, ?, ?, ?, ?, ?)"
    with clock(times, "commits"):
        for _ in range(commits(number)):
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(insert, event)
            connection.execute("COMMIT")
    rows = [(f"{n:064x}", f"UVES.{n:09d}", *(["CALIB"] * 20)) for n in range(number)]
    frames = f"INSERT INTO frame (id, name, {columns}) VALUES ({', '.join('?' * 22)})"
    with clock(times, "add frames"):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(frames, rows)
        connection.executemany("INSERT INTO header VALUES (?, ?)", [(r[0], HEADER) for r in rows])
        connection.executemany(insert, [event] * number)
        connection.execute("COMMIT")
    with clock(times, "give frames to ABs"):
        connection.execute("BEGIN IMMEDIATE")
        update = "UPDATE frame SET block = ? WHERE id = ? AND block IS NULL"
        connection.executemany(update, [(f"AB {n // 5:09d}", r[0]) for n, r in enumerate(rows)])
        connection.executemany(insert, [event] * (number // 5))
        connection.execute("COMMIT")
    with clock(times, "read frames"):
        found = connection.execute(f"SELECT id, name, block, {columns} FROM frame").fetchall()
    assert len(found) == number
    connection.close()
    return times


def our_store(database: str, number: int) -> dict[str, float]:
    times: dict[str, float] = {}
    store = Store(database, "memory://bench")
    with store.write(by="bench", why="warm") as tx:
        tx.events.add("block", "record", "change")
    with clock(times, "commits"):
        for _ in range(commits(number)):
            with store.write(by="who", why="why") as tx:
                tx.events.add("block", "record", "change")
    frames = [(frame(n), HEADER) for n in range(number)]
    with clock(times, "add frames"), store.write(by="bench", why="bench") as tx:
        tx.frames.add(frames)
    blocks = [block(n) for n in range(number // 5)]
    with clock(times, "give frames to ABs"), store.write(by="bench", why="bench") as tx:
        tx.blocks.add(blocks)
    with clock(times, "read frames"), store.read() as tx:
        assert sum(1 for _ in tx.frames.find(instrument="UVES")) == number
    store.close()
    return times


def commits(number: int) -> int:
    return max(100, number // 20)


def registry(folder: Path, number: int, url: str | None) -> list[dict[str, object]]:
    peer = raw_sqlite(folder, number)
    rows = []
    databases = {"sqlite": f"sqlite:///{folder}/ours.sqlite"} | ({"postgresql": url} if url else {})
    for name, database in databases.items():
        for what, seconds in our_store(database, number).items():
            amount = commits(number) if what == "commits" else number
            rows.append(
                {
                    "what": f"{what}, {name}",
                    "size": amount,
                    "per_second": amount / seconds,
                    "peer_per_second": amount / peer[what],
                    "ratio": seconds / peer[what],
                    "peer": "sqlite3 alone",
                }
            )
    return rows


def copied(source: Path, target: Path) -> None:
    """Copy and hash as plainly as can be, with one flush."""
    digest = hashlib.sha256()
    with source.open("rb") as content, target.open("wb") as sink:
        while piece := content.read(BLOCK):
            digest.update(piece)
            sink.write(piece)
        sink.flush()
        os.fsync(sink.fileno())
    target.unlink()


def hashed(source: Path) -> None:
    with source.open("rb") as content:
        hashlib.file_digest(content, "sha256")


def vault(folder: Path, size: int) -> list[dict[str, object]]:
    store = Store(f"sqlite:///{folder}/vault.sqlite", str(folder / "vault"))
    source, copy = folder / "source", folder / "copy"

    def renew() -> None:
        source.write_bytes(os.urandom(size))

    def ours(keep: Callable[[Path], str]) -> float:
        seconds = []
        for _ in range(3):
            renew()
            start = time.perf_counter()
            keep(source)
            seconds.append(time.perf_counter() - start)
        return min(seconds)

    renew()
    plain, digest = best(lambda: copied(source, copy)), best(lambda: hashed(source))
    measured = [
        ("put_file", ours(store.vault.put_file), plain, "copy + hash + fsync"),
        ("move_file", ours(store.vault.move_file), plain, "copy + hash + fsync"),
    ]
    renew()
    file_id = store.vault.put_file(source)
    again = best(lambda: store.vault.put_file(source, file_id=file_id))
    measured.append(("put_file, known", again, digest, "hash"))
    measured.append(("check", best(lambda: store.vault.check(file_id)), digest, "hash"))
    store.close()
    return [
        {
            "what": f"{what} {size / 1e6:g} MB",
            "size": size,
            "per_second": size / seconds / 1e6,
            "peer_per_second": size / peer / 1e6,
            "ratio": seconds / peer,
            "peer": name,
        }
        for what, seconds, peer, name in measured
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=10_000, help="frames; also ten times as many")
    parser.add_argument("--postgresql", help="URL of an empty database, tried with --size only")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows: list[dict[str, object]] = []
    for factor in (1, 10):
        folder = Path(tempfile.mkdtemp(prefix="vltflow-bench-", dir="."))
        try:
            url = options.postgresql if factor == 1 else None
            rows += registry(folder, factor * options.size, url)
            rows += vault(folder, factor * 2_600_000)
        finally:
            shutil.rmtree(folder)
    print(f"{'what':36}{'size':>10}{'ours /s':>12}{'peer /s':>12}{'ours/peer':>10}  peer")
    for row in rows:
        print(
            f"{row['what']:36}{row['size']:>10}{row['per_second']:>12.0f}"
            f"{row['peer_per_second']:>12.0f}{row['ratio']:>10.2f}  {row['peer']}"
        )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
