"""Whether two files of one name hold the same frame in different packing.

A ``.fz`` file has other bytes than the plain frame. It is the same frame if the
headers say the same and the pixels are equal.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from vltflow.core.errors import DataError
from vltflow.fits import FitsValue, RawImage, inspect, materialise
from vltflow.ingest.reading import Reading
from vltflow.records import RawFrame
from vltflow.store import Store, unpack_headers

_OF_THE_PACKING = frozenset({"CHECKSUM", "DATASUM", "PCOUNT", "GCOUNT", "EXTEND", "BLANK"})
_ROWS = 512

Headers = Sequence[Mapping[str, FitsValue]]


class Comparisons:
    """Answers whether a new file is an earlier frame in other packing; remembers them.

    Parameters
    ----------
    store : Store
        Has the headers of earlier frames.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._answers: dict[tuple[str, str], bool] = {}

    def same(self, reading: Reading, earlier: RawFrame, batch: Mapping[str, Reading]) -> bool:
        """Whether `reading` is `earlier` in other packing.

        Parameters
        ----------
        reading : Reading
            A new file that bears the name of `earlier`.
        earlier : RawFrame
            A frame with another fingerprint.
        batch : mapping
            Readings by frame_id that are not in the store yet.
        """
        pair = (reading.frame.frame_id, earlier.frame_id)
        if pair not in self._answers:
            self._answers[pair] = self._compare(reading, earlier, batch)
        return self._answers[pair]

    def _compare(self, reading: Reading, earlier: RawFrame, batch: Mapping[str, Reading]) -> bool:
        if not (reading.compressed_images or _is_compressed(earlier.location)):
            return False
        new = unpack_headers(reading.headers)
        if earlier.frame_id in batch:
            old = unpack_headers(batch[earlier.frame_id].headers)
        else:
            with self._store.read() as tx:
                old = tx.frames.headers(earlier.frame_id)
        if not same_headers(new, old):
            return False
        return same_data_sums(new, old) or same_pixels(
            reading.frame.location, earlier.location, image_numbers(new)
        )


def same_headers(first: Headers, second: Headers) -> bool:
    """Whether two frames have equal keywords, but for those that describe the packing."""
    return len(first) == len(second) and all(
        _compared(one) == _compared(other) for one, other in zip(first, second, strict=True)
    )


def same_data_sums(first: Headers, second: Headers) -> bool:
    """Whether every image of both frames bears a DATASUM and they agree."""
    numbers = image_numbers(first)
    return bool(numbers) and all(
        first[number].get("DATASUM")
        and str(first[number].get("DATASUM")) == str(second[number].get("DATASUM"))
        for number in numbers
    )


def same_pixels(first: str, second: str, images: Sequence[int]) -> bool:
    """Whether two files have equal pixels in the HDUs `images`; false if one is unreadable."""
    with tempfile.TemporaryDirectory(prefix="vltflow-compare-") as folder:
        try:
            plain = [materialise(path, folder) for path in (first, second)]
            return all(_equal(plain[0], plain[1], number) for number in images)
        except DataError:
            return False


def image_numbers(headers: Headers) -> list[int]:
    """Numbers of the HDUs that hold pixels."""
    return [number for number, header in enumerate(headers) if header.get("NAXIS")]


def _is_compressed(location: str) -> bool:
    """Whether a file holds compressed images; false if it is gone."""
    try:
        return inspect(location, verify=False).compressed_images
    except DataError:
        return False


def _compared(header: Mapping[str, FitsValue]) -> dict[str, FitsValue]:
    return {key: value for key, value in header.items() if key not in _OF_THE_PACKING}


def _equal(first: Path, second: Path, number: int) -> bool:
    with RawImage(first, number) as one, RawImage(second, number) as other:
        return one.shape == other.shape and all(
            np.array_equal(
                one.rows(start, start + _ROWS), other.rows(start, start + _ROWS), equal_nan=True
            )
            for start in range(0, one.shape[0], _ROWS)
        )
