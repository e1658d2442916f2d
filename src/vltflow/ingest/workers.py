"""Reading on several cores, in order, with bounded memory.

Large files are read by threads: hashing, summing and unpacking let other threads run.
Small ones, where parsing takes the time, are read by processes once there are enough
of them to be worth the second that a process takes to start.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import IO, cast

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
    """Results of processes that have one piece each, in the order of the pieces."""
    readers: deque[_Reader] = deque()
    try:
        for piece in islice(pieces, count):
            readers.append(_Reader())
            readers[-1].send(piece, definitions)
        while readers:
            reader = readers.popleft()
            results = reader.receive()
            piece = next(pieces, [])
            if piece:
                reader.send(piece, definitions)
                readers.append(reader)
            else:
                reader.close()
            yield from results
    finally:
        for reader in readers:
            reader.close()


class _Reader:
    """One reading process.

    multiprocessing would import the program's main module into each process, here the
    whole command line, and leave processes behind when this one is killed.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "vltflow.ingest.reader"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._requests = cast("IO[bytes]", self._process.stdin)
        self._answers = cast("IO[bytes]", self._process.stdout)

    def send(self, files: Sequence[Found], definitions: Definitions) -> None:
        """Let it read files; only when it has nothing else to do."""
        try:
            pickle.dump((files, definitions), self._requests, pickle.HIGHEST_PROTOCOL)
            self._requests.flush()
        except BrokenPipeError as error:
            raise self._died() from error

    def receive(self) -> list[Result]:
        """Results of the files that it was sent."""
        try:
            return cast("list[Result]", pickle.load(self._answers))  # noqa: S301 - our own process
        except (EOFError, pickle.UnpicklingError) as error:
            raise self._died() from error

    def close(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._requests, self._answers):
            try:
                pipe.close()
            except BrokenPipeError:
                continue  # what was left in the buffer is of no interest

    def _died(self) -> VltflowError:
        self.close()
        return VltflowError(
            f"a process that read files died (exit code {self._process.returncode})",
            hint="What was recorded stays: ingest again to go on",
        )


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
