from dataclasses import replace

import pytest

from vltflow.certify import automatic
from vltflow.records import (
    AssociationBlock,
    BlockState,
    Colour,
    Decision,
    MasterMatch,
    MatchState,
    Score,
)

BLOCK = AssociationBlock(
    name="b", instrument="LAMP", night="2015-02-26", raw_type="DARK_BLUE", setup="1x1",
    setup_keys="{}", recipe="dark", grouping="tpl", group_key="g", frames=("f",), masters=(),
    expected=1, complete=True, mjd_start=1.0, mjd_mid=1.0, mjd_end=1.0, context="c",
    state=BlockState.SUCCEEDED,
)  # fmt: skip


def score(colour: Colour, parameter: str = "QC RON") -> Score:
    return Score("b", 1, "MASTER_DARK_BLUE", parameter, 1.0, None, None, colour, "FIXED", "")


def match(level: int | None, state: MatchState = MatchState.REAL) -> MasterMatch:
    return MasterMatch("MASTER_BIAS_BLUE", required=True, state=state, level=level)


GREEN, RED, GREY = score(Colour.GREEN), score(Colour.RED), score(Colour.GREY)


@pytest.mark.parametrize("level", [-1, 0, 1])
@pytest.mark.parametrize("scores", [[GREEN], [GREEN, GREEN, GREY]])
def test_all_green_passes_by_itself(small_instrument, scores, level):
    decision, reason = automatic(
        replace(BLOCK, masters=(match(level),)), scores, small_instrument, {}
    )
    assert decision is Decision.AUTO
    assert reason.startswith(f"all {scores.count(GREEN)} scores are green")


@pytest.mark.parametrize(
    ("change", "scores", "reason"),
    [
        ({}, [GREEN, RED], "1 of 2 scores is red: MASTER_DARK_BLUE QC RON"),
        ({}, [], "nothing could be scored"),
        ({}, [GREY], "nothing could be scored"),
        ({"complete": False}, [GREEN], "incomplete"),
        ({"complete": False, "expected": 5}, [GREEN], "incomplete: 1 of 5 frames"),
        ({"state": BlockState.PARTIAL}, [GREEN], "PARTIAL"),
        ({"state": BlockState.PARTIAL, "problem": "no REDU"}, [GREEN], "PARTIAL: no REDU"),
        ({"masters": (match(2),)}, [GREEN], "MASTER_BIAS_BLUE matched at level 2, 1 is allowed"),
    ],
)
def test_everything_else_waits_with_its_reason(small_instrument, change, scores, reason):
    assert automatic(replace(BLOCK, **change), scores, small_instrument, {}) == (None, reason)


def test_many_reds_are_counted_not_listed(small_instrument):
    scores = [score(Colour.RED, f"QC {number}") for number in range(7)]
    _, reason = automatic(BLOCK, scores, small_instrument, {})
    assert reason.startswith("7 of 7 scores are red: MASTER_DARK_BLUE QC 0,")
    assert reason.endswith(" and 4 more")


def test_a_missing_optional_calibration_is_no_obstacle(small_instrument):
    missing = replace(BLOCK, masters=(match(None, MatchState.MISSING),))
    assert automatic(missing, [GREEN], small_instrument, {})[0] is Decision.AUTO


def test_all_obstacles_are_named(small_instrument):
    block = replace(BLOCK, complete=False, masters=(match(3),))
    _, reason = automatic(block, [RED], small_instrument, {})
    assert reason.count(";") == 2


def test_a_raw_type_that_the_definition_lost_is_left_to_a_person(small_instrument):
    decision, reason = automatic(replace(BLOCK, raw_type="OLD"), [GREEN], small_instrument, {})
    assert decision is None
    assert reason == "raw type OLD is not in the definition of LAMP any more"
