"""Cards that we write are read back by us and by astropy as what they were."""

from __future__ import annotations

import math
import shutil
import subprocess

import numpy as np
import pytest
from astropy.io import fits as astropy_fits
from hypothesis import given
from hypothesis import strategies as st

from vltflow.fits import Image, inspect, scan, write_hdus
from vltflow.fits.card_text import card, header_text
from vltflow.fits.cards import parse_header

TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)
VALUES = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXT.map(str.rstrip),
)


@pytest.mark.parametrize("name", ["OBJECT", "ESO QC OUT1 RON RAW"])
@given(value=VALUES)
def test_a_value_is_read_back_as_it_was(name, value):
    text = card(name, value)
    assert len(text) % 80 == 0
    assert parse_header(text)[name] == value
    theirs = astropy_fits.Header.fromstring(text)[name]
    assert theirs == value
    assert type(theirs) is type(value)


def test_long_strings_go_on_in_further_cards():
    text = "a 'quoted' word and " * 12
    written = header_text([("OBJECT", text.rstrip(), ""), ("EXPTIME", 1.0, "s")])
    assert len(written) == 2880
    assert astropy_fits.Header.fromstring(written)["OBJECT"] == text.rstrip()
    assert parse_header(written)["OBJECT"] == text.rstrip()
    assert parse_header(written)["EXPTIME"] == 1.0


@pytest.mark.parametrize("value", [math.nan, math.inf, "x" * 70])
def test_what_no_card_can_hold_is_refused(value):
    with pytest.raises(ValueError, match=r"no number|does not fit"):
        card("ESO QC OUT1 RON RAW", value)


def test_characters_that_fits_does_not_allow_are_replaced():
    assert "'Gr??e" in card("OBJECT", "Größe")


def images():
    pixels = np.arange(12 * 7, dtype="f4").reshape(12, 7)
    cards = [("ESO PRO CATG", "MASTER_BIAS"), ("EXPTIME", 0.0), ("OBJECT", "BIAS")]
    flags = Image((pixels > 20).astype("u1"), [("EXTNAME", "QUALITY")])
    return [Image(pixels.T, cards), flags]


def test_images_are_what_astropy_and_fitsverify_expect(tmp_path):
    path = tmp_path / "product.fits"
    write_hdus(path, images())
    with astropy_fits.open(path, checksum=True) as opened:
        for ours, theirs in zip(images(), opened, strict=True):
            assert theirs.verify_checksum() == theirs.verify_datasum() == 1
            np.testing.assert_array_equal(theirs.data, ours.data)
    assert inspect(path).checksums == 4
    assert scan(path)[0]["ESO PRO CATG"] == "MASTER_BIAS"
    if shutil.which("fitsverify"):
        done = subprocess.run(
            ["fitsverify", "-q", path], capture_output=True, text=True, check=False
        )
        assert done.stdout.startswith("verification OK")
