"""Definitions that are kept come back as they were, whatever becomes of their files."""

import pytest

from vltflow.core.errors import ConfigurationError
from vltflow.instruments import available, load, pack_definition, unpack_definition


@pytest.mark.parametrize("name", available())
def test_every_definition_comes_back_with_the_same_context(name):
    instrument = load(name)
    again = unpack_definition(pack_definition(instrument), instrument.context)
    assert again.model_dump(exclude={"folder"}) == instrument.model_dump(exclude={"folder"})


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
