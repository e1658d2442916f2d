"""Stacks: exposures of one observation block or target, in one setup."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vltflow.associate import explain, render, run
from vltflow.core.errors import ConfigurationError
from vltflow.core.identity import new_id
from vltflow.instruments import load_folder
from vltflow.process.rules import Readiness, Source, resolve
from vltflow.records import BlockState, Job, MatchState, Product, ProductState

STACKS = """
  STACK:
    detector: CCD
    kind: science
    group: stack
    members: {raw_types: [STAR], role: SPECTRUM, by: OBS.ID}
    minimum: 2
    recipe: stack
    setup: [BIN, SLIT]
    label: "{BIN}_{SLIT}"
  DEEP:
    detector: CCD
    kind: science
    group: stack
    members: {raw_types: [STAR], role: SPECTRUM, by: OBS.TARG.NAME}
    minimum: 3
    recipe: deep
    setup: [BIN]
    label: "{BIN}"
"""
RECIPES = """
  star:
    title: s
    runner: native
    native: {recipe: s}
    products: [{role: SPECTRUM, category: SPECTRUM, name: "s", master: false}]
  stack:
    title: k
    runner: native
    native: {recipe: k}
    products: [{role: COADDED, category: COADDED, name: "k", master: false}]
  deep:
    title: k
    runner: native
    native: {recipe: k}
    products: [{role: DEEP, category: DEEP, name: "d", master: false}]
"""


@pytest.fixture(scope="module")
def stacking(toy_files, tmp_path_factory):
    """The small instrument, with stars that need no lines and are stacked."""
    folder = tmp_path_factory.mktemp("stacking")
    for name, text in stacking_files(toy_files).items():
        (folder / name).write_text(text)
    return load_folder(folder)


def stacking_files(files):
    rules, recipes = files["association.yaml"], files["recipes.yaml"]
    start = recipes.index("  star:")
    end = recipes.find("\n  ", start + 8)
    while end != -1 and recipes[end + 3] == " ":
        end = recipes.find("\n  ", end + 1)
    rest = "" if end == -1 else recipes[end + 1 :]
    return files | {
        "association.yaml": rules.rstrip("\n") + STACKS,
        "recipes.yaml": recipes[:start] + RECIPES.lstrip("\n") + rest,
    }


def exposure(frames, day, *, obs=7, target="HE1341", slit=0.0):
    """One science exposure; slit 0 needs a bias only."""
    (frame,) = frames("STAR", day, slit=slit)
    return [replace(frame, obs_id=obs, object_name=target, dpr_catg="SCIENCE")]


def stacks(store, raw_type="STACK"):
    with store.read() as look:
        return [one for one in look.blocks.find(instrument="TOY") if one.raw_type == raw_type]


def singles(store):
    return stacks(store, "STAR")


def make(store, block, state=BlockState.SUCCEEDED, category="SPECTRUM"):
    """What process leaves of an AB: a product if it succeeded."""
    job = Job(
        job_id=new_id(), block=block.name, revision=block.revision, recipe="r", recipe_version="1",
        runner="native", parameters="{}", input_hash="0" * 64, cores=1, memory_mb=1, wall_s=1,
        created="2015-02-26T00:00:00",
    )  # fmt: skip
    product = Product(
        product_id=new_id(), block=block.name, revision=block.revision, job_id=job.job_id,
        instrument="TOY", night=block.night, category=category, setup=block.setup,
        setup_keys=block.setup_keys, mjd=block.mjd_mid, file_id="0" * 64, size=1,
        name=f"{category}_{block.name}_{block.revision}.fits", created="2015-02-26T00:00:00",
    )  # fmt: skip
    with store.write(by="process", why="test") as tx:
        tx.jobs.add([job])
        if state is BlockState.SUCCEEDED:
            tx.products.add([product])
        tx.blocks.set_state(block.name, state)
    return product


@pytest.fixture
def three(store, stacking, frames, put):
    """Three exposures of one observation block, which their ABs can reduce."""
    put(store, frames("BIAS", 10.0, 3), *(exposure(frames, 10.1 + 0.01 * n) for n in range(3)))
    run(store, stacking)
    return store


def test_exposures_of_one_observation_block_and_setup_make_one_stack(three):
    (stack,) = stacks(three)
    assert stack.name.endswith("_obs")
    assert stack.state is BlockState.PLANNED
    assert stack.frames == ()
    assert [one.source_block for one in stack.masters] == [one.name for one in singles(three)]
    assert {one.state for one in stack.masters} == {MatchState.VIRTUAL}
    assert all(one.member and not one.required for one in stack.masters)


def test_association_is_idempotent_with_stacks(three, stacking):
    assert run(three, stacking).changed == ()
    make(three, singles(three)[0])
    both = {one.name for one in (*stacks(three), *stacks(three, "DEEP"))}
    assert set(run(three, stacking).changed) == both
    assert run(three, stacking).changed == ()


@pytest.mark.parametrize("other", [{"obs": 8}, {"slit": 2.0}], ids=["block", "setup"])
def test_an_exposure_of_another_kind_is_not_stacked(store, stacking, frames, put, other):
    put(store, frames("BIAS", 10.0, 3), exposure(frames, 10.1), exposure(frames, 10.2, **other))
    run(store, stacking)
    assert stacks(store) == []


def test_a_single_exposure_and_exposures_without_a_block_make_no_stack(
    store, stacking, frames, put
):
    put(store, exposure(frames, 10.1, obs=0, target=""), exposure(frames, 10.2, obs=0, target=""))
    run(store, stacking)
    assert stacks(store) == stacks(store, "DEEP") == []


def test_exposures_of_one_target_over_many_nights_make_a_deep_stack(store, stacking, frames, put):
    for night in (10.0, 40.0, 70.0):
        put(store, frames("BIAS", night, 3), exposure(frames, night + 0.1, obs=int(night)))
        run(store, stacking)
    (deep,) = stacks(store, "DEEP")
    assert len(deep.masters) == 3
    assert deep.mjd_end - deep.mjd_start == pytest.approx(60.0, abs=0.1)


def test_a_stack_waits_for_an_exposure_that_is_blocked(store, stacking, frames, put):
    put(store, exposure(frames, 10.1), exposure(frames, 10.2))
    run(store, stacking)
    (stack,) = stacks(store)
    assert stack.state is BlockState.BLOCKED
    assert "waits for" in stack.problem
    assert "which is blocked" in stack.problem
    put(store, frames("BIAS", 10.0, 3))
    run(store, stacking)
    assert stacks(store)[0].state is BlockState.PLANNED


def test_a_late_exposure_joins_an_open_stack(three, stacking, frames, put):
    put(three, exposure(frames, 10.2))
    run(three, stacking)
    (stack,) = stacks(three)
    assert len(stack.masters) == 4
    assert stack.revision == 1


def test_a_late_exposure_opens_a_finished_stack_again(three, stacking, frames, put):
    finish(three, stacking)
    put(three, exposure(frames, 10.2))
    report = run(three, stacking)
    (stack,) = stacks(three)
    assert report.reopened == (stack.name,)
    assert (stack.revision, stack.state, len(stack.masters)) == (2, BlockState.PLANNED, 4)


def finish(store, stacking):
    """All exposures and their stack are made."""
    for single in singles(store):
        make(store, single)
    run(store, stacking)
    make(store, stacks(store)[0], category="COADDED")
    assert run(store, stacking).changed == ()


def test_a_failed_exposure_is_left_out_and_named(three, stacking):
    first, *_ = singles(three)
    make(three, first, BlockState.FAILED)
    run(three, stacking)
    (stack,) = stacks(three)
    assert stack.state is BlockState.PLANNED
    assert stack.problem == f"without {first.name}: its AB failed"
    assert not stack.complete
    assert [one.state for one in stack.masters if one.source_block == first.name] == ["MISSING"]


def test_a_rejected_exposure_leaves_a_finished_stack(three, stacking):
    finish(three, stacking)
    first, *_ = singles(three)
    with three.write(by="Maria", why="cloud") as tx:
        tx.blocks.set_decision(first.name, "REJECTED")
        (product,) = tx.products.of_block(first.name)
        tx.products.set_state(product.product_id, ProductState.REJECTED)
    run(three, stacking)
    (stack,) = stacks(three)
    assert stack.revision == 2
    assert stack.problem == f"without {first.name}: its products were rejected"


def test_too_few_exposures_block_a_stack(three, stacking):
    for single in singles(three)[:2]:
        make(three, single, BlockState.FAILED)
    run(three, stacking)
    (stack,) = stacks(three)
    assert stack.state is BlockState.BLOCKED
    assert stack.problem.startswith("1 of 3 exposures can be used, not 2; without ")


def test_the_queue_runs_a_stack_when_all_its_exposures_have_ended(three):
    (stack,) = stacks(three)
    names = [one.source_block for one in stack.masters]
    made = Source(BlockState.SUCCEEDED, products={"SPECTRUM": "p"})
    planned, failed = Source(BlockState.PLANNED), Source(BlockState.FAILED)
    cases = [
        ([made, made, planned], Readiness.WAITING),
        ([made, made, made], Readiness.READY),
        ([made, made, failed], Readiness.READY),
        ([made, failed, failed], Readiness.STUCK),
    ]
    for sources, wanted in cases:
        found = resolve(stack, dict(zip(names, sources, strict=True)).get)
        assert found.readiness is wanted


def test_a_stack_explains_its_members(three, stacking):
    first, *_ = singles(three)
    make(three, first, BlockState.FAILED)
    run(three, stacking)
    text = render(explain(three, stacking, stacks(three)[0].name))
    assert f"{first.name}  SPECTRUM  left out" in text
    assert f"{singles(three)[1].name}  SPECTRUM  VIRTUAL" in text


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ("role: SPECTRA", "member STAR makes no SPECTRA"),
        ("raw_types: [SUN]", "member SUN is no raw type of detector CCD"),
        ("minimum: 1", "two at least"),
    ],
)
def test_a_wrong_stack_is_refused_with_the_reason(toy_files, tmp_path, wrong, complaint):
    key = wrong.partition(":")[0]
    right = {"role": "role: SPECTRUM", "raw_types": "raw_types: [STAR]", "minimum": "minimum: 2"}
    files = stacking_files(toy_files)
    files["association.yaml"] = files["association.yaml"].replace(right[key], wrong, 1)
    if key == "minimum":
        head, _, tail = files["association.yaml"].partition("STACK:")
        files["association.yaml"] = head + "STACK:" + tail.replace("minimum: 2", wrong, 1)
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(ConfigurationError, match=complaint):
        load_folder(tmp_path)
