"""Science that something is wrong with, as a user meets it: a verdict each that says what."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from vltflow.cli.app import run as run_command
from vltflow.simulate import simulate_day
from vltflow.simulate.uves.programme import SCIENCE, science_night

NIGHT = "2015-02-26"
POINT = SCIENCE["point"][:1]
OF_EXPOSURES = (
    "no-object", "saturated-object", "cosmic-shower", "twilight-sky", "nan-coordinates",
    "missing-coordinates", "wrong-setup",
)  # fmt: skip


def observed(folder, defects, exposures):
    plan = science_night(NIGHT, exposures, window=True, standard=False)
    return simulate_day("uves", NIGHT, folder / "raw", templates=plan, defects=defects)


def rows_of(folder, defects, exposures, command):
    """Status of all ABs after a night, by their first frame; frames of the defects; the site."""
    day = observed(folder, defects, exposures)
    site = str(folder / "site")
    assert run_command(["init", site, "--cores", "2", "--memory-mb", "4000"]) == 0
    assert run_command(["ingest", str(day.folder), "--site", site]) == 0
    run_command(["night", NIGHT, "--instrument", "UVES", "--site", site])
    rows = {row["ab"]: row for row in command("status", "--json", "--site", site)}
    return rows, {one["defect"]: one["frame"] for one in day.defects}, site


RED = {
    "no-object": "QC OBJ FOUND", "twilight-sky": "QC SKY LEVEL", "saturated-object": "QC NPIXSAT",
    "cosmic-shower": "QC CRH RATE",
}  # fmt: skip


@pytest.mark.long
@pytest.mark.timeout(900)
def test_each_exposure_ends_in_a_verdict_that_says_what_is_wrong(tmp_path, command):
    rows, victims, site = rows_of(tmp_path, OF_EXPOSURES, POINT * 8, command)
    waiting = {
        one["ab"]: one["reason"] for one in command("certify", "list", "--json", "--site", site)
    }
    row = {defect: rows[f"{frame}_none"] for defect, frame in victims.items()}
    for defect, parameter in RED.items():
        assert row[defect]["certification"] == "waits for a person", defect
        assert f"RED_SCI_POINT_BLUE {parameter}" in waiting[row[defect]["ab"]]
    assert row["wrong-setup"]["status"] == "BLOCKED"
    assert "no ORDER_TABLE_BLUE, LINE_TABLE_BLUE for 1x1_437nm" in row["wrong-setup"]["problem"]
    for defect in ("nan-coordinates", "missing-coordinates"):
        problem = row[defect]["problem"]
        assert problem.startswith(f"not published: {victims[defect]}: "), defect
        assert "RA" in problem
        assert "repair the raw header" in problem.lower()


@pytest.mark.slow
def test_a_folder_with_all_of_them_gives_each_its_verdict_and_loses_none(tmp_path, command):
    day = observed(tmp_path, OF_EXPOSURES, POINT * 8)
    (day.folder / "empty.fits").touch()
    (said,) = command("reduce", str(day.folder), "--json", code=1)
    frames = list(day.folder.glob("UVES*.fits"))
    assert sum(count for _, _, count in said["found"]) == len(frames)
    assert [Path(name).name for name, _ in said["rejected"]] == ["empty.fits"]
    rows = {row["ab"]: row for row in said["science"]}
    victims = {one["defect"]: one["frame"] for one in day.defects}
    row = {defect: rows.pop(f"{frame}_none") for defect, frame in victims.items()}
    assert all(parameter in row[defect]["red"] for defect, parameter in RED.items())
    assert row["wrong-setup"]["state"] == "BLOCKED"
    assert {one["keys"]["INS.GRAT1.WLEN"] for one in said["lacks"]} == {437}
    for defect in ("nan-coordinates", "missing-coordinates"):
        assert f"not published: {victims[defect]}: " in row[defect]["problem"]
    good, stack = sorted(rows.values(), key=lambda one: one["exposures"])
    assert (good["red"], good["problem"]) == ([], "")
    assert stack["red"] == ["QC STACK REJECTED"]
    assert stack["exposures"] == 7
    assert stack["problem"] == ""  # the others tell where the target is
    assert any("STACK" in name for name in stack["products"])


@pytest.mark.slow
def test_science_without_any_calibration_is_told_all_that_it_lacks(tmp_path, command):
    day = observed(tmp_path, (), POINT)
    for block in day.blocks:
        if not block["raw_type"].startswith("SCI"):
            for name in block["files"]:
                (day.folder / name).unlink()
    (said,) = command("reduce", str(day.folder), "--json", code=1)
    ((_, raw_type, count),) = said["found"]
    assert (raw_type, count) == ("SCI_POINT_BLUE", 1)
    assert [(row["state"], row["products"]) for row in said["science"]] == [("BLOCKED", [])]
    wanted = {kind for lack in said["lacks"] for kind in lack["raw_types"]}
    assert {"BIAS_BLUE", "ORDER_FLAT_BLUE", "FLAT_BLUE", "ARC_LAMP_BLUE"} <= wanted
    assert all("INSTRUME=UVES, DPR.CATG=CALIB" in lack["query"] for lack in said["lacks"])
    (flat,) = (lack["query"] for lack in said["lacks"] if lack["category"].startswith("BLAZE_FLAT"))
    assert "FLAT_BLUE: " in flat
    assert "DPR.TYPE=%LAMP,FLAT%, DPR.TECH=%ECHELLE%, INS.SLIT1.NAME=%FREE%" in flat


@pytest.mark.slow
@pytest.mark.parametrize("lost", ["BIAS_BLUE", "ORDER_FLAT_BLUE"])
def test_frames_that_are_there_are_not_asked_for_again(lost, tmp_path, command):
    night = science_night(NIGHT, POINT, window=True, standard=False)
    plan = [replace(one, ordinal=n) for n, one in enumerate(night) if one.raw_type != lost]
    day = simulate_day("uves", NIGHT, tmp_path / "raw", templates=plan)
    (said,) = command("reduce", str(day.folder), "--json", code=1)
    assert [lack["raw_types"] for lack in said["lacks"]] == [[lost]]


@pytest.mark.parametrize(
    ("defect", "victim", "science"),
    [
        pytest.param(
            "empty-arc", "too few lines (lines=0", "no LINE_TABLE_BLUE", marks=pytest.mark.slow
        ),
        pytest.param(
            "shifted-format",
            "do not fit the catalogue",
            "no LINE_TABLE_BLUE",
            marks=pytest.mark.long,
        ),
        pytest.param("missing-flat", "", "no BLAZE_FLAT_BLUE", marks=pytest.mark.slow),
    ],
)
def test_science_waits_where_its_calibration_failed(defect, victim, science, tmp_path, command):
    rows, _, _ = rows_of(tmp_path, (defect,), POINT, command)
    kinds = {row["raw_type"]: row for row in rows.values()}
    if victim:
        assert (kinds["ARC_LAMP_BLUE"]["status"], victim in kinds["ARC_LAMP_BLUE"]["problem"]) == (
            "FAILED", True,
        )  # fmt: skip
    assert kinds["SCI_POINT_BLUE"]["status"] == "BLOCKED"
    assert science in kinds["SCI_POINT_BLUE"]["problem"]


@pytest.mark.slow
def test_an_arc_with_half_of_the_lines_waits_and_its_science_with_it(tmp_path, command):
    rows, victims, site = rows_of(tmp_path, ("half-the-lines",), POINT, command)
    kinds = {row["raw_type"]: row for row in rows.values()}
    waiting = {
        one["ab"]: one["reason"] for one in command("certify", "list", "--json", "--site", site)
    }
    arc = f"{victims['half-the-lines']}_none"
    assert kinds["ARC_LAMP_BLUE"]["ab"] == arc
    for kind in ("ARC_LAMP_BLUE", "SCI_POINT_BLUE"):
        assert (kinds[kind]["status"], kinds[kind]["certification"]) == (
            "SUCCEEDED", "waits for a person",
        )  # fmt: skip
    assert "LINE_TABLE_BLUE QC LINE FRACSEL" in waiting[arc]
    assert f"made with LINE_TABLE_BLUE of {arc}" in waiting[kinds["SCI_POINT_BLUE"]["ab"]]


@pytest.mark.long
@pytest.mark.timeout(900)
def test_short_exposures_and_dim_nebulae_have_few_cosmic_rays(tmp_path, command):
    point, nebula = SCIENCE["point"][0], SCIENCE["nebula"][0]
    exposures = [replace(point, exptime=time) for time in (60.0, 300.0, 900.0)]
    exposures += [replace(nebula, exptime=60.0)]
    _, _, site = rows_of(tmp_path, (), exposures, command)
    values = command("qc", "values", "-p", "QC CRH RATE", "--json", "--site", site)
    assert len(values) == len(exposures) + 1  # a chip of the blue arm, two of the red one
    assert max(one["value"] for one in values) < 2000


@pytest.mark.slow
def test_targets_that_share_no_more_than_a_name_give_no_stack(tmp_path, command):
    named = [replace(SCIENCE[name][0].source.target, name="FIELD1") for name in ("point", "nebula")]
    exposures = [replace(POINT[0], source=replace(POINT[0].source, target=one)) for one in named]
    day = observed(tmp_path, (), exposures)
    (said,) = command("reduce", str(day.folder), "--json", code=1)
    stack, *single = sorted(said["science"], key=lambda one: -one["exposures"])
    assert "not published: " in stack["problem"]
    assert "deg apart: not one target" in stack["problem"]
    assert not any(name.endswith(".fits") for name in stack["products"])
    assert [one["problem"] for one in single] == ["", ""]
