"""Which files to read, always in the same order."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from vltflow.core.errors import UnreadableFile, UserError
from vltflow.fits import SUFFIXES, has_suffix


@dataclass(frozen=True, slots=True)
class Found:
    """A file to read, or one that is refused for its name or its folder."""

    location: str
    """Absolute path."""
    size: int = 0
    refusal: str = ""


def find_files(paths: Iterable[str | os.PathLike[str]]) -> list[Found]:
    """Files of all `paths`, each once: folders recursively, by name, linked folders too.

    Within folders only names that end as FITS files do count, and none that begin
    with a dot. A file that is named itself and ends otherwise is refused aloud.

    Raises
    ------
    UserError
        If one of the paths does not exist.
    """
    found: dict[str, Found] = {}
    for path in paths:
        absolute = os.path.abspath(path)  # noqa: PTH100 - keeps symbolic links as given
        if not Path(absolute).exists():
            raise UserError(f"{absolute}: no such file or folder", hint="Check the spelling")
        entries = _walk(absolute) if Path(absolute).is_dir() else _single(absolute)
        for entry in entries:
            found.setdefault(entry.location, entry)
    return list(found.values())


def _single(path: str) -> Iterator[Found]:
    if has_suffix(path):
        yield Found(path, _size(path))
    else:
        endings = ", ".join(SUFFIXES[:-1]) + ", .fits.Z"
        yield Found(
            path,
            _size(path),
            refusal=f"{path}: its name does not end in any of {endings}. Rename it if it is FITS",
        )


def _walk(folder: str) -> Iterator[Found]:
    closed: list[OSError] = []
    seen = {os.path.realpath(folder)}  # a link may lead back to a folder above it
    for place, folders, names in os.walk(folder, onerror=closed.append, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        folders[:] = [name for name in folders if _is_new(f"{place}/{name}", seen)]
        for name in sorted(names):
            if has_suffix(name) and not name.startswith("."):
                path = f"{place}/{name}"
                yield Found(path, _size(path))
    for error in closed:
        yield Found(
            str(error.filename),
            refusal=f"{error.filename}: the folder cannot be read ({error.strerror})."
            " Give the user of this site the right to read it",
        )


def _is_new(folder: str, seen: set[str]) -> bool:
    real = os.path.realpath(folder)
    known = real in seen
    seen.add(real)
    return not known


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116 - called for each file of a night
    except OSError:
        return 0  # the reader finds out why and says so


REFUSAL_CODE = UnreadableFile.code
