"""The certification desk: what waits for a person, worst first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from vltflow import certify
from vltflow.certify import Waiting
from vltflow.core.errors import NotFound, UnknownName
from vltflow.instruments import Instrument
from vltflow.qc.dossier import gather, recorded
from vltflow.records import Colour, Product
from vltflow.store import Store, Transaction
from vltflow.web.block import gathered
from vltflow.web.images import first_image, thumbnail
from vltflow.web.pages import as_json, show
from vltflow.web.report import tables
from vltflow.web.service import Service, Serving
from vltflow.web.visitors import Visiting

router = APIRouter()
MENU = ("Desk", "/desk")


@dataclass(frozen=True, slots=True)
class Pair:
    """A product beside the last good one of its kind."""

    product: Product
    picture: str
    previous: str
    """Name of the good one; empty if there is none."""
    previous_picture: str
    days: float | None
    """How much older it is."""


@router.get("/desk", include_in_schema=False)
def desk(request: Request, visitor: Visiting, service: Serving) -> Response:
    """The list."""
    found = _waiting(service)
    with service.store.read() as tx:
        revisions = {
            name: block.revision
            for name, block in tx.blocks.by_name(one.block for one in found).items()
        }
    return show(request, "desk.html", visitor, waiting=found, revisions=revisions)


@router.get("/desk/{name}", include_in_schema=False)
def desk_page(request: Request, visitor: Visiting, service: Serving, name: str) -> Response:
    """One AB with all that a decision needs."""
    found = _waiting(service)
    place = next((at for at, one in enumerate(found) if one.block == name), None)
    with service.store.read() as tx:
        view = gathered(tx, name)
        dossier = gather(tx, name)
        instrument = service.instrument(view.block.instrument)
        quality = recorded(tx, instrument, dossier)
        pairs = _pairs(tx, service.store, dossier.products)
    following = _following(found, place)
    return show(
        request,
        "desk_block.html",
        visitor,
        view=view,
        block=view.block,
        waiting=None if place is None else found[place],
        place=place,
        total=len(found),
        previous=found[place - 1].block if place else "",
        following=following,
        next=f"/desk/{following}" if following else "/desk",
        tables=_red_first(tables(dossier, quality)),
        pairs=pairs,
    )


@router.get("/api/desk")
def desk_json(request: Request, service: Serving) -> Response:
    """What waits for a person, worst first."""
    return as_json(request, [asdict(one) | {"score": one.score} for one in _waiting(service)])


def _waiting(service: Service) -> list[Waiting]:
    return certify.waiting(service.store, definition=_tolerant(service))


def _tolerant(service: Service) -> Any:
    """Definitions by name; a store may hold ABs of one that is not installed any more."""
    known: dict[str, Instrument] = {}

    def definition(name: str) -> Instrument:
        if name not in known:
            known[name] = service.instrument(name)
        return known[name]

    return definition


def _following(found: Sequence[Waiting], place: int | None) -> str:
    if place is None or len(found) == 1:
        return ""
    return found[(place + 1) % len(found)].block


def _red_first(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Scored rows only, red ones above."""
    result = []
    for table in found:
        rows = sorted(
            (
                (row, trend)
                for row, trend in zip(table["rows"], table["trends"], strict=True)
                if row.method
            ),
            key=lambda pair: pair[0].colour != Colour.RED,
        )
        if rows:
            result.append({"category": table["category"], "pairs": rows})
    return result


def _pairs(tx: Transaction, store: Store, products: Sequence[Product]) -> list[Pair]:
    return [_pair(tx, store, product) for product in products]


def _pair(tx: Transaction, store: Store, product: Product) -> Pair:
    good = tx.masters.before(product.instrument, product.category, product.setup_keys, product.mjd)
    before = None if good is None else tx.products.get(good.product_id)
    return Pair(
        product=product,
        picture=_picture(store, product),
        previous=before.name if before else "",
        previous_picture=_picture(store, before) if before else "",
        days=product.mjd - before.mjd if before else None,
    )


def _picture(store: Store, product: Product) -> str:
    try:
        return thumbnail(product, first_image(store, product), side=420)
    except (NotFound, UnknownName):
        return ""
