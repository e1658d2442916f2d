"""Reading on several cores, in order, with bounded memory.

Large files are read by threads: hashing, summing and unpacking let other threads run.
Small ones, where parsing takes the time, are read by processes once there are enough
of them to be worth the second that a process takes to start.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait

from vltflow.core.errors import VltflowError
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
        Number of threads or processes; by default one a core.

    Raises
    ------
    VltflowError
        If a reading process dies.
    """
    pool = _pool(files, workers)
    if pool is None:
        for piece in _pieces(files):
            yield from read_files(piece, definitions)
        return
    waiting: deque[Future[Results]] = deque()
    try:
        for piece in _pieces(files):
            waiting.append(pool.submit(read_files, piece, definitions))
            if len(waiting) > 2 * (workers or _cores()):
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


def _pool(files: Sequence[Found], workers: int | None) -> Executor | None:
    """Who reads; None stands for the caller itself."""
    count = workers or _cores()
    if count == 1 or not files:
        return None
    if sum(file.size for file in files) >= _LARGE_FILE * len(files):
        return ThreadPoolExecutor(count, "ingest")
    if workers is None and len(files) < _WORTH_PROCESSES:
        return None
    # Not fork: this process may hold threads and database connections.
    return ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _leave_with_parent)


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


def _leave_with_parent() -> None:
    """Let this worker end when its parent was killed, instead of waiting for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_exit_after, args=(parent.sentinel,), daemon=True).start()


def _exit_after(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
