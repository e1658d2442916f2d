"""A day with ten different defects: all that can be finished is, and each problem stands at its AB."""

from __future__ import annotations

import pytest

NIGHT = "2015-02-26"


@pytest.fixture
def rows(command, defect_day) -> dict[str, dict]:
    command("ingest", str(defect_day.folder), code=1)
    command("night", NIGHT, "--instrument", "UVES", "--json")
    return {row["ab"]: row for row in command("status", "--json")}


def test_a_day_of_defects_ends_with_every_problem_at_its_place(rows, command, defect_day) -> None:
    refused = command("quarantine", "--json")
    for defect in defect_day.defects:
        _assert_is_shown(defect, rows, refused)
    assert not {row["status"] for row in rows.values()} & {"PLANNED", "RUNNING"}


def _assert_is_shown(defect, rows, refused) -> None:
    """A refused file stands in quarantine; anything else shows at the AB of its victim."""
    if any(victim in one["location"] for one in refused for victim in defect.frames):
        return
    touched = [row for name, row in rows.items() if name in defect.blocks]
    assert touched, defect
    if defect.name == "duplicate-file":
        return
    assert any(row["problem"] or row["certification"] == "waits for a person" for row in touched), defect
