"""Files as streams of plain FITS bytes, whatever they are packed in.

The packing is told by the first bytes, not by the name: gzip (``.gz``), compress
(``.Z``) or nothing (``.fits``, ``.fits.fz``, whose packing lies inside FITS).
"""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path

from vltflow.core.errors import UnreadableFile

SUFFIXES = (".fits", ".fits.fz", ".fits.gz", ".fits.z")
"""Accepted endings of file names, in lower case; capitals are accepted too."""

_GZIP, _LZW = b"\x1f\x8b", b"\x1f\x9d"
_BUFFER = 1 << 17


class DamagedPacking(Exception):
    """Compressed data that cannot be unpacked; becomes `UnreadableFile` in `explained`."""


def has_suffix(name: str) -> bool:
    """Whether a file name ends as those of FITS files do (`SUFFIXES`)."""
    return name.lower().endswith(SUFFIXES)


def stem(name: str) -> str:
    """File name without folder and without its FITS suffix."""
    name = os.path.basename(name)  # noqa: PTH119 - called for each file of a night
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return name


@contextlib.contextmanager
def open_stream(path: str | os.PathLike[str]) -> Iterator[tuple[io.BufferedIOBase, int | None]]:
    """Stream of the plain FITS bytes of a file, and their number where it is known.

    Within the block, errors of the system and of the unpacking become `UnreadableFile`.

    Raises
    ------
    UnreadableFile
        If the file is missing, forbidden, no ordinary file, empty, or packed badly.
    """
    shown = os.fspath(path)
    with explained(shown), contextlib.ExitStack() as stack:
        size = _ordinary_size(shown)
        plain = stack.enter_context(io.BufferedReader(io.FileIO(shown), _BUFFER))
        magic = plain.peek(2)[:2]
        if magic == _GZIP:
            unpacked = gzip.GzipFile(fileobj=plain, mode="rb")
            yield stack.enter_context(io.BufferedReader(unpacked, _BUFFER)), None
        elif magic == _LZW:
            yield stack.enter_context(_open_lzw(shown)), None
        else:
            yield plain, size


def is_packed(path: str | os.PathLike[str]) -> bool:
    """Whether a file is packed by gzip or compress as a whole.

    Raises
    ------
    UnreadableFile
        If it cannot be read.
    """
    with explained(os.fspath(path)), Path(path).open("rb") as file:
        return file.read(2) in (_GZIP, _LZW)


@contextlib.contextmanager
def explained(path: str) -> Iterator[None]:
    """Turn errors of the system and of the unpacking into `UnreadableFile`."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile, DamagedPacking) as error:
        raise UnreadableFile(
            f"{path}: the compressed data are damaged or truncated ({error})",
            hint="Fetch the file again from the archive",
        ) from error
    except PermissionError as error:
        raise UnreadableFile(
            f"{path}: reading is not permitted", hint="Give the user of this site the right to read"
        ) from error
    except OSError as error:
        raise UnreadableFile(
            f"{path}: cannot be read ({error.strerror or error})",
            hint="Check that the file is there and its disk is well",
        ) from error


def _ordinary_size(path: str) -> int:
    status = os.stat(path)  # noqa: PTH116 - speed
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableFile(f"{path}: is no ordinary file", hint="Give a FITS file")
    if status.st_size == 0:
        raise UnreadableFile(
            f"{path}: the file is empty (0 bytes)", hint="Fetch it again from the archive"
        )
    return status.st_size


def _open_lzw(path: str) -> io.BufferedIOBase:
    # numba is loaded for .Z files only: it takes longer than reading a night of headers.
    from vltflow.fits.lzw import open_lzw  # noqa: PLC0415

    return open_lzw(path)
