import json
from dataclasses import asdict

import pytest

from vltflow.associate import explain, render, run
from vltflow.core.errors import NotFound
from vltflow.records import BlockState, Decision, Verdict


def _names(store):
    with store.read() as look:
        return {
            f"{block.raw_type} {block.mjd_start - 57000:g}": block.name
            for block in look.blocks.find(instrument="TOY")
        }


@pytest.fixture
def explained(sqlite_store, toy, frames, put):
    """A dark with one bias of each fate."""
    put(
        sqlite_store,
        frames("BIAS", 10, 3),
        frames("BIAS", 11, 3),
        frames("BIAS", 12, 3),
        frames("BIAS", 12.1, 3, binning=2),
        frames("BIAS", 12.2, 3, expnos=(1, 3)),
        frames("BIAS", 30, 3),
        frames("DARK", 12.5, 2),
    )
    run(sqlite_store, toy)
    names = _names(sqlite_store)
    with sqlite_store.write(by="process", why="test") as change:
        change.blocks.set_state(names["BIAS 12"], BlockState.FAILED, problem="lamp")
        change.blocks.set_state(names["BIAS 11"], BlockState.SUCCEEDED)
    verdict = Verdict(names["BIAS 11"], 1, Decision.REJECTED, "Reinhard", "noisy", "2015-02-27")
    with sqlite_store.write(by="Reinhard", why="noisy") as change:
        change.quality.add_verdict(verdict)
        change.blocks.set_decision(names["BIAS 11"], Decision.REJECTED)
    run(sqlite_store, toy)
    return names, explain(sqlite_store, toy, names["DARK 12.5"])


def test_each_candidate_is_told_with_what_excluded_it(explained):
    names, explanation = explained
    [need] = explanation.needs
    told = {one.block: (one.outcome, one.reason) for one in need.candidates}
    assert told[names["BIAS 10"]] == ("chosen", "")
    assert told[names["BIAS 11"]] == ("not usable", "rejected by Reinhard: noisy")
    assert told[names["BIAS 12"]] == ("not usable", "its AB failed")
    assert told[names["BIAS 12.1"]] == ("other setup", "BIN 2 != 1")
    assert told[names["BIAS 30"]] == ("too far", "17.5 days > 10")
    assert "EXPNO 2 missing" in told[names["BIAS 12.2"]][1]
    assert need.counts == {"possible": 1, "other setup": 1, "too far": 1, "not usable": 3}


def test_the_winner_s_reason_is_told(explained):
    names, explanation = explained
    assert explanation.needs[0].why == (
        f"VIRTUAL from {names['BIAS 10']}, level 2, 2.499 days before: the only one possible"
    )


def test_text_and_json_hold_the_same(explained):
    names, explanation = explained
    text = render(explanation)
    assert all(name in text for name in names.values())
    assert "BIN 2 != 1" in text
    assert json.loads(json.dumps(asdict(explanation)))["needs"][0]["level"] == 2


def test_a_missing_calibration_names_the_nearest_and_its_flaw(sqlite_store, toy, frames, put):
    put(sqlite_store, frames("BIAS", 10, 3), frames("DARK", 40, 2))
    run(sqlite_store, toy)
    why = explain(sqlite_store, toy, _names(sqlite_store)["DARK 40"]).needs[0].why
    assert why.startswith("none: nearest is TOY.BIAS")
    assert why.endswith("30.0 days away: 30.0 days > 10")


def test_without_any_candidate_that_is_said(sqlite_store, toy, frames, put):
    put(sqlite_store, frames("DARK", 40, 2))
    run(sqlite_store, toy)
    explanation = explain(sqlite_store, toy, _names(sqlite_store)["DARK 40"])
    assert explanation.needs[0].why == "none: no AB makes MASTER_BIAS"
    assert "candidates: none at all" in render(explanation)


def test_the_next_best_is_told(sqlite_store, toy, frames, put):
    put(sqlite_store, frames("BIAS", 10, 3), frames("BIAS", 10.5, 3), frames("DARK", 10.2, 2))
    run(sqlite_store, toy)
    names = _names(sqlite_store)
    why = explain(sqlite_store, toy, names["DARK 10.2"]).needs[0].why
    assert f"nearest of 2 at this level, the next is {names['BIAS 10.5']}" in why


def test_a_better_master_that_came_after_the_run_is_told(sqlite_store, toy, frames, put):
    put(sqlite_store, frames("BIAS", 10, 3), frames("DARK", 11, 2))
    run(sqlite_store, toy)
    names = _names(sqlite_store)
    with sqlite_store.write(by="process", why="test") as change:
        change.blocks.set_state(names["DARK 11"], BlockState.SUCCEEDED)
    put(sqlite_store, frames("BIAS", 11.1, 3))
    run(sqlite_store, toy)
    why = explain(sqlite_store, toy, names["DARK 11"]).needs[0].why
    assert f"chosen when {_names(sqlite_store)['BIAS 11.1']} was not there" in why


def test_of_many_candidates_the_nearest_are_told_and_the_rest_counted(
    sqlite_store, toy, frames, put
):
    put(sqlite_store, *(frames("BIAS", 10 + day, 3) for day in range(30)), frames("DARK", 10.1, 2))
    run(sqlite_store, toy)
    [need] = explain(sqlite_store, toy, _names(sqlite_store)["DARK 10.1"]).needs
    assert (len(need.candidates), need.omitted, sum(need.counts.values())) == (20, 10, 30)


def test_an_unknown_name_is_an_error(sqlite_store, toy):
    with pytest.raises(NotFound):
        explain(sqlite_store, toy, "nothing")


def test_a_keyword_in_which_the_chosen_one_differs_is_told_though_none_asks_for_it(
    sqlite_store, toy, frames, put
):
    put(
        sqlite_store,
        frames("BIAS", 9.9, 3),
        frames("FLAT", 10, 1, slit=0.6),
        frames("ARC", 10.5, 1, slit=1.2),
    )
    run(sqlite_store, toy)
    (flat,) = explain(sqlite_store, toy, _names(sqlite_store)["ARC 10.5"]).needs
    assert flat.why.endswith("0.500 days before, SLIT 0.6 != 1.2: the only one possible")
