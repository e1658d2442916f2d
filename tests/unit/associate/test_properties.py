"""Whatever comes in whatever order and portions, the ABs are the same in the end."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vltflow.associate import run
from vltflow.associate.planning import _Planner
from vltflow.core.identity import new_id
from vltflow.records import BlockState, Decision, Job, Product, Verdict
from vltflow.store import Store

_TEMPLATES = st.tuples(
    st.sampled_from(["BIAS", "DARK", "FLAT", "ARC", "STAR"]),
    st.integers(0, 60),
    st.integers(1, 3),
    st.sampled_from([1, 2]),
)


def _place(template):
    """Two templates of one kind cannot run at the same time."""
    raw_type, place, _, binning = template
    return raw_type, place, binning


def _result(store):
    with store.read() as look:
        return look.blocks.find(instrument="TOY")


@pytest.mark.slow
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(_TEMPLATES, min_size=1, max_size=14, unique_by=_place),
    st.randoms(use_true_random=False),
    st.integers(1, 5),
    st.sets(st.integers(0, 40), max_size=3),
)
def test_order_and_portions_do_not_matter(  # noqa: PLR0917
    toy, frames, put, templates, random, portions, lost
):
    arriving = [
        frame
        for raw_type, place, count, binning in templates
        for frame in frames(raw_type, place / 4, count, binning=binning)
    ]
    arriving = [frame for number, frame in enumerate(arriving) if number not in lost]
    with tempfile.TemporaryDirectory() as folder:
        whole = Store(f"sqlite:///{folder}/whole.sqlite", str(Path(folder) / "vault"))
        parts = Store(f"sqlite:///{folder}/parts.sqlite", str(Path(folder) / "vault"))
        put(whole, arriving)
        run(whole, toy)
        random.shuffle(arriving)
        for portion in range(portions):
            put(parts, arriving[portion::portions])
            run(parts, toy)
            assert not run(parts, toy).changed
        assert _result(parts) == _result(whole)
        whole.close()
        parts.close()


def _happen(store, block, what):
    """What process and certify do to an AB."""
    job = Job(
        job_id=new_id(), block=block.name, revision=block.revision, recipe="r", recipe_version="1",
        runner="native", parameters="{}", input_hash="0" * 64, cores=1, memory_mb=1, wall_s=1,
        created="2015-02-26T00:00:00",
    )  # fmt: skip
    made = Product(
        product_id=new_id(), block=block.name, revision=block.revision, job_id=job.job_id,
        instrument="TOY", night=block.night, category=f"MASTER_{block.raw_type}",
        setup=block.setup, setup_keys=block.setup_keys, mjd=block.mjd_mid, file_id="0" * 64, size=1,
        name=f"{block.name}_{block.revision}.fits", created="2015-02-26T00:00:00",
    )  # fmt: skip
    with store.write(by="process", why="test") as change:
        if what == "run":
            change.blocks.set_state(block.name, BlockState.RUNNING)
        elif what == "fail":
            change.blocks.set_state(block.name, BlockState.FAILED)
        else:
            change.jobs.add([job])
            change.products.add([made])
            change.blocks.set_state(block.name, BlockState.SUCCEEDED)
        if what == "reject":
            verdict = Verdict(block.name, 1, Decision.REJECTED, "me", "no", "2015-02-27")
            change.quality.add_verdict(verdict)
            change.blocks.set_decision(block.name, Decision.REJECTED)


@pytest.mark.slow
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(_TEMPLATES, min_size=3, max_size=14, unique_by=_place),
    st.lists(
        st.tuples(st.integers(0, 30), st.sampled_from(["run", "fail", "make", "reject"])),
        max_size=6,
    ),
)
def test_looking_at_everything_finds_nothing_that_was_overlooked(
    toy, frames, put, templates, happenings
):
    arriving = [
        frame
        for raw_type, place, count, binning in templates
        for frame in frames(raw_type, place / 4, count, binning=binning)
    ]
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{folder}/one.sqlite", str(Path(folder) / "vault"))
        put(store, arriving[::2])
        run(store, toy)
        for place, what in happenings:
            blocks = [one for one in _result(store) if one.state == "PLANNED"]
            if blocks:
                _happen(store, blocks[place % len(blocks)], what)
                run(store, toy)
        put(store, arriving[1::2])
        run(store, toy)
        with store.read() as look:
            planner = _Planner(look, toy)
            planner._everything = True
            assert planner.plan().changes == []
        store.close()
