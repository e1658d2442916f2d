"""Work on an image by blocks of rows, on a few threads, in bounded memory."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Result = TypeVar("Result")

SMALLEST_BLOCK = 8
LARGEST_BLOCK = 128


def row_blocks(rows: int, row_bytes: int, *, budget: int, threads: int) -> list[tuple[int, int]]:
    """Cut an image into blocks of rows so that all blocks in work fit a memory budget.

    Parameters
    ----------
    rows
        Rows of the image.
    row_bytes
        Bytes that one row costs while its block is in work: all frames, all copies.
    budget
        Bytes that all threads together may use.
    threads
        Blocks in work at the same time.

    Returns
    -------
    list of (start, stop)
        Between 8 and 128 rows each (the last may be shorter), and at least one a thread
        where the image has the rows for it.
    """
    affordable = budget // max(1, threads * row_bytes)
    shared = -(-rows // max(1, threads))
    size = max(1, min(max(SMALLEST_BLOCK, affordable), LARGEST_BLOCK, shared))
    return [(start, min(start + size, rows)) for start in range(0, rows, size)]


def shares(rows: int, threads: int) -> list[tuple[int, int]]:
    """Cut an image into as many blocks as threads: for work that keeps no rows in memory."""
    size = max(1, -(-rows // max(1, threads)))
    return [(start, min(start + size, rows)) for start in range(0, rows, size)]


def over_blocks(
    function: Callable[[int, int], Result], blocks: Sequence[tuple[int, int]], *, threads: int
) -> list[Result]:
    """Call a function for each block and give the results in the order of the blocks.

    The first exception of a block is raised; blocks that have not begun are given up.
    """
    if threads <= 1 or len(blocks) <= 1:
        return [function(start, stop) for start, stop in blocks]
    with ThreadPoolExecutor(max_workers=threads) as pool:
        pending = [pool.submit(function, start, stop) for start, stop in blocks]
        try:
            return [future.result() for future in pending]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
