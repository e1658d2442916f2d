"""Files of science products for programs and people: whole, in parts, and their headers."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, PlainTextResponse, Response

from vltflow.core.errors import NotFound
from vltflow.core.time import now_iso
from vltflow.fits import units
from vltflow.records import Download, ScienceProduct
from vltflow.store import Store
from vltflow.web.pages import tagged
from vltflow.web.product import Version, chosen, versions_of
from vltflow.web.service import Serving
from vltflow.web.visitors import Visiting, Visitor

router = APIRouter()
FITS, PNG = "application/fits", "image/png"
"""The first as RFC 4047 says."""
_CARD = 80
_BINARY: dict[int | str, dict[str, Any]] = {200: {"content": {FITS: {}, PNG: {}}}}


@router.get("/api/science/{name}/file", response_class=Response, responses=_BINARY)
@router.head("/api/science/{name}/file", include_in_schema=False)
def product_file(
    request: Request, visitor: Visiting, service: Serving, name: str, version: Version = 0
) -> Response:
    """The product itself, whole or the part that a Range header names; downloads are counted."""
    product = chosen(versions_of(service.store, name), version)
    return _sent(request, visitor, service.store, product, product.name, product.file_id)


@router.get("/api/science/{name}/files/{file}", response_class=Response, responses=_BINARY)
@router.head("/api/science/{name}/files/{file}", include_in_schema=False)
def associated_file(
    request: Request,
    visitor: Visiting,
    service: Serving,
    name: str,
    file: str,
    version: Version = 0,
) -> Response:
    """A file that goes with the product, as `file`."""
    product = chosen(versions_of(service.store, name), version)
    for one in product.associated:
        if one.name == file:
            return _sent(request, visitor, service.store, product, one.name, one.file_id)
    raise NotFound(f"{name} has no associated file {file!r}")


@router.get("/api/science/{name}/preview.png", response_class=Response, responses=_BINARY)
def preview(request: Request, service: Serving, name: str, version: Version = 0) -> Response:
    """The preview, to be looked at: no download is counted."""
    product = chosen(versions_of(service.store, name), version)
    for one in product.associated:
        if one.category == "ANCILLARY.PREVIEW":
            return tagged(request, service.store.vault.get_bytes(one.file_id), PNG)
    raise NotFound(f"{name} has no preview")


@router.get("/api/science/{name}/header", response_class=PlainTextResponse)
def header_text(request: Request, service: Serving, name: str, version: Version = 0) -> Response:
    """Cards of all HDUs, a line each, an empty line between HDUs."""
    product = chosen(versions_of(service.store, name), version)
    text = "\n\n".join(_cards(service.store, product.file_id)) + "\n"
    answer = tagged(request, text.encode(), "text/plain; charset=utf-8")
    answer.headers["Content-Disposition"] = _disposition(f"{Path(name).stem}.hdr")
    return answer


def _sent(
    request: Request,
    visitor: Visitor,
    store: Store,
    product: ScienceProduct,
    name: str,
    file_id: str,
) -> Response:
    tag = f'"{file_id}"'
    headers = {
        "ETag": tag,
        "Cache-Control": "private, no-cache",
        "Content-Disposition": _disposition(name),
    }
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    folder = Path(tempfile.mkdtemp())  # only vaults that are elsewhere put something there
    try:
        path = store.vault.local_path(file_id, folder)
        if _is_begin(request):
            one = Download(product.science_id, file_id, now_iso(), visitor.name)
            with store.write(by=visitor.name or "anybody", why="download") as tx:
                tx.downloads.add(one)
    except BaseException:
        shutil.rmtree(folder)
        raise
    kind = FITS if name.endswith(".fits") else PNG
    done = BackgroundTask(shutil.rmtree, folder)
    return FileResponse(path, headers=headers, media_type=kind, background=done)


def _is_begin(request: Request) -> bool:
    """Whether a file begins to be taken: its other parts, and looking at its size, do not count."""
    part = request.headers.get("range", "")
    return request.method == "GET" and (not part or part.strip().startswith("bytes=0-"))


def _disposition(name: str) -> str:
    """Content-Disposition that no name can break out of (RFC 6266)."""
    plain = "".join(char if char.isalnum() and char.isascii() else "_" for char in name[:-5])
    return f"attachment; filename=\"{plain}{name[-5:]}\"; filename*=UTF-8''{quote(name, safe='')}"


def _cards(store: Store, file_id: str) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = store.vault.local_path(file_id, Path(folder))
        found = []
        with path.open("rb") as source:
            for unit in units(path):
                source.seek(unit.header_start)
                block = source.read(unit.data_start - unit.header_start).decode("ascii", "replace")
                cards = [block[at : at + _CARD].rstrip() for at in range(0, len(block), _CARD)]
                found.append("\n".join(cards).rstrip())
    return found
