from dataclasses import replace

import pytest

from vltflow.process.rules import Readiness, Source, is_tried_again, resolve
from vltflow.records import AssociationBlock, BlockState, MasterMatch, MatchState


def block(*masters: MasterMatch) -> AssociationBlock:
    return AssociationBlock(
        name="b", instrument="I", night="2015-02-26", raw_type="T", setup="", setup_keys="",
        recipe="r", grouping="tpl", group_key="", frames=(), masters=masters, expected=1,
        complete=True, mjd_start=0, mjd_mid=0, mjd_end=0, context="",
    )  # fmt: skip


def match(state: MatchState = MatchState.VIRTUAL, *, required: bool = True) -> MasterMatch:
    return MasterMatch("BIAS", required, state, "source", "p" * (state is MatchState.REAL), 0, 0.5)


@pytest.mark.parametrize(
    ("source", "required", "optional"),
    [
        (Source(BlockState.PLANNED), Readiness.WAITING, Readiness.WAITING),
        (Source(BlockState.RUNNING), Readiness.WAITING, Readiness.WAITING),
        (Source(BlockState.PLANNED, stuck=True), Readiness.STUCK, Readiness.READY),
        (Source(BlockState.FAILED), Readiness.STUCK, Readiness.READY),
        (Source(BlockState.ABORTED), Readiness.STUCK, Readiness.READY),
        (Source(BlockState.BLOCKED), Readiness.STUCK, Readiness.READY),
        (Source(BlockState.PARTIAL, products={"OTHER": "x"}), Readiness.STUCK, Readiness.READY),
        (Source(BlockState.PARTIAL, products={"BIAS": "x"}), Readiness.READY, Readiness.READY),
        (Source(BlockState.SUCCEEDED, products={"BIAS": "x"}), Readiness.READY, Readiness.READY),
        (None, Readiness.STUCK, Readiness.READY),
    ],
)
def test_readiness_follows_the_maker_of_the_master(source, required, optional):
    assert resolve(block(match()), lambda _: source).readiness is required
    assert resolve(block(match(required=False)), lambda _: source).readiness is optional


def test_a_made_master_becomes_real():
    made = Source(BlockState.SUCCEEDED, products={"BIAS": "x"})
    (found,) = resolve(block(match()), lambda _: made).masters
    assert (found.state, found.product_id, found.level) == (MatchState.REAL, "x", 0)


def test_a_master_that_will_not_come_is_missing_and_named():
    found = resolve(block(match()), lambda _: Source(BlockState.FAILED))
    assert found.masters[0].state is MatchState.MISSING
    assert found.reason == "no BIAS, which source should have made"


def test_a_stack_says_which_exposure_it_is_made_without():
    def member(name: str, state: MatchState = MatchState.VIRTUAL) -> MasterMatch:
        return MasterMatch("RED", required=False, state=state, source_block=name, member=True)

    sources = {"good": Source(BlockState.SUCCEEDED, products={"RED": "x"})}
    stack = block(member("good"), member("bad"), member("known", MatchState.MISSING))
    found = resolve(replace(stack, problem="without known: its AB failed"), sources.get)
    assert found.readiness is Readiness.READY
    assert found.reason == (
        "without known: its AB failed; without bad: it made nothing that can be stacked"
    )


def test_a_real_master_is_left_alone():
    real = match(MatchState.REAL)
    assert resolve(block(real), lambda _: None).masters == (real,)


@pytest.mark.parametrize(
    ("code", "tries"), [("recipe_crashed", 3), ("recipe_timeout", 2), ("algorithm_failure", 1)]
)
def test_only_faults_of_the_machine_are_tried_again(code, tries):
    assert [is_tried_again(code, n) for n in (1, 2, 3)] == [n < tries for n in (1, 2, 3)]
