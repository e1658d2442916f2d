"""Pictures and verdicts from the command line, of files of anybody."""

import json

import numpy as np
import pytest
from astropy.io import fits

from vltflow.cli.app import run
from vltflow.core.errors import UnprocessableData
from vltflow.publish.preview import preview_of


def test_a_preview_shows_the_arrays_of_the_file(desk):
    path = desk("SPECTRUM").write()
    shown = preview_of(path)
    with fits.open(path) as opened:
        np.testing.assert_array_equal(shown.flux, opened[1].data["FLUX_REDUCED"][0])
        np.testing.assert_array_equal(shown.quality, opened[1].data["QUAL"][0])
    assert shown.title == "HE1341-1020  UVES  2010-05-12T02:24:00  6500 s  SNR 50.1"
    assert shown.wave_label == "wavelength [angstrom]"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["png", "svg"])
def test_the_command_writes_a_picture_beside_the_file_or_in_a_new_folder(desk, tmp_path, kind):
    path = desk("SPECTRUM").write()
    assert run(["preview", str(path), "--format", kind]) == 0
    assert path.with_suffix(f".{kind}").stat().st_size > 10_000
    out = tmp_path / "new" / "folder"
    assert run(["preview", str(path), "--format", kind, "--out", str(out)]) == 0
    assert (out / f"spectrum.{kind}").is_file()


def test_a_folder_of_pictures_that_cannot_be_made_is_told(desk, capsys):
    path = desk("SPECTRUM").write()
    assert run(["preview", str(path), "--out", str(path)]) == 2
    assert "cannot be made: File exists" in " ".join(capsys.readouterr().err.split())


def test_what_is_no_spectrum_is_told(desk, tmp_path, capsys):
    image = desk("IMAGE").write()
    with pytest.raises(UnprocessableData, match="no table of one row"):
        preview_of(image)
    (tmp_path / "text.fits").write_bytes(b"hello")
    assert run(["preview", str(tmp_path / "text.fits")]) == 1
    assert "not a FITS file" in " ".join(capsys.readouterr().err.split())


def test_exit_codes_tell_good_bad_and_wrong_use(desk, tmp_path, capsys):
    good = desk("SPECTRUM").write()
    assert run(["validate", str(good)]) == 0
    assert "accepted; SCIENCE.SPECTRUM" in capsys.readouterr().out
    bad = desk("IMAGE").write(lambda hdus: hdus[0].header.remove("FILTER"))
    assert run(["validate", str(good), str(bad)]) == 1
    printed = capsys.readouterr().out
    assert "K401  error" in printed
    assert "FILTER" in printed
    assert run(["validate"]) == 2
    assert run(["validate", str(tmp_path / "nothing.fits")]) == 2
    (tmp_path / "empty").mkdir()
    assert run(["validate", str(tmp_path / "empty")]) == 2


def test_json_holds_each_finding_with_its_rule(desk, capsys):
    path = desk("SPECTRUM").write(lambda hdus: hdus[0].header.update({"SPEC_RES": -1.0}))
    assert run(["validate", str(path), "--json"]) == 1
    (verdict,) = json.loads(capsys.readouterr().out)
    found = {one["rule"]: one for one in verdict["findings"]}
    assert not verdict["accepted"]
    assert found["G113"]["value"] == -1.0
    assert found["S208"] == {
        "rule": "S208", "severity": "error", "hdu": 0, "keyword": "SPEC_RES", "value": -1.0,
        "reason": "must be positive",
    }  # fmt: skip


def test_all_rules_are_listed(capsys):
    assert run(["validate", "--rules", "--json"]) == 0
    rules = json.loads(capsys.readouterr().out)
    assert len(rules) > 120
    assert set(rules[0]) == {"number", "severity", "of", "title", "details", "source"}
