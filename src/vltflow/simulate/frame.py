"""A raw frame as bytes on the disk: unsigned 16-bit pixels, one HDU or several."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from vltflow.simulate.cards import Card, header_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_BLOCK = 2880
_COMMENTS = (
    Card("EXTEND", value=True, comment="Extensions may be present"),
    # ESO's recipes refuse integers here.
    Card("BZERO", 32768.0, "Offset of unsigned 16-bit data"),
    Card("BSCALE", 1.0, "Scale of the data"),
)


def frame_bytes(headers: Sequence[Sequence[Card]], pixels: Sequence[np.ndarray]) -> bytes:
    """The FITS file: one header for each HDU, without the structural cards.

    Parameters
    ----------
    headers
        Cards of the primary HDU and of the extensions. As many headers as images: the
        first image is in the primary HDU. One more: the primary HDU has no pixels.
    pixels
        uint16 images, (rows, columns).
    """
    empty_primary = len(headers) > len(pixels)
    parts: list[bytes] = []
    for number, cards in enumerate(headers):
        image = None if empty_primary and number == 0 else pixels[number - empty_primary]
        parts.append(header_bytes([*_structure(image, primary=number == 0), *cards]))
        if image is not None:
            parts.append(_big_endian(image))
    return b"".join(parts)


def _structure(image: np.ndarray | None, *, primary: bool) -> list[Card]:
    first = (
        Card("SIMPLE", value=True, comment="Standard FITS")
        if primary
        else Card("XTENSION", "IMAGE", "FITS image extension")
    )
    if image is None:
        return [first, Card("BITPIX", 8), Card("NAXIS", 0, "No pixels here"), _COMMENTS[0]]
    rows, columns = image.shape
    size = [
        Card("BITPIX", 16, "Bits per pixel"),
        Card("NAXIS", 2, "Number of axes"),
        Card("NAXIS1", columns, "Pixels along X"),
        Card("NAXIS2", rows, "Pixels along Y"),
    ]
    if primary:
        return [first, *size, *_COMMENTS]
    return [first, *size, Card("PCOUNT", 0), Card("GCOUNT", 1), *_COMMENTS[1:]]


def _big_endian(image: np.ndarray) -> bytes:
    """Pixels as FITS stores unsigned integers: shifted by 32768, which flips the top bit."""
    data = np.bitwise_xor(image, np.uint16(0x8000)).astype(">u2").tobytes()
    return data + bytes(-len(data) % _BLOCK)


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
