"""People who read the AB monitor while a night is processed: what that takes from the processing.

Each of them is a live page: it loads the monitor, then asks for what changed when the server says
so (`Live-After`), every two seconds if they are few. The server is a process of its own, as in
life. Its share of the machine is what the night loses; the readers' own time, which is spent on
other machines in life, is not.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import re
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from bench_process import RECIPE, plan, write_frame, write_instrument

from vltflow.core.site import create_site
from vltflow.instruments import load_folder
from vltflow.process.run import run
from vltflow.store import Store

LIVE_S = 2.0
MONITOR = "/monitor/BENCH/2015-02-27"
WORK = """
        import time
        import numpy as np
        values = np.arange(200_000.0) % 977.0
        start = time.thread_time()
        while time.thread_time() - start < 0.1:
            np.median(values)
"""
"""A tenth of a second of a core, as a small frame takes."""


@dataclass
class Readers:
    """Many live pages in one thread."""

    port: int
    many: int
    waits: list[float] = field(default_factory=list)
    """Seconds until each answer came."""
    ended: threading.Event = field(default_factory=threading.Event)

    def read(self) -> None:
        """Read until told to end."""
        asyncio.run(self._all())

    async def _all(self) -> None:
        await asyncio.gather(*(self._page(number) for number in range(self.many)))

    async def _page(self, number: int) -> None:
        await asyncio.sleep(LIVE_S * number / self.many)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        path, since = MONITOR, "0"
        while not self.ended.is_set():
            start = time.perf_counter()
            writer.write(
                f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip\r\n\r\n".encode()
            )
            content, after = await _answer(reader)
            self.waits.append(time.perf_counter() - start)
            found = re.search(rb"since=(\d+)", content)
            since = found[1].decode() if found else since
            path = f"{MONITOR}/changes?since={since}"
            await asyncio.sleep(max(0.0, after - self.waits[-1]))
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> tuple[bytes, float]:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if b"transfer-encoding: chunked" in head:
        content = b""
        while size := int(await reader.readline(), 16):
            content += (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
    else:
        length = re.search(rb"content-length: (\d+)", head)
        content = await reader.readexactly(int(length[1])) if length else b""
    if not head.startswith((b"http/1.1 200", b"http/1.1 204")):
        raise SystemExit(f"a reader got {head[:60]!r}")
    after = re.search(rb"live-after: ([\d.]+)", head)
    packed = b"content-encoding: gzip" in head
    return gzip.decompress(content) if packed else content, float(after[1]) if after else LIVE_S


def night(folder: Path, jobs: int, readers: int) -> dict[str, float]:
    """One night of so many jobs with so many readers (0: the server only waits)."""
    site = create_site(folder / "site", cores=os.cpu_count(), memory_mb=4000)
    store = Store(site.database, site.vault)
    write_frame(folder / "frame.fits")
    plan(store, folder / "frame.fits", jobs)
    command = [sys.executable, "-m", "vltflow", "serve", "--port", "0", "--site", str(site.folder)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    port = int(re.search(r"127\.0\.0\.1:(\d+)", server.stdout.readline())[1])
    people = Readers(port, readers)
    thread = threading.Thread(target=people.read)
    thread.start()
    time.sleep(LIVE_S)
    taken = psutil.Process(server.pid)
    before, start = sum(taken.cpu_times()[:2]), time.perf_counter()
    report = run(store, site, {"BENCH": load_folder(folder / "bench")})
    elapsed = time.perf_counter() - start
    spent = sum(taken.cpu_times()[:2]) - before
    people.ended.set()
    thread.join()
    server.terminate()
    server.wait()
    store.close()
    if len(report.succeeded) != jobs:
        raise SystemExit(f"only {len(report.succeeded)} of {jobs} jobs succeeded")
    return {
        "night, s": elapsed,
        "server, s of a core": spent,
        "server, % of the machine": 100 * spent / elapsed / os.cpu_count(),
        "answers a second": len(people.waits) / elapsed,
        "an answer, ms": 1e3 * statistics.median(people.waits) if people.waits else 0.0,
    }


def compare(folder: Path, readers: int, jobs: int, rounds: int = 2) -> None:
    """Nights without and with readers, by turns."""
    recipe = RECIPE.replace("        return", f"{WORK}        return")
    (folder / "vltflow_bench.py").write_text(recipe)
    sys.path.insert(0, str(folder))
    os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    rows: dict[int, list[dict[str, float]]] = {0: [], readers: []}
    for turn in range(rounds):
        for many, found in rows.items():
            here = folder / f"{turn}-{many}"
            here.mkdir()
            write_instrument(here / "bench")
            found.append(night(here, jobs, many))
    print(f"{'best of ' + str(rounds):<28}" + "".join(f"{many:>10} readers" for many in rows))
    for title in rows[0][0]:
        best = (min(one[title] for one in found) for found in rows.values())
        print(f"{title:<28}" + "".join(f"{value:>18.2f}" for value in best))
