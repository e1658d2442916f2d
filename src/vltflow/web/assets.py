"""Scripts, styles and icons under names that change with their content: kept for ever."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import APIRouter, Request
from starlette.responses import Response

from vltflow.core.errors import NotFound

router = APIRouter(include_in_schema=False)
_TYPES = {
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}
_FOR_EVER = "public, max-age=31536000, immutable"
_DIGITS = 12


class Assets:
    """All files of ``static``, read once, by the name under which they are served."""

    def __init__(self) -> None:
        self._addresses: dict[str, str] = {}
        self._contents: dict[str, tuple[bytes, str]] = {}
        for path in _walk(files("vltflow.web") / "static"):
            stem, _, suffix = path.name.rpartition(".")
            if suffix not in _TYPES:
                continue
            content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()[:_DIGITS]
            served = f"{stem}.{digest}.{suffix}"
            self._addresses[path.name] = f"/static/{served}"
            self._contents[served] = (content, _TYPES[suffix])

    def address(self, name: str) -> str:
        """Address of a file, such as ``app.css``; a template that misspells it fails."""
        return self._addresses[name]

    def content(self, served: str) -> tuple[bytes, str]:
        """Bytes and type of a file by the last part of its address.

        Raises
        ------
        NotFound
            If there is none.
        """
        found = self._contents.get(served)
        if found is None:
            raise NotFound(f"no file {served!r}")
        return found


@router.get("/static/{name}")
def asset(request: Request, name: str) -> Response:
    """A script, style or icon."""
    content, kind = request.app.state.service.assets.content(name)
    return Response(content, media_type=kind, headers={"Cache-Control": _FOR_EVER})


def _walk(folder: Traversable) -> list[Traversable]:
    found: list[Traversable] = []
    for path in folder.iterdir():
        found += _walk(path) if path.is_dir() else [path]
    return found
