"""ESO's QC1 dictionaries: read whole, and real names found in them."""

from pathlib import Path

import pytest

from vltflow.core.errors import UnreadableFile
from vltflow.instruments.dictionary import find, installed, parse, read, units

TEXT = """
# a comment
Dictionary Name:   ESO-DFS-DIC.TOY_QC
Description:       not a parameter

Parameter Name:    QC OUTi RON
Class:             header|qc-log
Context:           process
Type:              double
Value Format:      %.2f
Unit:              ADU
Comment Field:     Read noise
Description:       Read noise of output i,
                   from two frames. Note: not
                   of the master.

Parameter name:    QC OUT2 RON
Type:              double
Unit               e
Comment field:     Read noise of output 2

Parameter Name:    QC SLICEi LAMPi FLUX
Parameter Name:    INS TEMP
"""


@pytest.fixture(params=["uves", "giraf", "muse", "hawki", "visir", "vimos", "naco", "amber"])
def genuine(request) -> Path:
    path = find(request.param)
    if path is None:
        pytest.skip(f"ESO's dictionary is not installed (package cpl-plugin-{request.param})")
    return path


def test_entries_have_all_fields_even_where_a_colon_was_lost():
    first, second, *_ = parse(TEXT).entries
    assert (first.kind, first.context, first.type) == ("header|qc-log", "process", "double")
    assert (first.format, first.unit, first.comment) == ("%.2f", "ADU", "Read noise")
    assert first.description == (
        "Read noise of output i, from two frames. Note: not of the master."
    )
    assert (second.unit, second.meaning) == ("e", "Read noise of output 2")


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("QC OUT1 RON", "QC OUTi RON"),
        ("QC OUT12 RON", "QC OUTi RON"),
        ("QC OUT2 RON", "QC OUT2 RON"),
        ("QC SLICE3 LAMP11 FLUX", "QC SLICEi LAMPi FLUX"),
        ("QC OUT RON", "QC OUTi RON"),
        ("QC OUTi RON", None),
        ("QC OUT1 RON MASTER", None),
    ],
)
def test_a_real_name_finds_its_entry(name, entry):
    found = parse(TEXT).describe(name)
    assert (found.name if found else None) == entry


def test_units_are_those_of_parameters_whose_names_are_whole():
    assert units(parse(TEXT).entries) == {"QC OUT2 RON": "e"}


def test_all_parameters_of_a_genuine_dictionary_are_read(genuine):
    found = read(genuine)
    lines = genuine.read_text(encoding="latin-1").splitlines()
    assert len(found.entries) == sum(line.lower().startswith("parameter name") for line in lines)
    assert found.mistakes == ()
    assert all(entry.type for entry in found.entries)
    assert not any("Parameter Name" in entry.meaning for entry in found.entries)


def test_parameters_of_a_genuine_dictionary_are_found_by_real_names(genuine):
    found = read(genuine)
    for entry in found.entries:
        if not entry.numbered:
            assert found.describe(entry.name).name == entry.name


def test_a_folder_of_dictionaries_can_be_named(tmp_path, monkeypatch):
    monkeypatch.setenv("VLTFLOW_DICTIONARIES", str(tmp_path))
    (tmp_path / "toy").mkdir()
    path = tmp_path / "toy" / "ESO-DFS-DIC.TOY_QC"
    path.write_text(TEXT)
    assert find("toy") == path
    assert installed("toy").scope == "TOY"
    assert installed("absent") is None


@pytest.mark.parametrize("text", ["", "nothing in here", "Description: of nothing"])
def test_what_is_no_dictionary_is_refused(tmp_path, text):
    path = tmp_path / "ESO-DFS-DIC.TOY_QC"
    path.write_text(text)
    with pytest.raises(UnreadableFile, match="no dictionary"):
        read(path)
    with pytest.raises(UnreadableFile, match="cannot be read"):
        read(tmp_path / "absent")
