"""Reduced spectra of both layouts read the same."""

import numpy as np
import pytest
from astropy.io import fits

from vltflow.core.errors import UnreadableFile
from vltflow.fits import read_orders, read_reduced

WAVE = 4000.0 + 0.02 * np.arange(100)
FLUX = np.linspace(10.0, 20.0, 100)
ERROR = np.full(100, 2.0)


def image(path, values, **cards):
    hdu = fits.PrimaryHDU(np.asarray(values, np.float64))
    hdu.header.update({"CRVAL1": 4000.0, "CRPIX1": 1.0, "CDELT1": 0.02} | cards)
    hdu.writeto(path)
    return path


def table(path, **columns):
    given = {"WAVE": WAVE, "FLUX_REDUCED": FLUX, "ERR_REDUCED": ERROR} | columns
    rows = [
        fits.Column(name, "J" if name == "QUAL" else "D", array=values)
        for name, values in given.items()
        if values is not None
    ]
    hdus = [fits.PrimaryHDU(), fits.BinTableHDU.from_columns(rows, name="SPECTRUM")]
    fits.HDUList(hdus).writeto(path)
    return path


def test_both_layouts_give_the_same_arrays(tmp_path):
    images = read_reduced(image(tmp_path / "f.fits", FLUX), error=image(tmp_path / "e.fits", ERROR))
    rows = read_reduced(table(tmp_path / "t.fits"))
    for name in ("wave", "flux", "error", "quality"):
        np.testing.assert_allclose(getattr(images, name), getattr(rows, name))
    assert images.sky is rows.sky is None


def test_empty_bins_of_an_image_are_undefined_and_flagged(tmp_path):
    flux = FLUX.copy()
    flux[:3] = 0.0
    found = read_reduced(image(tmp_path / "f.fits", flux), error=image(tmp_path / "e.fits", ERROR))
    assert np.isnan(found.flux[:3]).all()
    assert np.isnan(found.error[:3]).all()
    assert found.quality.tolist() == [16] * 3 + [0] * 97


def test_sky_flags_and_calibrated_flux_are_read(tmp_path):
    path = table(
        tmp_path / "t.fits", BGFLUX_REDUCED=ERROR, QUAL=np.arange(100), FLUX=FLUX * 1e-16,
        ERR=ERROR * 1e-16,
    )  # fmt: skip
    found = read_reduced(path)
    np.testing.assert_allclose(found.sky, ERROR)
    assert found.quality[7] == 7
    np.testing.assert_allclose(found.calibrated[0], FLUX * 1e-16)


def test_orders_of_an_image_begin_where_its_header_says(tmp_path):
    cards = {"WSTART1": 4000.0, "WEND1": 4001.98, "WSTART2": 4001.0, "WEND2": 4002.0}
    path = image(tmp_path / "o.fits", np.stack([FLUX, FLUX]), **cards)
    first, second = read_orders(path, error=image(tmp_path / "e.fits", np.ones((2, 100))))
    assert (first.wave[0], first.wave.size) == (4000.0, 100)
    assert (second.wave[0], second.wave.size) == (4001.0, 51)


def test_orders_of_a_table_ascend(tmp_path):
    columns = [
        fits.Column(name, "100D", array=values[None])
        for name, values in (("WAVE", WAVE[::-1]), ("FLUX", FLUX[::-1]), ("ERR", ERROR))
    ]
    hdus = [fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns, name="ORDERS")]
    fits.HDUList(hdus).writeto(tmp_path / "t.fits")
    (order,) = read_orders(tmp_path / "t.fits")
    np.testing.assert_allclose(order.wave, WAVE)
    np.testing.assert_allclose(order.flux, FLUX)


def test_what_is_neither_layout_is_refused_with_its_name(tmp_path):
    with pytest.raises(UnreadableFile, match=r"cube.fits.*neither a table SPECTRUM nor an image"):
        read_reduced(image(tmp_path / "cube.fits", np.ones((3, 3))))
    with pytest.raises(UnreadableFile, match="has no column ERR_REDUCED"):
        read_reduced(table(tmp_path / "t.fits", ERR_REDUCED=None))
    (tmp_path / "text.fits").write_text("no FITS")
    with pytest.raises(UnreadableFile):
        read_reduced(tmp_path / "text.fits")


def test_errors_of_another_size_are_refused(tmp_path):
    with pytest.raises(UnreadableFile, match="50 bins do not fit"):
        read_reduced(image(tmp_path / "f.fits", FLUX), error=image(tmp_path / "e.fits", ERROR[:50]))
