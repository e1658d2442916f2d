"""How listings and messages leave the program: tables for people, JSON for programs."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

Record = Mapping[str, Any]
_PIPE_WIDTH = 400  # what goes into a pipe is not cut to the width of a screen
_TEXT_WIDTH = 40  # a column of sentences is not made narrower than that
_GAP = 2
_TRAILING = re.compile(r"\s+(\x1b\[0m)?$")
_LARGE = 1e4  # dates (MJD) need their decimals
_STYLES = {
    "SUCCEEDED": "green",
    "AUTO": "green",
    "ACCEPTED": "green",
    "VALID": "green",
    "green": "green",
    "FAILED": "bold red",
    "REJECTED": "red",
    "REVOKED": "red",
    "red": "bold red",
    "OK": "green",
    "NOK": "yellow",
    "MISSING": "bold red",
    "BLOCKED": "yellow",
    "PARTIAL": "yellow",
    "ABORTED": "yellow",
    "no": "yellow",
    "RUNNING": "cyan",
    "PLANNED": "cyan",
}


def console() -> Console:
    """Console on standard output; wide when it is no terminal."""
    return Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, soft_wrap=False)


def messages() -> Console:
    """Console on standard error, for what is no result; wide when it is no terminal."""
    return Console(stderr=True, width=None if sys.stderr.isatty() else _PIPE_WIDTH)


def show(rows: Sequence[Record], columns: Sequence[str], *, as_json: bool, empty: str) -> None:
    """Print a listing: as JSON a list of objects whose keys are the column names.

    In a table names stay whole, to be copied: only sentences are wrapped, where that makes it
    fit on the screen. Else a row is a line.
    """
    if as_json:
        print_json([{column: row[column] for column in columns} for row in rows])
        return
    if not rows:
        if empty:
            messages().print(empty)
        return
    titles = [column.replace("_", " ") for column in columns]
    cells = [[_cell(row[column]) for column in columns] for row in rows]
    out = console()
    widths = _widths([titles, *([cell.plain for cell in row] for row in cells)])
    room = out.width - _GAP * (len(columns) - 1) if sys.stdout.isatty() else 0
    wrapped = sum(least for _, least in widths) <= room
    if not wrapped:
        out.width = sum(longest for longest, _ in widths) + _GAP * (len(columns) - 1)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title, (longest, least) in zip(titles, widths, strict=True):
        table.add_column(title, overflow="fold", no_wrap=not wrapped or least == longest)
    for row in cells:
        table.add_row(*row)
    with out.capture() as captured:
        out.print(table)
    lines = captured.get().splitlines()
    sys.stdout.write("".join(_TRAILING.sub(r"\1", line) + "\n" for line in lines))


def _widths(rows: Sequence[Sequence[str]]) -> list[tuple[int, int]]:
    """Width of each column as it is, and the least to which its sentences may be wrapped."""
    found = []
    for column in zip(*rows, strict=True):
        longest = max(cell_len(text) for text in column)
        sentences = any(" " in text for text in column[1:])
        found.append((longest, min(longest, _TEXT_WIDTH) if sentences else longest))
    return found


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    sys.stdout.write(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def _cell(value: Any) -> Text:
    if value is None:
        return Text("")
    if isinstance(value, bool):
        value = "yes" if value else "no"
    if isinstance(value, float):
        value = f"{value:.6g}" if abs(value) < _LARGE else f"{value:.11g}"
    text = str(value)
    return Text(text, style=_STYLES.get(text.partition(":")[0], ""))


@contextmanager
def progress(title: str) -> Iterator[Callable[..., None]]:
    """Show a progress bar on standard error; gives a function (done, total[, title])."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    quiet = not sys.stderr.isatty()
    with Progress(*columns, console=messages(), transient=True, disable=quiet) as bar:
        task = bar.add_task(title, total=None)

        def tell(done: int, total: int, now: str = title) -> None:
            bar.update(task, completed=done, total=total, description=now)

        yield tell
