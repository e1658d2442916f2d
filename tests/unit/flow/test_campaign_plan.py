"""What a plan says is in the way."""

from __future__ import annotations

from dataclasses import replace

from vltflow.flow.campaign_plan import problems_of
from vltflow.records import AssociationBlock, BlockState

BLOCKED = AssociationBlock(
    name="A", instrument="LAMP", night="2010-10-01", raw_type="SCI", setup="1", setup_keys="{}",
    recipe="science", grouping="none", group_key="A", frames=(), masters=(), expected=1,
    complete=True, mjd_start=1.0, mjd_mid=1.0, mjd_end=1.0, context="c", state=BlockState.BLOCKED,
)  # fmt: skip


def test_a_recipe_that_refuses_several_setups_is_named_once():
    refusals = [f"waits for a recipe: trace does not take it: NY is {n}" for n in (8, 9, 9)]
    problems = ["no MASTER_BIAS; SATURATED", "SATURATED", "SATURATED", "SATURATED", *refusals]
    blocks = [replace(BLOCKED, problem=one) for one in problems]
    assert problems_of(blocks) == {
        "SATURATED": 4,
        "waits for a recipe: trace does not take it: NY is 9 (and 1 more)": 3,
    }
