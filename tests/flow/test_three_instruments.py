"""One command for a night in which three instruments took calibrations."""

from __future__ import annotations

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from vltflow.cli.app import run
from vltflow.core.site import load_site
from vltflow.records import Job
from vltflow.simulate import simulate_day
from vltflow.store import Store

NIGHT = "2015-02-26"
CORES, MEMORY_MB = 2, 4000
TAKEN = {"uves": ("BIAS_BLUE", "BIAS_RED"), "giraffe": ("BIAS",), "muse": ("BIAS",)}

pytestmark = [pytest.mark.slow, pytest.mark.esorex("giraf", "muse", "uves")]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site that has processed the night of all three with ESO's recipes."""
    raw, folder = tmp_path_factory.mktemp("raw"), tmp_path_factory.mktemp("three") / "site"
    for instrument, raw_types in TAKEN.items():
        simulate_day(instrument, NIGHT, raw / instrument, small=True, raw_types=raw_types)
    size = ["--cores", str(CORES), "--memory-mb", str(MEMORY_MB)]
    assert run(["init", str(folder), *size]) == 0
    with (folder / "vltflow.toml").open("a") as file:
        file.write('\n[runners]\nUVES = "esorex"\n')
    assert run(["ingest", str(raw), "--site", str(folder)]) == 0
    assert run(["night", NIGHT, "--site", str(folder)]) == 0
    shutil.rmtree(raw)
    return folder


def jobs_of(site: Path) -> list[Job]:
    opened = load_site(site)
    store = Store(opened.database, opened.vault)
    with store.read() as tx:
        jobs = [job for block in tx.blocks.find() for job in tx.jobs.of_block(block.name)]
    store.close()
    return jobs


def test_all_become_certified_masters(site, capsys):
    capsys.readouterr()
    assert run(["status", "--json", "--site", str(site)]) == 0
    rows = json.loads(capsys.readouterr().out)
    states = {(row["ab"].partition(".")[0], row["status"], row["certification"]) for row in rows}
    assert states == {(name, "SUCCEEDED", "AUTO") for name in ("UVES", "GIRAF", "MUSE")}
    for instrument in TAKEN:
        capsys.readouterr()
        assert run(["masters", "find", "-i", instrument, "--json", "--site", str(site)]) == 0
        assert json.loads(capsys.readouterr().out)


def ended(job: Job) -> datetime:
    return datetime.fromisoformat(job.ended)


def began(job: Job) -> datetime:
    """When its worker took it: short jobs are handed out before the one ahead has ended."""
    return ended(job) - timedelta(seconds=job.elapsed_s or 0.0)


def test_jobs_run_side_by_side_within_what_they_declare(site):
    jobs = jobs_of(site)
    assert {job.runner for job in jobs} == {"esorex"}
    together = [
        [other for other in jobs if began(other) <= began(job) < ended(other)] for job in jobs
    ]
    assert max(map(len, together)) == CORES
    assert max(sum(job.memory_mb for job in some) for some in together) <= MEMORY_MB
    assert all(job.peak_mb <= job.memory_mb for job in jobs)
