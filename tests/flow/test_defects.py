"""A day with ten defects: all that can be finished is, and each problem stands at its AB."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def rows(command, processed_defects, monkeypatch) -> dict[str, dict]:
    monkeypatch.setenv("VLTFLOW_SITE", str(processed_defects))
    return {row["ab"]: row for row in command("status", "--json")}


def test_every_defect_is_shown_at_its_ab_or_in_quarantine(rows, command, defect_day) -> None:
    refused = {Path(one["location"]).stem for one in command("quarantine", "--json")}
    block_of = {
        frame["frame"]: name
        for name in rows
        for frame in command("ab", "show", name, "--json")[0]["frames"]
    }
    for defect in defect_day.defects:
        victim = defect["frame"]
        if victim in refused or defect["defect"] == "duplicate-file":
            continue
        row = rows[block_of[victim]] if victim in block_of else _incomplete_near(rows, victim)
        assert row["problem"] or row["certification"] == "waits for a person", defect


def test_everything_that_can_be_finished_is(rows, command) -> None:
    assert not {row["status"] for row in rows.values()} & {"PLANNED", "RUNNING"}
    finished = [row for row in rows.values() if row["certification"] == "AUTO"]
    good = [
        one
        for one in command("certify", "list", "--json")
        if one["score"].startswith("(0/") and one["reason"].startswith("made with")
    ]
    assert all("is not certified yet" in one["reason"] for one in good)
    assert len(finished) >= 4
    assert len(finished) + len(good) >= 7


def test_a_file_lost_on_the_way_leaves_its_ab_incomplete(rows, command, defect_day) -> None:
    lost = {
        one["frame"]
        for one in defect_day.defects
        if one["defect"] in {"truncated-file", "zero-length-file", "missing-frame"}
    }
    for victim in lost:
        assert "EXPNO" in _incomplete_near(rows, victim)["problem"]


def _incomplete_near(rows: dict[str, dict], frame: str) -> dict:
    """The incomplete AB whose template the frame belongs to: the last that began before it, or
    the first after it where the frame itself would have been the first."""
    incomplete = sorted(name for name, row in rows.items() if not row["complete"])
    before = [name for name in incomplete if name.split("_")[0] <= frame]
    return rows[before[-1] if before else incomplete[0]]
