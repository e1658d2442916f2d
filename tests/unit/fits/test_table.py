"""Binary tables read and written without a library, against astropy."""

from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pytest
from astropy.io import fits

from vltflow.core.errors import InvalidHeader
from vltflow.fits import Image, Table, inspect, read_tables, write_hdus

ROWS = np.array(
    [
        (1, 2.5, "Ne I", True, [[1, 2, 3], [4, 5, 6]], 1 + 2j, [0.5, 1.5]),
        (-3, np.nan, "", False, [[7, 8, 9], [10, 11, 12]], 3j, [2.5, 3.5]),
    ],
    [("ORDER", "i4"), ("X", "f8"), ("ION", "U6"), ("GOOD", "?"), ("COUNTS", "i2", (2, 3)),
     ("WAVE", "c16"), ("LIMITS", "f4", (2,))],
)  # fmt: skip


@pytest.fixture
def path(tmp_path):
    table = Table("LINES", ROWS, {"X": "pixel"}, [("ESO DRS ROUNDS", 3)])
    write_hdus(tmp_path / "a.fits", [Image(None, [("ORIGIN", "HERE")]), table])
    return tmp_path / "a.fits"


def test_what_was_written_is_read_again(path):
    (rows,) = read_tables(path).values()
    assert rows.dtype.names == ROWS.dtype.names
    for name in ROWS.dtype.names:
        np.testing.assert_array_equal(rows[name], ROWS[name])
        assert rows[name].dtype.isnative


def test_only_the_wanted_tables_are_read(path):
    (name,) = read_tables(path)
    assert list(read_tables(path, {name, "ABSENT"})) == [name]
    assert read_tables(path, {"ABSENT"}) == {}


def test_astropy_reads_the_same_and_finds_the_checksums_right(path):
    with fits.open(path, checksum=True) as hdus:
        assert hdus["LINES"].verify_checksum() == hdus["LINES"].verify_datasum() == 1
        assert hdus["LINES"].columns["X"].unit == "pixel"
        assert hdus["LINES"].header["ESO DRS ROUNDS"] == 3
        for name in ROWS.dtype.names:
            np.testing.assert_array_equal(hdus["LINES"].data[name], ROWS[name])
    assert inspect(path).checksums == 4


@pytest.mark.skipif(shutil.which("fitsverify") is None, reason="fitsverify is not installed")
def test_fitsverify_finds_nothing_to_object_to(path):
    done = subprocess.run(["fitsverify", "-q", path], capture_output=True, text=True, check=False)
    assert "verification OK" in done.stdout, done.stdout


def test_tables_of_astropy_are_read_as_astropy_reads_them(tmp_path):
    columns = [
        fits.Column("UNSIGNED", "I", array=np.array([0, 40_000, 65_535], np.uint16), bzero=32_768),
        fits.Column("NAME", "5A", array=["ab", "c d", ""]),
        fits.Column("FLAG", "L", array=[True, False, True]),
        fits.Column("BITS", "3X", array=np.ones((3, 3), bool)),
        fits.Column("ANY", "PD()", array=np.array([[1.0], [1.0, 2.0], []], object)),
    ]
    table = fits.BinTableHDU.from_columns(columns, name="ONE")
    empty = fits.BinTableHDU(table.data[:0], name="NONE")
    fits.HDUList([fits.PrimaryHDU(), table, empty]).writeto(tmp_path / "b.fits")
    found = read_tables(tmp_path / "b.fits")
    assert list(found) == ["ONE", "NONE"]
    assert found["ONE"].dtype.names == ("UNSIGNED", "NAME", "FLAG")
    assert len(found["NONE"]) == 0
    for name in found["ONE"].dtype.names:
        np.testing.assert_array_equal(found["ONE"][name], table.data[name])


def test_scaled_columns_have_their_values(tmp_path):
    rows = np.array([(1,), (-2,)], [("X", "i2")])
    table = Table("SCALED", rows, cards=[("TSCAL1", 0.5), ("TZERO1", 100.0)])
    write_hdus(tmp_path / "c.fits", [Image(None, []), table])
    assert read_tables(tmp_path / "c.fits")["SCALED"]["X"].tolist() == [100.5, 99.0]


def test_columns_that_do_not_fit_into_their_rows_are_refused(path):
    damaged = path.read_bytes().replace(b"'6I      '", b"'600I    '")
    path.write_bytes(damaged)
    with pytest.raises(InvalidHeader, match=r"LINES.*columns are impossible"):
        read_tables(path)
