"""A day's chain, raw frames to science product: native recipes against ESO's, step by step.

    python benches/bench_chain.py [--arms blue red] [--repeats 5] [--json FILE] [--work FOLDER]

Simulated UVES frames of full size, which two sites process: one with native recipes, one with
ESO's, each with its own masters. Then every step runs again and again as the scheduler runs it
(masters fetched and checked, products written and flushed), the native job in a warm worker,
the two taking turns; medians count. A native job's memory is that of its whole process. Then the
merged spectrum is published as a campaign does it, in a warm process: the table of the standard
with all its keywords, previews and ancillary files, put to the rules of the standard and kept.
ESO's recipes end with the merged spectrum, so nothing stands beside that step, and it counts
against the native chain alone. Beside both stands the load of the machine: with more than two,
read ratios only. Without esorex only the native chain is measured.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from types import MappingProxyType
from typing import Any

from vltflow.cli.app import run as vltflow
from vltflow.core.site import load_site
from vltflow.instruments import load
from vltflow.process.executors import LocalExecutor
from vltflow.process.trial import run_once, trial_job
from vltflow.publish import helpers
from vltflow.publish.making import later_of
from vltflow.publish.producing import Made, Request
from vltflow.publish.sources import gather_all
from vltflow.simulate import simulate_day
from vltflow.store import Store

NIGHT = "2015-02-26"
STEPS = ("BIAS", "ORDER_FLAT", "FLAT", "ARC_LAMP", "SCI_POINT")
RAW_TYPES = (*STEPS, "ARC_LAMP_FORM")
SETUPS = MappingProxyType(
    {
        "blue": ("blue_1x1", *(f"blue_1x1_346nm_{slit}" for slit in ("0.7", "1.2", "0.6"))),
        "red": ("red_1x1", *(f"red_1x1_580nm_{slit}" for slit in ("0.6", "1.2"))),
    }
)
RUNNERS = ("native", "esorex")
Row = dict[str, Any]


def processed(folder: Path, raw: Path, runner: str) -> Path:
    """A site whose recipes were run by one runner."""
    site = folder / runner
    if not site.exists():
        vltflow(["init", str(site), "--cores", "2", "--memory-mb", "6000"])
        with (site / "vltflow.toml").open("a") as settings:
            settings.write(f'\n[runners]\nUVES = "{runner}"\n')
        vltflow(["ingest", str(raw), "--site", str(site)])
        if vltflow(["night", NIGHT, "--instrument", "UVES", "--site", str(site)]) != 0:
            raise SystemExit(f"{site}: the night did not end well")
    return site


class Chain:
    """The jobs of one site's steps, ready to be run."""

    def __init__(self, path: Path, stack: contextlib.ExitStack) -> None:
        site = load_site(path)
        self.store = store = stack.enter_context(
            contextlib.closing(Store(site.database, site.vault))
        )
        self.executor = stack.enter_context(LocalExecutor(site))
        self.instrument = instrument = load("UVES", site)
        self.helpers = stack.enter_context(helpers(instrument, store.vault, 1))
        with store.read() as look:
            blocks = look.blocks.find(instrument="UVES", night=NIGHT)
        self.jobs = {
            block.raw_type: trial_job(store, site, instrument, block)
            for block in blocks
            if block.raw_type.startswith(STEPS) and "FORM" not in block.raw_type
        }

    def run(self, step: str) -> tuple[float, float, float]:
        """Seconds, peak memory of the process and what it held before, MB."""
        result = run_once(self.executor, *self.jobs[step])
        if result.state != "SUCCEEDED":
            raise SystemExit(f"{step}: {result.error}")
        return result.elapsed_s or 0.0, result.peak_mb or 0.0, result.base_mb or 0.0

    def publish(self, step: str) -> float:
        """Seconds to make the science product of an exposure again, and to keep its files."""
        with self.store.read() as look:
            (product,) = look.science.find(block=self.jobs[step][0].block)
            (sources,) = gather_all(
                look, self.instrument, list(look.blocks.by_name([product.block]).values())
            )
        for one in (product, *product.associated):  # or the vault would see that it has them
            self.store.vault.local_path(one.file_id, Path()).unlink(missing_ok=True)
        begin = time.perf_counter()
        ((_, made),) = self.helpers.map([Request(sources, later_of(sources, product.archive_name))])
        seconds = time.perf_counter() - begin
        if not isinstance(made, Made) or made.file_id != product.file_id:
            raise SystemExit(f"{product.name} was not made again: {made}")
        return seconds


def measured(chains: dict[str, Chain], arm: str, repeats: int) -> list[Row]:
    """A row a step, then their sum."""
    rows = []
    for step in STEPS:
        name = f"{step}_{arm.upper()}"
        found: dict[str, list[tuple[float, float, float]]] = {runner: [] for runner in chains}
        for _ in range(repeats + 1):
            for runner, chain in chains.items():
                found[runner].append(chain.run(name))
        row: Row = {"step": name}
        for runner, values in found.items():
            seconds, peak, base = zip(*values[1:], strict=True)
            row |= {f"{runner}_s": statistics.median(seconds), f"{runner}_mb": max(peak)}
            row |= {"worker_mb": statistics.median(base)} if runner == "native" else {}
        rows.append(row)
        print(line(row), flush=True)
    rows.append(summed(rows, f"all of {arm}"))
    times = [chains["native"].publish(f"{STEPS[-1]}_{arm.upper()}") for _ in range(repeats + 1)]
    rows.append({"step": "published", "native_s": statistics.median(times[1:])})
    rows.append(summed(rows[-2:], f"{arm} to product"))
    for row in rows[-3:]:
        print(line(row), flush=True)
    return rows


def summed(rows: list[Row], name: str) -> Row:
    """Times of several steps together, and the largest memory."""
    total: Row = {"step": name}
    for key in rows[0]:
        values = [row[key] for row in rows if key in row]
        if key.endswith("_s"):
            total[key] = sum(values)
        elif key in {"native_mb", "esorex_mb"}:
            total[key] = max(values)
    return total


def line(row: Row) -> str:
    """Native, ESO's, and their ratio."""
    text = f"{row['step']:16} native {row['native_s']:6.2f} s"
    text += f" {row['native_mb']:5.0f} MB" if "native_mb" in row else ""
    if "worker_mb" in row:
        text += f" (worker {row['worker_mb']:4.0f})"
    if "esorex_s" not in row:
        return text
    ratio, share = row["esorex_s"] / row["native_s"], row["native_mb"] / row["esorex_mb"]
    eso = f"ESO's {row['esorex_s']:6.2f} s {row['esorex_mb']:5.0f} MB"
    return f"{text:58} {eso}: {ratio:4.1f} times, {100 * share:3.0f} % of the memory"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arms", nargs="+", default=list(SETUPS), choices=list(SETUPS))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--work", type=Path, help="folder for frames and sites; kept, used again")
    given = parser.parse_args()
    runners = RUNNERS if shutil.which("esorex") else RUNNERS[:1]
    rows = []
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        for arm in given.arms:
            folder = (given.work or Path(name)) / arm
            if not (folder / "raw").exists():
                kinds = [f"{kind}_{arm.upper()}" for kind in RAW_TYPES]
                simulate_day("uves", NIGHT, folder / "raw", raw_types=kinds, setups=SETUPS[arm])
            chains = {one: Chain(processed(folder, folder / "raw", one), stack) for one in runners}
            rows += measured(chains, arm, given.repeats)
    print("load of the last minutes:", *(f"{value:.1f}" for value in os.getloadavg()))
    if given.json:
        given.json.write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
