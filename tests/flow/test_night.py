"""A whole day through the house, as a user runs it."""

from __future__ import annotations

from collections import Counter

import pytest

NIGHT = "2015-02-26"
NATIVE = ("uves_cal_mbias", "uves_cal_mdark", "uves_cal_mflat")
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("finished_site")]


def _status(command) -> dict[str, dict]:
    return {row["ab"]: row for row in command("status", "--night", NIGHT, "--json")}


def test_the_monitor_shows_all_blocks_of_the_day(command, small_day) -> None:
    rows = _status(command)
    assert len(rows) == 57
    incomplete = [row for row in rows.values() if not row["complete"]]
    assert len(incomplete) == 7
    # Small detectors have no order tables, so no blaze for stars and science.
    assert {row["raw_type"].split("_")[0] for row in incomplete} == {
        "FLAT",
        "STANDARD",
        "SCI",
        "SCIENCE",
    }
    assert set(rows) == {f"UVES.{block['start']}_{block['grouping']}" for block in small_day.blocks}


def test_every_complete_block_with_a_recipe_is_processed_scored_and_certified(command) -> None:
    for row in _status(command).values():
        if row["recipe"] in NATIVE and row["complete"]:
            assert row["status"] == "SUCCEEDED"
            assert row["score"].startswith("(0/")
            assert row["certification"] == "AUTO"


def test_blocks_without_a_recipe_say_what_they_wait_for(command) -> None:
    for row in _status(command).values():
        if row["recipe"] not in NATIVE:
            assert row["status"] == "BLOCKED"
            assert "waits for a recipe" in row["problem"]


def test_the_incomplete_block_says_which_frame_is_missing(command) -> None:
    rows = [row for row in _status(command).values() if row["raw_type"].startswith("FLAT")]
    (row,) = (row for row in rows if not row["complete"])
    assert row["status"] == "BLOCKED"
    assert "EXPNO" in row["problem"]


def test_a_second_run_does_nothing_twice(command) -> None:
    before = command("events", "--limit", "1", "--json")
    (report,) = command("night", NIGHT, "--instrument", "UVES", "--json")
    assert report["processed"] == 0
    assert command("events", "--limit", "1", "--json") == before


def test_a_summary_counts_each_master_once_and_says_what_waits(command) -> None:
    masters = command("masters", "find", "--instrument", "UVES", "--json")
    counted = command("masters", "summary", "--instrument", "UVES", "--json")
    assert {row["category"]: row["masters"] for row in counted} == Counter(
        master["category"] for master in masters
    )
    said = command("masters", "summary", "--instrument", "UVES").splitlines()
    waiting = command("certify", "list", "--json")
    assert said[-1].startswith(f"{len(waiting)} ABs wait for a person")


def test_one_master_holds_at_any_moment(command) -> None:
    masters = command("masters", "find", "--instrument", "UVES", "--json")
    assert masters
    for master in masters:
        holding = command(
            "masters",
            "find",
            "--instrument",
            "UVES",
            "--category",
            master["category"],
            "--setup",
            master["setup"],
            "--mjd",
            str(master["mjd"]),
            "--json",
        )
        assert master["name"] in {one["name"] for one in holding}
        assert len(holding) == 1


def test_revoking_a_bias_lists_what_was_made_with_it(command, site_copy) -> None:
    rows = _status(command)
    bias = next(name for name, row in rows.items() if row["raw_type"] == "BIAS_BLUE")
    users = command("certify", "revoke", bias, "--comment", "light leak", "--by", "Ada", "--json")
    made = {row["ab"] for row in users if row["product"]}
    assert made
    assert all(rows[name]["recipe"] in {"uves_cal_mdark", "uves_cal_mflat"} for name in made)
    assert _status(command)[bias]["certification"] == "REVOKED: light leak"
    masters = command(
        "masters", "find", "--instrument", "UVES", "--category", "MASTER_BIAS_BLUE", "--json"
    )
    assert rows[bias]["setup"] not in {master["setup"] for master in masters}


def test_a_decision_is_kept_once_with_name_and_comment(command, site_copy) -> None:
    bias = next(name for name, row in _status(command).items() if row["raw_type"] == "BIAS_RED")
    command("certify", "revoke", bias, "--comment", "first", "--by", "Ada")
    assert "Ada" in command("certify", "revoke", bias, "--comment", "second", "--by", "Bob", code=1)


def test_explain_names_a_winner_for_each_needed_master(command) -> None:
    flat = next(name for name, row in _status(command).items() if row["raw_type"] == "FLAT_BLUE")
    (explanation,) = command("ab", "explain", flat, "--json")
    shown = command("ab", "show", flat, "--json")[0]
    assert {need["category"] for need in explanation["needs"]} == {
        match["category"] for match in shown["calibrations"]
    }


def test_wrong_use_ends_with_2_and_says_what_to_do(command) -> None:
    assert "2015-02-26" in command("night", "yesterday", "--instrument", "UVES", code=2)
    assert "Installed" in command("night", NIGHT, "--instrument", "OWL", code=2)
    assert "vltflow status" in command("ab", "show", "nonsense", code=2)


@pytest.mark.parametrize("listing", [("status",), ("qc", "values"), ("qc", "scores")])
def test_a_listing_refuses_a_night_or_instrument_that_cannot_be(command, listing) -> None:
    assert "2015-02-26" in command(*listing, "--night", "yesterday", code=2)
    assert "Installed" in command(*listing, "--instrument", "OWL", code=2)
    assert command(*listing, "--instrument", "uves", "--json")
