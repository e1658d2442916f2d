"""Static calibrations: which one an AB gets, what its absence does, and why."""

from dataclasses import replace

import pytest

from vltflow.associate import explain, export, render, run
from vltflow.associate.statics import match_static, rules_hash
from vltflow.instruments import load_folder
from vltflow.instruments.statics import StaticNeed
from vltflow.records import BlockState, MatchState, StaticCalibration, StaticState

MJD = 57080.0
SETUP = '{"BIN":1,"SLIT":2}'
NEED = StaticNeed(category="LINE_LIST", match=("SLIT",))


def static(name, **changes):
    one = StaticCalibration(
        static_id=f"id of {name}", instrument="TOY", category="LINE_LIST", name=name,
        file_id="e" * 64, size=2880, keys="{}", builder="", origin="NIST", licence="CC0",
        valid_from=50000.0, valid_to=60000.0, added="2026-01-01",
    )  # fmt: skip
    return replace(one, **changes)


@pytest.fixture
def toy_with_lines(toy_files, tmp_path):
    """The toy, whose flats need a line list."""
    old = "    recipe: flat\n"
    changed = toy_files["association.yaml"].replace(
        old, f"{old}    statics: [{{category: LINE_LIST, match: [SLIT]}}]\n"
    )
    for name, text in (toy_files | {"association.yaml": changed}).items():
        (tmp_path / name).write_text(text)
    return load_folder(tmp_path)


def matched(*collection, need=NEED, mjd=MJD):
    found = match_static(need, SETUP, mjd, collection)
    return found.product_id if found.state is MatchState.REAL else None


def test_one_for_any_setup_serves_until_one_for_this_setup_is_there():
    general, special = static("any"), static("two", keys='{"SLIT":2}')
    assert matched(general) == general.static_id
    assert matched(general, special) == special.static_id
    assert matched(static("three", keys='{"SLIT":3}')) is None


def test_a_keyword_that_the_need_does_not_match_does_not_matter():
    other = static("binned", keys='{"BIN":2}')
    assert matched(other) == other.static_id


def test_validity_begins_and_ends():
    one = static("one", valid_from=MJD, valid_to=MJD + 1)
    assert [matched(one, mjd=MJD + days) is not None for days in (-0.1, 0, 0.9, 1)] == [
        False, True, True, False,
    ]  # fmt: skip


def test_the_later_beginning_wins_and_people_win_over_builders():
    early, late = static("early"), static("late", valid_from=55000.0)
    assert matched(late, early) == late.static_id
    built = static("built", valid_from=55000.0, builder="module:function")
    assert matched(built, early) == early.static_id


def test_rules_change_with_the_collection(toy):
    first, second = static("one"), static("two")
    hashes = {rules_hash(toy, some) for some in ([], [first], [second], [first, second])}
    assert len(hashes) == 4
    assert rules_hash(toy, [first, second]) == rules_hash(toy, [second, first])


def only_flat(store):
    with store.read() as look:
        return next(one for one in look.blocks.find() if one.raw_type == "FLAT")


def test_a_missing_one_blocks_until_it_is_added(store, toy_with_lines, frames, put):
    put(store, frames("BIAS", 1, 3), frames("FLAT", 1.2, 3))
    run(store, toy_with_lines)
    block = only_flat(store)
    assert block.state is BlockState.BLOCKED
    assert block.problem == "no static calibration LINE_LIST for 1_1: see `vltflow statics`"
    assert "the collection has no LINE_LIST" in render(explain(store, toy_with_lines, block.name))
    with store.write(by="Anna", why="found it") as tx:
        tx.statics.add(static("lines.fits"))
    assert run(store, toy_with_lines).rematched == (block.name,)
    block = only_flat(store)
    assert block.state is BlockState.PLANNED
    (match,) = [one for one in block.masters if one.category == "LINE_LIST"]
    assert (match.state, match.product_id) == (MatchState.REAL, "id of lines.fits")
    assert run(store, toy_with_lines).changed == ()


def test_a_withdrawn_one_is_not_used(store, toy_with_lines, frames, put):
    put(store, frames("BIAS", 1, 3), frames("FLAT", 1.2, 3))
    with store.write(by="Anna", why="found it") as tx:
        tx.statics.add(static("lines.fits"))
    run(store, toy_with_lines)
    with store.write(by="Anna", why="wrong") as tx:
        tx.statics.set_state("id of lines.fits", StaticState.WITHDRAWN)
    run(store, toy_with_lines)
    assert only_flat(store).state is BlockState.BLOCKED


def test_explanation_and_export_name_it_and_what_excluded_others(
    sqlite_store, toy_with_lines, frames, put
):
    put(sqlite_store, frames("BIAS", 1, 3), frames("FLAT", 1.2, 3))
    with sqlite_store.write(by="Anna", why="found them") as tx:
        tx.statics.add(static("lines.fits"))
        tx.statics.add(static("other.fits", keys='{"SLIT":7}'))
    run(sqlite_store, toy_with_lines)
    name = only_flat(sqlite_store).name
    told = render(explain(sqlite_store, toy_with_lines, name))
    assert "LINE_LIST: REAL, lines.fits" in told
    assert "other.fits" in told
    assert "SLIT 7 != 1" in told
    text = export(sqlite_store, toy_with_lines, name)
    (line,) = [one for one in text.splitlines() if "LINE_LIST" in one]
    assert line.split()[:4] == ["MCALIB", "REAL", "lines.fits", "LINE_LIST"]
    assert line.endswith("#static")


def test_a_setup_that_the_recipe_does_not_take_waits_for_one(
    sqlite_store, toy_files, frames, put, tmp_path
):
    text = toy_files["recipes.yaml"].replace("{recipe: f}", "{recipe: f, takes: {SLIT: 7}}")
    for name, content in (toy_files | {"recipes.yaml": text}).items():
        (tmp_path / name).write_text(content)
    toy = load_folder(tmp_path)
    put(sqlite_store, frames("BIAS", 1, 3), frames("FLAT", 1.2, 3))
    run(sqlite_store, toy)
    block = only_flat(sqlite_store)
    assert (block.state, block.complete) == (BlockState.BLOCKED, True)
    assert block.problem == "waits for a recipe: f by native does not take it: SLIT is 1, wanted 7"
