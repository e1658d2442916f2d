"""The catalogue of QC1 parameters: the definition, else the dictionary."""

import pytest

from vltflow.instruments.dictionary import parse
from vltflow.qc import run
from vltflow.qc.catalogue import Catalogue
from vltflow.records import QcParameter

DICTIONARY = parse(
    """
Parameter Name: QC RON
Type: double
Value Format: %.2f
Unit: e
Description: Noise of reading

Parameter Name: QC OUTi LEVEL
Type: int
Unit: ADU
Comment Field: Level

Parameter Name: QC DID
Type: string
"""
)


@pytest.fixture
def known(small_instrument):
    return Catalogue(small_instrument, DICTIONARY)


def test_what_the_definition_says_counts_and_the_dictionary_fills_the_rest(known, small_instrument):
    own = next(entry for entry in small_instrument.qc.parameters if entry.name == "QC RON")
    assert known.of("QC RON") == QcParameter(
        small_instrument.name, "QC RON", own.unit, own.description, "double", "%.2f"
    )


def test_a_numbered_parameter_is_known_by_its_real_name_on_any_extension(known):
    assert known.of("QC OUT4 LEVEL@CHIP1").name == "QC OUT4 LEVEL"
    assert known.unit_of("QC OUT4 LEVEL") == "ADU"
    assert "QC OUTi LEVEL" not in known.parameters


def test_all_whole_names_are_in_the_catalogue(known, small_instrument):
    own = {entry.name for entry in small_instrument.qc.parameters}
    assert set(known.parameters) == own | {"QC RON", "QC DID"}


def test_what_nobody_knows_is_told(known):
    found, unknown = known.measured(["QC RON", "QC OUT1 LEVEL", "QC OUT1 LEVEL@A", "QC NEW"])
    assert [one.name for one in found] == ["QC RON", "QC OUT1 LEVEL"]
    assert unknown == ["QC NEW"]
    assert known.unit_of("QC NEW") == ""


def test_without_a_dictionary_there_is_what_the_definition_says(small_instrument):
    assert list(Catalogue(small_instrument, None).parameters) == sorted(
        entry.name for entry in small_instrument.qc.parameters
    )


@pytest.fixture
def with_pipeline(small_instrument, tmp_path, monkeypatch):
    """The small instrument with a pipeline whose dictionary is installed."""
    monkeypatch.setenv("VLTFLOW_DICTIONARIES", str(tmp_path))
    text = "Parameter Name: QC OUTi LEVEL\nType: double\nValue Format: %.3f\nUnit: ADU\n"
    (tmp_path / "ESO-DFS-DIC.LAMP_QC").write_text(text + "Description: Level of an output\n")
    raw = small_instrument.header.model_dump() | {"pipeline": {"name": "lamp", "package": "lamp"}}
    header = type(small_instrument.header).model_validate(raw)
    return small_instrument.model_copy(update={"header": header})


def test_measured_numbered_parameters_enter_the_catalogue_with_unit_and_format(
    store, with_pipeline, add_block
):
    add_block(store, "first", products={"MASTER_BIAS_BLUE": {"QC RON": 2.5, "QC OUT3 LEVEL": 7.0}})
    run(store, with_pipeline)
    with store.read() as tx:
        catalogue = {one.name: one for one in tx.quality.parameters(with_pipeline.name)}
        (level,) = tx.quality.values(parameter="QC OUT3 LEVEL")
    found = catalogue["QC OUT3 LEVEL"]
    assert (found.unit, found.format, found.description) == ("ADU", "%.3f", "Level of an output")
    assert level.unit == "ADU"


def test_a_dictionary_that_is_gone_takes_nothing_from_the_catalogue(
    sqlite_store, with_pipeline, add_block, monkeypatch
):
    add_block(sqlite_store, "first", products={"MASTER_BIAS_BLUE": {"QC OUT3 LEVEL": 7.0}})
    run(sqlite_store, with_pipeline)
    monkeypatch.delenv("VLTFLOW_DICTIONARIES")
    add_block(sqlite_store, "second", products={"MASTER_BIAS_BLUE": {"QC OUT3 LEVEL": 8.0}})
    run(sqlite_store, with_pipeline)
    with sqlite_store.read() as tx:
        found = {one.name: one.format for one in tx.quality.parameters(with_pipeline.name)}
    assert found["QC OUT3 LEVEL"] == "%.3f"
