"""What goes wrong in the registry, in words of ours."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Engine, ExceptionContext, event, exc

from vltflow.core.errors import Conflict, StoreError

_NOTHING = "Nothing was changed by this step"
_HINTS = {
    "SQLITE_BUSY": f"Another process has been writing for too long. {_NOTHING}",
    "55P03": f"Another process has been writing for too long. {_NOTHING}",
    "SQLITE_FULL": f"The disk is full: free some space and start again. {_NOTHING}",
    "53100": f"The disk is full: free some space and start again. {_NOTHING}",
}
_INVALID = {"SQLITE_CONSTRAINT_NOTNULL", "SQLITE_CONSTRAINT_CHECK", "23502", "23514"}


def translate_failures(engine: Engine) -> None:
    """Let all errors of a database appear as Conflict or StoreError, where they happen."""
    name = f"registry {engine.url.render_as_string(hide_password=True)}"

    def translate(context: ExceptionContext) -> StoreError | None:
        wrapped = context.sqlalchemy_exception
        cause = context.original_exception
        # Beside the driver's own errors: a number or text that the driver cannot take.
        known = wrapped is not None or isinstance(cause, OverflowError | UnicodeEncodeError)
        return None if context.is_pre_ping or not known else _translated(name, wrapped, cause)

    event.listen(engine, "handle_error", translate)


def without_password(url: str) -> str:
    """Database URL, or a text around one, fit for messages."""
    return re.sub(r"(://[^:/@\s]*):[^/\s]*@", r"\1:***@", url)


def _translated(name: str, wrapped: Exception | None, cause: Any) -> StoreError:
    code = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None) or ""
    reason = " ".join(str(cause).split())
    if isinstance(wrapped, exc.IntegrityError) and code not in _INVALID:
        return Conflict(f"the registry refused a record: {reason}")
    return StoreError(f"{name}: {reason}", hint=_HINTS.get(code, _NOTHING))
