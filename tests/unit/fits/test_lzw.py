"""The decoder of compress(1) gives back what was compressed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from vltflow.fits.lzw import open_lzw
from vltflow.fits.streams import DamagedPacking

RANDOM = np.random.default_rng(3)
CONTENTS = {
    "one byte": b"a",
    "repeated": b"hello world " * 20_000,
    "zeros": bytes(100_000),
    "noise": RANDOM.bytes(300_000),
    "bias": RANDOM.normal(200, 3, 200_000).astype(">u2").tobytes(),
    "mixed": b"abc" * 30_000 + RANDOM.bytes(200_000) + b"z" * 300_000,
}


def encode(content: bytes) -> bytes:
    """LZW without ever leaving 9-bit codes: the table is emptied before it is full."""
    bits, count, group = 0, 0, 0

    def put(code: int) -> None:
        nonlocal bits, count, group
        bits |= code << count
        count += 9
        group = (group + 1) % 8

    table = {bytes([value]): value for value in range(256)}
    following, word = 257, b""
    for value in content:
        longer = word + bytes([value])
        if longer in table:
            word = longer
            continue
        put(table[word])
        table[longer] = following
        following += 1
        word = bytes([value])
        if following == 500:
            put(256)
            while group:
                put(0)
            table = {bytes([each]): each for each in range(256)}
            following = 257
    if word:
        put(table[word])
    return b"\x1f\x9d\x90" + bits.to_bytes(-(-count // 8), "little")


@pytest.mark.parametrize(
    "content", [b"", b"a", b"aaaa", b"tobeornottobe" * 9, CONTENTS["noise"][:5000]]
)
def test_own_encoding_is_undone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file.Z"
    path.write_bytes(encode(content))
    assert open_lzw(path).read() == content


@pytest.mark.parametrize("width", [10, 12, 14, 16])
@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_output_of_compress_is_undone(tmp_path: Path, content: bytes, width: int) -> None:
    if not shutil.which("compress"):
        pytest.skip("compress is not installed (Debian package ncompress)")
    command = ["compress", "-c", "-b", str(width)]
    packed = subprocess.run(command, input=content, capture_output=True, check=False)
    assert packed.returncode in {0, 2}  # 2 says that the result is longer
    path = tmp_path / "file.Z"
    path.write_bytes(packed.stdout)
    assert open_lzw(path).read() == content


def test_reading_in_small_pieces_gives_the_same(tmp_path: Path) -> None:
    content = CONTENTS["repeated"][:9000]
    path = tmp_path / "file.Z"
    path.write_bytes(encode(content))
    stream = open_lzw(path).raw
    pieces = []
    while piece := stream.read(7):
        pieces.append(piece)
    assert b"".join(pieces) == content


@pytest.mark.parametrize(
    "content", [b"\x1f\x9d", b"\x1f\x8b\x90abc", b"\x1f\x9d\x9fabc", b"\x1f\x9d\x90" + b"\xff" * 9]
)
def test_damaged_data_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file.Z"
    path.write_bytes(content)
    with pytest.raises(DamagedPacking):
        open_lzw(path).read()
