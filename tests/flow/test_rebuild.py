"""Products made again from what is recorded of them."""

import shutil
import sqlite3
import time

import pytest

from vltflow.cli.app import run
from vltflow.instruments import uves
from vltflow.simulate import simulate_day
from vltflow.store import Vault

NIGHT = "2015-02-26"
FLAT = "UV_MFLT_150226A_REDL564_1x1_0.6.fits"
BIAS = "UV_MBIA_150226A_BLUE_1x1.fits"
pytestmark = pytest.mark.slow


def results(rows):
    return {row["product"]: row["result"] for row in rows}


def test_a_master_is_rebuilt_from_raw_frames_bit_by_bit(command, finished_site, tmp_path):
    rows = command("rebuild", FLAT, "--out", str(tmp_path), "--json")
    assert set(results(rows).values()) == {"IDENTICAL"}
    assert {row["category"] for row in rows} >= {"MASTER_BIAS_REDL", "MASTER_FLAT_REDU"}
    assert (tmp_path / FLAT).is_file()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_the_number_of_threads_changes_no_bit(command, finished_site, tmp_path):
    rows = command("rebuild", FLAT, "--out", str(tmp_path), "--cores", "1", "--json")
    assert set(results(rows).values()) == {"IDENTICAL"}


def test_recorded_masters_are_taken_if_wanted(command, finished_site, tmp_path):
    rows = command("rebuild", FLAT, "--out", str(tmp_path), "--depth", "0", "--json")
    assert {row["category"][:11] for row in rows} == {"MASTER_FLAT", "PIXEL_RESPO"}
    assert set(results(rows).values()) == {"IDENTICAL"}


def test_the_definition_of_then_counts_not_that_of_now(command, small_day, tmp_path, monkeypatch):
    site, rules = tmp_path / "site", tmp_path / "rules"
    monkeypatch.setenv("VLTFLOW_SITE", str(site))
    _own_definition(rules)
    raw = tmp_path / "raw"
    raw.mkdir()
    for path in small_day.files:
        if path.name.startswith("UVES.2015-02-27T10:0"):
            shutil.copy(path, raw)
    assert run(["init", str(site), "--cores", "2", "--memory-mb", "4000"]) == 0
    _add(site, f'[instruments]\nUVES = "{rules}"\n')
    command("ingest", str(raw))
    command("night", NIGHT)
    shutil.rmtree(rules)
    rows = command("rebuild", BIAS, "--out", str(tmp_path / "again"), "--json")
    assert results(rows) == {BIAS: "IDENTICAL"}


def _add(site, text):
    with (site / "vltflow.toml").open("a") as file:
        file.write(text)


def _own_definition(folder):
    shutil.copytree(uves.__path__[0], folder)
    recipes = folder / "recipes.yaml"
    text = recipes.read_text()
    plain = "{recipe: detector.master_bias, "
    assert plain in text
    recipes.write_text(text.replace(plain, plain + "parameters: {stack_method: mean}, "))


def test_what_differs_is_told_with_the_cause(command, site_copy, tmp_path):
    # As if it had been made by another version: other bytes, and another numpy.
    with sqlite3.connect(site_copy / "registry.sqlite") as registry:
        (before,) = registry.execute(
            "SELECT file_id FROM product WHERE name = ?", [BIAS]
        ).fetchone()
        content = (
            Vault(str(site_copy / "vault"))
            .get_bytes(before)
            .replace(b"detector.master_bias/1", b"detector.master_bias/0")
        )
        changed = tmp_path / "changed.fits"
        changed.write_bytes(content)
        new = _kept(site_copy, changed)
        registry.execute("UPDATE product SET file_id = ? WHERE name = ?", [new, BIAS])
        registry.execute(
            'UPDATE software SET versions = replace(versions, \'"numpy": "\', \'"numpy": "0.\')'
        )
    rows = command("rebuild", BIAS, "--out", str(tmp_path), "--json", code=1)
    (row,) = rows
    assert row["result"] == "DIFFERENT"
    assert [one["name"] for one in row["differences"]] == ["ESO PRO REC1 PIPE ID"]
    assert any(cause.startswith("numpy: 0.") for cause in row["causes"])


def _kept(site, path):
    return Vault(str(site / "vault")).put_file(path)


def test_a_raw_frame_that_is_gone_is_named_and_found_elsewhere(
    command, site_copy, small_day, tmp_path
):
    with sqlite3.connect(site_copy / "registry.sqlite") as registry:
        registry.execute("UPDATE frame SET location = '/gone/' || name || '.fits'")
    said = command("rebuild", BIAS, "--out", str(tmp_path / "one"), code=1)
    assert "--raw" in said
    assert "UVES.2015-02-27T10:04:26.760" in said
    rows = command(
        "rebuild", BIAS, "--out", str(tmp_path / "two"), "--raw", str(small_day.folder), "--json"
    )
    assert results(rows) == {BIAS: "IDENTICAL"}


@pytest.mark.esorex("uves")
def test_a_product_of_esorex_is_equal_but_for_its_dates(command, tmp_path):
    site, raw = tmp_path / "site", tmp_path / "raw"
    simulate_day("uves", NIGHT, raw, small=True, raw_types=["BIAS_BLUE"])
    assert run(["init", str(site), "--cores", "2", "--memory-mb", "4000"]) == 0
    _add(site, '[runners]\nUVES = "esorex"\n')
    here = ["--site", str(site)]
    command("ingest", str(raw), *here)
    command("night", NIGHT, *here)
    time.sleep(1)  # ESO's dates are in whole seconds: within one of them the copy is identical
    rows = command("rebuild", BIAS, "--out", str(tmp_path / "again"), "--json", *here)
    assert results(rows) == {BIAS: "EQUAL"}
    (said,) = command("explain", BIAS, "--json", *here)
    assert {"esorex", "cpl", "cfitsio", "recipe"} <= set(said["products"][0]["job"]["software"])
