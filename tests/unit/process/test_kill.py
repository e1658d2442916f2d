"""Kill -9 at named and at random moments: nothing twice, nothing lost."""

import contextlib
import os
import random
import signal
import time
from collections import Counter

import psutil
import pytest

from vltflow.process import collect, scheduler
from vltflow.process.executors import LocalExecutor
from vltflow.process.executors.folders import FOLDER_VARIABLE
from vltflow.process.run import run
from vltflow.records import JobState
from vltflow.store import Store


def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)


def status_of(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def run_again(site, instruments):
    store = Store(site.database, site.vault)
    try:
        return run(store, site, instruments)
    finally:
        store.close()


def jobs_of(day, block):
    with day.store.read() as tx:
        return tx.jobs.of_block(block)


def assert_done_once(day, site):
    """Every AB succeeded by one job, with one whole product; nothing is left over."""
    assert set(day.states()) == {"SUCCEEDED"}
    for block in day.blocks:
        states = Counter(job.state for job in jobs_of(day, block))
        assert states[JobState.SUCCEEDED] == 1, (block, states)
        assert not {JobState.RUNNING, JobState.PLANNED} & set(states)
    products = day.products()
    assert len(products) == len(day.blocks) == len({product.name for product in products})
    for product in products:
        day.store.vault.get_bytes(product.file_id)
        day.store.vault.get_bytes(product.figures_file)
    assert list(site.work.iterdir()) == []
    assert list((site.folder / "vault" / "incoming").glob("*")) == []
    assert processes_of(site) == []


def processes_of(site):
    found = []
    for process in psutil.process_iter():
        try:
            folder = process.environ().get(FOLDER_VARIABLE, "")
        except (psutil.Error, OSError):
            continue
        if folder.startswith(str(site.work)):
            found.append(process)
    return found


MOMENTS = {
    "registered, not submitted": (LocalExecutor, "submit"),
    "ended, not kept": (scheduler, "keep"),
    "kept, not recorded": (scheduler, "record"),
    "half kept": (collect, "_keep_log"),
    "recorded, folder still there": (scheduler, "remove_folder"),
}


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_a_named_moment(day, site, define, monkeypatch, fork, moment):
    day.add("BIAS")
    instruments = define()
    with monkeypatch.context() as patch:
        patch.setattr(*MOMENTS[moment], die)
        assert status_of(fork(lambda: run_again(site, instruments))) == -signal.SIGKILL
    report = run(day.store, site, instruments)
    assert_done_once(day, site)
    (job,) = jobs_of(day, day.blocks[0])
    assert job.attempt == 1
    with day.store.read() as tx:
        changes = [event.change for event in tx.events.find(kind="job", record=job.job_id)]
    ran_twice = "RUNNING -> PLANNED" in changes
    assert ran_twice == (moment == "registered, not submitted")
    assert bool(report.recovered) == (moment != "recorded, folder still there")


def test_a_result_that_was_tampered_with_is_not_believed(day, site, define, monkeypatch, fork):
    day.add("BIAS")
    instruments = define()
    with monkeypatch.context() as patch:
        patch.setattr(scheduler, "keep", die)
        status_of(fork(lambda: run_again(site, instruments)))
    (made,) = site.work.glob("*/MASTER_BIAS_BLUE.fits")
    made.write_bytes(made.read_bytes()[:-2880])
    run(day.store, site, instruments)
    assert_done_once(day, site)


@pytest.mark.slow
@pytest.mark.parametrize("kills", [5, 50])
def test_killed_at_random_moments(day, site, define, fork, kills):
    for _ in range(30):
        bias = day.add("BIAS")
        day.add("DARK", needs=bias, frames=1)
    instruments = define(bias={"parameters": {"sleep": 0.02}})
    chance = random.Random(kills)
    done = 0
    while done < kills:
        pid = fork(lambda: run_again(site, instruments))
        while done < kills and is_alive(pid):
            time.sleep(chance.uniform(0.05, 2.5))
            done += kill_something(pid, chance)
        if done >= kills and is_alive(pid):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        if set(day.states()) == {"SUCCEEDED"}:
            break  # faster than the killer
    run(day.store, site, instruments)
    assert_done_once(day, site)


def is_alive(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def kill_something(pid, chance):
    """Kill a worker, the scheduler, or everything; gives the number of kills."""
    try:
        scheduler_process = psutil.Process(pid)
        workers = scheduler_process.children()
    except psutil.NoSuchProcess:
        return 0
    what = chance.choice(["worker", "worker", "scheduler", "everything"])
    victims = {
        "worker": [chance.choice(workers)] if workers else [],
        "scheduler": [scheduler_process],
        "everything": [scheduler_process, *workers],
    }[what]
    for victim in victims:
        with contextlib.suppress(psutil.NoSuchProcess):
            victim.kill()
    return bool(victims)
