"""The job's boundary: every error becomes a failure with a code and a sentence."""

from __future__ import annotations

import errno
import logging
from pathlib import Path

from vltflow.core.errors import RecipeCrashed, RecipeError, VaultError, VltflowError
from vltflow.process.result import JobResult

_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})

log = logging.getLogger(__name__)


def failure_of(job_id: str, error: BaseException, folder: Path) -> JobResult:
    """The result of a job in a folder that ended with an error; the traceback goes to the log."""
    log.error("failed", exc_info=error)
    code, sentence = code_and_sentence(error, folder)
    return JobResult(job_id, "FAILED", error_code=code, error=sentence)


def code_and_sentence(error: BaseException, folder: Path) -> tuple[str, str]:
    """Stable code and sentence for people of any error of a job in a folder.

    Lack of memory is a crash: it may well work when the machine is less busy. A disk that
    is full or read-only is the vault's trouble: no job can end well before it is mended.
    """
    if isinstance(error, VltflowError):
        return error.code, str(error)
    if isinstance(error, MemoryError):
        return RecipeCrashed.code, f"out of memory: {error}" if str(error) else "out of memory"
    if isinstance(error, OSError) and error.errno in _DISK:
        return VaultError.code, (
            f"the working folder refuses to keep files ({error.filename or folder}): "
            f"{error.strerror}. "
            "Free some space or make it writable, and start again"
        )
    name = type(error).__name__
    return RecipeError.code, f"the recipe broke with {name}: {error}. The log has the traceback"
