"""Keywords changed in files of others: the rest stays, the checksum is true again."""

import shutil
import subprocess

import numpy as np
import pytest
from astropy.io import fits

from vltflow.core.errors import UnreadableFile
from vltflow.fits import amend

CARDS = [
    ("OBJECT", "DARK"),
    ("HIERARCH ESO QC OUT1 RON", 2.5),
    ("COMMENT", "one"),
    ("HISTORY", "a"),
]


@pytest.fixture
def product(tmp_path):
    path = tmp_path / "product.fits"
    hdus = [
        fits.PrimaryHDU(np.arange(12, dtype=np.float32).reshape(3, 4), fits.Header(CARDS)),
        fits.ImageHDU(np.ones((2, 2), np.uint8), name="QUALITY"),
    ]
    fits.HDUList(hdus).writeto(path, checksum=True)
    return path


def opened(path):
    with fits.open(path, checksum=True) as hdus:  # a wrong checksum is a warning, so an error
        return [(hdu.header.copy(), hdu.data.copy()) for hdu in hdus]


def test_new_keywords_come_and_known_ones_change(product):
    before = opened(product)
    amend(product, {"ESO DRS CONTEXT": "abc", "ESO QC OUT1 RON": 3.5, "OBJECT": "BIAS"})
    (header, data), (_, quality) = opened(product)
    assert (header["ESO DRS CONTEXT"], header["ESO QC OUT1 RON"]) == ("abc", 3.5)
    assert header["OBJECT"] == "BIAS"
    assert list(header["COMMENT"]) == ["one"]
    assert (data == before[0][1]).all()
    assert (quality == 1).all()


def test_a_header_that_grows_beyond_its_block_moves_the_data(product):
    size = product.stat().st_size
    amend(product, {f"ESO QC P{number}": float(number) for number in range(60)})
    (header, data), (second, _) = opened(product)
    assert product.stat().st_size == size + 2 * 2880
    assert (header["ESO QC P59"], data[2, 3], second["EXTNAME"]) == (59.0, 11.0, "QUALITY")


@pytest.mark.skipif(shutil.which("fitsverify") is None, reason="fitsverify is not installed")
def test_the_fits_office_accepts_the_file(product):
    amend(product, {"ESO DRS CONTEXT": "abc"})
    command = ["fitsverify", "-q", str(product)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "verification OK" in said


def test_a_file_without_checksum_gets_none(tmp_path):
    path = tmp_path / "plain.fits"
    fits.PrimaryHDU(np.ones((2, 2), np.int16)).writeto(path)
    amend(path, {"ESO DRS CONTEXT": "abc"})
    assert "CHECKSUM" not in fits.getheader(path)


def test_nothing_to_change_changes_nothing(product):
    before = product.read_bytes()
    amend(product, {})
    assert product.read_bytes() == before


def test_a_file_that_is_no_fits_stays_as_it_is(tmp_path):
    path = tmp_path / "other.fits"
    path.write_bytes(b"no fits")
    with pytest.raises(UnreadableFile, match=r"other\.fits"):
        amend(path, {"OBJECT": "x"})
    assert path.read_bytes() == b"no fits"


def test_a_value_that_does_not_fit_is_refused(product):
    with pytest.raises(ValueError, match="does not fit into one card"):
        amend(product, {"ESO DRS CONTEXT": "x" * 80})
