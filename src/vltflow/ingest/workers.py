"""Reading on several cores, in order, with bounded memory."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait

from vltflow.core.errors import VltflowError
from vltflow.ingest.reading import Reading, read_files
from vltflow.ingest.walk import Found
from vltflow.instruments.model import InstrumentFile
from vltflow.records import Quarantined

_FILES_A_PIECE = 64
_BYTES_A_PIECE = 1 << 27
_WORTH_FILES = 400
_WORTH_BYTES = 1 << 29
"""Less is read before a second process has started."""

Results = list[Reading | Quarantined]


def read_all(
    files: Sequence[Found], definitions: Sequence[InstrumentFile], workers: int | None = None
) -> Iterator[Reading | Quarantined]:
    """Frame or refusal of each file, in their order.

    Parameters
    ----------
    files : sequence of Found
    definitions : sequence of InstrumentFile
        Instruments whose frames are accepted.
    workers : int, optional
        Number of processes; by default one a core, or none where there is little to read.

    Raises
    ------
    VltflowError
        If a reading process dies.
    """
    count = _default_workers(files) if workers is None else workers
    if count <= 1:
        for piece in _pieces(files):
            yield from read_files(piece, definitions)
        return
    # Not fork: this process may hold threads and database connections.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(count, context, _leave_with_parent)
    waiting: deque[Future[Results]] = deque()
    try:
        for piece in _pieces(files):
            waiting.append(pool.submit(read_files, piece, definitions))
            if len(waiting) > 2 * count:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    except BrokenProcessPool as error:
        raise VltflowError(
            "a process that read files died (killed, or out of memory)",
            hint="What was recorded stays: ingest again to go on",
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _default_workers(files: Sequence[Found]) -> int:
    if len(files) < _WORTH_FILES and sum(file.size for file in files) < _WORTH_BYTES:
        return 1
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


def _leave_with_parent() -> None:
    """Let this worker end when its parent was killed, instead of waiting for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_exit_after, args=(parent.sentinel,), daemon=True).start()


def _exit_after(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
