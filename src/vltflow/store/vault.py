"""The vault: bytes by identifier, written once, checked when read.

The identifier of a file is the SHA-256 of its bytes, its address is
``ab/cdef...``. A file appears under its address whole or not at all: it is
written under a temporary name, flushed and renamed.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

import fsspec
from fsspec.implementations.local import LocalFileSystem

from vltflow.core.errors import NotFound, VaultError

_BLOCK = 1 << 20
_REASONS = {
    errno.ENOSPC: "the disk is full; free some space and start again",
    errno.EDQUOT: "the disk quota is used up; free some space and start again",
    errno.EROFS: "it is mounted read-only",
    errno.EACCES: "this user may not write there",
    errno.EPERM: "this user may not write there",
}


class Vault:
    """Files by SHA-256 under any fsspec URL.

    Parameters
    ----------
    url
        Folder or fsspec URL (``s3://...``, ``memory://...``).
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._files, root = fsspec.core.url_to_fs(url)
        self._root = str(root).rstrip("/")
        self._local = isinstance(self._files, LocalFileSystem)

    def put_file(self, path: Path, *, file_id: str = "") -> str:
        """Keep a copy of a local file; gives its identifier.

        Raises
        ------
        VaultError
            If it cannot be kept, or its bytes are not the ones that `file_id` promises.
        """
        with self._explained(f"{path} could not be kept"), path.open("rb") as source:
            return self._put(source, file_id)

    def put_bytes(self, content: bytes) -> str:
        """Keep bytes; gives their identifier.

        Raises
        ------
        VaultError
            If they cannot be kept.
        """
        with self._explained("bytes could not be kept"):
            return self._put(io.BytesIO(content), "")

    def get_bytes(self, file_id: str) -> bytes:
        """Bytes of a file, checked against its identifier.

        Raises
        ------
        NotFound
            If there is no such file.
        VaultError
            If it is damaged or cannot be read.
        """
        with self._explained(f"file {file_id} could not be read"):
            try:
                content = cast("bytes", self._files.cat_file(self._address(file_id)))
            except FileNotFoundError as error:
                raise NotFound(f"no file {file_id} in the vault {self.url}") from error
        if hashlib.sha256(content).hexdigest() != file_id:
            raise VaultError(
                f"file {file_id} in the vault {self.url} is damaged",
                hint="Restore it from a backup, or make the product anew",
            )
        return content

    @contextlib.contextmanager
    def local(self, file_id: str, folder: Path) -> Iterator[Path]:
        """Local path of a file: its own where the vault is local, else a copy in `folder`.

        Raises
        ------
        NotFound
            If there is no such file.
        """
        yield self.local_path(file_id, folder)

    def local_path(self, file_id: str, folder: Path) -> Path:
        """Local path of a file: its own where the vault is local, else a copy in `folder`.

        Raises
        ------
        NotFound
            If there is no such file.
        """
        if not self.exists(file_id):
            raise NotFound(f"no file {file_id} in the vault {self.url}")
        if self._local:
            return Path(self._address(file_id))
        target = folder / file_id
        with self._explained(f"file {file_id} could not be read"):
            self._files.get_file(self._address(file_id), str(target))
        return target

    def exists(self, file_id: str) -> bool:
        """Whether the vault has a file."""
        return bool(self._files.exists(self._address(file_id)))

    def _address(self, file_id: str) -> str:
        return f"{self._root}/{file_id[:2]}/{file_id[2:]}"

    def _put(self, source: IO[bytes], promised: str) -> str:
        temporary = f"{self._root}/incoming/{uuid.uuid4().hex}"
        self._files.makedirs(f"{self._root}/incoming", exist_ok=True)
        try:
            file_id = self._copy(source, temporary)
            if promised and promised != file_id:
                raise VaultError(f"the bytes are {file_id}, not {promised} as promised")
            address = self._address(file_id)
            if not self._files.exists(address):
                self._files.makedirs(address.rpartition("/")[0], exist_ok=True)
                self._publish(temporary, address)
        finally:
            with contextlib.suppress(OSError):
                if self._files.exists(temporary):
                    self._files.rm_file(temporary)
        return file_id

    def _copy(self, source: IO[bytes], target: str) -> str:
        digest = hashlib.sha256()
        with self._files.open(target, "wb") as sink:
            while block := source.read(_BLOCK):
                digest.update(block)
                sink.write(block)
            if self._local:
                _flush(sink)
        return digest.hexdigest()

    def _publish(self, temporary: str, address: str) -> None:
        if not self._local:
            self._files.mv(temporary, address)
            return
        os.chmod(temporary, 0o444)  # noqa: PTH101 - a vault file is never written again
        os.replace(temporary, address)  # noqa: PTH105
        flush_folder(Path(address).parent)

    @contextlib.contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
            raise VaultError(f"{what} (vault {self.url}): {reason}") from error


def _flush(sink: Any) -> None:
    sink.flush()
    os.fsync(sink.fileno())


def flush_folder(folder: Path) -> None:
    """Make the names in a folder durable; a rename alone may be lost with the power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def free_mb(folder: Path) -> float:
    """Free space of the disk that holds a folder, MB."""
    return shutil.disk_usage(folder).free / 1e6
