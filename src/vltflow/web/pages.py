"""From a template and values to an answer: one way for all pages."""

from __future__ import annotations

import hashlib
from typing import Any

from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import JSONResponse, Response

from vltflow import __version__
from vltflow.core.time import now_iso
from vltflow.web.service import service_of
from vltflow.web.visitors import Visitor
from vltflow.web.words import FILTERS, query

HTML = "text/html; charset=utf-8"
_templates = Environment(
    loader=PackageLoader("vltflow.web", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters.update(FILTERS)
_templates.globals.update(query=query, version=__version__)


def show(
    request: Request, template: str, visitor: Visitor, *, status: int = 200, **values: Any
) -> Response:
    """A page or a part of one from its template.

    Equal pages have equal tags (ETag): a browser that has it already is told so.
    """
    content = rendered(request, template, visitor, **values)
    return tagged(request, content, HTML, status=status)


def rendered(request: Request, template: str, visitor: Visitor, **values: Any) -> bytes:
    """Content of a page or a part of one."""
    service = service_of(request)
    text = _templates.get_template(template).render(
        request=request,
        visitor=visitor,
        service=service,
        asset=service.assets.address,
        menu=request.app.state.menu,
        path=request.url.path,
        now=now_iso(),
        **values,
    )
    return text.encode()


def fragment(template: str, **values: Any) -> str:
    """Text of a template that needs no request."""
    return _templates.get_template(template).render(**values)


def tagged(
    request: Request,
    content: bytes,
    kind: str,
    *,
    status: int = 200,
    keep: str = "private, no-cache",
) -> Response:
    """An answer with a tag of its content, or only the word that nothing changed."""
    tag = f'W/"{hashlib.sha256(content).hexdigest()[:20]}"'
    headers = {"ETag": tag, "Cache-Control": keep, "Vary": "Cookie, HX-Request"}
    if status == 200 and tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, status_code=status, media_type=kind, headers=headers)


def as_json(request: Request, value: Any) -> Response:
    """A value as JSON, with a tag."""
    return tagged(request, packed(value), "application/json")


def packed(value: Any) -> bytes:
    """JSON of a value."""
    return bytes(JSONResponse(value).body)
