"""Science that something is wrong with, as a user meets it: a verdict each that says what."""

from __future__ import annotations

from dataclasses import replace

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


def rows_of(folder, defects, exposures, command):
    """Status of all ABs after a night, by their first frame; frames of the defects; the site."""
    plan = science_night(NIGHT, exposures, window=True, standard=False)
    day = simulate_day("uves", NIGHT, folder / "raw", templates=plan, defects=defects)
    site = str(folder / "site")
    assert run_command(["init", site, "--cores", "2", "--memory-mb", "4000"]) == 0
    assert run_command(["ingest", str(day.folder), "--site", site]) == 0
    run_command(["night", NIGHT, "--instrument", "UVES", "--site", site])
    rows = {row["ab"]: row for row in command("status", "--json", "--site", site)}
    return rows, {one["defect"]: one["frame"] for one in day.defects}, site


@pytest.mark.long
@pytest.mark.timeout(900)
def test_each_exposure_ends_in_a_verdict_that_says_what_is_wrong(tmp_path, command):
    rows, victims, site = rows_of(tmp_path, OF_EXPOSURES, POINT * 8, command)
    waiting = {
        one["ab"]: one["reason"] for one in command("certify", "list", "--json", "--site", site)
    }
    row = {defect: rows[f"{frame}_none"] for defect, frame in victims.items()}
    for defect, parameter in (
        ("no-object", "QC OBJ FOUND"),
        ("twilight-sky", "QC SKY LEVEL"),
        ("saturated-object", "QC NPIXSAT"),
        ("cosmic-shower", "QC CRH RATE"),
    ):
        assert row[defect]["certification"] == "waits for a person", defect
        assert f"RED_SCI_POINT_BLUE {parameter}" in waiting[row[defect]["ab"]]
    assert row["wrong-setup"]["status"] == "BLOCKED"
    assert "no ORDER_TABLE_BLUE, LINE_TABLE_BLUE for 1x1_437nm" in row["wrong-setup"]["problem"]
    for defect in ("nan-coordinates", "missing-coordinates"):
        assert row[defect]["problem"].startswith("not published: "), defect
        assert "RA" in row[defect]["problem"]


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
