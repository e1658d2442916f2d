"""The outer edge: errors become pages, or JSON for programs."""

from __future__ import annotations

import logging
import sys
from http import HTTPStatus
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from vltflow.core.errors import (
    Conflict,
    DataError,
    NotFound,
    StoreError,
    UnknownName,
    UserError,
    VltflowError,
)
from vltflow.core.identity import new_id
from vltflow.web.pages import show
from vltflow.web.protection import HEADERS
from vltflow.web.visitors import SAFE_METHODS, Visitor

_log = logging.getLogger(__name__)
_STATUS: tuple[tuple[type[VltflowError], HTTPStatus], ...] = (
    (NotFound, HTTPStatus.NOT_FOUND),
    (UnknownName, HTTPStatus.NOT_FOUND),
    (Conflict, HTTPStatus.CONFLICT),
    (StoreError, HTTPStatus.SERVICE_UNAVAILABLE),
    (DataError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (UserError, HTTPStatus.BAD_REQUEST),
)
_TITLES = {
    400: "This cannot be done",
    401: "Please log in",
    403: "You may not do this",
    404: "There is no such thing",
    405: "This address is not for that",
    409: "Somebody was faster",
    422: "This cannot be understood",
    429: "Too many attempts",
    503: "The store does not answer",
}


def install(app: FastAPI) -> None:
    """Let an application answer errors in our way."""
    app.add_exception_handler(VltflowError, _ours)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _not_understood)
    app.add_exception_handler(Exception, _unforeseen)


def _ours(request: Request, error: Exception) -> Response:
    kinds = (status for kind, status in _STATUS if isinstance(error, kind))
    status = next(kinds, HTTPStatus.INTERNAL_SERVER_ERROR)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.warning("%s: %s", request.url.path, error)
    response = answer(request, status, str(error), code=getattr(error, "code", "error"))
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = "5"
    return response


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    read = request.method in SAFE_METHODS and not _is_api(request)
    if error.status_code == HTTPStatus.UNAUTHORIZED and read and not _is_part(request):
        target = quote(f"{request.url.path}?{request.url.query}".rstrip("?"), safe="/")
        return RedirectResponse(f"/login?next={target}", HTTPStatus.SEE_OTHER)
    words = str(error.detail)
    if error.status_code == HTTPStatus.NOT_FOUND and words == "Not Found":
        words = f"There is no page {request.url.path}."
    response = answer(request, error.status_code, words)
    if error.headers:
        response.headers.update(error.headers)
    if error.status_code == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _not_understood(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    words = "; ".join(
        f"{'.'.join(str(part) for part in one['loc'][1:])}: {one['msg']}" for one in error.errors()
    )
    return answer(request, HTTPStatus.UNPROCESSABLE_ENTITY, words)


def _unforeseen(request: Request, _error: Exception) -> Response:
    number = new_id()
    _log.error("failure %s at %s", number, request.url.path, exc_info=sys.exc_info()[1] or _error)
    words = f"This is our mistake, and was written to the log of the server as {number}."
    response = answer(request, HTTPStatus.INTERNAL_SERVER_ERROR, words)
    response.headers.update(HEADERS)  # this answer is given outside of all layers
    return response


def answer(request: Request, status: int, words: str, *, code: str = "") -> Response:
    """An error as a page, as a part of one, or as JSON, whichever was asked for."""
    title = _TITLES.get(status, "Something went wrong")
    if _is_api(request):
        content = {"error": words, "title": title} | ({"code": code} if code else {})
        return JSONResponse(content, status)
    template = "error_part.html" if _is_part(request) else "error.html"
    visitor = getattr(request.state, "visitor", None) or Visitor(frozenset())
    return show(request, template, visitor, status=status, title=title, words=words, number=status)


def _is_api(request: Request) -> bool:
    return request.url.path.startswith("/api/")


def _is_part(request: Request) -> bool:
    return request.headers.get("hx-request") == "true"
