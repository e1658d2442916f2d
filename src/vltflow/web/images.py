"""Images of products, drawn here: zoom, pan, stretch, by extension, in bounded memory."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import HTMLResponse, Response

from vltflow.core.errors import NotFound
from vltflow.fits import Header, RawImage, materialise, units
from vltflow.plots.display import (
    CUTS,
    MAPS,
    STRETCHES,
    Cut,
    Rows,
    Stretch,
    Window,
    levels,
    picture,
    shrunk,
)
from vltflow.records import Product
from vltflow.store import Store
from vltflow.web.pages import fragment, show
from vltflow.web.service import Serving
from vltflow.web.visitors import Visiting

router = APIRouter()
_SIDE = 900
_FOR_EVER = "private, max-age=31536000, immutable"
_CARDS_SHOWN = 2000
Whole = Annotated[int, Query(ge=-(10**6), le=10**6)]
Text = Annotated[str, Query(max_length=40)]


@dataclass(frozen=True, slots=True)
class Extension:
    """One HDU of a product."""

    number: int
    name: str
    shape: tuple[int, ...]
    """As numpy orders it; empty if it has no pixels."""
    header: Header
    is_image: bool


@dataclass(frozen=True, slots=True)
class Look:
    """How an image is shown: all of it in the address."""

    ext: Annotated[int | None, Query(ge=0, le=9999)] = None
    plane: Annotated[int | None, Query(ge=0, le=10**6)] = None
    x0: Whole = 0
    y0: Whole = 0
    x1: Whole = 0
    """0: as far as the image goes."""
    y1: Whole = 0
    stretch: Stretch = "linear"
    cut: Cut = "zscale"
    colours: Text = "grey"
    side: Annotated[int, Query(ge=16, le=2000)] = _SIDE
    low: Annotated[float | None, Query(allow_inf_nan=False)] = None
    high: Annotated[float | None, Query(allow_inf_nan=False)] = None
    """Values shown black and white; None: by `cut`."""


Looking = Annotated[Look, Depends()]


@router.get("/display/{name}", include_in_schema=False)
def display(
    request: Request, visitor: Visiting, service: Serving, name: str, look: Looking
) -> Response:
    """An image with its controls, and the headers of its file."""
    product, found = _product(service.store, name), _extensions(service.store, name)
    chosen = _chosen(found, look.ext)
    part = request.headers.get("hx-target") == "viewer"
    view = None if chosen is None else _view(service.store, product, chosen, look)
    return show(
        request,
        "viewer.html" if part else "display.html",
        visitor,
        product=product,
        extensions=found,
        chosen=chosen,
        view=view,
        look=look,
        stretches=STRETCHES,
        cuts=CUTS,
        maps=MAPS,
        cards=_CARDS_SHOWN,
    )


@router.get(
    "/api/products/{name}/image.png", response_class=Response,
    responses={200: {"content": {"image/png": {}}}},
)  # fmt: skip
def image_png(service: Serving, name: str, look: Looking) -> Response:
    """Part of an image of a product as PNG."""
    product = _product(service.store, name)
    chosen = _needed(_chosen(_extensions(service.store, name), look.ext))
    window = _window(chosen, look)
    low, high = _levels(service.store, product, chosen, look)
    with _opened(service.store, product, chosen, look.plane) as rows:
        shown = shrunk(rows, window, look.side)
    colours = look.colours if look.colours in MAPS else MAPS[0]
    content = picture(shown, low, high, stretch=look.stretch, colours=colours)
    return Response(content, media_type="image/png", headers={"Cache-Control": _FOR_EVER})


@router.get("/display/{name}/pixel", include_in_schema=False)
def pixel(service: Serving, name: str, look: Looking, x: Whole = 0, y: Whole = 0) -> Response:
    """Value of one pixel, counted from 0 in the address and from 1 on the page, as FITS does."""
    product = _product(service.store, name)
    chosen = _needed(_chosen(_extensions(service.store, name), look.ext))
    rows_there, columns = chosen.shape[-2:]
    if not (0 <= x < columns and 0 <= y < rows_there):
        raise NotFound(f"there is no pixel x={x + 1}, y={y + 1} in {name}")
    with _opened(service.store, product, chosen, look.plane) as rows:
        value = float(rows(y, y + 1)[0, x])
    return HTMLResponse(fragment("pixel.html", x=x + 1, y=y + 1, value=value, unit=_unit(chosen)))


def thumbnail(product: Product, extension: Extension | None, *, side: int = 260) -> str:
    """Address of a small image of a product; empty if it has none."""
    if extension is None or not extension.is_image:
        return ""
    return f"/api/products/{product.name}/image.png?ext={extension.number}&side={side}"


def first_image(store: Store, product: Product) -> Extension | None:
    """First HDU of a product that is an image; None if there is none."""
    return _chosen(extensions(store, product.file_id), None)


@lru_cache(maxsize=256)
def extensions(store: Store, file_id: str) -> tuple[Extension, ...]:
    """HDUs of a FITS file of the vault, which never changes.

    Raises
    ------
    UnreadableFile
        If it is no FITS file.
    """
    with tempfile.TemporaryDirectory() as folder:
        found = units(store.vault.local_path(file_id, Path(folder)))
        return tuple(_extension(number, unit.header) for number, unit in enumerate(found))


def _extension(number: int, header: Header) -> Extension:
    prefix = "Z" if header.get("ZIMAGE") is True else ""
    count = header.get(f"{prefix}NAXIS", 0)
    axes = [header.get(f"{prefix}NAXIS{axis}", 0) for axis in range(1, int(count or 0) + 1)]
    shape = tuple(int(axis or 0) for axis in reversed(axes))
    kind = header.get("XTENSION", "IMAGE")
    is_image = (kind == "IMAGE" or bool(prefix)) and len(shape) in {2, 3} and math.prod(shape) > 0
    return Extension(number, str(header.get("EXTNAME") or ""), shape, header, is_image)


def _view(
    store: Store, product: Product, chosen: Extension, look: Look
) -> dict[str, Any]:  # fmt: skip
    window = _window(chosen, look)
    rows, columns = chosen.shape[-2:]
    low, high = _levels(store, product, chosen, look)
    base = {
        "ext": chosen.number, "plane": look.plane, "stretch": look.stretch, "cut": look.cut,
        "colours": look.colours, "low": look.low, "high": look.high,
    }  # fmt: skip
    step = max(1, window.width // 4), max(1, window.height // 4)
    moves = {
        "closer": _zoomed(window, 0.5),
        "farther": _zoomed(window, 2),
        "left": _moved(window, -step[0], 0),
        "right": _moved(window, step[0], 0),
        "up": _moved(window, 0, step[1]),
        "down": _moved(window, 0, -step[1]),
        "whole": Window(0, 0, columns, rows),
    }
    return {
        "window": window, "low": low, "high": high, "unit": _unit(chosen),
        "planes": chosen.shape[0] if len(chosen.shape) > 2 else 0,
        "image": base | _edges(window),
        "moves": {name: base | _edges(one.within(columns, rows)) for name, one in moves.items()},
        "base": base, "columns": columns, "rows": rows,
    }  # fmt: skip


def _edges(window: Window) -> dict[str, int]:
    return {"x0": window.x0, "y0": window.y0, "x1": window.x1, "y1": window.y1}


def _moved(window: Window, across: int, up: int) -> Window:
    return Window(window.x0 + across, window.y0 + up, window.x1 + across, window.y1 + up)


def _zoomed(window: Window, factor: float) -> Window:
    width, height = max(int(window.width * factor), 8), max(int(window.height * factor), 8)
    x0 = (window.x0 + window.x1 - width) // 2
    y0 = (window.y0 + window.y1 - height) // 2
    return Window(x0, y0, x0 + width, y0 + height)


def _window(chosen: Extension, look: Look) -> Window:
    rows, columns = chosen.shape[-2:]
    right = look.x1 if look.x1 > look.x0 else columns
    top = look.y1 if look.y1 > look.y0 else rows
    return Window(look.x0, look.y0, right, top).within(columns, rows)


def _levels(store: Store, product: Product, chosen: Extension, look: Look) -> tuple[float, float]:
    low, high = _cut_levels(store, product.file_id, chosen.number, look.plane, look.cut)
    return low if look.low is None else look.low, high if look.high is None else look.high


@lru_cache(maxsize=512)
def _cut_levels(
    store: Store, file_id: str, number: int, plane: int | None, cut: Cut
) -> tuple[float, float]:
    chosen = extensions(store, file_id)[number]
    high, columns = chosen.shape[-2:]
    with _reading(store, file_id, chosen, plane) as rows:
        return levels(rows, columns, high, cut)


@contextmanager
def _opened(
    store: Store, product: Product, chosen: Extension, plane: int | None
) -> Iterator[Rows]:  # fmt: skip
    with _reading(store, product.file_id, chosen, plane) as rows:
        yield rows


@contextmanager
def _reading(store: Store, file_id: str, chosen: Extension, plane: int | None) -> Iterator[Rows]:
    """Rows of an image of a file in the vault; of a cube, of one plane (the middle one)."""
    with tempfile.TemporaryDirectory() as folder:
        kept = store.vault.local_path(file_id, Path(folder))
        with RawImage(materialise(kept, folder), chosen.number) as image:
            if len(image.shape) == 2:
                yield image.rows
                return
            depth = image.shape[0]
            place = depth // 2 if plane is None else min(plane, depth - 1)
            flat: np.ndarray = image.rows(place, place + 1)[0]
            yield lambda start, stop: flat[start:stop]


def _unit(chosen: Extension) -> str:
    return str(chosen.header.get("BUNIT") or "")


def _product(store: Store, name: str) -> Product:
    with store.read() as tx:
        return tx.products.by_name(name)


def _extensions(store: Store, name: str) -> tuple[Extension, ...]:
    return extensions(store, _product(store, name).file_id)


def _chosen(found: tuple[Extension, ...], number: int | None) -> Extension | None:
    if number is None:
        return next((one for one in found if one.is_image), None)
    if number >= len(found) or not found[number].is_image:
        raise NotFound(f"HDU {number} is no image; there are {len(found)} HDUs")
    return found[number]


def _needed(chosen: Extension | None) -> Extension:
    if chosen is None:
        raise NotFound("this product holds no image")
    return chosen
