import os
import sys
import time

import psutil
import pytest

from vltflow.core.errors import DoesNotFit, UnknownName, VaultError
from vltflow.core.identity import new_id
from vltflow.process.executors import Ending, ExecutorState, JobSpec, LocalExecutor
from vltflow.process.executors.folders import FOLDER_VARIABLE, LOCK_FILE, settle
from vltflow.process.result import read_result


def command(site, *argv, wall_s=30, cores=1, **payload):
    job_id = new_id()
    return JobSpec(
        job_id, "shell", "command", str(site.work / job_id), cores, 100, wall_s,
        {"argv": list(argv)} | payload,
    )  # fmt: skip


def shell(site, script, **options):
    return command(site, "sh", "-c", script, **options)


def finish(executor, spec):
    executor.submit(spec)
    while executor.ping(5.0).running:
        pass
    return executor.collect(spec.job_id)


@pytest.fixture
def executor(site):
    with LocalExecutor(site) as opened:
        yield opened


def test_a_description_survives_its_json(site):
    spec = command(site, "esorex", environment={"A": "ü"})
    assert JobSpec.from_json(spec.to_json()) == spec


def test_a_program_makes_its_outputs_from_its_files(site, executor):
    spec = shell(
        site,
        'cat in.sof > out.fits; echo "$WORD said"; echo $OMP_NUM_THREADS',
        files={"in.sof": "a.fits BIAS\n"},
        environment={"WORD": "hello"},
        outputs=[{"category": "MASTER", "file": "out.fits"}],
        inputs=["frame"],
    )
    outcome = finish(executor, spec)
    result = read_result(outcome.folder, spec.job_id)
    assert (outcome.ending, result.state) == (Ending.RESULT, "SUCCEEDED")
    assert (result.products[0].size, result.products[0].inputs) == (12, ("frame",))
    assert (outcome.folder / "log.txt").read_text() == "hello said\n1\n"


def test_a_program_that_fails_leaves_its_last_words(site, executor):
    spec = shell(site, "echo made > x; echo no dark frames >&2; exit 9")
    result = read_result(finish(executor, spec).folder, spec.job_id)
    assert result.error == "shell: exit status 9; its last words: no dark frames"
    assert (result.state, result.products) == ("FAILED", ())


def test_an_output_that_is_not_there_is_a_failure(site, executor):
    spec = shell(site, "true", outputs=[{"category": "M", "file": "m.fits"}])
    result = read_result(finish(executor, spec).folder, spec.job_id)
    assert "no m.fits was made" in result.error


def test_a_program_that_is_not_installed_is_named(site, executor):
    spec = command(site, "no-such-program", "-x")
    result = read_result(finish(executor, spec).folder, spec.job_id)
    assert result.error_code == "unknown_name"
    assert "the program no-such-program cannot be started" in result.error


def test_a_program_that_dies_is_a_crash(site, executor):
    outcome = finish(executor, shell(site, "kill -SEGV $$"))
    assert (outcome.ending, outcome.error) == (Ending.CRASHED, "killed by SIGSEGV")


def test_resources_of_a_program_are_measured(site, executor):
    code = (
        "import time\nx = bytearray(80_000_000)\nfor i in range(2_000_000): pass\ntime.sleep(0.6)"
    )
    outcome = finish(executor, command(site, sys.executable, "-S", "-c", code))
    assert 80 < outcome.peak_mb < 110
    assert outcome.cpu_s > 0.02


def test_a_program_is_stopped_with_all_its_children_when_its_time_is_over(site, executor):
    spec = shell(site, "sleep 100 & echo $! > child; wait", wall_s=1)
    started = time.monotonic()
    outcome = finish(executor, spec)
    assert outcome.ending is Ending.TIMEOUT
    assert time.monotonic() - started < 20
    assert not is_running(int((outcome.folder / "child").read_text()))


def test_a_program_can_be_cancelled(site, executor):
    spec = shell(site, "sleep 100")
    executor.submit(spec)
    assert executor.status(spec.job_id) is ExecutorState.RUNNING
    executor.cancel(spec.job_id)
    while executor.ping(5.0).running:
        pass
    assert executor.collect(spec.job_id).ending is Ending.CANCELLED


def test_no_more_runs_than_the_site_has_cores(site, executor):
    script = f"echo start >> {site.folder}/order; sleep 0.2; echo end >> {site.folder}/order"
    specs = [shell(site, script, cores=2) for _ in range(3)]
    for spec in specs:
        executor.submit(spec)
    while executor.ping(5.0).running:
        pass
    assert (site.folder / "order").read_text().split() == ["start", "end"] * 3


def test_what_can_never_fit_or_run_is_refused(site, executor):
    with pytest.raises(DoesNotFit, match="needs 3 cores"):
        executor.submit(shell(site, "true", cores=3))
    with pytest.raises(UnknownName, match="Known: native, esorex, command"):
        executor.submit(JobSpec("1", "r", "magic", "", 1, 1, 1))
    with pytest.raises(UnknownName):
        executor.collect("nobody")


def test_a_job_of_another_life_is_lost_or_found(site, executor):
    assert executor.status("0" * 32) is ExecutorState.LOST
    folder = site.work / ("1" * 32)
    folder.mkdir()
    (folder / "result.json").write_text("{}")
    assert executor.status("1" * 32) is ExecutorState.ENDED
    assert executor.collect("1" * 32).ending is Ending.RESULT


def test_a_program_that_outlived_its_scheduler_is_killed_before_its_job_runs_again(site, fork):
    spec = shell(site, f"sleep 100 & echo $! > {site.folder}/child; wait")

    def submit_and_die():
        LocalExecutor(site).submit(spec)
        while not (site.folder / "child").exists():
            time.sleep(0.01)
        os._exit(0)

    os.waitpid(fork(submit_and_die), 0)
    child = int((site.folder / "child").read_text())
    assert is_running(child)
    with LocalExecutor(site) as executor:
        assert executor.status(spec.job_id) is ExecutorState.LOST
    assert not is_running(child)


def test_only_processes_of_the_job_itself_are_killed(site, tmp_path, monkeypatch):
    folder = tmp_path / "job"
    folder.mkdir()
    (folder / LOCK_FILE).touch()
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "another"))
    settle(folder)  # nobody holds the lock: returns at once, and this process lives


def test_a_folder_that_cannot_be_made_is_the_disk_s_trouble(site, executor):
    (site.folder / "work").rmdir()
    (site.folder / "work").write_text("a file")
    with pytest.raises(VaultError, match="working folder"):
        executor.submit(shell(site, "true"))


def is_running(pid):
    try:
        return psutil.Process(pid).status() not in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}
    except psutil.NoSuchProcess:
        return False
