"""Raw frames as bytes: what FITS libraries read back."""

from io import BytesIO

import numpy as np
import pytest
from astropy.io import fits

from vltflow.simulate.cards import Card
from vltflow.simulate.frame import frame_bytes

TABLE = np.array([(1.5, 7, "Th"), (2.5, 8, "Ar")], [("WAVE", "f8"), ("ORDER", "i4"), ("ION", "S4")])


def read(content: bytes) -> fits.HDUList:
    hdus = fits.open(BytesIO(content))
    hdus.verify("exception")
    return hdus


@pytest.mark.parametrize("dtype", ["u2", "i2", "i4", "f4", "f8"])
def test_images_of_every_detector_type_are_read_back(dtype):
    image = np.arange(24).reshape(2, 3, 4).astype(dtype)
    hdus = read(frame_bytes([[Card("EXPTIME", 1.0)]], [image]))
    assert (hdus[0].data == image).all()
    assert hdus[0].header["EXPTIME"] == 1.0


def test_a_table_stands_between_images_with_its_own_cards():
    image = np.ones((3, 4), np.uint16)
    headers = [[Card("OBJECT", "x")], [Card("EXTNAME", "LINES")], [Card("EXTNAME", "CHIP")]]
    hdus = read(frame_bytes(headers, [TABLE, image]))
    assert hdus[0].data is None
    assert list(hdus["LINES"].data["ION"]) == ["Th", "Ar"]
    assert list(hdus["LINES"].data["WAVE"]) == [1.5, 2.5]
    assert (hdus["CHIP"].data == image).all()
