"""The files of native products: keywords, planes, provenance, and what others say of them."""

import json
import shutil
import subprocess

import numpy as np
import pytest
from astropy.io import fits

from vltflow.plots.figure_file import load_figures
from vltflow.process.collect import letters
from vltflow.process.jobs import make_task
from vltflow.process.materials import read_materials
from vltflow.process.runners.boundary import code_and_sentence


@pytest.fixture
def made(day, process, define):
    """Path of a dark that was made with a master bias, and its registered record."""
    dark = day.add("DARK", needs=day.add("BIAS"))
    process(day, define(dark={"parameters": {"scale": 2.0}}))
    with day.store.read() as tx:
        (product,) = tx.products.of_block(dark)
    return day.store.vault.local_path(product.file_id, day.folder), product


def test_a_product_has_data_variance_and_quality(made, day):
    path, _ = made
    raws = [fits.getdata(day.folder / f"raw-{n}.fits").astype(float) for n in range(1, 5)]
    with fits.open(path, checksum=True) as hdus:
        assert [hdu.name for hdu in hdus] == ["PRIMARY", "VARIANCE", "QUALITY"]
        assert [hdu.data.dtype.name for hdu in hdus] == ["float32", "float32", "uint8"]
        np.testing.assert_allclose(hdus[0].data, 2 * (raws[2] + raws[3]) - raws[0] - raws[1])
        assert (hdus[0].header["BUNIT"], hdus[1].header["BUNIT"]) == ("adu", "(adu)**2")
        assert hdus[2].header["ESO QUAL BIT3"] == "SATURATED"


def test_a_product_tells_what_it_was_made_from_and_how(made, define):
    header = fits.getheader(made[0])
    told = {key.removeprefix("ESO PRO "): header[key] for key in header if "ESO PRO" in key}
    assert told == {
        "CATG": "MASTER_DARK_BLUE", "TYPE": "REDUCED", "TECH": "IMAGE", "SCIENCE": False,
        "DATANCOM": 2, "REC1 ID": "vltflow_trial:Dark", "REC1 DRS ID": told["REC1 DRS ID"],
        "REC1 PIPE ID": "vltflow_trial:Dark/1",
        "REC1 RAW1 NAME": "raw-3", "REC1 RAW1 CATG": "DARK",
        "REC1 RAW2 NAME": "raw-4", "REC1 RAW2 CATG": "DARK",
        "REC1 CAL1 NAME": "TR_B_150227A_BLUE.fits", "REC1 CAL1 CATG": "MASTER_BIAS_BLUE",
        "REC1 PARAM1 NAME": "chip", "REC1 PARAM1 VALUE": "",
        "REC1 PARAM2 NAME": "fault", "REC1 PARAM2 VALUE": "",
        "REC1 PARAM3 NAME": "marker", "REC1 PARAM3 VALUE": "",
        "REC1 PARAM4 NAME": "memory_mb", "REC1 PARAM4 VALUE": "0",
        "REC1 PARAM5 NAME": "scale", "REC1 PARAM5 VALUE": "2.0",
        "REC1 PARAM6 NAME": "sleep", "REC1 PARAM6 VALUE": "0.0",
    }  # fmt: skip
    changed = define(dark={"parameters": {"scale": 2.0}})["TRIAL"]
    assert header["ESO DRS CONTEXT"] == changed.context


def test_a_product_inherits_the_header_of_its_first_frame_with_repairs(made):
    header = fits.getheader(made[0])
    assert header["ESO OBS TARG NAME"] == "mended"
    assert header["ESO INS PATH"] == "BLUE"
    assert header["MJD-OBS"] == pytest.approx(57080.503)
    assert "ESO DET OUT1 PRSCX" not in header  # the prescan is cut off
    assert "ESO DPR CATG" not in header


def test_qc_parameters_and_their_figures_come_with_the_product(made, day):
    path, product = made
    header = fits.getheader(path)
    assert header["ESO QC OUT1 LEVEL"] == pytest.approx(fits.getdata(path).mean(), rel=1e-6)
    assert "ESO QC NOTHING" not in header  # not a number: not measured
    (figure,) = load_figures(day.store.vault.get_bytes(product.figures_file))
    np.testing.assert_array_equal(figure.y, fits.getdata(path).mean(axis=0))


@pytest.mark.skipif(not shutil.which("fitsverify"), reason="fitsverify is not installed")
def test_a_product_is_verified_by_the_fits_office(made):
    answer = subprocess.run(
        ["fitsverify", "-q", made[0]], check=False, capture_output=True, text=True
    )
    assert "verification OK" in answer.stdout, answer.stdout


def test_our_own_recipe_makes_a_master_bias(day, process, define):
    block = day.add("BIAS", frames=3)
    report = process(day, define(bias={"recipe": "detector.master_bias", "memory_mb": 500}))
    assert report.succeeded == [block]
    (product,) = day.products()
    path = day.store.vault.local_path(product.file_id, day.folder)
    assert fits.getheader(path)["ESO QC BIAS MASTER MEDIAN"] == pytest.approx(100, abs=3)
    assert fits.getdata(path).shape == (12, 14)  # two columns of prescan


def test_a_description_of_a_job_is_plain_data(day, site, define):
    block = day.add("DARK", optional="nobody")
    instrument = define()["TRIAL"]
    with day.store.read() as tx:
        found = tx.blocks.get(block)
        materials = read_materials(tx, [found], define())
    task = make_task(
        found, instrument=instrument, materials=materials, vault_url="s3://bucket",
        resources={"cores": 1, "memory_mb": 2, "wall_s": 3},
    )  # fmt: skip
    spec = task.spec(site)
    assert spec.work.startswith("file://")
    assert json.loads(spec.to_json())["payload"]["vault"] == "s3://bucket"
    frame = spec.payload["frames"][0]
    assert frame["repairs"] == {"ESO OBS TARG NAME": "mended"}


def hash_with(day, define, *, version="1", **changes):
    with day.store.read() as tx:
        block = tx.blocks.get(day.blocks[0])
        materials = read_materials(tx, [block], define())
    resources = {"cores": 1, "memory_mb": 2, "wall_s": 3}
    task = make_task(
        block, instrument=define(bias=changes)["TRIAL"], materials=materials, resources=resources,
        vault_url="v",
    )  # fmt: skip
    return task.job.input_hash


def test_the_hash_follows_parameters_recipe_and_context(day, define):
    day.add("BIAS")
    first = hash_with(day, define)
    assert hash_with(day, define) == first
    others = [
        hash_with(day, define, parameters={"scale": 3.0}),
        hash_with(day, define, recipe="vltflow_trial:Dark"),
        hash_with(day, define, title="another text"),  # another context
    ]
    assert len({first, *others}) == 4


def test_letters_go_on_after_z():
    sequence = letters()
    names = [next(sequence) for _ in range(26 + 26 * 26 + 1)]
    assert names[:3] + names[25:28] + names[-2:] == ["A", "B", "C", "Z", "AA", "AB", "ZZ", "AAA"]


def test_a_disk_error_in_a_recipe_is_the_vault_s_and_a_bug_is_the_recipe_s(tmp_path):
    code, sentence = code_and_sentence(OSError(28, "No space left on device"), tmp_path)
    assert code == "vault"
    assert f"the working folder refuses to keep files ({tmp_path}): No space left" in sentence
    assert code_and_sentence(MemoryError(), tmp_path)[0] == "recipe_crashed"
    assert code_and_sentence(KeyError("x"), tmp_path)[0] == "recipe"
