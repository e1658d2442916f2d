"""Files that are there as a whole or not at all, with their checksums."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import secrets
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from vltflow.fits.checksum import encode, ones_complement_sum
from vltflow.fits.scanner import Unit, units_of
from vltflow.fits.structure import padded

_NO_SUM = "0"
_NO_CHECKSUM = "0" * 16


def write_product(path: str | os.PathLike[str], hdus: Sequence[Any]) -> str:
    """Write HDUs with CHECKSUM and DATASUM; the file appears complete or not at all.

    The same HDUs give the same bytes: no date stands beside the checksums. The file is
    laid out and sealed in memory, then written once; it is hashed while the disk is busy.

    Parameters
    ----------
    path : str or path-like
        Where the file shall be; its folder must exist. A file of this name is replaced.
    hdus : sequence of astropy HDUs
        Images and tables, a primary HDU first. CHECKSUM and DATASUM of their headers
        are set. No compressed images.

    Returns
    -------
    str
        SHA-256 of the file, 64 hex digits.

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
    content = io.BytesIO()
    fits.HDUList(list(hdus)).writeto(content, output_verify="exception")
    for hdu, unit in zip(hdus, units_of(content, os.fspath(path)), strict=True):
        hdu.header["DATASUM"], hdu.header["CHECKSUM"] = _seal(content.getbuffer(), unit)
    return _write_hashed(path, content.getbuffer())


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


def _write_hashed(path: str | os.PathLike[str], content: memoryview) -> str:
    """Write a file and hash its bytes side by side; neither needs the interpreter."""
    with ThreadPoolExecutor(1, thread_name_prefix="hash") as pool:
        digest = pool.submit(hashlib.sha256, content)
        with new_file(path) as temporary:
            temporary.write_bytes(content)
    return digest.result().hexdigest()


def _seal(content: memoryview, unit: Unit) -> tuple[str, str]:
    """Put the checksums of one HDU into its header; give DATASUM and CHECKSUM."""
    header = np.frombuffer(content[unit.header_start : unit.data_start], np.uint8)
    data = content[unit.data_start : unit.data_start + padded(unit.data_length)]
    data_sum = ones_complement_sum(data)
    _set_string(header, "DATASUM", str(data_sum))
    checksum = encode(ones_complement_sum(header, data_sum))
    _set_string(header, "CHECKSUM", checksum)
    return str(data_sum), checksum


def _set_string(header: np.ndarray, name: str, value: str) -> None:
    """Replace the text of a card in place, keeping its comment in column 32 onwards."""
    cards = header.reshape(-1, 80)
    label = np.frombuffer(f"{name:8}= '".encode(), np.uint8)
    (place,) = np.flatnonzero((cards[:, : label.size] == label).all(axis=1))
    field = f"'{value:8}'".ljust(20)
    cards[place, 10:30] = np.frombuffer(field.encode(), np.uint8)
