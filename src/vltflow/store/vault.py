"""The vault: bytes by identifier, written once, checked when read.

The identifier of a file is the SHA-256 of its bytes, its address is
``ab/cdef...``. A file appears under its address whole or not at all: it is
written under a temporary name in ``incoming/``, flushed and renamed.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from vltflow.core.errors import NotFound, VaultError
from vltflow.store.shelves import LocalShelf, RemoteShelf, copy_hashed, hash_of

_REASONS = {
    errno.ENOSPC: "the disk is full; free some space and start again",
    errno.EDQUOT: "the disk quota is used up; free some space and start again",
    errno.EFBIG: "it is larger than the disk or a limit of this user allows",
    errno.EROFS: "it is mounted read-only",
    errno.EACCES: "this user may not do that there",
    errno.EPERM: "this user may not do that there",
}
_ID = re.compile(r"[0-9a-f]{64}")


class Vault:
    """Files by SHA-256 under any fsspec URL.

    Parameters
    ----------
    url
        Folder or fsspec URL (``s3://...``, ``memory://...``).

    Raises
    ------
    VaultError
        If there is no driver for the URL.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._checked: dict[str, tuple[int, int, int]] = {}
        self._shelf = _shelf(url)

    def put_file(self, path: Path, *, file_id: str = "") -> str:
        """Keep a copy of a local file; gives its identifier.

        Raises
        ------
        VaultError
            If it cannot be kept, or its bytes are not the ones that `file_id` promises.
        """
        with self._explained(f"{path} could not be kept"), path.open("rb", buffering=0) as source:
            found = self._keep(source, path.stat().st_size, file_id)
        if not found:
            raise VaultError(f"{path} has not the bytes with SHA-256 {file_id} as promised")
        return found

    def put_bytes(self, content: bytes) -> str:
        """Keep bytes; gives their identifier.

        Raises
        ------
        VaultError
            If they cannot be kept.
        """
        file_id = hashlib.sha256(content).hexdigest()
        with self._explained("bytes could not be kept"):
            if self._shelf.holds(file_id, len(content)):
                return file_id
            return self._shelf.keep(io.BytesIO(content), file_id)

    def move_file(self, path: Path) -> str:
        """Keep a local file that is complete and nobody needs any more where it is.

        On the disk of a local vault it is renamed, so that its bytes are not written twice.
        Afterwards there is nothing at `path`; gives its identifier.

        Raises
        ------
        VaultError
            If it cannot be kept; then it stays at `path`.
        """
        with self._explained(f"{path} could not be kept"):
            adopted = self._shelf.adopt(path) if isinstance(self._shelf, LocalShelf) else ""
            if not adopted:
                adopted = self.put_file(path)
                path.unlink()
        return adopted

    def get_bytes(self, file_id: str) -> bytes:
        """Bytes of a file, checked against its identifier.

        Raises
        ------
        NotFound
            If there is no such file.
        VaultError
            If it is damaged or cannot be read.
        """
        with self._found(file_id), self._shelf.open(file_id) as source:
            content = source.read()
        self._compare(file_id, hashlib.sha256(content).hexdigest())
        return content

    @contextlib.contextmanager
    def local(self, file_id: str, folder: Path) -> Iterator[Path]:
        """Local path of a file, as `local_path`."""
        yield self.local_path(file_id, folder)

    def local_path(self, file_id: str, folder: Path) -> Path:
        """Local path of a file: its own where the vault is local, else a copy in `folder`.

        Its bytes have been checked: a file of a local vault once by each process, as long
        as it does not change.

        Raises
        ------
        NotFound
            If there is no such file.
        VaultError
            If it is damaged or cannot be read.
        """
        if isinstance(self._shelf, LocalShelf):
            return self._own_path(self._shelf, file_id)
        target = folder / file_id
        temporary = folder / f".{file_id}.{uuid.uuid4().hex}"
        folder.mkdir(parents=True, exist_ok=True)
        with self._found(file_id), self._shelf.open(file_id) as source:
            try:
                with temporary.open("xb", buffering=0) as sink:
                    self._compare(file_id, copy_hashed(source, sink))
                temporary.replace(target)
            finally:
                temporary.unlink(missing_ok=True)
        return target

    def check(self, file_id: str) -> None:
        """Read a file through and compare it with its identifier.

        Raises
        ------
        NotFound
            If there is no such file.
        VaultError
            If it is damaged or cannot be read.
        """
        with self._found(file_id), self._shelf.open(file_id) as source:
            self._compare(file_id, hash_of(source))

    def exists(self, file_id: str) -> bool:
        """Whether the vault has a file."""
        with self._explained(f"file {file_id} could not be looked up"):
            return bool(_ID.fullmatch(file_id)) and self._shelf.size(file_id) is not None

    def sweep(self) -> int:
        """Remove temporary files whose writers were killed; gives their number.

        Files that are being written at the moment are left alone.

        Raises
        ------
        VaultError
            If one of them cannot be removed.
        """
        with self._explained("files left behind could not be removed"):
            return self._shelf.sweep()

    def _keep(self, source: IO[bytes], size: int, promised: str) -> str:
        expected = promised
        if isinstance(self._shelf, RemoteShelf):  # reading here costs less than sending
            expected = hash_of(source)
            source.seek(0)
            if promised not in {"", expected}:
                return ""
            if self._shelf.holds(expected, size):
                return expected
        elif promised and self._shelf.holds(promised, size):
            return promised if hash_of(source) == promised else ""
        return self._shelf.keep(source, expected)

    def _own_path(self, shelf: LocalShelf, file_id: str) -> Path:
        path = shelf.path(file_id)
        with self._found(file_id):
            status = path.stat()
            state = (status.st_ino, status.st_size, status.st_mtime_ns)
            if self._checked.get(file_id) != state:
                self.check(file_id)
                self._checked[file_id] = state
        return path

    def _compare(self, file_id: str, found: str) -> None:
        if found != file_id:
            raise VaultError(
                f"file {file_id} in the vault {self.url} is damaged",
                hint="Restore it from a backup, or make the product anew",
            )

    @contextlib.contextmanager
    def _found(self, file_id: str) -> Iterator[None]:
        missing = NotFound(f"no file {file_id!r} in the vault {self.url}")
        if not _ID.fullmatch(file_id):
            raise missing
        with self._explained(f"file {file_id} could not be read"):
            try:
                yield
            except FileNotFoundError as error:
                raise missing from error

    @contextlib.contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
            raise VaultError(f"{what} (vault {self.url}): {reason}") from error


def _shelf(url: str) -> LocalShelf | RemoteShelf:
    if "://" not in url:
        return LocalShelf(url)
    import fsspec.core  # noqa: PLC0415 - most vaults are folders

    try:
        files, root = fsspec.core.url_to_fs(url)
    except (ValueError, ImportError) as error:
        raise VaultError(f"vault URL {url!r} cannot be used: {error}") from error
    local = "file" in files.protocol
    return LocalShelf(root) if local else RemoteShelf(files, root)
