"""Files that are there as a whole or not at all, with their checksums."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np

from vltflow.fits.card_text import header_text
from vltflow.fits.checksum import encode, ones_complement_sum
from vltflow.fits.header import FitsValue
from vltflow.fits.scanner import units_of
from vltflow.fits.structure import padded
from vltflow.fits.table import Table, stored_rows, table_cards

_SEALS = (
    ("DATASUM", "0", "sum of the data, 32 bits"),
    ("CHECKSUM", "0" * 16, "makes the sum of the HDU -0"),
)
_BITPIX = {"u1": 8, "i2": 16, "i4": 32, "i8": 64, "f4": -32, "f8": -64}
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Image:
    """An image HDU: what a product of arrays needs, without a library."""

    data: np.ndarray | None
    """float32, float64, or integers that FITS stores as they are (uint8, int16, int32, int64)."""
    cards: Sequence[tuple[str, FitsValue]]
    """Keywords in FITS form with their values; what describes the array is added."""


def write_hdus(path: str | os.PathLike[str], hdus: Sequence[Image | Table]) -> str:
    """Write HDUs with CHECKSUM and DATASUM, as `write_product` does; the first is an image.

    Returns
    -------
    str
        SHA-256 of the file, 64 hex digits.

    Raises
    ------
    ValueError
        If a value of a header cannot be written.
    KeyError
        If FITS has no such type of pixels or of a column.
    OSError
        If the disk refuses; nothing is left behind.
    """
    parts = (
        _own_image(one, first=not n) if isinstance(one, Image) else _own_table(one)
        for n, one in enumerate(hdus)
    )
    return _write(path, parts)


def _own_image(image: Image, *, first: bool) -> _Part:
    data = np.ascontiguousarray(image.data if image.data is not None else np.empty(0, np.uint8))
    shape = data.shape if image.data is not None else ()
    begin: tuple[tuple[str, FitsValue, str], ...] = (
        ("SIMPLE", True, "conforms to FITS standard")
        if first
        else ("XTENSION", "IMAGE", "image extension"),
        ("BITPIX", _BITPIX[data.dtype.kind + str(data.itemsize)], "array data type"),
        ("NAXIS", len(shape), "number of axes"),
        *((f"NAXIS{n}", length, "") for n, length in enumerate(reversed(shape), start=1)),
    )
    more = (("EXTEND", True, ""),) if first else (("PCOUNT", 0, ""), ("GCOUNT", 1, ""))
    own = ((name, value, "") for name, value in image.cards)
    return _own_part((*begin, *more, *own), data)


def _own_table(table: Table) -> _Part:
    return _own_part(table_cards(table), stored_rows(table.rows).view(np.uint8))


def _own_part(cards: Iterable[tuple[str, FitsValue, str]], data: np.ndarray) -> _Part:
    text = header_text((*cards, *_SEALS))
    header = np.frombuffer(bytearray(text, "ascii"), np.uint8)
    part = _Part(header, _big_endian(data), data.nbytes)
    part.seal()
    return part


def _write(path: str | os.PathLike[str], parts: Iterable[_Part]) -> str:
    with new_file(path) as temporary, temporary.open("wb") as file, _Hashed(file) as sink:
        for part in parts:
            sink.write(part.header.tobytes())
            for block in part.blocks():
                sink.write(block)
            sink.write(bytes(padded(part.length) - part.length))
    return sink.hexdigest()


def write_product(path: str | os.PathLike[str], hdus: Sequence[Any]) -> str:
    """Write HDUs with CHECKSUM and DATASUM; the file appears complete or not at all.

    The same HDUs give the same bytes: no date stands beside the checksums. Each image is
    summed first, then written and hashed block by block: no copy of it is made.

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
        for name, value, comment in _SEALS:
            hdu.header[name] = (value, comment)
    whole = fits.HDUList(list(hdus))
    whole.update_extend()
    whole.verify("exception")
    return _write(path, map(_sealed, hdus))


def _sealed(hdu: Any) -> _Part:
    """The part of an HDU, whose own header takes its checksums too."""
    part = _plain_image(hdu) or _by_library(hdu)
    hdu.header["DATASUM"], hdu.header["CHECKSUM"] = part.seal()
    return part


@dataclass(frozen=True, slots=True)
class _Part:
    """One HDU as it will lie in the file."""

    header: np.ndarray
    """Its bytes, whole blocks."""
    blocks: Callable[[], Iterator[bytes | memoryview]]
    """The data, big-endian, in blocks of whole words; may be asked for more than once."""
    length: int
    """Bytes of the data without padding."""

    def seal(self) -> tuple[str, str]:
        """Put the checksums into the header; give DATASUM and CHECKSUM."""
        data_sum = 0
        for block in self.blocks():
            data_sum = ones_complement_sum(block, data_sum)
        _set_string(self.header, "DATASUM", str(data_sum))
        checksum = encode(ones_complement_sum(self.header, data_sum))
        _set_string(self.header, "CHECKSUM", checksum)
        return str(data_sum), checksum


def _plain_image(hdu: Any) -> _Part | None:
    """An image whose numbers stand in the file as in memory, but for their byte order."""
    data = hdu.data
    if not hdu.is_image or data is None or data.dtype.kind not in "fiu" or "BZERO" in hdu.header:
        return None
    if data.dtype.kind == "u" and data.dtype.itemsize > 1:
        return None  # FITS stores these with an offset
    data = np.ascontiguousarray(data)
    header = hdu.header.tostring(endcard=True, padding=True)
    return _Part(
        np.frombuffer(bytearray(header, "ascii"), np.uint8), _big_endian(data), data.nbytes
    )


def _big_endian(data: np.ndarray) -> Callable[[], Iterator[bytes | memoryview]]:
    """The bytes of an array as FITS wants them, in blocks that are made one by one."""
    flat = data.reshape(-1)

    def blocks() -> Iterator[bytes | memoryview]:
        step = _BLOCK_BYTES // flat.itemsize
        for start in range(0, flat.size, step):
            part = flat[start : start + step]
            yield part.astype(part.dtype.newbyteorder(">"), copy=False).view(np.uint8).data

    return blocks


def _by_library(hdu: Any) -> _Part:
    """Tables and images with an offset: laid out by the library, in memory."""
    from astropy.io import fits  # noqa: PLC0415 - loaded already where this is called

    content = io.BytesIO()
    alone = isinstance(hdu, fits.PrimaryHDU)
    fits.HDUList([hdu] if alone else [fits.PrimaryHDU(), hdu]).writeto(content)
    unit = units_of(content, "product")[-1]
    view = content.getbuffer()
    header = np.array(view[unit.header_start : unit.data_start], np.uint8)
    data = view[unit.data_start : unit.data_start + padded(unit.data_length)]
    return _Part(header, lambda: iter([data]), len(data))


class _Hashed:
    """A file whose bytes are hashed by another thread while the disk takes them."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="hash")
        self._last: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._pool.shutdown()

    def write(self, block: bytes | memoryview) -> None:
        """Write a block and hash it; at most one block waits to be hashed."""
        if self._last is not None:
            self._last.result()
        self._last = self._pool.submit(self._digest.update, block)
        self._file.write(block)

    def hexdigest(self) -> str:
        """SHA-256 of all that was written."""
        return self._digest.hexdigest()


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


def _set_string(header: np.ndarray, name: str, value: str) -> None:
    """Replace the text of a card in place, keeping its comment in column 32 onwards."""
    cards = header.reshape(-1, 80)
    label = np.frombuffer(f"{name:8}= '".encode(), np.uint8)
    (place,) = np.flatnonzero((cards[:, : label.size] == label).all(axis=1))
    field = f"'{value:8}'".ljust(20)
    cards[place, 10:30] = np.frombuffer(field.encode(), np.uint8)
