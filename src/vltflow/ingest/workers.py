"""Reading on several cores, in order, with bounded memory.

Large files are read by threads: hashing, summing and unpacking let other threads run.
Small ones, where parsing takes the time, are read by processes once there are enough
of them to be worth the second that a process takes to start.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from vltflow.core.helpers import Helpers
from vltflow.ingest.reading import Reading, read_files
from vltflow.ingest.walk import Found
from vltflow.instruments.model import InstrumentFile
from vltflow.records import Quarantined

_FILES_A_PIECE = 64
_BYTES_A_PIECE = 1 << 25
_LARGE_FILE = 1 << 20
"""Mean size in bytes from which threads do better than processes."""
_WORTH_PROCESSES = 1500
"""Number of small files from which processes do better than none."""

Result = Reading | Quarantined
Definitions = Sequence[InstrumentFile]


def read_all(
    files: Sequence[Found], definitions: Definitions, workers: int | None = None
) -> Iterator[Result]:
    """Frame or refusal of each file, in their order.

    Parameters
    ----------
    files : sequence of Found
    definitions : sequence of InstrumentFile
        Instruments whose frames are accepted.
    workers : int, optional
        Number of threads or processes; by default one a core.

    Raises
    ------
    VltflowError
        If a reading process dies.
    """
    count = workers or _cores()
    pieces = _pieces(files)
    if count > 1 and sum(file.size for file in files) >= _LARGE_FILE * len(files) > 0:
        yield from _by_threads(pieces, definitions, count)
    elif count > 1 and (workers or len(files) >= _WORTH_PROCESSES):
        yield from _by_processes(pieces, definitions, count)
    else:
        for piece in pieces:
            yield from read_files(piece, definitions)


def _by_threads(
    pieces: Iterator[list[Found]], definitions: Definitions, count: int
) -> Iterator[Result]:
    pool = ThreadPoolExecutor(count, "ingest")
    waiting: deque[Future[list[Result]]] = deque()
    try:
        for piece in pieces:
            waiting.append(pool.submit(read_files, piece, definitions))
            if len(waiting) > 2 * count:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _by_processes(
    pieces: Iterator[list[Found]], definitions: Definitions, count: int
) -> Iterator[Result]:
    with Helpers("vltflow.ingest.reader", definitions, count) as helpers:
        for _, results in helpers.map(pieces):
            yield from results


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _pieces(files: Sequence[Found]) -> Iterator[list[Found]]:
    piece: list[Found] = []
    length = 0
    for file in files:
        piece.append(file)
        length += file.size
        if len(piece) == _FILES_A_PIECE or length >= _BYTES_A_PIECE:
            yield piece
            piece, length = [], 0
    if piece:
        yield piece
