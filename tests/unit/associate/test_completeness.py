"""Whether the setups of seven nights have their calibrations, and what to take."""

import json

import pytest

from vltflow.associate import completeness_report, run
from vltflow.associate.completeness import plain
from vltflow.core.errors import UserError
from vltflow.core.time import night_of
from vltflow.records import BlockState, Decision

NOW = 57013.2


@pytest.fixture
def report(sqlite_store, toy, frames, put):
    """Function that puts frames, changes ABs by raw type, and gives the report."""

    def made(*several, changes=None, now=NOW, night=""):
        put(sqlite_store, *several)
        run(sqlite_store, toy)
        with sqlite_store.write(by="test", why="test") as tx:
            blocks = list(tx.blocks.find(instrument="TOY"))
            for block in blocks:
                state, decision = (changes or {}).get(block.raw_type, (block.state, ""))
                tx.blocks.set_state(block.name, state)
                if decision:
                    tx.blocks.set_decision(block.name, decision)
        with sqlite_store.read() as tx:
            return completeness_report(tx, toy, night, now=now)

    return made


def _check(report, raw_type, maker, place=-1):
    setup = next(one for one in report.setups if one.raw_type == raw_type)
    return next(one for one in setup.nights[place].checks if one.raw_types == (maker,))


def test_a_setup_with_all_within_the_plan_is_ok(report, frames):
    found = report(
        frames("BIAS", 11, 3), frames("FLAT", 12, 2), frames("ARC", 12), frames("STAR", 12.1)
    )
    assert found.state == "OK"
    assert not any(one.required for one in found.tasks)
    assert _check(found, "STAR", "BIAS").standing == "taken, not processed yet"
    assert _check(found, "STAR", "ARC").standing == "taken, cannot be processed yet"
    assert _check(found, "STAR", "BIAS").until == pytest.approx(57013.0, abs=0.01)


def test_beyond_the_plan_it_is_nok_and_the_time_left_counts_from_the_science(report, frames):
    found = report(
        frames("BIAS", 7, 3), frames("FLAT", 12, 2), frames("ARC", 12), frames("STAR", 12.1)
    )
    check = _check(found, "STAR", "BIAS")
    assert check.state == found.state == "NOK"
    assert check.problem == "the nearest is 5.1 days away, the plan allows 2"
    task = found.tasks[0]
    assert (task.raw_types, task.setup, task.frames) == (("BIAS",), "1", 3)
    assert task.keys == {"BIN": 1}
    assert task.until == pytest.approx(57014.0, abs=0.01)  # of the flat, at 12.0
    assert task.wanted_by == ("STAR 1_1", "FLAT 1_1")
    assert not task.late


def test_beyond_all_ranges_it_is_missing_and_helps_even_when_late(report, frames):
    found = report(frames("STAR", 9.1, slit=0))
    assert _check(found, "STAR", "BIAS").state == "MISSING"
    [task] = found.tasks
    assert (task.raw_types, task.frames, task.late) == (("BIAS",), 2, True)
    assert task.until == pytest.approx(57019.1, abs=0.01)
    assert set(task.wanted_by) == {"STAR 1_0"}


@pytest.mark.parametrize(
    ("state", "decision", "words"),
    [
        (BlockState.SUCCEEDED, Decision.REJECTED, "its products were rejected"),
        (BlockState.SUCCEEDED, Decision.REVOKED, "it was revoked"),
        (BlockState.FAILED, "", "its AB failed"),
    ],
)
def test_what_was_taken_in_vain_is_told(report, frames, state, decision, words):
    found = report(
        frames("BIAS", 12, 3), frames("ARC", 12), frames("STAR", 12.1),
        changes={"BIAS": (state, decision)},
    )  # fmt: skip
    check = _check(found, "STAR", "BIAS")
    assert (check.state, check.problem) == ("MISSING", "none within 10 days")
    assert check.refusal == words
    assert (found.tasks[0].refused, found.tasks[0].refusal) == (check.refused, words)


def test_an_incomplete_template_does_not_count(report, frames):
    found = report(frames("BIAS", 12, 3, expnos=(1,)), frames("ARC", 12), frames("STAR", 12.1))
    assert _check(found, "STAR", "BIAS").state == "MISSING"
    assert "cannot run" in _check(found, "STAR", "BIAS").refusal


def test_another_setup_does_not_count(report, frames):
    found = report(frames("BIAS", 12, 3, binning=2), frames("ARC", 12), frames("STAR", 12.1))
    assert _check(found, "STAR", "BIAS").refused == ""
    assert _check(found, "STAR", "BIAS").state == "MISSING"


def test_a_need_that_the_setup_does_not_have_is_not_asked_for(report, frames):
    found = report(frames("BIAS", 12, 3), frames("STAR", 12.1, slit=0))
    [setup] = found.setups
    assert [check.raw_types for check in setup.nights[0].checks] == [("BIAS",)]


def test_optional_ones_are_told_and_do_not_count(report, frames):
    found = report(frames("BIAS", 12, 3), frames("FLAT", 12.1, 2))
    assert found.state == "OK"
    assert _check(found, "FLAT", "DARK").state == "MISSING"
    assert [one.required for one in found.tasks] == [False]


def test_science_comes_first_and_each_night_is_judged_for_itself(report, frames):
    found = report(
        frames("BIAS", 8, 3), frames("FLAT", 8.1, 2), frames("ARC", 8.1), frames("STAR", 8.2),
        frames("STAR", 12.2), frames("DARK", 8.3, 2),
    )  # fmt: skip
    assert [one.raw_type for one in found.setups] == ["STAR", "ARC", "DARK", "FLAT"]
    star = found.setups[0]
    assert [(one.night, one.state) for one in star.nights] == [
        (night_of(57008.2), "OK"), (night_of(57012.2), "MISSING"),
    ]  # fmt: skip


def test_an_archive_is_seen_as_of_its_last_night(report, frames):
    found = report(frames("ARC", 12), frames("STAR", 12.1), now=60000.0)
    assert found.nights[-1] == night_of(57012.1)
    assert found.moment == 57012.5
    assert found.tasks


def test_a_week_without_anything_and_a_mistaken_date(report, frames):
    empty = report(frames("STAR", 12.1), night="2020-02-02")
    assert (empty.state, empty.setups, empty.tasks) == (None, (), ())
    with pytest.raises(UserError, match="no date"):
        report(night="2015-13-01")
    with pytest.raises(UserError, match="no date"):
        report(night="0001-01-02")


def test_it_is_the_same_on_both_backends_and_is_json(store, toy, frames, put):
    put(store, frames("ARC", 12), frames("STAR", 12.1))
    run(store, toy)
    with store.read() as tx:
        found = plain(completeness_report(tx, toy, now=NOW))
    assert json.loads(json.dumps(found))["tasks"][0]["hours_left"] == pytest.approx(21.6, abs=0.1)
    assert found["setups"][0]["nights"][0]["blocks"] == 1
