"""Products that are tables: their file, and what the next recipe reads of it."""

from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pytest
from astropy.io import fits

from vltflow.core.errors import UnreadableFile
from vltflow.process.product_file import Provenance, save_product
from vltflow.process.runners.frames import tables_of
from vltflow.recipes import TableData, TableProduct

ROWS = np.array([(1, 2.5, [1.0, 2.0]), (3, np.nan, [3.0, 4.0])],
                [("ORDER", "i4"), ("X", "f8"), ("LIMITS", "f8", (2,))])  # fmt: skip
PROVENANCE = Provenance("ORDER_TABLE_BLUE", "trial", "1", "context", (), (), {}, "0" * 64)


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "table.fits"
    product = TableProduct(
        "ORDER_TABLE", (TableData("ORDERS", ROWS, {"X": "pixel"}), TableData("AGAIN", ROWS, {})),
        {"ESO PRO TECH": "ECHELLE"}, {"QC ORD NDET": 2.0}, (),
    )  # fmt: skip
    first = {"INSTRUME": "LAMP", "MJD-OBS": 57080.5}
    return path, save_product(path, product, first=first, provenance=PROVENANCE)


def test_a_table_comes_back_as_it_was_in_native_byte_order(saved):
    master = tables_of(saved[0], "table")
    assert list(master.tables) == ["ORDERS", "AGAIN"]
    assert master.tables["ORDERS"].tobytes() == ROWS.tobytes()
    assert all(one.dtype == ROWS.dtype for one in master.tables.values())
    assert master.header["ESO QC ORD NDET"] == 2.0
    assert master.header["ESO PRO CATG"] == "ORDER_TABLE_BLUE"


def test_columns_have_units_and_the_primary_hdu_no_data(saved):
    with fits.open(saved[0], checksum=True) as hdus:
        assert hdus[0].data is None
        assert hdus["ORDERS"].columns["X"].unit == "pixel"
        assert hdus["ORDERS"].columns["ORDER"].unit is None


@pytest.mark.skipif(shutil.which("fitsverify") is None, reason="fitsverify is not installed")
def test_fitsverify_finds_nothing_to_object_to(saved):
    done = subprocess.run(
        ["fitsverify", "-q", saved[0]], capture_output=True, text=True, check=False
    )
    assert "verification OK" in done.stdout, done.stdout


def test_a_file_without_a_table_is_refused(tmp_path):
    fits.PrimaryHDU(np.zeros((2, 2))).writeto(tmp_path / "image.fits")
    with pytest.raises(UnreadableFile, match="holds no binary table"):
        tables_of(tmp_path / "image.fits", "image")
