"""One way to compile a kernel, wherever the package is installed."""

from __future__ import annotations

import hashlib
import importlib
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba
from numba.core.caching import CompileResultCacheImpl, FunctionCache

if TYPE_CHECKING:
    from collections.abc import Callable

Kernel = TypeVar("Kernel", bound="Callable[..., Any]")


def load_compiler() -> None:
    """Load what numba needs for its first kernel, without what no kernel of ours uses.

    It looks for a BLAS in scipy and keeps it, 16 MB of scipy.linalg, in the memory of each
    worker. Kernels of others that call BLAS load it when they are compiled.
    """
    hidden = "scipy.linalg"
    if hidden in sys.modules or _FIRST in sys.modules:
        return
    sys.modules[hidden] = None  # type: ignore[assignment]
    try:
        importlib.import_module(_FIRST)
    finally:
        del sys.modules[hidden]


_FIRST = "numba.np.arraymath"
"""The module of numba that looks for it."""


def compiled(function: Kernel) -> Kernel:
    """Give the compiled form of a kernel: without the GIL, cached on disk where possible.

    Parameters
    ----------
    function
        Python function within numba's language.

    Returns
    -------
    Callable
        Same signature. `error_model` is numpy's: 0/0 is NaN, as in array code.
    """
    kernel: Any = numba.njit(nogil=True, error_model="numpy")(function)
    try:
        kernel._cache = _Cache(function)  # noqa: SLF001 - as numba's own cache=True does
    except RuntimeError:
        # numba finds no writable folder for its cache: read-only package, no home directory.
        return cast("Kernel", kernel)
    _remove_old(Path(kernel._cache.cache_path))  # noqa: SLF001
    return cast("Kernel", kernel)


class _Names(CompileResultCacheImpl):
    """Names of cached files: numba's, and the state of the sources.

    A compiled kernel holds the kernels it calls, and constants, of other modules; numba itself
    looks at the kernel's own module only.
    """

    def get_filename_base(self, fullname: str, abiflags: str) -> str:
        """Beginning of the names of the files of one kernel."""
        return f"{super().get_filename_base(fullname, abiflags)}-{_sources()}"


class _Cache(FunctionCache):
    _impl_class = _Names


@cache
def _sources() -> str:
    """Hash of all modules beside this one: no kernel calls one of another folder."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@cache
def _remove_old(folder: Path) -> None:
    """Remove what other sources left; a process that still runs with them compiles again."""
    for path in folder.glob("*.nb[ic]"):
        if _sources() not in path.name:
            with suppress(OSError):  # of somebody else, or removed already
                path.unlink()
