"""A folder of raw frames becomes products, as an astronomer asks for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from astropy.io import fits

from vltflow.cli.app import run as run_command

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(observatory):
    """Two nights, a night without its calibrations, a frame without light, a broken file."""
    observatory.night("2010-10-03", {"HE1": 50, "HE2": 60})
    observatory.expose("2010-10-03T23:50:00", 100.0, target="Dark")
    observatory.expose("2010-10-03T23:55:00", 150.0, target="HE7", mode="B")
    (observatory.raw / "broken.fits").write_bytes(b"SIMPLE  =                    T")
    (observatory.raw / "notes.txt").write_text("seeing 0.7")
    hidden = observatory.raw / "products" / ".vltflow"
    assert run_command(["init", str(hidden), "--cores", "2", "--memory-mb", "1000"]) == 0
    with (hidden / "vltflow.toml").open("a") as file:
        file.write(f'[instruments]\nLAMP = "{observatory.rules}"\n')
    return observatory.raw


def names(folder):
    return sorted(path.name for path in (folder / "products").glob("*.fits"))


def test_what_can_be_reduced_is_and_the_rest_is_named(command, folder):
    (said,) = command("reduce", str(folder), "--json", code=1)
    rows = {row["target"]: row for row in said["science"]}
    assert {target for target, row in rows.items() if row["state"] == "SUCCEEDED"} == {"HE1", "HE2"}
    assert names(folder) == ["LP_S_101003A.fits", "LP_S_101003B.fits"]
    assert "no light" in rows["Dark"]["problem"]
    assert [name for name, _ in said["rejected"]] == [str(folder / "broken.fits")]
    assert said["calibrations"] == {"SUCCEEDED": 1}


def test_a_missing_calibration_is_named_with_what_to_fetch(command, folder):
    (said,) = command("reduce", str(folder), "--json", code=1)
    (lack,) = said["lacks"]
    assert lack["category"] == "MASTER_BIAS_ONE"
    assert lack["raw_types"] == ["BIAS"]
    assert lack["keys"] == {"INS.MODE": "B"}
    assert "other setup, INS.MODE A != B" in lack["nearest"]
    for words in ("INSTRUME=LAMP", "DPR.TYPE=BIAS", "INS.MODE=B", "2010-09-03 to 2010-11-02"):
        assert words in lack["query"]
    page = (folder / "products" / "index.html").read_text()
    assert "DPR.TYPE=BIAS" in page
    assert "broken.fits" in page


def test_a_calibration_that_failed_is_named_though_science_looks_for_another(
    command, observatory, folder
):
    observatory.expose("2010-10-03T21:00:00", 5.0, mode="B")
    (said,) = command("reduce", str(folder), "--json", code=1)
    ((_, problem),) = said["failures"]
    assert problem.startswith("no level")
    assert [lack["category"] for lack in said["lacks"]] == ["MASTER_BIAS_ONE"]


def test_a_calibration_that_is_used_with_a_red_score_is_named(command, observatory, folder):
    for path in folder.glob("*T22:*.fits"):
        path.unlink()
    observatory.expose("2010-10-03T22:00:00", 2000.0)  # scores allow 1000
    (said,) = command("reduce", str(folder), "--json", code=1)
    assert [reason for _, reason in said["doubts"]] == ["red: QC LEVEL"]
    assert "used all the same:" in command("reduce", str(folder), code=1)


def test_without_science_it_says_what_there_is_and_what_to_fetch(command, observatory, folder):
    for path in folder.glob("*T23:*.fits"):
        path.unlink()
    said = command("reduce", str(folder), code=2)
    assert "2 raw frames of LAMP: 2 BIAS" in said
    assert "no science frame among them; ABs of calibrations: 1 SUCCEEDED" in said
    assert "INSTRUME=LAMP, DPR.CATG=SCIENCE, nights near 2010-10-03" in said
    (site,) = [line.split()[-1] for line in said.splitlines() if "masters find -i LAMP" in line]
    assert len(command("masters", "find", "-i", "LAMP", "--site", site, "--json")) == 1


def test_it_is_said_what_became_of_each_file_that_is_not_reduced(command, observatory, folder):
    for name, more in {
        "classification.yaml": TEST_FRAMES, "association.yaml": TEST_BLOCKS,
    }.items():  # fmt: skip
        path = observatory.rules / name
        begin = f"\n{more[0]}:"
        path.write_text(path.read_text().replace(begin, begin + more[1]))
    observatory.expose("2010-10-03T21:00:00", 100.0, mode="T")
    first = min(folder.glob("LAMP*.fits"))
    (folder / "copy.fits").write_bytes(first.read_bytes())
    (folder / "logs").mkdir()
    (folder / "logs" / "night.log").touch()
    with fits.open(first) as hdus:
        hdus[0].header["HIERARCH ESO PRO CATG"] = "MASTER_BIAS_ONE"
        hdus.writeto(folder / "product.fits")
    (said,) = command("reduce", str(folder), "--json", code=1)
    bad, others = (
        {Path(name).name: reason for name, reason in said[key]} for key in ("rejected", "others")
    )
    assert bad.keys() == {"broken.fits", "product.fits"}
    assert "so it is a product, not a raw frame" in bad["product.fits"]
    never = {name for name, reason in others.items() if reason == "TEST: light is tested, no use"}
    assert len(never) == 2
    assert others.keys() - never == {"copy.fits", "night.log", "notes.txt"}
    assert others["copy.fits"] == f"same frame as {first}"


def test_a_second_run_takes_what_is_new_and_makes_nothing_twice(command, folder, observatory):
    command("reduce", str(folder), code=1)
    before = {path: path.stat().st_mtime_ns for path in (folder / "products").glob("*.fits")}
    observatory.expose("2010-10-03T23:30:00", 100.0, mode="B")
    (folder / "broken.fits").unlink()
    next(folder.glob("*23:50:00*")).unlink()
    (said,) = command("reduce", str(folder), "--json", code=1)
    assert said["lacks"] == []
    assert len(names(folder)) == 3
    assert all(path.stat().st_mtime_ns == moment for path, moment in before.items())


def complete(folder):
    """Without what cannot be reduced."""
    for path in folder.glob("*.fits"):
        if "broken" in path.name or "23:5" in path.name:
            path.unlink()
    return folder


def test_nearer_calibrations_that_come_later_take_the_place_of_farther_ones(
    command, observatory, folder
):
    near = {path: path.read_bytes() for path in complete(folder).glob("*T22:*.fits")}
    for path in near:
        path.unlink()
    observatory.expose("2010-09-20T22:00:00", 100.0)
    command("reduce", str(folder))
    assert names(folder) == ["LP_S_101003A.fits", "LP_S_101003B.fits"]
    for path, content in near.items():
        path.write_bytes(content)
    command("reduce", str(folder))
    anew = names(folder)
    assert anew == ["LP_S_101003C.fits", "LP_S_101003D.fits"]
    command("reduce", str(folder))
    assert names(folder) == anew


@pytest.fixture
def dark_rules(observatory):
    """The lamp's science takes a dark if there is one."""
    rules = {
        "classification.yaml": ("\nrules:", DARK_FRAMES),
        "association.yaml": ("\nraw_types:", DARK_BLOCKS),
        "recipes.yaml": ("\nrecipes:", DARK_RECIPE),
    }
    for name, (begin, more) in rules.items():
        path = observatory.rules / name
        path.write_text(path.read_text().replace(begin, begin + more))
    with (observatory.rules / "association.yaml").open("a") as file:
        file.write(DARK_NEED)
    return observatory.rules


def test_what_products_are_as_good_without_is_not_named(command, dark_rules, folder):
    path = dark_rules / "association.yaml"
    path.write_text(
        path.read_text().replace("required: false,", "required: false, dispensable: x,")
    )
    (said,) = command("reduce", str(complete(folder)), "--json")
    assert said["without"] == []


def test_what_products_were_made_without_is_named_and_used_when_it_comes(
    command, observatory, dark_rules, folder
):
    (said,) = command("reduce", str(complete(folder)), "--json")
    (lack,) = said["without"]
    assert (lack["category"], len(lack["wanted_by"])) == ("MASTER_DARK_ONE", 2)
    assert "DARK: INSTRUME=LAMP" in (folder / "products" / "index.html").read_text()
    observatory.expose("2010-10-03T21:00:00", 100.0, mode="D")
    (said,) = command("reduce", str(folder), "--json")
    assert said["without"] == []
    assert names(folder) == ["LP_S_101003C.fits", "LP_S_101003D.fits"]


TEST_FRAMES = (
    "rules",
    """
  - {raw_type: TEST, note: "light is tested, no use", when: {INS.MODE: T}}""",
)
TEST_BLOCKS = (
    "raw_types",
    """
  TEST: {detector: ONE, group: none, setup: [INS.MODE], label: "{INS.MODE}"}""",
)
DARK_FRAMES = """
  - {raw_type: DARK, when: {DPR.TYPE: BIAS, INS.MODE: D}}"""
DARK_BLOCKS = """
  DARK: {detector: ONE, group: template, recipe: dark, setup: [INS.MODE], label: "{INS.MODE}"}"""
DARK_NEED = """
      - {category: MASTER_DARK_ONE, required: false, match: [], levels: [{level: 0, days: 3}]}
"""
DARK_RECIPE = """
  dark:
    title: Master dark
    runner: native
    native: {recipe: "lamp_recipes:Bias", cores: 1, memory_mb: 100, wall_s: 60}
    products:
      - {role: MASTER_BIAS, category: "MASTER_DARK_{chip}", name: "LP_D_{date}{letter}.fits"}"""


def test_a_run_that_was_killed_at_its_last_exposure_is_taken_up(command, folder, kill_at_work):
    for path in [*complete(folder).glob("*T23:*.fits")][1:]:
        path.unlink()
    kill_at_work("reduce", str(folder))
    (said,) = command("reduce", str(folder), "--json")
    assert [row["state"] for row in said["science"]] == ["SUCCEEDED"]
    assert names(folder) == ["LP_S_101003A.fits"]


def test_a_page_that_cannot_be_written_is_named_and_the_next_run_goes_on(command, folder):
    (folder / "products" / "qc").touch()
    assert "qc/LAMP" in command("reduce", str(complete(folder)), code=2)
    (folder / "products" / "qc").unlink()
    command("reduce", str(folder))
    assert len(names(folder)) == 2


def test_raw_frames_are_only_read(command, folder):
    before = {path.name: path.read_bytes() for path in folder.glob("*.fits")}
    command("reduce", str(folder), code=1)
    assert {path.name: path.read_bytes() for path in folder.glob("*.fits")} == before
    assert sorted(path.name for path in folder.iterdir() if path.suffix != ".fits") == [
        "notes.txt",
        "products",
    ]


def test_a_complete_folder_ends_with_0(command, observatory, folder):
    complete(folder)
    assert "2 SUCCEEDED" not in command("reduce", str(folder))


@pytest.mark.parametrize("content", [[], ["notes.txt"]])
def test_a_folder_without_fits_files_is_refused(command, tmp_path, content):
    for name in content:
        (tmp_path / name).touch()
    assert "no FITS files" in command("reduce", str(tmp_path), code=2)
    assert [path.name for path in tmp_path.iterdir()] == content


def test_a_product_can_be_explained_from_the_hidden_site(command, folder):
    command("reduce", str(folder), code=1)
    product = folder / "products" / "LP_S_101003A.fits"
    hidden = folder / "products" / ".vltflow"
    (said,) = command("explain", str(product), "--site", str(hidden), "--json")
    assert said["found_by"] == "checksum"
