"""One way to compile a kernel, wherever the package is installed."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba

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
    try:
        kernel = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:
        # numba finds no writable folder for its cache: read-only package, no home directory.
        kernel = numba.njit(nogil=True, error_model="numpy")(function)
    return cast("Kernel", kernel)
