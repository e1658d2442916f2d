"""Days of VIMOS and AMBER through ESO's own recipes: certified masters that recover the truth."""

from __future__ import annotations

import json

import numpy as np
import pytest
from astropy.io import fits

from vltflow.cli.app import run as run_command
from vltflow.simulate import simulate_day

pytestmark = pytest.mark.slow


@pytest.fixture
def site(tmp_path, monkeypatch):
    folder = tmp_path / "site"
    assert run_command(["init", str(folder), "--cores", "1", "--memory-mb", "4000"]) == 0
    monkeypatch.setenv("VLTFLOW_SITE", str(folder))
    return folder


def _process(instrument, night, raw):
    assert run_command(["ingest", str(raw)]) == 0
    assert run_command(["night", night, "--instrument", instrument]) == 0


def _truths(raw):
    return [json.loads(path.read_text()) for path in sorted(raw.glob("*.*.truth.json"))]


def _only_images(raw):
    """Take the biases of the other read-out window away: one is enough here."""
    for path in raw.glob("VIMOS*.truth.json"):
        if json.loads(path.read_text())["tpl_id"] == "VIMOS_mos_cal_Bias":
            path.unlink()
            path.with_name(path.name.replace(".truth.json", ".fits")).unlink()


@pytest.mark.esorex("vimos")
def test_bias_and_dark_of_a_quadrant_are_certified_and_recover_the_truth(site, command, tmp_path):
    raw = tmp_path / "raw"
    simulate_day("VIMOS", "2012-03-14", raw, small=True, raw_types=["BIAS", "DARK"])
    _only_images(raw)
    _process("VIMOS", "2012-03-14", raw)
    rows = command("status", "--night", "2012-03-14", "--json")
    assert {row["recipe"] for row in rows} == {"vmbias", "vmdark"}
    assert {row["certification"] for row in rows} == {"AUTO"}
    qc = {row["parameter"]: row["value"] for row in command("qc", "values", "--json")}
    chip = next(one for one in _truths(raw) if one["raw_type"] == "BIAS")["chips"][0]
    ron = chip["read_noise_e"] / chip["conad_e_per_adu"]
    assert qc["QC BIAS MEAN"] == pytest.approx(chip["bias_level_adu"], abs=0.15)
    assert qc["QC BIAS RMS"] == pytest.approx(ron, rel=0.05)
    # The recipe takes quartiles of whole numbers: its steps are 1 / 1.349 ADU.
    assert qc["QC RON"] == pytest.approx(ron, abs=0.5)
    # In half an hour, 0.3 ADU of the overscan is 1 e- an hour.
    assert qc["QC DARK CURRENT"] == pytest.approx(chip["dark_e_per_hour"], abs=1.0)


def _product(site, category):
    for path in (site / "vault").rglob("*"):
        if path.is_file() and path.read_bytes()[:6] == b"SIMPLE":
            with fits.open(path, memmap=False) as file:
                if file[0].header.get("ESO PRO CATG") == category:
                    return file[0].data
    raise AssertionError(f"no {category}")


@pytest.mark.esorex("amber")
def test_detector_maps_find_dead_pixels_and_response(site, command, tmp_path):
    raw = tmp_path / "raw"
    simulate_day("AMBER", "2010-01-20", raw, small=True, raw_types=["AMBER_DETECTOR"])
    _process("AMBER", "2010-01-20", raw)
    (row,) = command("status", "--night", "2010-01-20", "--json")
    assert (row["recipe"], row["certification"]) == ("amber_detector", "AUTO")
    with np.load(raw / "truth" / "hawaii.npz") as truth:
        dead, response = truth["dead"], truth["response"]
    bad = _product(site, "AMBER_BADPIX") == 0
    assert (bad & dead).sum() > 0.7 * dead.sum()
    assert (bad & ~dead).sum() < 0.001 * bad.size
    lit = ~dead & ~bad & (response > 0)
    flat = _product(site, "AMBER_FLATFIELD")
    assert np.corrcoef(flat[lit], response[lit])[0, 1] > 0.8
    (badpix,) = command("qc", "values", "-p", "QC BADPIX", "--json")
    assert badpix["value"] == bad.sum()
