"""`vltflow instruments` and `vltflow qc parameters`, as a user types them."""

from __future__ import annotations

import json

import pytest
from astropy.io import fits

from vltflow.cli.app import run
from vltflow.instruments import load_folder

RULES = """
if DPR.CATG == "CALIB" and DPR.TYPE like "%BIAS%" then { DO.CATG = "BIAS"; }
if DPR.CATG == "CALIB" and DPR.TYPE like "%DARK%" then { DO.CATG = "DARK"; }
if DPR.TYPE is string then { DO.CATG = "ANY"; }
select execute(B) from inputFiles where SIG.TEMPLATE == 1 and DO.CATG == "BIAS";
action B { recipe make_bias; }
"""


@pytest.fixture
def rules(tmp_path):
    path = tmp_path / "toy.oca"
    path.write_text(RULES)
    return path


@pytest.fixture
def raw(tmp_path):
    """Raw frames: a bias, a dark, and one that only the last rule knows."""
    folder = tmp_path / "raw"
    folder.mkdir()
    for name, kind in (("bias", "BIAS"), ("dark", "DARK"), ("other", "OTHER")):
        header = fits.Header()
        header["HIERARCH ESO DPR CATG"] = "CALIB"
        header["HIERARCH ESO DPR TYPE"] = kind
        fits.PrimaryHDU(header=header).writeto(folder / f"{name}.fits")
    return folder


def test_an_import_makes_a_folder_that_loads_and_tells_what_it_could_not_say(
    rules, tmp_path, capsys
):
    out = tmp_path / "toy"
    code = run(["instruments", "import-oca", str(rules), "--out", str(out), "--json",
                "--makes", "make_bias=MASTER_BIAS,NOISE"])  # fmt: skip
    notes = json.loads(capsys.readouterr().out)
    assert code == 0
    assert [(note["file"], note["line"]) for note in notes] == [("classification", 4)]
    instrument = load_folder(out)
    assert instrument.name == "TOY"
    assert list(instrument.products_of("BIAS")) == ["MASTER_BIAS", "NOISE"]


def test_an_import_of_rules_that_are_not_all_understood_ends_with_1(rules, tmp_path, capsys):
    rules.write_text(RULES + "if DPR.CATG = 1 then { }\n")
    assert run(["instruments", "import-oca", str(rules), "--out", str(tmp_path / "toy")]) == 1
    assert "expected 'then', found '='" in capsys.readouterr().out
    assert set(load_folder(tmp_path / "toy").raw_types) == {"BIAS", "DARK"}


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["absent.oca", "--out", "o"], "cannot be read"),
        (["{rules}", "--out", "{folder}"], "is not empty"),
        (["{rules}", "--out", "o", "--makes", "x"], "is not understood"),
        (["{rules}"], "--out"),
    ],
)
def test_wrong_use_of_import_is_explained(words, complaint, rules, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    given = [word.format(rules=rules, folder=tmp_path) for word in words]
    assert run(["instruments", "import-oca", *given]) in {1, 2}
    assert complaint in " ".join(capsys.readouterr().err.split())


def test_check_lists_the_frames_that_both_classify_differently(rules, raw, tmp_path, capsys):
    out = tmp_path / "toy"
    run(["instruments", "import-oca", str(rules), "--out", str(out)])
    capsys.readouterr()
    code = run(["instruments", "check", str(out), "--oca", str(rules), str(raw), "--json"])
    different = json.loads(capsys.readouterr().out)
    assert code == 1
    assert [(one["ours"], one["theirs"]) for one in different] == [
        ("BIAS", "ANY"), ("DARK", "ANY"), ("", "ANY"),
    ]  # fmt: skip
    assert different[0]["their_lines"] == "DO.CATG in line 4"
    assert different[0]["our_rule"].startswith("rule ")


def test_check_ends_with_0_where_both_agree_and_1_where_a_file_is_broken(
    rules, raw, tmp_path, capsys
):
    rules.write_text(RULES.replace("DPR.TYPE is string", 'DPR.TYPE == "OTHER"'))
    out = tmp_path / "toy"
    run(["instruments", "import-oca", str(rules), "--out", str(out)])
    check = ["instruments", "check", str(out), "--oca", str(rules), str(raw)]
    assert run(check) == 0
    assert "3 frames, 0 classified differently" in capsys.readouterr().out
    (raw / "broken.fits").write_bytes(b"SIMPLE  = ")
    assert run(check) == 1
    assert "the file ends within the header" in " ".join(capsys.readouterr().err.split())


def test_an_imported_instrument_gets_its_name_products_and_units_from_what_is_installed(
    rules_of, tmp_path
):
    rules = rules_of("giraf")
    out = tmp_path / "giraffe"
    assert run(["instruments", "import-oca", str(rules), "--out", str(out)]) == 0
    instrument = load_folder(out)
    assert (instrument.name, instrument.header.pipeline.name) == ("GIRAFFE", "giraf")
    units = {entry.name: entry.unit for entry in instrument.qc.parameters}
    assert units["QC BIAS MASTER MEDIAN"] == "ADU"
    assert all(entry.description == "" for entry in instrument.qc.parameters)


def test_definitions_are_listed(capsys):
    assert run(["instruments", "list", "--json"]) == 0
    listed = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert listed["UVES"]["pipeline"] == "uves"


def test_the_catalogue_of_parameters_is_listed_without_a_site(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["qc", "parameters", "uves", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["QC BIAS MASTER MEAN"]["unit"] == "ADU"
    assert run(["qc", "parameters", "nowhere"]) == 2


@pytest.mark.slow
@pytest.mark.parametrize("site", [True, False])
def test_in_a_site_its_own_definitions_are_listed_too(rules, site, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run(["instruments", "import-oca", str(rules), "--out", "toy"])
    run(["init", "site"])
    with (tmp_path / "site" / "vltflow.toml").open("a") as file:
        file.write('\n[instruments]\nTOY = "../toy"\n')
    capsys.readouterr()
    words = ["--site", "site"] if site else []
    assert run(["instruments", "list", "--json", *words]) == 0
    names = {row["name"] for row in json.loads(capsys.readouterr().out)}
    assert ("TOY" in names) is site
