"""The ``.Z`` format of compress(1), in which ESO's archive delivers older raw frames.

Welch, T. A. 1984, Computer 17(6), 8, as the compress program writes it: two magic
bytes, a byte with the largest code width (and 0x80 for "block mode"), then codes of
9 bits and more, lowest bit first. Code 256 empties the table in block mode. The
encoder writes codes in groups of eight; when the width changes, the rest of the
group is padding and must be skipped.
"""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

import numba
import numpy as np

from vltflow.fits.streams import DamagedPacking

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAGIC = b"\x1f\x9d"
_BLOCK_MODE = 0x80
_CLEAR = 256
_INITIAL_WIDTH = 9
_LARGEST_WIDTH = 16
_CHUNK = 1 << 18

# What the decoder remembers between two calls, as places in one integer array.
_POSITION, _WIDTH, _NEXT, _PREVIOUS, _FIRST, _PENDING, _GROUP_START, _STATUS = range(8)
_FINE, _DAMAGED = 0, 1


class LzwReader(io.RawIOBase):
    """Binary stream of the uncompressed bytes of a ``.Z`` file.

    Parameters
    ----------
    path : str or path-like
        The compressed file; its compressed bytes are held in memory while it is read.

    Raises
    ------
    DamagedPacking
        On opening or reading, if the file is no ``.Z`` file or is damaged.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        with open(path, "rb") as file:  # noqa: PTH123 - any path-like
            content = file.read()
        if len(content) < 3 or content[:2] != MAGIC:
            raise DamagedPacking("no compress (.Z) file")
        self._largest = content[2] & 0x1F
        if not _INITIAL_WIDTH <= self._largest <= _LARGEST_WIDTH:
            raise DamagedPacking(f"impossible code width {self._largest}")
        self._block_mode = bool(content[2] & _BLOCK_MODE)
        self._codes = np.frombuffer(content, np.uint8)[3:]
        self._prefix = np.zeros(1 << _LARGEST_WIDTH, np.int32)
        self._suffix = np.zeros(1 << _LARGEST_WIDTH, np.uint8)
        self._suffix[:256] = np.arange(256)
        self._stack = np.zeros(1 << _LARGEST_WIDTH, np.uint8)
        self._state = np.zeros(8, np.int64)
        self._state[_WIDTH] = _INITIAL_WIDTH
        self._state[_NEXT] = 257 if self._block_mode else 256
        self._state[_PREVIOUS] = -1

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Number of bytes put into `buffer`; 0 at the end."""
        output = np.frombuffer(memoryview(buffer), np.uint8)
        tables = (self._prefix, self._suffix, self._stack)
        count = _decode(self._codes, output, self._state, tables, (self._largest, self._block_mode))
        if self._state[_STATUS] == _DAMAGED:
            raise DamagedPacking("damaged LZW data")
        return int(count)


def open_lzw(path: str | os.PathLike[str]) -> io.BufferedReader:
    """Buffered stream of the uncompressed bytes of a ``.Z`` file."""
    return io.BufferedReader(LzwReader(path), _CHUNK)


@numba.njit(cache=True, nogil=True)
def _decode(codes, output, state, tables, mode):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, C901, PLR0912, PLR0915 - one loop, compiled
    """Fill `output` from where `state` says; number of bytes written."""
    prefix, suffix, stack = tables
    largest, block_mode = mode
    position, width, following = state[_POSITION], state[_WIDTH], state[_NEXT]
    previous, first, pending = state[_PREVIOUS], state[_FIRST], state[_PENDING]
    group_start, total_bits = state[_GROUP_START], codes.size * 8
    size, written = output.size, 0
    while True:
        # The last string may not have fitted into the output; it waits on the stack.
        while pending > 0 and written < size:
            pending -= 1
            output[written] = stack[pending]
            written += 1
        if written == size or position + width > total_bits:
            break
        byte = position >> 3
        bits = np.int64(codes[byte]) | (np.int64(codes[byte + 1]) << 8)
        if byte + 2 < codes.size:
            bits |= np.int64(codes[byte + 2]) << 16
        code = (bits >> (position & 7)) & ((1 << width) - 1)
        position += width
        if code == _CLEAR and block_mode:
            # Nothing may refer to the emptied table; the rest of the group is padding.
            position = _next_group(position, group_start, width)
            group_start, width, following, previous = position, _INITIAL_WIDTH, 257, -1
            continue
        if previous < 0:
            if code > 255:
                state[_STATUS] = _DAMAGED
                break
            first = code
            stack[0] = code
            pending = 1
        else:
            if code > following or (code == following and following >= (1 << largest)):
                state[_STATUS] = _DAMAGED
                break
            current = code
            if code == following:
                stack[0] = first
                pending = 1
                current = previous
            while current > 255:
                stack[pending] = suffix[current]
                pending += 1
                current = prefix[current]
            first = current
            stack[pending] = current
            pending += 1
            if following < (1 << largest):
                prefix[following] = previous
                suffix[following] = first
                following += 1
        previous = code
        if following == (1 << width) and width < largest:
            position = _next_group(position, group_start, width)
            group_start = position
            width += 1
    state[_POSITION], state[_WIDTH], state[_NEXT] = position, width, following
    state[_PREVIOUS], state[_FIRST], state[_PENDING] = previous, first, pending
    state[_GROUP_START] = group_start
    return written


@numba.njit(cache=True, nogil=True)
def _next_group(position, group_start, width):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - compiled
    """First bit after the group of eight codes that holds the code before `position`."""
    group = 8 * width
    return group_start + (position - group_start + group - 1) // group * group
