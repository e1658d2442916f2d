"""Products are whole, sealed by checksums, and never half there."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits as astropy_fits
from hypothesis import given
from hypothesis import strategies as st

from vltflow.fits import inspect, new_file, write_bytes, write_product
from vltflow.fits.checksum import ALL_ONES, encode, ones_complement_sum


def product() -> list:
    generator = np.random.default_rng(5)
    primary = astropy_fits.PrimaryHDU(generator.normal(100, 3, (70, 50)).astype(np.float32))
    primary.header["HIERARCH ESO PRO CATG"] = "MASTER_BIAS_BLUE"
    quality = astropy_fits.ImageHDU(generator.integers(0, 9, (70, 50)).astype(np.uint16), name="DQ")
    table = astropy_fits.BinTableHDU.from_columns(
        [
            astropy_fits.Column("X", "D", array=np.arange(101.0)),
            astropy_fits.Column("NAME", "3A", array=["ab"] * 101),
        ]
    )
    return [primary, quality, table, astropy_fits.ImageHDU(name="EMPTY")]


def test_astropy_finds_every_checksum_right(tmp_path: Path) -> None:
    path = tmp_path / "product.fits"
    hdus = product()
    write_product(path, hdus)
    with astropy_fits.open(path, checksum=True) as opened:
        for ours, theirs in zip(hdus, opened, strict=True):
            assert theirs.verify_checksum() == theirs.verify_datasum() == 1
            assert theirs.header["CHECKSUM"] == ours.header["CHECKSUM"]
            assert theirs.header["DATASUM"] == ours.header["DATASUM"]
        np.testing.assert_array_equal(opened[0].data, hdus[0].data)
        np.testing.assert_array_equal(opened["DQ"].data, hdus[1].data)
    assert inspect(path).checksums == 8


def test_fitsverify_finds_nothing_wrong(tmp_path: Path) -> None:
    if not shutil.which("fitsverify"):
        pytest.skip("fitsverify is not installed")
    path = tmp_path / "product.fits"
    write_product(path, product())
    result = subprocess.run(["fitsverify", "-q", path], capture_output=True, text=True, check=False)
    assert result.stdout.startswith("verification OK")


def test_the_sha256_is_that_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "product.fits"
    assert write_product(path, product()) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_product(tmp_path / name, product())
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_written_product_can_be_written_again(tmp_path: Path) -> None:
    hdus = product()
    write_product(tmp_path / "one", hdus)
    hdus[0].data[3, 3] += 1
    write_product(tmp_path / "two", hdus)
    assert inspect(tmp_path / "two").checksums == 8


def test_compressed_images_are_not_written(tmp_path: Path) -> None:
    hdus = [astropy_fits.PrimaryHDU(), astropy_fits.CompImageHDU(np.ones((4, 4), np.int16))]
    with pytest.raises(ValueError, match="no compressed images"):
        write_product(tmp_path / "product.fits", hdus)


def write_half(path: Path) -> None:
    with new_file(path) as temporary:
        temporary.write_bytes(b"half of the new")
        raise OSError(28, "disk full")


def test_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "product.fits"
    path.write_bytes(b"old")
    with pytest.raises(OSError, match="full"):
        write_half(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_bytes_replace_a_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content in (b"one", b"two"):
        write_bytes(path, content)
        assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


@given(st.binary(max_size=4000))
def test_sum_is_the_ones_complement_sum_of_big_endian_words(content: bytes) -> None:
    words = content + bytes(-len(content) % 4)
    total = 0
    for place in range(0, len(words), 4):
        total += int.from_bytes(words[place : place + 4], "big")
        total = (total & ALL_ONES) + (total >> 32)
    assert ones_complement_sum(content) == total


@given(st.binary(max_size=400), st.integers(0, 100))
def test_sum_goes_on_from_a_word_boundary(content: bytes, words: int) -> None:
    cut = min(4 * words, len(content) // 4 * 4)
    parts = ones_complement_sum(content[cut:], ones_complement_sum(content[:cut]))
    assert parts == ones_complement_sum(content)


@given(st.integers(0, ALL_ONES))
def test_coded_sum_makes_the_whole_minus_zero(rest: int) -> None:
    def card(value: str) -> bytes:
        return f"CHECKSUM= '{value}'".ljust(80).encode()

    coded = encode(ones_complement_sum(card("0" * 16), rest))
    assert coded.isascii()
    assert coded.isalnum()
    assert ones_complement_sum(card(coded), rest) == ALL_ONES
