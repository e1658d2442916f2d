"""`vltflow recipes`: what a user is told of programs and parameters."""

import json

import pytest

from vltflow.cli.app import run


@pytest.fixture
def told(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # no site there, and none is needed

    def _told(*words, code=0):
        capsys.readouterr()
        ended = run([*words, "--json"])
        assert code is None or ended == code
        return json.loads(capsys.readouterr().out)

    return _told


def test_pipelines_are_told_with_version_and_place(told, esorex):
    (row,) = [row for row in told("recipes", "runners", code=None) if row["instrument"] == "UVES"]
    assert (
        row["version"] == f"{esorex.plugin_of('uves_cal_mbias').version} (esorex {esorex.version})"
    )
    assert row["problem"] == ""


def test_a_missing_program_is_told_with_the_remedy(told, monkeypatch):
    monkeypatch.setenv("VLTFLOW_ESOREX", "/nowhere/esorex")
    rows = told("recipes", "runners", code=1)
    assert all("apt install" in row["problem"] for row in rows if row["pipeline"] != "none")


def test_a_missing_plugin_is_told_with_its_package(told, monkeypatch, tmp_path, esorex):
    assert esorex
    monkeypatch.setenv("ESOREX_PLUGIN_DIR", str(tmp_path))
    rows = told("recipes", "runners", code=1)
    assert any("apt install cpl-plugin-uves" in row["problem"] for row in rows)


def test_parameters_of_both_runners_are_shown(told, esorex):
    assert esorex
    rows = told("recipes", "show", "uves_cal_mbias", "-i", "uves")
    shown = {(row["runner"].split()[0], row["parameter"]): row for row in rows}
    assert shown["esorex", "stack_method"]["type"] == "median|mean"
    assert shown["native", "stack_method"]["type"] == "median|mean"
    assert shown["native", "klow"]["description"]


def test_what_holds_for_some_setups_only_is_shown_with_its_conditions(told, esorex):
    assert esorex
    rows = told("recipes", "show", "muse_bias", "-i", "muse")
    special = {row["parameter"]: row for row in rows if "only where" in row["description"]}
    assert special["nifu"]["description"] == "only where DET.CHIPS 1"
    assert (special["nifu"]["value"], special["nifu"]["default"]) == (1, -1)
    assert special["cores"]["type"] == "resource"


def test_recipes_are_listed_with_their_raw_types(told):
    rows = {row["recipe"]: row for row in told("recipes", "list", "-i", "uves")}
    assert "BIAS_RED" in rows["uves_cal_mbias"]["raw_types"].split()


def test_an_unknown_recipe_is_named(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert run(["recipes", "show", "xsh_mbias", "-i", "uves"]) == 2
    assert "UVES has no recipe 'xsh_mbias'. Known: uves_cal_mbias" in capsys.readouterr().err
