"""Where the vault's files lie: a local folder, or any other file system that fsspec knows."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import stat
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, cast

_BLOCK = 1 << 20
STALE_SECONDS = 86_400.0
"""Age from which a temporary file is taken for left behind where no lock can tell."""


class LocalShelf:
    """Files in a local folder, durable once they have their address."""

    def __init__(self, root: str) -> None:
        self._root = Path(root).absolute()
        self._incoming = self._root / "incoming"

    def path(self, file_id: str) -> Path:
        """Address of a file, whether or not it exists."""
        return self._root / file_id[:2] / file_id[2:]

    def size(self, file_id: str) -> int | None:
        """Bytes of a file; None if there is none."""
        try:
            return self.path(file_id).stat().st_size
        except FileNotFoundError:
            return None

    def holds(self, file_id: str, size: int) -> bool:
        """Whether a file of this size is there; if so, it is there for good."""
        if self.size(file_id) != size:
            return False
        flush_folder(self.path(file_id).parent)  # another process may have just renamed it
        return True

    def open(self, file_id: str) -> IO[bytes]:
        """Reader of a file."""
        return self.path(file_id).open("rb", buffering=0)

    def keep(self, source: IO[bytes], promised: str) -> str:
        """Copy a file to its address; gives its identifier, or '' if it is not the promised one."""
        _make_folder(self._incoming)
        temporary, sink = self._temporary()
        try:
            with sink:
                file_id = copy_hashed(source, sink)
                if promised and file_id != promised:
                    return ""
                os.fchmod(sink.fileno(), 0o444)  # a vault file is never written again
                os.fsync(sink.fileno())
                self._publish(temporary, file_id)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
        return file_id

    def adopt(self, path: Path) -> str:
        """Rename a file to its address; gives its identifier, or '' where only a copy will do."""
        status = path.lstat()
        _make_folder(self._root)
        same_disk = status.st_dev == self._root.stat().st_dev
        if not (same_disk and stat.S_ISREG(status.st_mode) and status.st_nlink == 1):
            return ""
        with path.open("rb", buffering=0) as content:
            file_id = hash_of(content)
            try:
                os.fchmod(content.fileno(), 0o444)
                os.fsync(content.fileno())
                self._publish(path, file_id)
            except OSError as error:
                if error.errno in {errno.EXDEV, errno.EPERM}:
                    return ""
                raise
        path.unlink(missing_ok=True)
        return file_id

    def sweep(self) -> int:
        """Remove temporary files whose writers are gone; gives their number."""
        if not self._incoming.is_dir():
            return 0
        return sum(_remove_if_left(path) for path in sorted(self._incoming.iterdir()))

    def _temporary(self) -> tuple[Path, IO[bytes]]:
        while True:
            path = self._incoming / uuid.uuid4().hex
            sink = path.open("xb", buffering=0)
            with contextlib.suppress(OSError):  # a network disk may have no locks
                fcntl.flock(sink, fcntl.LOCK_EX)  # tells `sweep` that its writer lives
            if os.fstat(sink.fileno()).st_nlink:
                return path, sink
            sink.close()  # swept between its creation and the lock

    def _publish(self, path: Path, file_id: str) -> None:
        address = self.path(file_id)
        _make_folder(address.parent)
        if self.size(file_id) != path.stat().st_size:  # missing, or cut short by a bad disk
            path.replace(address)
        flush_folder(address.parent)


class RemoteShelf:
    """Files on any other file system that fsspec knows."""

    def __init__(self, files: Any, root: str) -> None:
        self._files = files
        self._root = root.rstrip("/")
        self._incoming = f"{self._root}/incoming"

    def size(self, file_id: str) -> int | None:
        """Bytes of a file; None if there is none."""
        try:
            return cast("int", self._files.info(self._address(file_id))["size"])
        except FileNotFoundError:
            return None

    def holds(self, file_id: str, size: int) -> bool:
        """Whether a file of this size is there."""
        return self.size(file_id) == size

    def open(self, file_id: str) -> IO[bytes]:
        """Reader of a file."""
        return cast("IO[bytes]", self._files.open(self._address(file_id), "rb"))

    def keep(self, source: IO[bytes], promised: str) -> str:
        """Copy a file to its address; gives its identifier, or '' if it is not the promised one."""
        temporary = f"{self._incoming}/{uuid.uuid4().hex}"
        self._files.makedirs(self._incoming, exist_ok=True)
        try:
            with self._files.open(temporary, "wb") as sink:
                file_id = copy_hashed(source, sink)
            if promised and file_id != promised:
                return ""
            address = self._address(file_id)
            self._files.makedirs(address.rpartition("/")[0], exist_ok=True)
            self._files.mv(temporary, address)
        finally:
            with contextlib.suppress(OSError):
                if self._files.exists(temporary):
                    self._files.rm_file(temporary)
        return file_id

    def sweep(self) -> int:
        """Remove temporary files older than a day; gives their number."""
        if not self._files.exists(self._incoming):
            return 0
        oldest = time.time() - STALE_SECONDS
        left = [
            path
            for path in self._files.ls(self._incoming, detail=False)
            if _timestamp(self._files.modified(path)) < oldest
        ]
        for path in left:
            self._files.rm_file(path)
        return len(left)

    def _address(self, file_id: str) -> str:
        return f"{self._root}/{file_id[:2]}/{file_id[2:]}"


def copy_hashed(source: IO[bytes], sink: IO[bytes]) -> str:
    """Copy all bytes; gives their SHA-256. Each byte is read once."""
    digest = hashlib.sha256()
    while block := source.read(_BLOCK):
        digest.update(block)
        rest = memoryview(block)
        while rest:  # a raw file may take less than it was given
            rest = rest[sink.write(rest) :]
    return digest.hexdigest()


def hash_of(source: IO[bytes]) -> str:
    """SHA-256 of all bytes."""
    digest = hashlib.sha256()
    while block := source.read(_BLOCK):
        digest.update(block)
    return digest.hexdigest()


def flush_folder(folder: Path) -> None:
    """Make the names in a folder durable; a rename alone may be lost with the power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    flush_folder(folder.parent)


def _remove_if_left(path: Path) -> bool:
    try:
        with path.open("rb") as content:
            if _writer_lives(content):
                return False
            path.unlink(missing_ok=True)
    except FileNotFoundError:  # published or removed by its writer meanwhile
        return False
    return True


def _writer_lives(content: IO[bytes]) -> bool:
    try:
        fcntl.flock(content, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # no locks on this disk: age must do
        return time.time() - os.fstat(content.fileno()).st_mtime < STALE_SECONDS
    return False


def _timestamp(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
