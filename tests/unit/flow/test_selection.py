"""Which ABs of a month a campaign takes, and which of them may run."""

from __future__ import annotations

import pytest

from vltflow.core.errors import UserError
from vltflow.flow.selection import Selection, months, runnable
from vltflow.records import AssociationBlock, BlockState, MasterMatch, MatchState


def block(name, *matches, state=BlockState.PLANNED):
    return AssociationBlock(
        name=name, instrument="LAMP", night="2010-10-01", raw_type="SCI", setup="1",
        setup_keys="{}", recipe="science", grouping="none", group_key=name, frames=(),
        masters=matches, expected=1, complete=True, mjd_start=1.0, mjd_mid=1.0, mjd_end=1.0,
        context="c", state=state,
    )  # fmt: skip


def needs(source, *, made=False, member=False):
    state = MatchState.REAL if made else MatchState.VIRTUAL
    return MasterMatch("M", required=not member, state=state, source_block=source, member=member)


def test_months_go_over_the_turn_of_the_year():
    assert months("2010-11", "2011-02") == ["2010-11", "2010-12", "2011-01", "2011-02"]


@pytest.mark.parametrize(("first", "last"), [("2010", "2011"), ("2010-13", "2011-01")])
def test_what_is_no_month_is_refused(first, last):
    with pytest.raises(UserError, match="Write it as 2010-10"):
        months(first, last)


def test_a_selection_comes_back_from_its_text():
    one = Selection(programmes=("084.A-*",), targets=("HE1", "HE2"), complete=True)
    assert Selection.from_json(one.to_json()) == one


def test_science_runs_with_masters_that_are_made_and_waits_for_others():
    blocks = [block("ready", needs("bias", made=True)), block("waits", needs("bias"))]
    assert runnable(blocks, complete=False) == ["ready"]
    assert runnable(blocks, complete=True) == ["ready", "waits"]


def test_a_stack_runs_after_exposures_that_may_run_and_waits_with_those_that_may_not():
    blocks = [
        block("one", needs("bias", made=True)),
        block("two", needs("bias")),
        block("stack of one", needs("one", member=True)),
        block("stack of two", needs("one", member=True), needs("two", member=True)),
        block("stack of made", needs("three", made=True, member=True)),
    ]
    assert runnable(blocks, complete=False) == ["one", "stack of one", "stack of made"]


def test_what_is_not_planned_does_not_run():
    assert runnable([block("one", state=BlockState.BLOCKED)], complete=True) == []


def test_an_ab_that_runs_is_taken_up_again_as_its_scheduler_may_be_dead():
    assert runnable([block("one", state=BlockState.RUNNING)], complete=False) == ["one"]
