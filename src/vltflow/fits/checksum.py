"""The FITS checksum: a 32-bit ones-complement sum, and its coding as 16 characters.

FITS standard 4.0, section 4.4.2.7 and appendix J.
"""

from __future__ import annotations

import numpy as np

ALL_ONES = 0xFFFF_FFFF
"""Sum of a whole HDU with a valid CHECKSUM (minus zero)."""

_PUNCTUATION = frozenset(b":;<=>?@[\\]^_`")
_ZERO = 0x30


def ones_complement_sum(data: bytes | bytearray | memoryview | np.ndarray, start: int = 0) -> int:
    """32-bit ones-complement sum of big-endian words, added to `start`.

    Parameters
    ----------
    data : buffer
        Bytes; what lacks to a multiple of four counts as zeros.
    start : int
        Sum of what came before.

    Returns
    -------
    int
        0 .. 2**32 - 1.
    """
    raw = np.frombuffer(data, np.uint8)
    whole = raw.size & ~3
    # 64 bits hold the sum of 2**32 words: the carries are folded back once, at the end.
    total = start + int(raw[:whole].view(">u4").sum(dtype=np.uint64))
    if whole < raw.size:
        total += int.from_bytes(raw[whole:].tobytes().ljust(4, b"\0"), "big")
    while total > ALL_ONES:
        total = (total & ALL_ONES) + (total >> 32)
    return total


def encode(total: int) -> str:
    """The 16 characters of a CHECKSUM card that make the sum of the HDU minus zero.

    Parameters
    ----------
    total : int
        Sum of the HDU while the card's value is sixteen times the character 0.
    """
    complement = ALL_ONES - total
    columns = [_four_characters(byte) for byte in complement.to_bytes(4, "big")]
    text = bytes(columns[byte][place] for place in range(4) for byte in range(4))
    # The value starts in column 12, one byte after a word boundary: rotate to fit.
    return (text[-1:] + text[:-1]).decode("ascii")


def _four_characters(byte: int) -> list[int]:
    """Four letters or digits whose offsets from the digit zero add up to `byte`."""
    quotient, remainder = divmod(byte, 4)
    characters = [
        _ZERO + quotient + remainder,
        _ZERO + quotient,
        _ZERO + quotient,
        _ZERO + quotient,
    ]
    # Moving one up and its partner down keeps the sum and leaves the punctuation.
    while _PUNCTUATION.intersection(characters):
        for first in (0, 2):
            if _PUNCTUATION.intersection(characters[first : first + 2]):
                characters[first] += 1
                characters[first + 1] -= 1
    return characters
