import numpy as np
import pytest
from astropy.io import fits

from vltflow.fits import MOMENTS, differences


@pytest.fixture
def pair(tmp_path):
    """Two equal files; the function gets the second one's HDUs to change."""

    def made(change):
        paths = []
        for name in ("one", "other"):
            primary = fits.PrimaryHDU(np.arange(12, dtype=np.float32).reshape(3, 4))
            primary.header["DATE"] = "2026-01-01"
            primary.data[0, 0] = np.nan
            table = fits.BinTableHDU(
                np.array([(1, 2.5), (2, 3.5)], [("ORDER", "i4"), ("WAVE", "f8")]), name="LINES"
            )
            hdus = fits.HDUList([primary, table])
            if paths:
                change(hdus)
            paths.append(tmp_path / f"{name}.fits")
            hdus.writeto(paths[-1], checksum=True)
        return paths

    return made


def test_equal_files_differ_in_nothing(pair):
    one, other = pair(lambda hdus: None)
    assert differences(one, other, ignored=MOMENTS) == []


def test_a_date_is_a_difference_unless_it_may_differ(pair):
    one, other = pair(lambda hdus: hdus[0].header.update({"DATE": "2026-01-02"}))
    assert differences(one, other, ignored=MOMENTS) == []
    assert [found.name for found in differences(one, other)] == ["DATE", "CHECKSUM"]


def test_pixels_are_counted_and_their_largest_difference_told(pair):
    def change(hdus):
        hdus[0].data[1, :2] += [0.5, -2.0]

    found = differences(*pair(change), ignored=MOMENTS | {"DATASUM"})
    assert [(one.hdu, one.what, one.text) for one in found] == [
        (0, "pixels", "2 of 12 differ, by at most 2")
    ]


def test_a_column_is_named(pair):
    def change(hdus):
        hdus["LINES"].data["WAVE"][1] = 4.0

    found = differences(*pair(change), ignored=MOMENTS | {"DATASUM"})
    assert [(one.extension, one.what, one.name) for one in found] == [("LINES", "column", "WAVE")]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda hdus: hdus.pop(), "2 HDUs, 1 HDUs"),
        (lambda hdus: setattr(hdus[0], "data", np.zeros((2, 2), np.float32)), "(3, 4)"),
    ],
)
def test_another_structure_is_told(pair, change, text):
    found = differences(*pair(change), ignored=MOMENTS)
    assert text in " ".join(one.text for one in found if one.what == "structure")
