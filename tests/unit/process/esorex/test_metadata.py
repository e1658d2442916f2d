"""What recipes declare, as esorex tells it; what is refused before anything runs."""

import json
from pathlib import Path

import pytest

from vltflow.core.errors import ConfigurationError, MissingCalibration, RunnerMissing
from vltflow.process.runners.esorex import find_esorex, recipe_metadata
from vltflow.process.runners.esorex.metadata import inputs_of_page


@pytest.fixture
def bias(esorex):
    return recipe_metadata(esorex, "uves_cal_mbias")


@pytest.fixture
def muse_wavecal(esorex):
    return recipe_metadata(esorex, "muse_wavecal", package="cpl-plugin-muse")


def test_a_recipe_is_described_with_version_parameters_and_choices(bias):
    parameters = {one.name: one for one in bias.parameters}
    assert (bias.plugin, bias.version[0]) == ("uves", "6")
    assert (parameters["klow"].kind, parameters["klow"].default) == ("double", 5)
    assert parameters["stack_method"].choices == ("median", "mean")
    assert "low level values" in parameters["klow"].description


def test_inputs_are_described_where_a_recipe_declares_them(muse_wavecal):
    inputs = {one.tag: one for one in muse_wavecal.inputs}
    assert (inputs["ARC"].required, inputs["ARC"].maximum) == (True, None)
    assert (inputs["LINE_CATALOG"].required, inputs["LINE_CATALOG"].maximum) == (True, 1)
    assert not inputs["MASTER_DARK"].required
    assert "WAVECAL_TABLE" not in inputs


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"kappa": 3}, "has no parameter kappa. Allowed: debug, plotter, process_chip"),
        ({"stack_method": "mode"}, "stack_method = 'mode'. Allowed: median, mean"),
        ({"niter": 2.5}, "niter = 2.5 is no int"),
        ({"niter": True}, "niter = True is no int"),
        ({"clean_traps": "yes"}, "clean_traps = 'yes' is no bool"),
    ],
)
def test_wrong_parameters_are_refused_with_what_is_allowed(bias, given, message):
    with pytest.raises(ConfigurationError, match=r"recipes\.yaml: ") as caught:
        bias.resolved(given, where="recipes.yaml")
    assert message in str(caught.value)


def test_ranges_are_checked_too(muse_wavecal):
    with pytest.raises(ConfigurationError, match=r"nifu = 99 is not within -1 \.\. 24"):
        muse_wavecal.resolved({"nifu": 99}, where="recipes.yaml")


def test_whole_numbers_do_where_real_ones_are_wanted(bias):
    assert bias.resolved({"klow": 3}, where="")["klow"] == 3.0


def test_a_missing_input_is_refused_by_its_name(muse_wavecal):
    with pytest.raises(MissingCalibration, match="muse_wavecal needs LINE_CATALOG beside its ARC"):
        muse_wavecal.check_inputs(["ARC", "MASTER_BIAS", "TRACE_TABLE"])


def test_too_many_of_an_input_are_refused(muse_wavecal):
    tags = ["ARC", "MASTER_BIAS", "MASTER_BIAS", "TRACE_TABLE", "LINE_CATALOG"]
    with pytest.raises(ConfigurationError, match="takes 1 MASTER_BIAS at most, it would get 2"):
        muse_wavecal.check_inputs(tags)


def test_recipes_that_declare_inputs_in_prose_check_them_themselves(bias):
    assert bias.inputs == ()
    bias.check_inputs(["ANYTHING"])


def test_a_description_is_kept_by_plugin_version(esorex, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    plugin = esorex.plugin_of("uves_cal_mdark")
    recipe_metadata(esorex, "uves_cal_mdark")
    kept = tmp_path / f"vltflow/recipes/uves-{plugin.version}/uves_cal_mdark.json"
    content = json.loads(kept.read_text())
    assert content["version"] == plugin.version
    assert str(esorex.version) in content["stamp"]


def test_manual_pages_without_tables_give_no_inputs():
    assert list(inputs_of_page("NAME\n  uves_cal_mbias -- Creates the master bias frame\n")) == []


def test_an_absent_program_is_named_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setenv("VLTFLOW_ESOREX", "/nowhere/esorex")
    with pytest.raises(RunnerMissing, match=r"no program /nowhere/esorex.*apt install esorex"):
        find_esorex()


def test_a_program_that_is_not_esorex_is_not_taken_for_it(monkeypatch):
    monkeypatch.setenv("VLTFLOW_ESOREX", "true")
    with pytest.raises(RunnerMissing, match="does not answer as esorex does"):
        find_esorex()


def test_an_absent_plugin_is_named_with_its_package(esorex):
    with pytest.raises(RunnerMissing, match=r"has the recipe xsh_mbias.*install cpl-plugin-xshoo"):
        recipe_metadata(esorex, "xsh_mbias", package="cpl-plugin-xshoo")


def test_plugins_elsewhere_are_found(esorex, tmp_path, monkeypatch):
    original = esorex.plugin_of("uves_cal_mbias").folder
    Path(tmp_path / "uves-9.9.9").symlink_to(original)
    monkeypatch.setenv("ESOREX_PLUGIN_DIR", str(tmp_path))
    assert [(one.name, one.version) for one in find_esorex().plugins] == [("uves", "9.9.9")]
