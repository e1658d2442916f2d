"""Headers of all HDUs of a file, and what one pass over its bytes can tell.

`scan` skips the data; `inspect` reads every byte once and gives the fingerprint,
the headers and the proof that the file is whole.

What is whole: every header ends, every declared byte of data is there, and all
checksums that are written agree. Two harmless flaws are tolerated and remarked: the
last block is not filled up to 2880 bytes; blocks of zeros or blanks follow the last
HDU. Anything else behind the last HDU means that the file is not what was written.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass

from vltflow.core.errors import UnreadableFile
from vltflow.fits.cards import parse_header
from vltflow.fits.checksum import ALL_ONES, ones_complement_sum
from vltflow.fits.header import Header
from vltflow.fits.streams import open_stream
from vltflow.fits.structure import BLOCK, data_length, padded
from vltflow.fits.unpacked import is_compressed_image, unpacked_headers

_END = b"END" + b" " * 77
_CARD = 80
_PRINTABLE = bytes(range(0x20, 0x7F))
_TOLERATED_BAD_BYTES = 80
"""In a block of a header; more means that this is no header."""
_CHUNK = BLOCK * 192
_FETCH = "Fetch the file again from the archive"


@dataclass(frozen=True, slots=True)
class Inspection:
    """What one pass over the bytes of a file tells."""

    headers: tuple[Header, ...]
    """Of all HDUs; compressed images (``.fz``) as the images that they hold."""
    fingerprint: str
    """SHA-256 of the file after gzip or compress was undone, 64 hex digits."""
    size: int
    """Bytes on disk."""
    unpacked_size: int
    """Bytes after gzip or compress was undone."""
    checksums: int
    """Number of DATASUM and CHECKSUM cards that were verified."""
    compressed_images: bool
    """Whether images in it are compressed within FITS (``.fz``)."""
    remarks: tuple[str, ...]
    """Harmless flaws."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One HDU as it lies in the file."""

    header: Header
    """As it stands in the file."""
    header_start: int
    data_start: int
    data_length: int
    """Without padding."""


def scan(path: str | os.PathLike[str]) -> tuple[Header, ...]:
    """Headers of all HDUs; of plain files the data are skipped.

    Raises
    ------
    UnreadableFile
        If the file cannot be read, is not FITS, or is not whole.
    InvalidHeader
        If a header does not tell the size of its data.
    """
    return unpacked_headers([unit.header for unit in units(path)])


def units(path: str | os.PathLike[str]) -> tuple[Unit, ...]:
    """All HDUs with their places in the (unpacked) file; raises as `scan`."""
    with open_stream(path) as (stream, size):
        source = _Bytes(stream) if size is None else _Places(stream, size)
        return tuple(_Pass(source, os.fspath(path)).units())


def units_of(content: io.BytesIO, shown: str) -> tuple[Unit, ...]:
    """All HDUs of a file in memory, called `shown` in messages; raises as `scan`."""
    content.seek(0)
    return tuple(_Pass(_Places(content, content.getbuffer().nbytes), shown).units())


def inspect(path: str | os.PathLike[str], *, verify: bool = True) -> Inspection:
    """Fingerprint, headers and wholeness of a file, in one pass over its bytes.

    Parameters
    ----------
    path : str or path-like
        A FITS file, perhaps packed by gzip or compress.
    verify : bool
        Whether DATASUM and CHECKSUM cards are verified where they are present.

    Raises
    ------
    UnreadableFile
        If the file cannot be read, is not FITS, is not whole, or changed meanwhile.
    InvalidHeader
        If a header does not tell the size of its data.
    """
    shown = os.fspath(path)
    with open_stream(path) as (stream, _):
        before = os.stat(path)  # noqa: PTH116 - called for each file of a night
        source = _HashedBytes(stream)
        whole = _Pass(source, shown, verify=verify)
        headers = [unit.header for unit in whole.units()]
        after = os.stat(path)  # noqa: PTH116
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise UnreadableFile(
            f"{shown}: the file changed while it was read",
            hint="Wait until its transfer is complete, then ingest it again",
        )
    return Inspection(
        unpacked_headers(headers),
        source.digest.hexdigest(),
        after.st_size,
        source.position,
        whole.checksums,
        any(map(is_compressed_image, headers)),
        tuple(whole.remarks),
    )


class _Bytes:
    """A stream that is read from begin to end."""

    def __init__(self, stream: io.BufferedIOBase) -> None:
        self._stream = stream
        self._buffer: memoryview = memoryview(b"")
        self.position = 0

    def block(self) -> bytes:
        """The next block; shorter at the end."""
        block = self._stream.read(BLOCK)
        self.position += len(block)
        return block

    def digest_header(self, raw: bytes) -> None:
        """Take note of a whole header."""

    def pass_over(self, length: int, *, summed: bool) -> tuple[int, int]:
        """Go on by `length` bytes; how many there were, and their ones-complement sum."""
        there, total = 0, 0
        if len(self._buffer) < min(length, _CHUNK):
            self._buffer = memoryview(bytearray(min(length, _CHUNK)))
        while there < length:
            part = self._buffer[: min(_CHUNK, length - there)]
            count = self._stream.readinto(part)
            if not count:
                break
            part = part[:count]
            if count % 4 and there + count < length:
                # Unpackers may give less than asked for: complete the word for the sum.
                part = memoryview(bytes(part) + self._stream.read(-count % 4))
            there += len(part)
            self._take(part)
            if summed:
                total = ones_complement_sum(part, total)
        self.position += there
        return there, total

    def _take(self, part: memoryview) -> None:
        pass


class _HashedBytes(_Bytes):
    """A stream whose bytes are hashed on the way."""

    def __init__(self, stream: io.BufferedIOBase) -> None:
        super().__init__(stream)
        self.digest = hashlib.sha256()

    def digest_header(self, raw: bytes) -> None:
        self.digest.update(raw)

    def _take(self, part: memoryview) -> None:
        self.digest.update(part)


class _Places(_Bytes):
    """A plain file of which only the headers are read."""

    def __init__(self, stream: io.BufferedIOBase, size: int) -> None:
        self._stream = stream
        self._size = size
        self.position = 0

    def pass_over(self, length: int, *, summed: bool) -> tuple[int, int]:  # noqa: ARG002
        there = min(length, self._size - self.position)
        self._stream.seek(there, os.SEEK_CUR)
        self.position += there
        return there, 0


class _Pass:
    """One walk over the HDUs of a source."""

    def __init__(self, source: _Bytes, path: str, *, verify: bool = False) -> None:
        self._source = source
        self._path = path
        self._verify = verify
        self.remarks: list[str] = []
        self.checksums = 0

    def units(self) -> Iterator[Unit]:
        """Each HDU, once its data were passed and found whole."""
        number = 0
        while (unit := self._unit(number)) is not None:
            yield unit
            number += 1

    def _unit(self, number: int) -> Unit | None:
        start = self._source.position
        first = self._source.block()
        if number and not first.startswith(b"XTENSION="):
            if first:
                self._expect_filling(first, number)
            return None
        if not number and not first.startswith(b"SIMPLE  ="):
            raise UnreadableFile(f"{self._path}: this is not a FITS file ({_looks_like(first)})")
        where = f"{self._path}: HDU {number}"
        raw, end = self._header(first, where)
        self._source.digest_header(raw)
        header = parse_header(_text(raw[:end]))
        length = data_length(header, where)
        data_start = self._source.position
        self._data(header, length, where, raw)
        return Unit(header, start, data_start, length)

    def _header(self, block: bytes, where: str) -> tuple[bytes, int]:
        """All blocks of a header, and where its END card begins."""
        blocks = [block]
        while (end := _end_card(block)) < 0:
            if len(block) < BLOCK:
                raise UnreadableFile(
                    f"{where}: the file ends within the header, without an END card", hint=_FETCH
                )
            if len(block.translate(None, _PRINTABLE)) > _TOLERATED_BAD_BYTES:
                raise UnreadableFile(
                    f"{where}: the header is damaged or has no END card:"
                    f" bytes that are no text in its block {len(blocks)}",
                    hint=_FETCH,
                )
            block = self._source.block()
            blocks.append(block)
        if len(block) < BLOCK:
            self.remarks.append("the last block is not filled up to 2880 bytes")
        return b"".join(blocks), (len(blocks) - 1) * BLOCK + end

    def _data(self, header: Header, length: int, where: str, raw: bytes) -> None:
        verified = [name for name in ("DATASUM", "CHECKSUM") if _is_set(header.get(name))]
        summed = self._verify and bool(verified)
        there, total = self._source.pass_over(padded(length), summed=summed)
        if there < length:
            raise UnreadableFile(
                f"{where}: truncated: the header declares {length:,} bytes of data,"
                f" the file has {there:,} of them",
                hint=_FETCH,
            )
        if there < padded(length):
            self.remarks.append("the last block is not filled up to 2880 bytes")
        if summed:
            self._compare(header, total, ones_complement_sum(raw, total), where)
            self.checksums += len(verified)

    def _compare(self, header: Header, data_sum: int, whole_sum: int, where: str) -> None:
        written = header.get("DATASUM")
        if _is_set(written) and str(written).strip() != str(data_sum):
            raise UnreadableFile(
                f"{where}: the data are damaged: DATASUM is {written}, but the data add up to"
                f" {data_sum}",
                hint=_FETCH,
            )
        if _is_set(header.get("CHECKSUM")) and whole_sum not in (0, ALL_ONES):
            raise UnreadableFile(
                f"{where}: header or data were changed after CHECKSUM was written",
                hint=_FETCH,
            )

    def _expect_filling(self, block: bytes, number: int) -> None:
        """Pass over zeros or blanks behind the last HDU; refuse anything else."""
        begin = self._source.position - len(block)
        while block:
            if block.strip(b"\0 "):
                raise UnreadableFile(
                    f"{self._path}: behind HDU {number - 1}, at byte {begin:,}, follows something"
                    " that is no FITS extension",
                    hint=_FETCH,
                )
            self._source.digest_header(block)
            block = self._source.block()
        self.remarks.append(f"{self._source.position - begin:,} filling bytes follow the last HDU")


_QUESTION_MARKS = dict.fromkeys((*range(0x20), *range(0x7F, 0x100)), "?")


def _text(raw: bytes) -> str:
    """Cards as text; bytes that FITS does not allow in headers become question marks."""
    text = raw.decode("latin-1")
    return text.translate(_QUESTION_MARKS) if raw.translate(None, _PRINTABLE) else text


def _end_card(block: bytes) -> int:
    """Where the END card begins in a block; -1 if it is not there."""
    place = block.find(_END)
    while place > 0 and place % _CARD:
        place = block.find(_END, place + 1)
    return place


def _is_set(value: object) -> bool:
    return value is not None and value != ""


def _looks_like(first: bytes) -> str:
    if first.lstrip()[:1] == b"<":
        return "it looks like a web page: perhaps an error message of the server"
    if not first.strip(b"\0"):
        return "it begins with zeros: perhaps its transfer never ended"
    return f"it begins with {first[:16]!r} instead of SIMPLE"
