"""Files are scanned as astropy sees them; what is not whole is refused with a reason."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import random
import shutil
import subprocess
import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits as astropy_fits

from vltflow.core.errors import InvalidHeader, UnreadableFile
from vltflow.fits import inspect, scan
from vltflow.fits.scanner import units

COMMENTARY = {"", "COMMENT", "HISTORY"}


def astropy_headers(path: Path) -> list[dict]:
    with astropy_fits.open(path) as opened:
        return [
            {
                key.upper(): None if isinstance(value, astropy_fits.card.Undefined) else value
                for key, value in hdu.header.items()
                if key not in COMMENTARY
            }
            for hdu in opened
        ]


@pytest.fixture
def frame(tmp_path: Path) -> Path:
    """A frame with two images, a table and checksums."""
    pixels = np.random.default_rng(1).integers(100, 5000, (60, 90)).astype(np.uint16)
    primary = astropy_fits.PrimaryHDU(pixels)
    primary.header["INSTRUME"] = "UVES"
    primary.header["HIERARCH ESO DET WIN1 BINX"] = 2
    primary.header["LONGTEXT"] = "word " * 40
    primary.header["HISTORY"] = "made for a test"
    image = astropy_fits.ImageHDU(pixels[:50].astype(np.float32), name="RED")
    table = astropy_fits.BinTableHDU.from_columns(
        [
            astropy_fits.Column("A", "D", array=np.arange(5.0)),
            astropy_fits.Column("B", "PJ()", array=np.array([[1], [2, 3], [], [4], [5]], object)),
        ]
    )
    path = tmp_path / "frame.fits"
    astropy_fits.HDUList([primary, image, table]).writeto(path, checksum=True)
    return path


def write_packed(path: Path, packing: str) -> Path:
    packed = path.with_name(path.name + packing)
    if packing == ".gz":
        packed.write_bytes(gzip.compress(path.read_bytes()))
    else:
        if not shutil.which("compress"):
            pytest.skip("compress is not installed (Debian package ncompress)")
        with packed.open("wb") as file:
            subprocess.run(["compress", "-c", path], stdout=file, check=True)
    return packed


def test_headers_of_all_hdus_are_those_of_astropy(frame: Path) -> None:
    assert [dict(header) for header in scan(frame)] == astropy_headers(frame)


def test_one_pass_gives_fingerprint_headers_and_checksums(frame: Path) -> None:
    found = inspect(frame)
    assert found.fingerprint == hashlib.sha256(frame.read_bytes()).hexdigest()
    assert found.headers == scan(frame)
    assert found.checksums == 6
    assert found.size == found.unpacked_size == frame.stat().st_size
    assert found.remarks == ()


@pytest.mark.parametrize("packing", [".gz", ".Z"])
def test_packed_file_is_the_same_frame(frame: Path, packing: str) -> None:
    packed = inspect(write_packed(frame, packing))
    plain = inspect(frame)
    assert packed.fingerprint == plain.fingerprint
    assert packed.headers == plain.headers
    assert packed.size < packed.unpacked_size == plain.size


@pytest.mark.parametrize("is_primary", [True, False])
def test_compressed_image_has_the_header_of_its_image(tmp_path: Path, *, is_primary: bool) -> None:
    pixels = np.random.default_rng(2).integers(0, 900, (64, 64)).astype(np.uint16)
    whole = astropy_fits.PrimaryHDU(pixels) if is_primary else astropy_fits.ImageHDU(pixels)
    whole.header["HIERARCH ESO DPR CATG"] = "CALIB"
    path = tmp_path / "frame.fits.fz"
    hdus = [astropy_fits.PrimaryHDU(), astropy_fits.CompImageHDU(pixels, whole.header)]
    astropy_fits.HDUList(hdus).writeto(path, checksum=True)
    found = inspect(path)
    assert found.compressed_images
    if "SIMPLE" in astropy_headers(path)[1]:
        assert [dict(header) for header in found.headers] == astropy_headers(path)[1:]
    else:
        assert [dict(header) for header in found.headers] == astropy_headers(path)
    assert found.headers[-1]["NAXIS1"] == 64
    assert found.headers[-1]["ESO DPR CATG"] == "CALIB"


def test_random_groups_are_passed_over(tmp_path: Path) -> None:
    data = astropy_fits.GroupData(
        np.zeros((7, 1, 3, 4), np.float32), bitpix=-32, parnames=["U"], pardata=[np.zeros(7)]
    )
    path = tmp_path / "groups.fits"
    hdus = [astropy_fits.GroupsHDU(data), astropy_fits.ImageHDU(np.ones(3, np.uint8), name="NEXT")]
    astropy_fits.HDUList(hdus).writeto(path)
    assert scan(path)[1]["EXTNAME"] == "NEXT"


def refusal(path: Path) -> str:
    with pytest.raises(UnreadableFile) as caught:
        inspect(path)
    assert str(path) in str(caught.value)
    with pytest.raises(UnreadableFile):
        scan(path)
    return str(caught.value)


def test_missing_file_is_named(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "absent.fits")


def test_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.fits"
    path.touch()
    assert "empty" in refusal(path)


def test_folder_is_no_file(tmp_path: Path) -> None:
    assert "no ordinary file" in refusal(tmp_path)


@pytest.mark.parametrize("content", [b"<html>404</html>", b"plain text " * 999, bytes(5760)])
def test_other_content_is_not_fits(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.fits"
    path.write_bytes(content)
    assert "not a FITS file" in refusal(path)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.8])
def test_truncated_file_is_refused(frame: Path, share: float) -> None:
    content = frame.read_bytes()
    frame.write_bytes(content[: int(len(content) * share)])
    message = refusal(frame)
    assert "truncated" in message or "ends within the header" in message


@pytest.mark.parametrize("packing", [".gz", ".Z"])
def test_truncated_packed_file_is_refused(frame: Path, packing: str) -> None:
    packed = write_packed(frame, packing)
    packed.write_bytes(packed.read_bytes()[:-3000])
    assert "truncated" in refusal(packed)


def test_damaged_gzip_data_are_refused(frame: Path) -> None:
    packed = write_packed(frame, ".gz")
    content = bytearray(packed.read_bytes())
    content[-6] ^= 0xFF  # in the check sum of gzip
    packed.write_bytes(content)
    assert "damaged" in refusal(packed)


def test_changed_pixel_breaks_the_data_sum(frame: Path) -> None:
    place = units(frame)[1].data_start + 100
    content = bytearray(frame.read_bytes())
    content[place] ^= 1
    frame.write_bytes(content)
    with pytest.raises(UnreadableFile, match=r"HDU 1: the data are damaged: DATASUM"):
        inspect(frame)
    assert inspect(frame, verify=False).checksums == 0


def test_changed_header_breaks_the_checksum(frame: Path) -> None:
    frame.write_bytes(frame.read_bytes().replace(b"'UVES    '", b"'UVET    '"))
    with pytest.raises(UnreadableFile, match="changed after CHECKSUM"):
        inspect(frame)


def test_header_without_end_is_refused(frame: Path) -> None:
    content = frame.read_bytes()
    frame.write_bytes(content.replace(b"END" + b" " * 77, b" " * 80, 1))
    assert "no END card" in refusal(frame)


def test_something_behind_the_last_hdu_is_refused(frame: Path) -> None:
    frame.write_bytes(frame.read_bytes() + b"left over" * 400)
    assert "behind HDU 2" in refusal(frame)


def test_filling_behind_the_last_hdu_is_remarked(frame: Path) -> None:
    frame.write_bytes(frame.read_bytes() + bytes(2880 * 3))
    assert inspect(frame).remarks == ("8,640 filling bytes follow the last HDU",)


def test_last_block_may_lack_its_padding(frame: Path) -> None:
    last = units(frame)[-1]
    content = frame.read_bytes()
    frame.write_bytes(content[: last.data_start + last.data_length])
    found = inspect(frame)
    assert found.checksums == 6
    assert found.remarks == ("the last block is not filled up to 2880 bytes",)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"BITPIX  =                   16", b"BITPIX  =                   17"),
        (b"NAXIS   =                    2", b"NAXIS   =                 1000"),
        (b"NAXIS1  =                   90", b"NAXIS1  =                  -90"),
        (b"NAXIS2  =                   60", b"NAXIS2  = '60'                "),
        (b"NAXIS1  =", b"NAXIS9  ="),
    ],
)
def test_impossible_structure_is_an_invalid_header(frame: Path, old: bytes, new: bytes) -> None:
    content = frame.read_bytes()
    assert old in content
    frame.write_bytes(content.replace(old, new, 1))
    with pytest.raises(InvalidHeader, match="size of the data is unknown"):
        scan(frame)


def refused_or_read(path: Path) -> None:
    with contextlib.suppress(UnreadableFile, InvalidHeader):
        inspect(path)


def test_random_damage_never_raises_anything_else(frame: Path, tmp_path: Path) -> None:
    generator = random.Random(7)
    content = frame.read_bytes()
    headers = [unit.header_start for unit in units(frame)]
    path = tmp_path / "damaged.fits"
    for _ in range(300):
        damaged = bytearray(content)
        for _ in range(generator.randint(1, 20)):
            place = generator.choice(headers) + generator.randrange(2880)
            damaged[min(place, len(content) - 1)] = generator.randrange(256)
        length = generator.choice([len(damaged), generator.randrange(len(damaged))])
        path.write_bytes(damaged[:length])
        refused_or_read(path)


@pytest.mark.parametrize("packing", [".gz", ".Z"])
def test_random_damage_in_packed_data_never_raises_anything_else(frame: Path, packing: str) -> None:
    generator = random.Random(8)
    packed = write_packed(frame, packing)
    content = packed.read_bytes()
    for _ in range(150):
        damaged = bytearray(content)
        for _ in range(generator.randint(1, 5)):
            damaged[generator.randrange(2, len(content))] = generator.randrange(256)
        packed.write_bytes(damaged)
        refused_or_read(packed)


def test_real_line_table_files_are_read_as_astropy_reads_them(real_data: Path) -> None:
    files = sorted((real_data / "uves" / "HE1341-1020").glob("*.fits.gz"))[:12]
    assert files
    for path in files:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert [dict(header) for header in scan(path)] == astropy_headers(path)


def test_real_headers_are_read_as_astropy_reads_them(real_data: Path, tmp_path: Path) -> None:
    packed = real_data / "uves" / "line_table_headers" / "wpol_primary_headers.json.gz"
    path = tmp_path / "header.fits"
    with gzip.open(packed) as file:
        headers = json.load(file)
    for cards in headers.values():
        text = "".join(card.ljust(80) for card in [*cards, "END"])
        path.write_bytes(text.encode().ljust(-(-len(text) // 2880) * 2880))
        (header,) = scan(path)
        (theirs,) = astropy_headers(path)
        assert dict(header) == theirs
        assert len(header) > 200
