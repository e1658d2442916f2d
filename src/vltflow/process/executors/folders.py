"""The folder of a job on this machine, and the lock by which its processes are known to live.

Every process of a job holds a lock on a file in the job's folder, from its start to
its end; descendants inherit it. The system drops the lock when the last holder dies, however it
dies. So a later life of the scheduler can tell whether something of a job still runs,
without trusting process numbers.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
import shutil
import time
from pathlib import Path
from urllib.parse import unquote, urlparse

import psutil

from vltflow.core.errors import VaultError

LOCK_FILE = "lock"
FOLDER_VARIABLE = "VLTFLOW_JOB_FOLDER"
SPACE_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM})
"""Errors of the system that say: nothing can be written there now, for any job."""

_SETTLE_SECONDS = 20.0
_GRACE_SECONDS = 1.0

log = logging.getLogger(__name__)


def local_path(url: str) -> Path:
    """Path behind a ``file://`` URL or a plain path."""
    parsed = urlparse(url)
    return Path(unquote(parsed.path)) if parsed.scheme == "file" else Path(url)


def make_folder(folder: Path) -> None:
    """Make the folder of a job, empty; what an earlier life left there goes.

    Raises
    ------
    VaultError
        If the disk refuses.
    """
    try:
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            shutil.rmtree(folder)
            folder.mkdir()
    except OSError as error:
        raise refused(f"working folder {folder} could not be made", error) from error


def remove_folder(folder: Path) -> None:
    """Remove the folder of a job; the result goes first, so that what is left never counts."""
    with contextlib.suppress(OSError):
        (folder / "result.json").unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        log.warning("left=%s reason=cannot be removed", folder)


def refused(what: str, error: OSError) -> VaultError:
    """The error for a disk that refuses to keep something."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        hint = "Free some space and start again: nothing is lost, and what is done is not repeated"
    else:
        hint = "Make it writable for this user and start again: nothing is lost"
    return VaultError(f"{what}: {error.strerror or error}", hint=hint)


def work_environment(folder: Path) -> dict[str, str]:
    """Environment by which all processes of a job are found."""
    return {FOLDER_VARIABLE: str(folder)}


def hold_lock(folder: Path) -> int:
    """Take the lock of a job for this process; gives the file descriptor that holds it."""
    descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor


def settle(folder: Path) -> None:
    """Return when no process of a job lives any more; those of an earlier life are killed.

    Raises
    ------
    VaultError
        If one cannot be killed.
    """
    path = folder / LOCK_FILE
    if not path.exists():
        return
    started = time.monotonic()
    with path.open("rb") as file:
        while not _try_lock(file.fileno()):
            waited = time.monotonic() - started
            if waited > _SETTLE_SECONDS:
                raise VaultError(
                    f"a process of an earlier run still works in {folder} and cannot be stopped",
                    hint="Stop it by hand and start again",
                )
            if waited > _GRACE_SECONDS:
                _kill_processes_of(folder)
            time.sleep(0.02)  # a dying process leaves no event to wait for


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _kill_processes_of(folder: Path) -> None:
    """Kill what bears the folder of this job in its environment, and nothing else."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(FOLDER_VARIABLE) == str(folder):
                process.kill()
