"""Files that are there as a whole or not at all, with their checksums."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from vltflow.fits.checksum import encode, ones_complement_sum
from vltflow.fits.scanner import Unit, units
from vltflow.fits.structure import padded

_NO_SUM = "0"
_NO_CHECKSUM = "0" * 16
_CHUNK = 1 << 20


def write_product(path: str | os.PathLike[str], hdus: Sequence[Any]) -> None:
    """Write HDUs with CHECKSUM and DATASUM; the file appears complete or not at all.

    The same HDUs give the same bytes: no date stands beside the checksums.

    Parameters
    ----------
    path : str or path-like
        Where the file shall be; its folder must exist. A file of this name is replaced.
    hdus : sequence of astropy HDUs
        Images and tables, a primary HDU first. CHECKSUM and DATASUM of their headers
        are set. No compressed images.

    Raises
    ------
    ValueError
        If one of the HDUs is a compressed image.
    OSError
        If the disk refuses; nothing is left behind.
    """
    from astropy.io import fits  # noqa: PLC0415 - slow to load, and most commands write nothing

    if any(isinstance(hdu, fits.CompImageHDU) for hdu in hdus):
        raise ValueError("write_product writes images and tables, no compressed images")
    for hdu in hdus:
        hdu.header["DATASUM"] = (_NO_SUM, "sum of the data, 32 bits")
        hdu.header["CHECKSUM"] = (_NO_CHECKSUM, "makes the sum of the HDU -0")
    with new_file(path) as temporary:
        with temporary.open("wb") as file:
            fits.HDUList(list(hdus)).writeto(file, output_verify="exception")
        with temporary.open("r+b") as file:
            for hdu, unit in zip(hdus, units(temporary), strict=True):
                data_sum, checksum = _seal(file, unit)
                hdu.header["DATASUM"] = data_sum
                hdu.header["CHECKSUM"] = checksum


def write_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file that appears complete or not at all; raises OSError."""
    with new_file(path) as temporary:
        temporary.write_bytes(content)


@contextlib.contextmanager
def new_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path beside `path` that takes its name when the block ends well.

    What was written there is flushed to the disk before it is renamed, and the new
    name after it; if the block raises, the temporary file is removed.
    """
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(6)}.part")
    try:
        yield temporary
        _flush(temporary)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _flush(target.parent)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _seal(file: BinaryIO, unit: Unit) -> tuple[str, str]:
    """Put the checksums of one HDU into its header on disk; give them."""
    file.seek(unit.header_start)
    header = np.frombuffer(bytearray(file.read(unit.data_start - unit.header_start)), np.uint8)
    data_sum = 0
    left = padded(unit.data_length)
    while left:
        part = file.read(min(left, _CHUNK))
        left -= len(part)
        data_sum = ones_complement_sum(part, data_sum)
    _set_string(header, "DATASUM", str(data_sum))
    checksum = encode(ones_complement_sum(header, data_sum))
    _set_string(header, "CHECKSUM", checksum)
    file.seek(unit.header_start)
    file.write(header.tobytes())
    return str(data_sum), checksum


def _set_string(header: np.ndarray, name: str, value: str) -> None:
    """Replace the text of a card in place, keeping its comment in column 32 onwards."""
    cards = header.reshape(-1, 80)
    label = np.frombuffer(f"{name:8}= '".encode(), np.uint8)
    (place,) = np.flatnonzero((cards[:, : label.size] == label).all(axis=1))
    field = f"'{value:8}'".ljust(20)
    cards[place, 10:30] = np.frombuffer(field.encode(), np.uint8)
