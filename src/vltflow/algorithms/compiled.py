"""One way to compile a kernel, wherever the package is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba

if TYPE_CHECKING:
    from collections.abc import Callable

Kernel = TypeVar("Kernel", bound="Callable[..., Any]")


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
