from dataclasses import replace

import pytest

from vltflow.core.errors import Conflict, NotFound
from vltflow.records import JobState

RUNNING = {"state": JobState.RUNNING, "executor": "local", "handle": "pid 7"}


def test_a_job_comes_back_as_it_was_stored(filled, make):
    job = make.job(9, block=make.block(1).name, elapsed_s=1.5, cpu_s=0.1, peak_mb=33.25)
    with filled.write(by="test", why="test") as tx:
        tx.jobs.add([job])
    with filled.read() as tx:
        assert tx.jobs.get("job9") == job
        with pytest.raises(NotFound):
            tx.jobs.get("job10")


def test_a_job_goes_on_only_from_an_expected_state(filled, make):
    running = replace(make.job(1), **RUNNING)
    with filled.write(by="scheduler", why="its turn") as tx:
        tx.jobs.update(running, expected={JobState.PLANNED})
        with pytest.raises(Conflict, match="job1 is RUNNING, not BLOCKED or PLANNED"):
            tx.jobs.update(running, expected={JobState.PLANNED, JobState.BLOCKED})
        failed = replace(running, state=JobState.FAILED, error="too dark")
        tx.jobs.update(failed, expected={JobState.RUNNING})
        changes = [event.change for event in tx.events.find(kind="job", record="job1")]
    assert changes[1:] == ["PLANNED -> RUNNING", "RUNNING -> FAILED: too dark"]


def test_updating_an_unknown_job_is_a_conflict(filled, make):
    with pytest.raises(Conflict, match="unknown"), filled.write(by="test", why="test") as tx:
        tx.jobs.update(make.job(9), expected=set(JobState))


def test_a_job_of_no_block_is_refused(store, make):
    with pytest.raises(Conflict), store.write(by="test", why="test") as tx:
        tx.jobs.add([make.job(1)])


def test_the_latest_job_is_the_last_registered_even_if_the_clock_went_back(filled, make):
    name = make.block(1).name
    later = make.job(7, block=name, attempt=2, created="1999-01-01T00:00:00.000")
    with filled.write(by="test", why="test") as tx:
        tx.jobs.add([later])
        assert tx.jobs.of_block(name) == [make.job(1), later]
        assert tx.jobs.latest([name, make.block(2).name]) == {
            name: later,
            make.block(2).name: make.job(2),
        }


def test_jobs_are_found_by_state_and_by_their_work(filled, make):
    running = make.job(1, **RUNNING)
    other = make.job(8, block=make.block(1).name, input_hash="other")
    with filled.write(by="test", why="test") as tx:
        tx.jobs.update(running, expected={JobState.PLANNED})
        tx.jobs.add([other])
        assert tx.jobs.in_state(JobState.RUNNING) == [running]
        assert tx.jobs.in_state(JobState.PLANNED, JobState.FAILED) == [
            make.job(0),
            make.job(2),
            other,
        ]
        assert tx.jobs.with_input_hash("other") == [other]
