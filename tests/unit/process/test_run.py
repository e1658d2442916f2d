import threading

import pytest

from vltflow.core.errors import SiteBusy
from vltflow.process.control import abort, retry
from vltflow.process.run import run
from vltflow.records import BlockState, JobState, MatchState, ProductState


def job_of(day, block):
    with day.store.read() as tx:
        return tx.jobs.latest([block])[block]


def jobs_of(day, block):
    with day.store.read() as tx:
        return tx.jobs.of_block(block)


def problem_of(day, block):
    with day.store.read() as tx:
        return tx.blocks.get(block).problem


def log_of(day, job):
    return day.store.vault.get_bytes(job.log_file).decode()


def test_a_day_is_processed_with_the_masters_made_on_the_way(day, process, define):
    bias = day.add("BIAS")
    dark = day.add("DARK", needs=bias)
    report = process(day, define())
    assert report.succeeded == [bias, dark]
    master, product = day.products()
    assert (master.name, product.name) == ("TR_B_150227A_BLUE.fits", "TR_D_150227A_BLUE.fits")
    assert product.inputs[-1] == master.product_id
    with day.store.read() as tx:
        assert tx.blocks.get(dark).masters[0].product_id == master.product_id


def test_the_queue_runs_on_every_backend(day_on, store, process, define):
    day = day_on(store)
    day.add("DARK", needs=day.add("BIAS"))
    once = {"parameters": {"fault": "kill", "marker": str(day.folder / "marker")}}
    assert process(day, define(dark=once)).succeeded == day.blocks
    assert [product.state for product in day.products()] == [ProductState.CREATED] * 2


def test_a_job_records_what_it_used_and_its_log(day, process, define):
    block = day.add("BIAS")
    process(day, define(bias={"parameters": {"memory_mb": 150, "sleep": 0.05}}))
    job = job_of(day, block)
    assert job.state is JobState.SUCCEEDED
    assert job.peak_mb > 150
    assert 0.05 < job.elapsed_s < 30
    assert job.cpu_s > 0
    assert "chip=BLUE frames=2" in log_of(day, job)


def test_names_follow_the_time_of_the_blocks_not_the_end_of_the_jobs(day, process, define):
    first, second = day.add("BIAS"), day.add("BIAS")
    slow = {"parameters": {"fault": "kill", "marker": str(day.folder / "m")}}
    process(day, define(bias=slow))  # one of them is tried again, so ends last
    names = {product.block: product.name for product in day.products()}
    assert names == {first: "TR_B_150227A_BLUE.fits", second: "TR_B_150227B_BLUE.fits"}


def test_a_red_block_with_one_failing_chip_is_partial(day, process, define):
    block = day.add("BIAS_RED")
    faulty = {"parameters": {"fault": "raise", "chip": "REDU"}}
    report = process(day, define(bias=faulty))
    assert report.partial == [block]
    assert [product.category for product in day.products()] == ["MASTER_BIAS_REDL"]
    assert problem_of(day, block) == "chip REDU: no light (flux=0.5)"


@pytest.mark.parametrize(
    ("fault", "code", "tries", "words"),
    [
        ("raise", "algorithm_failure", 1, "no light"),
        ("bug", "recipe", 1, "ZeroDivisionError: a mistake in the recipe"),
        ("kill", "recipe_crashed", 3, "killed by SIGKILL"),
        pytest.param("exit", "recipe_crashed", 3, "exit status 3", marks=pytest.mark.slow),
        ("memory", "recipe_crashed", 3, "out of memory"),
        ("hang", "recipe_timeout", 2, "wall_s = 1"),
    ],
)
def test_a_failure_is_classified_tried_again_and_logged(  # noqa: PLR0917
    day, process, define, fault, code, tries, words
):
    block, other = day.add("BIAS"), day.add("NOTHING")
    change = {"parameters": {"fault": fault}, "wall_s": 1 if fault == "hang" else 60}
    report = process(day, define(bias=change))
    assert (report.failed, report.succeeded) == ([block], [other])
    jobs = jobs_of(day, block)
    assert [job.attempt for job in jobs] == list(range(1, tries + 1))
    assert {job.error_code for job in jobs} == {code}
    assert words in problem_of(day, block)
    assert day.products() == []
    assert words.split(":")[0] in log_of(day, jobs[-1])


@pytest.mark.slow
def test_the_log_of_a_killed_recipe_has_its_last_words(day, process, define):
    block = day.add("BIAS")
    process(day, define(bias={"parameters": {"fault": "kill"}}))
    assert "these are my last words" in log_of(day, job_of(day, block))


def test_a_crash_that_does_not_come_back_is_forgiven(day, process, define):
    block = day.add("BIAS")
    once = {"parameters": {"fault": "kill", "marker": str(day.folder / "marker")}}
    assert process(day, define(bias=once)).succeeded == [block]
    assert [job.state for job in jobs_of(day, block)] == [JobState.FAILED, JobState.SUCCEEDED]


def test_a_required_master_that_failed_keeps_the_block_planned(day, process, define):
    bias = day.add("BIAS")
    dark, free = day.add("DARK", needs=bias), day.add("DARK", optional=bias)
    report = process(day, define(bias={"parameters": {"fault": "raise"}}))
    assert day.states() == ["FAILED", "PLANNED", "SUCCEEDED"]
    assert report.waiting == {dark: f"no MASTER_BIAS_BLUE, which {bias} should have made"}
    with day.store.read() as tx:
        assert tx.blocks.get(free).masters[0].state is MatchState.MISSING


def test_what_can_never_fit_is_refused_at_once(day, process, define):
    block = day.add("BIAS")
    assert process(day, define(bias={"cores": 3})).failed == [block]
    assert jobs_of(day, block) == []
    assert "needs cores = 3, the site has 2" in problem_of(day, block)


def test_resources_that_nobody_stated_are_the_recipe_s_estimate(day, process, define):
    block = day.add("BIAS")
    instruments = define(bias={"recipe": "vltflow_trial:Greedy"})
    entry = instruments["TRIAL"].recipes.recipes["bias"]
    object.__setattr__(entry.native, "__pydantic_fields_set__", {"recipe"})
    process(day, instruments)
    assert "needs memory_mb = 384000" in problem_of(day, block)  # 1000 x 2 frames x 16 x 12


def test_a_block_without_a_runner_waits_for_a_recipe(day, process, define):
    block = day.add("LATER")
    assert process(day, define()).blocked == [block]
    assert problem_of(day, block).startswith("waits for a recipe: no runner executes later")


def test_an_unknown_parameter_is_named_with_the_allowed_ones(day, process, define):
    block = day.add("BIAS")
    process(day, define(bias={"parameters": {"speed": 1}}))
    assert "recipes.yaml: parameters of trial.sum: speed" in problem_of(day, block)


def test_a_raw_frame_that_changed_is_refused(day, process, define):
    block = day.add("BIAS")
    path = next(day.folder.glob("raw-*.fits"))
    path.write_bytes(path.read_bytes()[:2880])
    assert process(day, define()).failed == [block]
    assert "when it was ingested" in problem_of(day, block)


def test_a_damaged_master_is_not_used(day, process, define):
    bias = day.add("BIAS")
    process(day, define())
    (master,) = day.products()
    address = day.store.vault.local_path(master.file_id, day.folder)
    address.chmod(0o644)
    address.write_bytes(address.read_bytes()[:-1] + b"!")
    dark = day.add("DARK", needs=bias)
    assert process(day, define()).failed == [dark]
    assert "is damaged" in problem_of(day, dark)


def test_the_same_work_is_not_done_twice(day, process, define):
    block = day.add("BIAS")
    instruments = define()
    process(day, instruments)
    with day.store.write(by="test", why="again") as tx:
        tx.blocks.set_state(block, BlockState.PLANNED)
    report = process(day, instruments)
    assert (report.succeeded, report.skipped) == ([block], [block])
    assert len(jobs_of(day, block)) == len(day.products()) == 1


def test_other_parameters_are_other_work_and_supersede_the_products(day, process, define):
    block = day.add("BIAS")
    process(day, define())
    with day.store.write(by="test", why="again") as tx:
        tx.blocks.set_state(block, BlockState.PLANNED)
    process(day, define(bias={"parameters": {"scale": 2.0}}))
    states = [(product.state, product.name) for product in day.products()]
    assert states == [
        (ProductState.SUPERSEDED, "TR_B_150227A_BLUE.fits"),
        (ProductState.CREATED, "TR_B_150227B_BLUE.fits"),
    ]


def test_the_same_work_gives_the_same_bytes(day, process, define):
    block = day.add("BIAS")
    instruments = define()
    process(day, instruments)
    (before,) = day.products()
    day.store.vault.local_path(before.file_id, day.folder).unlink()  # so it has to be made again
    with day.store.write(by="test", why="again") as tx:
        tx.blocks.set_state(block, BlockState.PLANNED)
    process(day, instruments)
    after = day.products()[-1]
    assert after.job_id != before.job_id
    assert (after.file_id, after.figures_file) == (before.file_id, before.figures_file)


def test_nothing_is_left_in_the_working_folder(day, site, define):
    day.add("BIAS")
    day.add("DARK", optional="nobody")
    run(day.store, site, define(dark={"parameters": {"fault": "kill"}}))
    assert list(site.work.iterdir()) == []


def test_a_second_scheduler_refuses_politely(day, process, define):
    with (
        day.store.exclusive("scheduler"),
        pytest.raises(SiteBusy, match="already running"),
    ):
        process(day, define())


def test_a_cancelled_run_puts_back_what_ran(day, process, define):
    bias = day.add("BIAS")
    day.add("NOTHING")
    cancel = threading.Event()
    slow = define(bias={"parameters": {"sleep": 600.0}})
    report = process(day, slow, cancel=cancel, progress=lambda _: cancel.set())
    assert report.cancelled
    assert day.states() == ["PLANNED", "SUCCEEDED"]
    assert [job.state for job in jobs_of(day, bias)] == [JobState.PLANNED]


def test_an_aborted_block_stops_at_once(day, process, define):
    block = day.add("BIAS")
    day.add("NOTHING")

    def give_up(_):
        if day.states()[0] == "RUNNING":
            abort(day.store, block, who="me", why="wrong lamp")

    process(day, define(bias={"parameters": {"sleep": 600.0}}), progress=give_up)
    assert day.states() == ["ABORTED", "SUCCEEDED"]
    assert problem_of(day, block) == "aborted by me: wrong lamp"
    assert job_of(day, block).state is JobState.ABORTED
    retry(day.store, block, who="me", why="lamp mended")
    assert process(day, define()).succeeded == [block]


def test_a_block_that_was_re_opened_meanwhile_keeps_its_new_state(day, process, define):
    block = day.add("BIAS")

    def reopen(_):
        with day.store.write(by="associate", why="late frame") as tx:
            tx.blocks.set_state(block, BlockState.BLOCKED, problem="re-opened")

    day.add("NOTHING")
    process(day, define(bias={"parameters": {"sleep": 600.0}}), progress=reopen)
    assert day.states() == ["BLOCKED", "SUCCEEDED"]
    assert job_of(day, block).error == "the AB was re-opened"
    assert day.products() == []


def test_a_selection_leaves_other_nights_alone(day, process, define):
    day.add("NOTHING")
    assert process(day, define(), night="2015-02-26").succeeded == []
    assert process(day, define(), instrument="OTHER").succeeded == []
    assert process(day, define(), night="2015-02-27", instrument="TRIAL").done == 1
