import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vltflow.associate.cascade import build_cascade
from vltflow.associate.matching import MakerIndex, Matcher
from vltflow.associate.rules import refusal
from vltflow.core.errors import ConfigurationError
from vltflow.instruments import load, load_folder
from vltflow.store import Candidate

KEYS = json.dumps({"BIN": 1, "SLIT": 1}, sort_keys=True)


def _candidate(mjd, name="a", raw_type="BIAS", **changes):
    base = Candidate(
        name=name, raw_type=raw_type, setup="1", setup_keys='{"BIN":1}', mjd_mid=mjd,
        state="PLANNED", decision="", complete=True, problem="",
    )  # fmt: skip
    return replace(base, **changes)


def _match(toy, user, category, candidates, mjd=0.0):
    need = next(n for n in build_cascade(toy).needs[user] if n.category == category)
    index = MakerIndex(candidates)
    return Matcher([need], lambda _: index).matches(KEYS, mjd)[0][0]


def test_the_nearest_in_time_wins_before_or_after(toy):
    found = _match(toy, "DARK", "MASTER_BIAS", [_candidate(-0.4, "x"), _candidate(0.3, "y")])
    assert (found.source_block, found.level) == ("y", -1)
    assert found.distance_days == pytest.approx(0.3)


def test_at_equal_distance_the_earlier_wins_then_the_name(toy):
    tie = [_candidate(0.25, "a"), _candidate(-0.25, "c"), _candidate(-0.25, "b")]
    assert _match(toy, "DARK", "MASTER_BIAS", tie).source_block == "b"


def test_a_lower_level_beats_a_nearer_master(toy):
    other_slit = json.dumps({"BIN": 1, "SLIT": 2}, sort_keys=True)
    near = _candidate(0.1, "near", "FLAT", setup_keys=other_slit)
    same = _candidate(0.9, "same", "FLAT", setup_keys=KEYS)
    found = _match(toy, "ARC", "MASTER_FLAT", [near, same])
    assert (found.source_block, found.level) == ("same", 0)
    assert _match(toy, "ARC", "MASTER_FLAT", [near]).level == 1


def test_beyond_the_last_range_nothing_is_found(toy):
    found = _match(toy, "DARK", "MASTER_BIAS", [_candidate(10.001)])
    assert (found.state, found.level, found.source_block) == ("MISSING", None, "")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"state": "FAILED"}, "its AB failed"),
        ({"state": "ABORTED"}, "aborted"),
        ({"state": "SUCCEEDED"}, "no usable MASTER_BIAS"),
        ({"complete": False, "problem": "no flat"}, "cannot run: no flat"),
        ({"state": "SUCCEEDED", "decision": "REJECTED"}, "rejected"),
        ({"state": "SUCCEEDED", "decision": "REVOKED"}, "revoked"),
    ],
)
def test_who_may_not_serve(toy, changes, words):
    bad = _candidate(0.1, "bad", **changes)
    assert words in refusal(bad, "MASTER_BIAS")
    found = _match(toy, "DARK", "MASTER_BIAS", [bad, _candidate(5.0, "good")])
    assert found.source_block == "good"


@pytest.mark.parametrize("state", ["PLANNED", "BLOCKED", "RUNNING"])
def test_what_is_planned_serves_as_virtual(toy, state):
    found = _match(toy, "DARK", "MASTER_BIAS", [_candidate(0.1, state=state)])
    assert (found.state, found.product_id) == ("VIRTUAL", "")


def test_what_is_made_serves_as_real(toy):
    made = _candidate(0.1, state="SUCCEEDED", products={"MASTER_BIAS": "p1"})
    found = _match(toy, "DARK", "MASTER_BIAS", [made])
    assert (found.state, found.product_id) == ("REAL", "p1")


@given(st.lists(st.integers(-40, 40), max_size=12), st.integers(-40, 40))
def test_the_index_agrees_with_looking_at_everything(toy, places, at):
    candidates = [_candidate(place / 4, f"n{i}") for i, place in enumerate(places)]
    found = _match(toy, "DARK", "MASTER_BIAS", candidates, at / 4)
    ranked = []
    for one in candidates:
        away = abs(one.mjd_mid - at / 4)
        level = next((lv for lv, days in ((-1, 0.5), (0, 2), (2, 10)) if away <= days), None)
        if level is not None:
            ranked.append((level, away, one.mjd_mid, one.name))
    assert found.source_block == (min(ranked)[3] if ranked else "")
    assert found.level == (min(ranked)[0] if ranked else None)


@given(st.floats(0, 12), st.floats(0, 12))
def test_a_farther_master_is_never_of_a_better_level(toy, near, far):
    near, far = sorted((near, far))
    levels = [
        _match(toy, "DARK", "MASTER_BIAS", [_candidate(distance)]).level for distance in (near, far)
    ]
    assert (99 if levels[0] is None else levels[0]) <= (99 if levels[1] is None else levels[1])


def test_makers_come_before_users_in_the_cascade():
    cascade = build_cascade(load("UVES"))
    place = {name: number for number, name in enumerate(cascade.order)}
    assert all(
        place[maker] < place[user]
        for user, needs in cascade.needs.items()
        for need in needs
        for maker in need.makers
    )
    assert len(place) > 40


def test_a_cascade_that_bites_its_tail_is_refused(toy_files, tmp_path):
    for name, text in toy_files.items():
        changed = text.replace("  BIAS: {", "  BIAS: {masters: [{category: LINES, match: [BIN], "
                               "levels: [{level: 0, days: 1}]}], ")  # fmt: skip
        (tmp_path / name).write_text(changed)
    with pytest.raises(ConfigurationError, match="need each other"):
        build_cascade(load_folder(tmp_path))
