"""Definitions that are kept come back as they were, whatever becomes of their files."""

import shutil

import pytest

from vltflow.core.errors import ConfigurationError
from vltflow.instruments import (
    available,
    load,
    load_folder,
    pack_definition,
    unpack_definition,
)


@pytest.mark.parametrize("name", available())
def test_every_definition_comes_back_with_the_same_context(name):
    instrument = load(name)
    again = unpack_definition(pack_definition(instrument), instrument.context)
    other = {"folder", "health"}  # what is drawn does not change what is made
    assert again.model_dump(exclude=other) == instrument.model_dump(exclude=other)


def test_runners_that_were_chosen_come_back_also_one_after_the_other():
    instrument = load("UVES").run_by({"uves_cal_mbias": "esorex"})
    instrument = instrument.run_by({"uves_cal_mflat": "esorex", "uves_cal_mbias": "native"})
    again = unpack_definition(pack_definition(instrument), instrument.context)
    assert again.context == instrument.context
    assert again.recipe_of("FLAT_BLUE").executed_by == "esorex"
    assert again.recipe_of("BIAS_BLUE").executed_by == "native"


def test_equal_definitions_give_equal_bytes():
    assert pack_definition(load("UVES")) == pack_definition(load("UVES"))


def test_a_definition_with_another_hash_is_refused():
    with pytest.raises(ConfigurationError, match="another version of vltflow"):
        unpack_definition(pack_definition(load("UVES")), "0123456789abcdef")


def test_another_rule_for_stacks_comes_back_and_changes_the_context():
    plain = load("UVES")
    instrument = plain.stacked_by("OBS.TARG.NAME")
    assert instrument.context != plain.context
    assert plain.stacked_by("OBS.ID") is plain
    again = unpack_definition(pack_definition(instrument), instrument.context)
    by = {entry.members.by for entry in again.raw_types.values() if entry.members}
    assert by == {"OBS.TARG.NAME"}


def test_stacks_over_something_else_are_refused():
    with pytest.raises(ConfigurationError, match=r"Allowed: OBS\.ID, OBS\.TARG\.NAME"):
        load("UVES").stacked_by("OBS.NAME")


def test_a_kind_of_file_that_is_not_there_changes_no_hash(tmp_path):
    folder = tmp_path / "one"
    shutil.copytree(load("UVES").folder, folder)
    (folder / "idp.yaml").unlink()
    without = load_folder(folder)
    assert "idp.yaml" not in without.texts
    again = unpack_definition(pack_definition(without), without.context)
    assert again.context == without.context
