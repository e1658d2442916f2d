"""How listings and messages leave the program: tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

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
_PIPE_WIDTH = 400  # a table that goes into a pipe is not cut to the width of a screen
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
    """Print a listing: as JSON a list of objects whose keys are the column names."""
    if as_json:
        print_json([{column: row[column] for column in columns} for row in rows])
        return
    if not rows:
        if empty:
            messages().print(empty)
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(
            column.replace("_", " "), overflow="fold", no_wrap=column in {"ab", "score"}
        )
    for row in rows:
        table.add_row(*(_cell(row[column]) for column in columns))
    out = console()
    with out.capture() as captured:
        out.print(table)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


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
