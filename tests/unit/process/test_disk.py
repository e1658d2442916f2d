"""Disk full, vault read-only, clock going backwards: said clearly, and gone on from."""

import errno
import itertools
import os
import shutil
import subprocess
from dataclasses import replace

import pytest

from vltflow.core import time as core_time
from vltflow.core.errors import VaultError
from vltflow.core.site import create_site
from vltflow.process.run import run
from vltflow.records import JobState
from vltflow.store import Store
from vltflow.store import vault as vault_module

pytestmark = pytest.mark.slow


@pytest.fixture
def small_disk(tmp_path):
    """A real file system of 3 MB; needs the right to mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no small file system can be mounted here: {error}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder):
    """Leave only two pages free; gives the file to remove."""
    filler = folder / "filler"
    free = shutil.disk_usage(folder).free
    filler.write_bytes(bytes(free - 8192))
    assert shutil.disk_usage(folder).free <= 8192
    return filler


@pytest.mark.parametrize("part", ["vault", "work"])
def test_a_full_disk_stops_the_run_and_loses_nothing(day, site, define, small_disk, part):
    day.add("DARK", needs=day.add("BIAS"))
    instruments = define()
    if part == "vault":
        full, store = site, Store(site.database, str(small_disk / "vault"))
    else:
        here = create_site(small_disk / "site", cores=2, memory_mb=2000)
        full, store = replace(site, folder=here.folder), day.store
    filler = fill(small_disk)
    with pytest.raises(VaultError, match=r"(full|No space left).*start again"):
        run(store, full, instruments)
    assert day.states() == ["PLANNED", "PLANNED"]
    assert day.products() == []
    assert not list(full.work.iterdir())
    filler.unlink()
    assert run(store, full, instruments).succeeded == day.blocks
    for product in day.products():
        store.vault.get_bytes(product.file_id)
    store.close()


def test_a_recipe_that_meets_a_full_disk_is_not_at_fault(day, process, define):
    block = day.add("BIAS")
    with pytest.raises(VaultError, match="Free some space or make it writable, and start again"):
        process(day, define(bias={"parameters": {"fault": "disk"}}))
    assert day.states() == ["PLANNED"]
    assert process(day, define()).succeeded == [block]
    with day.store.read() as tx:
        assert JobState.FAILED not in {job.state for job in tx.jobs.of_block(block)}


def test_a_read_only_vault_stops_the_run_and_loses_nothing(day, site, define, small_disk):
    block = day.add("BIAS")
    store = Store(site.database, str(small_disk / "vault"))
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(VaultError, match="mounted read-only"):
        run(store, site, define())
    assert day.states() == ["PLANNED"]
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    assert run(store, site, define()).succeeded == [block]
    store.close()


def test_a_vault_that_refuses_files_stops_the_run(day, process, define, monkeypatch):
    block = day.add("BIAS")

    def refuse(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(vault_module.LocalShelf, "adopt", refuse)
        with pytest.raises(VaultError, match="the disk is full; free some space and start again"):
            process(day, define())
    assert day.states() == ["PLANNED"]
    assert process(day, define()).succeeded == [block]


def test_a_clock_that_goes_backwards_disturbs_nothing(day, site, define, monkeypatch):
    seconds = itertools.count(2_000_000_000, -3600)
    monkeypatch.setattr("time.time", lambda: float(next(seconds)))
    monkeypatch.setattr("time.time_ns", lambda: next(seconds) * 10**9)
    for module in ("scheduler", "collect", "jobs"):
        stamps = (core_time.iso_from_mjd(60000 - n) for n in itertools.count())
        monkeypatch.setattr(f"vltflow.process.{module}.now_iso", stamps.__next__)
    bias = day.add("BIAS")
    dark = day.add("DARK", needs=bias)
    once = {"parameters": {"fault": "kill", "marker": str(day.folder / "marker")}}
    report = run(day.store, site, define(dark=once))
    assert report.succeeded == [bias, dark]
    with day.store.read() as tx:
        jobs = tx.jobs.of_block(dark)
        assert tx.jobs.latest([dark])[dark] == jobs[-1]
    assert [job.state for job in jobs] == [JobState.FAILED, JobState.SUCCEEDED]
    assert jobs[0].created > jobs[1].created  # the clock did go backwards
    assert all(job.elapsed_s >= 0 for job in jobs)
