"""Rows of raw images are the physical values that astropy gives."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits as astropy_fits

from vltflow.core.errors import UnprocessableData, UnreadableFile
from vltflow.fits import RawImage, inspect, materialise
from vltflow.fits.scanner import units

RANDOM = np.random.default_rng(4)


def red_frame(path: Path, pixels: np.ndarray) -> Path:
    primary = astropy_fits.PrimaryHDU()
    primary.header["INSTRUME"] = "UVES"
    primary.header["HIERARCH ESO DET OUT1 GAIN"] = 0.5
    extension = astropy_fits.ImageHDU(pixels, name="REDL")
    extension.header["HIERARCH ESO DET OUT1 GAIN"] = 0.6
    astropy_fits.HDUList([primary, extension]).writeto(path)
    return path


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.float32, np.float64])
def test_rows_are_float32_values(tmp_path: Path, dtype: type) -> None:
    pixels = RANDOM.integers(0, 200, (40, 30)).astype(dtype)
    image = RawImage(red_frame(tmp_path / "f.fits", pixels), 1)
    assert image.dtype == image.rows().dtype == np.float32
    np.testing.assert_array_equal(image.rows(), pixels.astype(np.float32))


def test_unsigned_pixels_stay_16_bit_integers(tmp_path: Path) -> None:
    pixels = RANDOM.integers(0, 65536, (40, 30)).astype(np.uint16)
    with RawImage(red_frame(tmp_path / "f.fits", pixels), "REDL") as image:
        assert image.shape == (40, 30)
        assert image.rows().dtype == image.dtype == np.uint16
        np.testing.assert_array_equal(image.rows(7, 19), pixels[7:19])
        np.testing.assert_array_equal(image.rows(30, 99), pixels[30:])
        assert image.rows(5, 5).shape == (0, 30)


def test_scaling_and_undefined_pixels_are_applied(tmp_path: Path) -> None:
    path = tmp_path / "scaled.fits"
    hdu = astropy_fits.PrimaryHDU(np.array([[1, 2], [3, -99]], np.int16))
    hdu.writeto(path)
    with astropy_fits.open(path, mode="update", do_not_scale_image_data=True) as opened:
        opened[0].header.update({"BSCALE": 0.5, "BZERO": 10.0, "BLANK": -99})
    np.testing.assert_array_equal(RawImage(path).rows(), [[10.5, 11.0], [11.5, np.nan]])


def test_header_joins_primary_and_extension(tmp_path: Path) -> None:
    image = RawImage(red_frame(tmp_path / "f.fits", np.ones((3, 3), np.uint16)), 1)
    assert image.header["INSTRUME"] == "UVES"
    assert image.header["ESO DET OUT1 GAIN"] == 0.6
    assert image.name == "REDL"


def test_threads_may_read_one_image(tmp_path: Path) -> None:
    pixels = RANDOM.integers(0, 65536, (512, 100)).astype(np.uint16)
    image = RawImage(red_frame(tmp_path / "f.fits", pixels), 1)
    with ThreadPoolExecutor(8) as pool:
        blocks = list(pool.map(lambda start: image.rows(start, start + 4), range(0, 512, 4)))
    np.testing.assert_array_equal(np.concatenate(blocks), pixels)


@pytest.mark.parametrize("extension", [2, -1, "REDU"])
def test_absent_extension_is_named(tmp_path: Path, extension: int | str) -> None:
    path = red_frame(tmp_path / "f.fits", np.ones((3, 3), np.uint16))
    with pytest.raises(UnprocessableData, match="REDL"):
        RawImage(path, extension)


def test_hdu_without_pixels_is_no_image(tmp_path: Path) -> None:
    path = red_frame(tmp_path / "f.fits", np.ones((3, 3), np.uint16))
    with pytest.raises(UnprocessableData, match="no image"):
        RawImage(path, 0)


def test_file_cut_after_opening_is_noticed(tmp_path: Path) -> None:
    path = red_frame(tmp_path / "f.fits", np.ones((300, 300), np.uint16))
    image = RawImage(path, 1)
    with path.open("r+b") as file:
        file.truncate(9000)
    with pytest.raises(UnreadableFile, match="became shorter"):
        image.rows()


def test_plain_file_needs_no_unpacking(tmp_path: Path) -> None:
    path = red_frame(tmp_path / "f.fits", np.ones((3, 3), np.uint16))
    assert materialise(path, tmp_path) == path


@pytest.mark.parametrize("is_primary", [True, False])
def test_compressed_image_is_unpacked_once(tmp_path: Path, *, is_primary: bool) -> None:
    pixels = RANDOM.integers(100, 4000, (100, 80)).astype(np.uint16)
    kind = astropy_fits.PrimaryHDU if is_primary else astropy_fits.ImageHDU
    compressed = astropy_fits.CompImageHDU(pixels, kind(pixels).header)
    path, scratch = tmp_path / "f.fits.fz", tmp_path / "scratch"
    scratch.mkdir()
    astropy_fits.HDUList([astropy_fits.PrimaryHDU(), compressed]).writeto(path)
    with pytest.raises(UnreadableFile, match="compressed"):
        RawImage(path, 1)
    plain = materialise(path, scratch)
    image = RawImage(plain, len(inspect(path).headers) - 1)
    assert image.rows().dtype == np.uint16
    np.testing.assert_array_equal(image.rows(), pixels)
    written = plain.stat().st_mtime_ns
    assert materialise(path, scratch).stat().st_mtime_ns == written
    assert list(scratch.iterdir()) == [plain]


def test_damaged_compressed_image_is_refused(tmp_path: Path) -> None:
    pixels = RANDOM.integers(100, 4000, (200, 80)).astype(np.uint16)
    path = tmp_path / "f.fits.fz"
    hdus = [astropy_fits.PrimaryHDU(), astropy_fits.CompImageHDU(pixels, tile_shape=(1, 80))]
    astropy_fits.HDUList(hdus).writeto(path)
    content = path.read_bytes()
    # Table rows say where each tile lies: send them beyond the heap.
    start = units(path)[1].data_start
    path.write_bytes(content[:start] + b"\0\x7f\x7f\x7f" * 400 + content[start + 1600 :])
    with pytest.raises(UnreadableFile, match="cannot be unpacked"):
        materialise(path, tmp_path)
    assert list(tmp_path.iterdir()) == [path]
