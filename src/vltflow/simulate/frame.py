"""A raw frame as bytes on the disk: images of the detectors' number types, and tables."""

from __future__ import annotations

import os
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from astropy.io import fits

from vltflow.simulate.cards import Card, header_bytes, line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_BLOCK = 2880
_BITPIX = {"u2": 16, "i2": 16, "i4": 32, "f4": -32, "f8": -64}
_COMMENTS = (
    Card("EXTEND", value=True, comment="Extensions may be present"),
    # ESO's recipes refuse integers here.
    Card("BZERO", 32768.0, "Offset of unsigned 16-bit data"),
    Card("BSCALE", 1.0, "Scale of the data"),
)


def frame_bytes(headers: Sequence[Sequence[Card]], contents: Sequence[np.ndarray | None]) -> bytes:
    """The FITS file: one header for each HDU, without the structural cards.

    Parameters
    ----------
    headers
        Cards of the primary HDU and of the extensions. As many headers as contents: the
        first content is in the primary HDU. One more: the primary HDU has none.
    contents
        Images, (..., rows, columns), of type uint16, int16, int32, float32 or float64;
        structured arrays, which become binary tables (in extensions); None for no data.
    """
    contents = [None] * (len(headers) - len(contents)) + list(contents)
    parts = [
        _hdu(cards, content, primary=number == 0)
        for number, (cards, content) in enumerate(zip(headers, contents, strict=True))
    ]
    return b"".join(parts)


def _hdu(cards: Sequence[Card], content: np.ndarray | None, *, primary: bool) -> bytes:
    if content is not None and content.dtype.names:
        return _table(cards, content)
    header = header_bytes([*_structure(content, primary=primary), *cards])
    return header if content is None else header + _big_endian(content)


def _structure(image: np.ndarray | None, *, primary: bool) -> list[Card]:
    first = (
        Card("SIMPLE", value=True, comment="Standard FITS")
        if primary
        else Card("XTENSION", "IMAGE", "FITS image extension")
    )
    end = [_COMMENTS[0]] if primary else [Card("PCOUNT", 0), Card("GCOUNT", 1)]
    if image is None:
        return [first, Card("BITPIX", 8), Card("NAXIS", 0, "No pixels here"), *end]
    axes = [
        Card(f"NAXIS{number}", size, f"Pixels along {'XYZ'[number - 1]}")
        for number, size in enumerate(reversed(image.shape), start=1)
    ]
    size = [
        Card("BITPIX", _BITPIX[image.dtype.str[1:]], "Bits per pixel"),
        Card("NAXIS", image.ndim, "Number of axes"),
    ]
    scale = _COMMENTS[1:] if image.dtype == np.uint16 else ()
    return [first, *size, *axes, *end, *scale]


def _big_endian(image: np.ndarray) -> bytes:
    """Pixels as FITS stores them; unsigned ones shifted by 32768, which flips the top bit."""
    if image.dtype == np.uint16:
        image = np.bitwise_xor(image, np.uint16(0x8000))
    data = image.astype(image.dtype.newbyteorder(">")).tobytes()
    return data + bytes(-len(data) % _BLOCK)


def _table(cards: Sequence[Card], rows: np.ndarray) -> bytes:
    """A binary table; the library knows how columns are described."""
    hdu = fits.BinTableHDU(rows)
    structure = str(hdu.header.tostring(sep="", endcard=False, padding=False)).encode("ascii")
    own = [line(card.keyword, card.value, card.comment) for card in cards]
    header = b"".join([structure, *own, b"END".ljust(80)])
    stream = BytesIO()
    hdu.writeto(stream)
    start = stream.getvalue().rindex(b"END" + b" " * 77)
    data = stream.getvalue()[-(-(start + 80) // _BLOCK) * _BLOCK :]
    return header.ljust(-(-len(header) // _BLOCK) * _BLOCK) + data


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that its name never stands for half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays of the truth as npz, so that its name never stands for half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.npz")
    try:
        np.savez(temporary, allow_pickle=False, **arrays)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
