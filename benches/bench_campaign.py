"""A campaign of many small exposures: cost of one, and how busy the cores are.

    python benches/bench_campaign.py [--exposures 100,1000] [--json PATH]

Each exposure is a simulated UVES frame of 1 MB (a window with six blue orders), reduced by the
native recipe with masters that were certified before, stacked by fives, judged and published with
its preview. Measured is `vltflow campaign run`, in a process of its own, from classification to
the reports; simulation, ingestion and masters are not.

`cores used` is the share of the cores that jobs and the making of products took as CPU time, as
the report of a batch tells it. `busy` does not rely on what we note ourselves: the CPU time of all
processes of the campaign from start to end, as the system counted it, over time and cores.

What should be seen: the same cost an exposure for 100 and for 1,000, and cores that are busy for
90 % of the time or more.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

from vltflow.simulate import simulate_day
from vltflow.simulate.source import Source
from vltflow.simulate.uves.programme import Exposure, science_night

FIRST_NIGHT = date(2010, 10, 5)
MONTHS = ("--from", "2010-10", "--to", "2010-11")
PER_NIGHT = 50
IN_BLOCK = 5
CALIBRATED_EACH = 2
"""Nights: science whose arc is more than a day away is red, waits for a person and has a page
drawn, which is another campaign."""


def simulate(folder: Path, exposures: int) -> None:
    """Nights of 50 exposures, five an observation block; calibrations each second night."""
    for number in range(-(-exposures // PER_NIGHT)):
        night = str(FIRST_NIGHT + timedelta(number))
        if number % CALIBRATED_EACH == 0:
            templates = science_night(night, [Exposure(Source())], window=True, standard=False)
            morning = [one for one in templates if one.source is None]
            simulate_day("uves", night, folder / "calibrations", templates=morning)
        blocks = [
            Exposure(Source(snr=30.0, observation=f"SIM-{night}-{place}"), exptime=60.0,
                     count=IN_BLOCK)
            for place in range(min(PER_NIGHT, exposures - number * PER_NIGHT) // IN_BLOCK)
        ]  # fmt: skip
        templates = science_night(night, blocks, window=True, standard=False, calibrations=False)
        simulate_day("uves", night, folder / "science", templates=templates)


def measure(exposures: int, cores: int) -> dict[str, float]:
    """A campaign from recognised nothing to its reports."""
    with tempfile.TemporaryDirectory() as name:
        folder, site = Path(name), Path(name) / "site"
        simulate(folder, exposures)

        def run(*words: str) -> str:
            program = [sys.executable, "-m", "vltflow", *words]
            environment = os.environ | {"VLTFLOW_SITE": str(site)}
            return subprocess.run(
                program, env=environment, check=True, stdout=subprocess.PIPE, text=True
            ).stdout

        run("init", str(site), "--cores", str(cores), "--memory-mb", str(1500 * cores))
        run("ingest", str(folder / "calibrations"))
        for number in range(0, -(-exposures // PER_NIGHT), CALIBRATED_EACH):
            run("night", str(FIRST_NIGHT + timedelta(number)), "--instrument", "UVES")
        run("ingest", str(folder / "science"))
        begin, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        said = run("campaign", "run", "UVES", *MONTHS, "--json")
        wall, after = time.monotonic() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
        reports = json.loads(said)
    made = sum(one["states"].get("SUCCEEDED", 0) for one in reports)
    assert made == exposures + exposures // IN_BLOCK, reports
    certified = sum(one["decisions"].get("AUTO", 0) for one in reports)
    assert certified > 0.8 * made, (
        "all but those drawn by lot, and their stacks, pass by themselves"
    )
    used = sum(one["elapsed_s"] * one["cores_used"] * cores for one in reports)
    published = sum(one["publishing_s"] for one in reports)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "exposures": exposures,
        "wall_s": wall,
        "ms_an_exposure": 1000 * wall / exposures,
        "cpu_ms_an_exposure": 1000 * cpu / exposures,
        "cpu_of_jobs_ms_an_exposure": 1000 * (used - published) / exposures,
        "cpu_of_publishing_ms_an_exposure": 1000 * published / exposures,
        "cores_used": used / (wall * cores),
        "busy": cpu / (wall * cores),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--exposures", default="100,1000", help="multiples of five")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    numbers = [int(number) for number in options.exposures.split(",")]
    found = [measure(number, options.cores) for number in numbers]
    print(
        "exposures  wall [s]   an exposure [ms]: wall   CPU  of jobs  of publishing  "
        "cores used   busy"
    )
    for one in found:
        print(
            f"{one['exposures']:9.0f} {one['wall_s']:9.1f} {one['ms_an_exposure']:23.0f} "
            f"{one['cpu_ms_an_exposure']:5.0f} {one['cpu_of_jobs_ms_an_exposure']:9.0f} "
            f"{one['cpu_of_publishing_ms_an_exposure']:15.0f} {100 * one['cores_used']:10.1f} %"
            f"{100 * one['busy']:6.1f} %"
        )
    ratio = found[-1]["ms_an_exposure"] / found[0]["ms_an_exposure"]
    print(f"cost an exposure, {numbers[-1]} against {numbers[0]}: {ratio:.2f}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
