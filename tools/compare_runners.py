"""Write the page that compares native recipes with ESO's on the same simulated raw frames.

``make compare``, or ``python tools/compare_runners.py [--repeats 5] [--work FOLDER]``: simulates
UVES frames at full size, processes them, runs ``vltflow compare`` on an AB of each kind and writes
docs/reference/runners.md. Needs esorex and cpl-plugin-uves; let nothing else run meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "runners.md"
NIGHT = "2015-02-26"
RAW_TYPES = (
    "BIAS_BLUE,BIAS_RED,DARK_BLUE,DARK_RED,ARC_LAMP_FORM_BLUE,ORDER_FLAT_BLUE,FLAT_BLUE,"
    "ARC_LAMP_FORM_RED,ORDER_FLAT_RED,FLAT_RED"
)
COMPARED = (
    ("BIAS_BLUE", "1x1"), ("BIAS_RED", "1x1"), ("BIAS_BLUE", "2x2"), ("DARK_BLUE", "1x1"),
    ("DARK_RED", "1x1"), ("FLAT_BLUE", "1x1_437"), ("FLAT_RED", "1x1_580"),
)  # fmt: skip
_OUTPUTS = ("RON MASTER", "RON RAW", "STRUCTX", "STRUCTY")
SHOWN = {
    *(f"QC OUT{number} {name}" for number in (1, 4) for name in _OUTPUTS),
    *(f"QC REG {name} {mean}" for name in ("AVG", "MED", "RMS") for mean in ("AVG", "MED")),
}
HEAD = """\
# Native recipes against ESO's

Made by `make compare` on {date} ({cores} cores, {machine}): simulated UVES frames of full size,
both runners on the same ABs; medians of {repeats} runs in a warm worker, the two taking turns.

| AB | native s | ESO s | times as fast |
|---|---|---|---|
"""
MEMORY = """
Memory at the peak, MB of 10^6 bytes. A native job runs in a worker that stays: interpreter, numpy,
numba with LLVM and compiled kernels are there before the job begins (*worker*); the *job* adds its
own to that, which makes the *whole* process. Where ESO takes less than three times the worker, the
whole cannot be a third of it.

| AB | worker | job | whole | ESO | job / ESO | whole / ESO |
|---|---|---|---|---|---|---|
"""
PARAMETERS = """
QC1 parameters that both measure. RON RAW differs on purpose: ESO takes the rms of one raw frame,
bias structure included; the native recipe takes frame differences.

| AB | product | parameter | native | ESO | % |
|---|---|---|---|---|---|
"""
PIXELS = """
Pixels, native minus ESO, ADU. Flats are left out: the native one is normalised to one.

| AB | product | median | robust scatter | largest |
|---|---|---|---|---|
"""


def vltflow(*words: str, site: Path) -> Any:
    """Run a command; gives what it prints as JSON, if it does."""
    argv = [sys.executable, "-m", "vltflow", *words]
    environment = os.environ | {"VLTFLOW_SITE": str(site)}
    ended = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode not in {0, 1}:
        sys.exit(f"{' '.join(words)}: {ended.stderr}")
    return json.loads(ended.stdout) if "--json" in words else ended.stdout


def compared(work: Path, repeats: int) -> list[dict[str, Any]]:
    """Comparisons of one AB of each kind."""
    site, raw = work / "site", work / "raw"
    vltflow("init", str(site), site=site)
    with (site / "vltflow.toml").open("a") as settings:  # ESO's flats need ESO's order tables
        settings.write(
            '\n[runners]\nUVES = { uves_cal_predict = "esorex", uves_cal_orderpos = "esorex" }\n'
        )
    vltflow("simulate", "uves", NIGHT, "--out", str(raw), "--only", RAW_TYPES, site=site)
    vltflow("ingest", str(raw), site=site)
    vltflow("night", NIGHT, "--instrument", "UVES", site=site)
    rows = vltflow("status", "--json", site=site)
    found = []
    for raw_type, setup in COMPARED:
        name = next(
            row["ab"]
            for row in rows
            if row["raw_type"] == raw_type and row["setup"].startswith(setup)
        )
        command = ["compare", name, "--json", "--repeats", str(repeats)]
        found += vltflow(*command, site=site)
        print(raw_type, setup, flush=True)
    return found


def page(comparisons: list[dict[str, Any]], repeats: int) -> str:
    """The page as text."""
    head = HEAD.format(
        date=datetime.now(UTC).date(),
        cores=os.cpu_count(),
        machine=platform.machine(),
        repeats=repeats,
    )
    costs = [_time(one) for one in comparisons]
    memory = [_memory(one) for one in comparisons]
    parameters = [line for one in comparisons for line in _parameters(one)]
    pixels = [line for one in comparisons for line in _pixels(one)]
    rows = [head, *costs, MEMORY, *memory, PARAMETERS, *parameters, PIXELS, *pixels]
    return "".join(row if row.endswith("\n") else f"{row}\n" for row in rows)


def _time(one: dict[str, Any]) -> str:
    native, eso = one["runners"]
    ratio = eso["elapsed_s"] / native["elapsed_s"]
    return (
        f"| {one['raw_type']} {one['setup']} | {native['elapsed_s']:.2f} | {eso['elapsed_s']:.2f} "
        f"| {ratio:.1f} |"
    )


def _memory(one: dict[str, Any]) -> str:
    native, eso = one["runners"]
    whole, job, theirs = native["peak_mb"], native["job_mb"], eso["peak_mb"]
    return (
        f"| {one['raw_type']} {one['setup']} | {whole - job:.0f} | {job:.0f} | {whole:.0f} "
        f"| {theirs:.0f} | {job / theirs:.2f} | {whole / theirs:.2f} |"
    )


def _parameters(one: dict[str, Any]) -> list[str]:
    both = [row for row in one["parameters"] if None not in (row["native"], row["esorex"])]
    return [
        f"| {one['raw_type']} {one['setup'][:3]} | {row['category']} | {row['parameter']} "
        f"| {row['native']:.5g} | {row['esorex']:.5g} "
        f"| {100 * (row['native'] / row['esorex'] - 1):+.2f} |"
        for row in both
        if row["parameter"] in SHOWN and row["esorex"]
    ]


def _pixels(one: dict[str, Any]) -> list[str]:
    return [
        f"| {one['raw_type']} {one['setup'][:3]} | {row['category']} | {row['median']:.4g} "
        f"| {row['scatter']:.4g} | {row['largest']:.4g} |"
        for row in one["pixels"]
        if row["median"] is not None and "FLAT" not in row["category"]
    ]


def main() -> None:
    """Compare and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--work", type=Path, help="folder for frames and site; kept")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = compared(chosen.work or Path(folder), chosen.repeats)
    PAGE.write_text(page(found, chosen.repeats), encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main()
