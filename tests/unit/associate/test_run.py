from dataclasses import replace
from importlib import import_module

import pytest

from vltflow.associate import run
from vltflow.core.identity import new_id
from vltflow.instruments import load_folder
from vltflow.records import BlockState, Decision, Job, MatchState, Product, ProductState, Verdict


def _blocks(store):
    with store.read() as look:
        return {
            f"{block.raw_type} {block.mjd_start - 57000:g}": block
            for block in look.blocks.find(instrument="TOY")
        }


def _day(frames, day=10.0):
    return [
        frames("BIAS", day, 3),
        frames("DARK", day + 0.1, 3),
        frames("FLAT", day + 0.2, 3),
        frames("ARC", day + 0.3),
        frames("STAR", day + 0.4),
    ]


def _make(store, block, categories, state=BlockState.SUCCEEDED):
    """Products of an AB, as process would leave them."""
    job = Job(
        job_id=new_id(), block=block.name, revision=block.revision, recipe="r", recipe_version="1",
        runner="native", parameters="{}", input_hash="0" * 64, cores=1, memory_mb=1, wall_s=1,
        created="2015-02-26T00:00:00",
    )  # fmt: skip
    made = [
        Product(
            product_id=new_id(), block=block.name, revision=block.revision, job_id=job.job_id,
            instrument="TOY", night=block.night, category=category, setup=block.setup,
            setup_keys=block.setup_keys, mjd=block.mjd_mid, file_id="0" * 64, size=1,
            name=f"{category}_{block.name}_{block.revision}.fits", created="2015-02-26T00:00:00",
        )
        for category in categories
    ]  # fmt: skip
    with store.write(by="process", why="test") as change:
        change.jobs.add([job])
        change.products.add(made)
        change.blocks.set_state(block.name, state)
    return made


def test_a_whole_day_is_associated_before_anything_runs(store, toy, frames, put):
    put(store, *_day(frames))
    report = run(store, toy)
    blocks = _blocks(store)
    assert len(report.created) == 5
    assert [block.state for block in blocks.values()] == [
        "PLANNED", "PLANNED", "PLANNED", "BLOCKED", "BLOCKED",
    ]  # fmt: skip
    flat = {match.category: match for match in blocks["FLAT 10.2"].masters}
    assert flat["MASTER_BIAS"].state is MatchState.VIRTUAL
    assert flat["MASTER_DARK"].source_block == blocks["DARK 10.1"].name
    assert blocks["ARC 10.3"].problem == "waits for a recipe: no runner executes arc yet"
    arc = blocks["ARC 10.3"].name
    assert blocks["STAR 10.4"].problem == f"waits for LINES of {arc}, which is blocked"


def test_a_second_run_writes_nothing(store, toy, frames, put):
    put(store, *_day(frames))
    run(store, toy)
    with store.read() as look:
        before = look.association.last_event()
    assert not run(store, toy).changed
    with store.read() as look:
        assert look.association.last_event() == before


def test_an_incomplete_template_blocks_and_serves_nobody(sqlite_store, toy, frames, put):
    put(sqlite_store, frames("BIAS", 1, 5, expnos=(1, 2, 4, 5)), frames("DARK", 1.1, 2))
    run(sqlite_store, toy)
    blocks = _blocks(sqlite_store)
    assert blocks["BIAS 1"].problem == "incomplete: 4 of 5 frames, EXPNO 3 missing"
    assert blocks["DARK 1.1"].problem == "no MASTER_BIAS for 1 within 10 days"
    assert not blocks["DARK 1.1"].complete


def test_a_late_frame_completes_a_block_and_frees_who_waited(store, toy, frames, put):
    bias = frames("BIAS", 1, 5)
    put(store, [*bias[:2], *bias[3:]], frames("DARK", 1.1, 2))
    run(store, toy)
    put(store, [bias[2]])
    report = run(store, toy)
    blocks = _blocks(store)
    assert report.joined == (blocks["BIAS 1"].name,)
    assert report.rematched == (blocks["DARK 1.1"].name,)
    assert {block.state for block in blocks.values()} == {"PLANNED"}
    assert len(blocks["BIAS 1"].frames) == 5


def test_a_late_first_frame_gives_the_block_its_name(store, toy, frames, put):
    bias = frames("BIAS", 1, 3)
    put(store, bias[1:], frames("DARK", 1.1, 2))
    run(store, toy)
    put(store, bias[:1])
    run(store, toy)
    blocks = _blocks(store)
    assert set(blocks) == {"BIAS 1", "DARK 1.1"}
    assert blocks["DARK 1.1"].masters[0].source_block == f"{bias[0].name}_tpl"


def test_a_late_frame_reopens_a_processed_block_and_leaves_its_products(store, toy, frames, put):
    bias = frames("BIAS", 1, 3)
    put(store, bias, frames("DARK", 1.1, 2))
    run(store, toy)
    block = _blocks(store)["BIAS 1"]
    [product] = _make(store, block, ["MASTER_BIAS"])
    with store.write(by="test", why="test") as change:
        change.blocks.set_decision(block.name, Decision.AUTO)
    run(store, toy)
    assert _blocks(store)["DARK 1.1"].masters[0].product_id == product.product_id
    late = replace(bias[0], frame_id="f" * 64, name="TOY.late", mjd_obs=bias[0].mjd_obs + 0.01)
    put(store, [late])
    report = run(store, toy)
    after = _blocks(store)
    assert report.reopened == (block.name,)
    assert (after["BIAS 1"].revision, after["BIAS 1"].state) == (2, "PLANNED")
    assert after["DARK 1.1"].masters[0].state is MatchState.VIRTUAL
    with store.read() as look:
        assert look.blocks.decisions([block.name]) == {block.name: ""}
        assert look.products.get(product.product_id) == product


def test_frames_for_a_running_block_wait_until_it_has_ended(store, toy, frames, put):
    bias = frames("BIAS", 1, 5)
    put(store, bias[:3])
    run(store, toy)
    name = _blocks(store)["BIAS 1"].name
    with store.write(by="process", why="test") as change:
        change.blocks.set_state(name, BlockState.RUNNING)
    put(store, bias[3:])
    assert run(store, toy).waiting == (name,)
    assert len(_blocks(store)["BIAS 1"].frames) == 3
    with store.write(by="process", why="test") as change:
        change.blocks.set_state(name, BlockState.FAILED)
    assert run(store, toy).reopened == (name,)
    assert len(_blocks(store)["BIAS 1"].frames) == 5


def test_a_failed_source_sends_its_users_to_the_next_best(store, toy, frames, put):
    put(store, frames("BIAS", 1, 3), frames("BIAS", 4, 3), frames("DARK", 4.1, 2))
    run(store, toy)
    blocks = _blocks(store)
    assert blocks["DARK 4.1"].masters[0].source_block == blocks["BIAS 4"].name
    with store.write(by="process", why="test") as change:
        change.blocks.set_state(blocks["BIAS 4"].name, BlockState.FAILED, problem="lamp")
    report = run(store, toy)
    dark = _blocks(store)["DARK 4.1"]
    assert report.rematched == (dark.name,)
    assert (dark.masters[0].source_block, dark.masters[0].level) == (blocks["BIAS 1"].name, 2)


def test_rejected_products_serve_no_longer_until_accepted_again(store, toy, frames, put):
    put(store, frames("BIAS", 1, 3), frames("DARK", 1.1, 2))
    run(store, toy)
    bias = _blocks(store)["BIAS 1"]
    _make(store, bias, ["MASTER_BIAS"])
    run(store, toy)
    for decision, state in ((Decision.REJECTED, "BLOCKED"), (Decision.ACCEPTED, "PLANNED")):
        verdict = Verdict(bias.name, 1, decision, "me", "noise", "2015-02-27T00:00:00")
        with store.write(by="me", why="noise") as change:
            change.quality.add_verdict(verdict)
            change.blocks.set_decision(bias.name, decision)
        run(store, toy)
        assert _blocks(store)["DARK 1.1"].state == state


def test_a_single_rejected_product_is_no_candidate(sqlite_store, toy, frames, put):
    put(sqlite_store, frames("BIAS", 1, 3), frames("DARK", 1.1, 2))
    run(sqlite_store, toy)
    [product] = _make(sqlite_store, _blocks(sqlite_store)["BIAS 1"], ["MASTER_BIAS"])
    with sqlite_store.write(by="me", why="test") as change:
        change.products.set_state(product.product_id, ProductState.REJECTED)
    run(sqlite_store, toy)
    assert _blocks(sqlite_store)["DARK 1.1"].masters[0].state is MatchState.MISSING


def test_blocks_that_run_or_have_succeeded_keep_their_matches(store, toy, frames, put):
    put(store, frames("BIAS", 1, 3), frames("DARK", 2.1, 2))
    run(store, toy)
    dark = _blocks(store)["DARK 2.1"]
    _make(store, dark, ["MASTER_DARK"])
    put(store, frames("BIAS", 2, 3))
    assert not run(store, toy).rematched
    assert _blocks(store)["DARK 2.1"].masters == dark.masters


def test_a_better_master_that_comes_later_is_taken(store, toy, frames, put):
    put(store, frames("BIAS", 1, 3), frames("DARK", 2.1, 2))
    run(store, toy)
    put(store, frames("BIAS", 2, 3))
    run(store, toy)
    blocks = _blocks(store)
    assert blocks["DARK 2.1"].masters[0].source_block == blocks["BIAS 2"].name


def test_a_need_that_does_not_apply_is_no_need(sqlite_store, toy, frames, put):
    put(sqlite_store, frames("BIAS", 1, 3), frames("STAR", 1.1, slit=0))
    run(sqlite_store, toy)
    star = _blocks(sqlite_store)["STAR 1.1"]
    assert [match.category for match in star.masters] == ["MASTER_BIAS"]
    assert star.state == "PLANNED"


def test_recognised_frames_that_are_never_reduced_make_no_block(sqlite_store, toy, frames, put):
    put(sqlite_store, frames("NOISE", 1, 3))
    assert not run(sqlite_store, toy).changed


def test_new_rules_are_applied_to_all_open_blocks(
    sqlite_store, toy, toy_files, tmp_path, frames, put
):
    put(sqlite_store, frames("BIAS", 1, 3), frames("DARK", 4.1, 2))
    run(sqlite_store, toy)
    for name, text in toy_files.items():
        (tmp_path / name).write_text(text.replace("{level: 2, days: 10}", "{level: 2, days: 3}"))
    changed = load_folder(tmp_path)
    run(sqlite_store, changed)
    dark = _blocks(sqlite_store)["DARK 4.1"]
    assert (dark.state, dark.context) == ("BLOCKED", changed.context)
    assert not run(sqlite_store, changed).changed


def test_what_process_has_blocked_is_left_to_it(sqlite_store, toy, frames, put):
    put(sqlite_store, frames("BIAS", 1, 3))
    run(sqlite_store, toy)
    name = _blocks(sqlite_store)["BIAS 1"].name
    with sqlite_store.write(by="process", why="test") as change:
        change.blocks.set_state(name, BlockState.BLOCKED, problem="no runner here")
    assert not run(sqlite_store, toy).changed
    assert _blocks(sqlite_store)["BIAS 1"].problem == "no runner here"


def test_what_was_killed_between_two_batches_goes_on(sqlite_store, toy, frames, put, monkeypatch):
    put(sqlite_store, *_day(frames), *_day(frames, 12.0))
    monkeypatch.setattr(import_module("vltflow.associate.run"), "BATCH", 2)

    def die(done, total):
        raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            run(sqlite_store, toy, progress=die)
    told = []
    run(sqlite_store, toy, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (6, 6)
    blocks = _blocks(sqlite_store)
    names = {block.name for block in blocks.values()}
    assert len(names) == 10
    assert all(m.source_block in names for b in blocks.values() for m in b.masters)
