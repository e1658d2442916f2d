"""Products that esorex names: what joins them, what they were made from, what is refused."""

import json

import numpy as np
import pytest
from astropy.io import fits

from vltflow.core.errors import RecipeError
from vltflow.process.runners.esorex.products import collect_products

TASK = {
    "recipe": "gimasterbias",
    "context": "c0ffee",
    "input_hash": "f00d" * 16,
    "products": [{"category": "MASTER_BIAS", "main": True}],
    "frames": [{"name": "GIRAF.1", "frame_id": "one"}, {"name": "GIRAF.2", "frame_id": "two"}],
    "masters": [{"name": "flat.fits", "product_id": "three"}],
}


def write(folder, name, category, **cards):
    hdu = fits.PrimaryHDU(np.ones((8, 8), np.float32))
    for key, value in {"PRO CATG": category, **cards}.items():
        hdu.header[f"HIERARCH ESO {key}"] = value
    hdu.writeto(folder / name, checksum=True)
    return {"name": name, "category": category}


def collected(folder, *rows):
    (folder / "products.json").write_text(json.dumps(rows))
    return collect_products(TASK, folder)


def test_parameters_of_a_paf_file_join_the_product_that_lacks_them(tmp_path):
    row = write(tmp_path, "master.fits", "MASTER_BIAS", **{"QC BIAS RMS": 2.0})
    (tmp_path / "master.paf").write_text("QC.BIAS.RMS 9.0 ;#\nQC.BIAS.MEDIAN 199.5 ;#\n")
    (made,) = collected(tmp_path, row)
    with fits.open(tmp_path / made.file, checksum=True) as hdus:  # a wrong sum is an error
        header = hdus[0].header
    assert (header["ESO QC BIAS RMS"], header["ESO QC BIAS MEDIAN"]) == (2.0, 199.5)
    assert header["ESO DRS CONTEXT"] == "c0ffee"


def test_a_product_is_made_from_what_it_names_only(tmp_path):
    names = {"PRO REC1 RAW1 NAME": "GIRAF.2.fits", "PRO REC1 CAL1 NAME": "flat.fits"}
    (made,) = collected(tmp_path, write(tmp_path, "master.fits", "MASTER_BIAS", **names))
    assert made.inputs == ("two", "three")


def test_what_is_not_declared_is_left_out(tmp_path):
    rows = [write(tmp_path, "a.fits", "MASTER_BIAS"), write(tmp_path, "b.fits", "BAD_PIXEL_MAP")]
    assert [one.category for one in collected(tmp_path, *rows)] == ["MASTER_BIAS"]


def test_two_files_of_one_category_are_refused(tmp_path):
    rows = [write(tmp_path, name, "MASTER_BIAS") for name in ("a.fits", "b.fits")]
    with pytest.raises(RecipeError, match=r"a\.fits and b\.fits, both MASTER_BIAS"):
        collected(tmp_path, *rows)


def test_a_named_file_that_is_absent_is_refused(tmp_path):
    with pytest.raises(RecipeError, match=r"not there: gone\.fits"):
        collected(tmp_path, {"name": "gone.fits", "category": "MASTER_BIAS"})
