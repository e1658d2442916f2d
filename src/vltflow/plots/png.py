"""PNG pictures of 256 colours: W3C, Portable Network Graphics (third edition), 2025."""

from __future__ import annotations

import struct
import zlib

import numpy as np

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PALETTE_COLOURS = 3


def palette_png(indices: np.ndarray, palette: np.ndarray) -> bytes:
    """A picture whose pixels are numbers of colours.

    Parameters
    ----------
    indices : ndarray of uint8, shape (rows, columns)
        The first row is the uppermost.
    palette : ndarray of uint8, shape (n <= 256, 3)
        Red, green and blue of each colour.
    """
    rows, columns = indices.shape
    lines = np.zeros((rows, columns + 1), dtype=np.uint8)  # each line begins with "no filter"
    lines[:, 1:] = indices
    header = struct.pack(">IIBBBBB", columns, rows, 8, _PALETTE_COLOURS, 0, 0, 0)
    parts = (
        (b"IHDR", header),
        (b"PLTE", np.ascontiguousarray(palette, dtype=np.uint8).tobytes()),
        (b"IDAT", zlib.compress(lines.tobytes(), 6)),
        (b"IEND", b""),
    )
    return _SIGNATURE + b"".join(_chunk(kind, content) for kind, content in parts)


def _chunk(kind: bytes, content: bytes) -> bytes:
    checked = kind + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))
