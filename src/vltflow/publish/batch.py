"""Several files that are judged together, and the files that they name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from vltflow.core.errors import InvalidHeader, UnreadableFile
from vltflow.fits import Header, has_suffix, scan, stem
from vltflow.publish.document import Document, open_document


@dataclass(frozen=True, slots=True)
class Original:
    """A file that PROVi names, as far as it is known."""

    name: str
    header: Header
    """Primary header."""
    is_raw: bool
    """Whether it has no PRODCATG."""


@dataclass(frozen=True)
class Batch:
    """Files that are judged together; what is asked of one file again and again is kept."""

    documents: tuple[Document, ...]
    beside: Mapping[str, Path]
    """Files of the folders of the batch, by name."""
    originals: Mapping[str, Path]
    """Files that may be originals, by name without suffix."""
    _headers: dict[Path, Header | None] = field(default_factory=dict, repr=False)

    def named(self, name: str) -> Path | None:
        """File of this name in the batch or beside it."""
        return self.beside.get(name)

    def document(self, name: str) -> Document | None:
        """File of this name in the batch, or beside it; None if there is none, or damaged."""
        path = self.named(name)
        inside = self._by_path.get(path) if path else None
        if inside is None and path is not None:
            inside = open_document(path, now=0.0)
        return inside if inside is not None and inside.headers else None

    def header_of(self, name: str) -> Header | None:
        """Primary header of a file in the batch or beside it; None if there is none."""
        path = self.named(name)
        inside = self._by_path.get(path) if path else None
        if inside is not None:
            return inside.primary if inside.headers else None
        return self._primary(path) if path else None

    def original(self, name: str) -> Original | None:
        """The file that a PROVi names: by ARCFILE, ORIGFILE or file name; None if unknown."""
        wanted = stem(name)
        inside = self._by_any_name.get(wanted)
        if inside is not None:
            return Original(name, inside.primary, is_raw="PRODCATG" not in inside.primary)
        path = self.originals.get(wanted)
        header = self._primary(path) if path else None
        return None if header is None else Original(name, header, "PRODCATG" not in header)

    @cached_property
    def by_file_name(self) -> Mapping[str, Sequence[Document]]:
        """Documents with the same file name."""
        return _grouped(self.documents, lambda one: one.path.name)

    @cached_property
    def by_title(self) -> Mapping[str, Sequence[Document]]:
        """Spectra with the same TITLE."""
        return _grouped(self.documents, lambda one: str(one.table[1].get("TITLE") or "").strip())

    @cached_property
    def _by_path(self) -> Mapping[Path, Document]:
        return {one.path: one for one in self.documents}

    @cached_property
    def _by_any_name(self) -> Mapping[str, Document]:
        return {name: one for one in self.documents if one.headers for name in _names(one)}

    def _primary(self, path: Path) -> Header | None:
        if path not in self._headers:
            try:
                self._headers[path] = scan(path)[0]
            except (UnreadableFile, InvalidHeader):
                self._headers[path] = None  # whoever judges this file itself tells why
        return self._headers[path]


def _grouped(
    documents: Sequence[Document], name: Callable[[Document], str]
) -> Mapping[str, Sequence[Document]]:
    groups: dict[str, list[Document]] = {}
    for one in documents:
        groups.setdefault(name(one), []).append(one)
    return groups


def _names(document: Document) -> set[str]:
    given = (document.primary.get("ARCFILE"), document.primary.get("ORIGFILE"), document.path.name)
    return {stem(one) for one in given if isinstance(one, str) and one}


def make_batch(documents: Sequence[Document], originals: Iterable[Path] = ()) -> Batch:
    """Documents with what lies beside them, and the originals in files and folders.

    Parameters
    ----------
    documents : sequence of Document
        All files of the batch.
    originals : iterable of Path
        Files and folders (with all folders in them) where raw frames may be found.
    """
    folders = {one.path.parent for one in documents}
    beside = {
        path.name: path
        for folder in sorted(folders)
        if folder.is_dir()
        for path in folder.iterdir()
    }
    found = {stem(path.name): path for start in originals for path in fits_files(start)}
    return Batch(tuple(documents), beside, found)


def fits_files(start: Path) -> Iterator[Path]:
    """The file itself, or all FITS files in a folder and the folders in it, by name."""
    if not start.is_dir():
        yield start
        return
    for path in sorted(start.rglob("*")):
        if has_suffix(path.name) and path.is_file():
            yield path
