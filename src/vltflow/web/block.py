"""The page of an AB: from its raw frames to its products, with every why."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from vltflow import associate
from vltflow.associate.explain import Explanation
from vltflow.certify import Consequence, consequences
from vltflow.core.errors import NotFound, UnknownName
from vltflow.core.time import iso_from_mjd
from vltflow.qc.report import LEVEL_WORDS
from vltflow.records import (
    AssociationBlock,
    Event,
    Job,
    Product,
    ProductState,
    RawFrame,
    Score,
    Verdict,
    score_text,
)
from vltflow.store import Store, Transaction
from vltflow.web.images import first_image, thumbnail
from vltflow.web.pages import as_json, show
from vltflow.web.provenance import Drawing, drawing
from vltflow.web.service import Service, Serving
from vltflow.web.visitors import Visiting

router = APIRouter()
_LOG_SHOWN = 200_000
"""Characters of a log on its page; the end of it, where trouble is told."""
_OPEN = frozenset({ProductState.CREATED})


@dataclass(frozen=True, slots=True)
class BlockView:
    """Everything about an AB that its page tells."""

    block: AssociationBlock
    frames: tuple[RawFrame, ...]
    jobs: list[Job]
    products: list[Product]
    scores: list[Score]
    verdicts: list[Verdict]
    history: list[Event]
    drawing: Drawing
    consequences: tuple[Consequence, ...]
    previous: str
    following: str
    report: bool
    compared: bool

    @property
    def decisions(self) -> tuple[str, ...]:
        """What a person may decide now."""
        present = [one for one in self.products if one.revision == self.block.revision]
        if any(one.state is ProductState.CERTIFIED for one in self.products):
            revocable: tuple[str, ...] = ("REVOKED",)
        else:
            revocable = ()
        waits = self.report and any(one.state in _OPEN for one in present)
        return ("ACCEPTED", "REJECTED", *revocable) if waits else revocable


def gathered(tx: Transaction, name: str) -> BlockView:
    """The view of an AB.

    Raises
    ------
    NotFound
        If there is none.
    """
    block = tx.blocks.get(name)
    products = tx.products.of_block(name)
    present = [one for one in products if one.revision == block.revision]
    before, after = tx.overview.neighbours(block)
    return BlockView(
        block=block,
        frames=tx.frames.of_block(name),
        jobs=tx.jobs.of_block(name),
        products=products,
        scores=tx.quality.scores([name]).get(name, []),
        verdicts=tx.quality.verdicts([name]).get(name, []),
        history=tx.events.find(record=name),
        drawing=drawing(tx, block, products),
        consequences=consequences(tx, name, present),
        previous=before,
        following=after,
        report=name in tx.quality.reports([name]),
        compared=name in tx.quality.compared([name]),
    )


@router.get("/ab/{name}", include_in_schema=False)
def block_page(request: Request, visitor: Visiting, service: Serving, name: str) -> Response:
    """The page."""
    with service.store.read() as tx:
        view = gathered(tx, name)
    last = view.jobs[-1] if view.jobs else None
    return show(
        request,
        "block.html",
        visitor,
        view=view,
        block=view.block,
        job=last,
        parameters=_parameters(last),
        score=score_text(view.scores),
        pictures=pictures(service.store, view.products),
        iso=iso_from_mjd,
    )


@router.get("/ab/{name}/calibrations", include_in_schema=False)
def calibrations(request: Request, visitor: Visiting, service: Serving, name: str) -> Response:
    """Why it has its calibrations: a part of the page, as it looks at many candidates."""
    with service.store.read() as tx:
        block = tx.blocks.get(name)
    return show(
        request,
        "block_calibrations.html",
        visitor,
        block=block,
        explanation=explained(service, block),
        level_words=LEVEL_WORDS,
    )


@router.get("/ab/{name}/log", include_in_schema=False)
def log_page(
    request: Request, visitor: Visiting, service: Serving, name: str, job: str = ""
) -> Response:
    """The end of the log of a job; of the last one if none is named."""
    found, text = _log(service.store, name, job)
    return show(
        request,
        "log.html",
        visitor,
        name=name,
        job=found,
        text=text[-_LOG_SHOWN:],
        cut=max(0, len(text) - _LOG_SHOWN),
    )


@router.get("/api/ab/{name}/log", response_class=PlainTextResponse)
def log_text(service: Serving, name: str, job: str = "") -> PlainTextResponse:
    """The whole log of a job; of the last one if none is named."""
    return PlainTextResponse(_log(service.store, name, job)[1])


@router.get("/api/ab/{name}")
def block_json(request: Request, service: Serving, name: str) -> Response:
    """Everything about an AB."""
    with service.store.read() as tx:
        view = gathered(tx, name)
    values = asdict(view)
    del values["drawing"]
    explanation = explained(service, view.block)
    values["calibrations"] = asdict(explanation)["needs"] if explanation else []
    return as_json(request, json.loads(json.dumps(values, default=str)))


def explained(service: Service, block: AssociationBlock) -> Explanation | None:
    """Why it has its calibrations; None if its instrument or raw type is not defined here."""
    try:
        instrument = service.instrument(block.instrument)
    except UnknownName:
        return None
    if block.raw_type not in instrument.raw_types:
        return None
    return associate.explain(service.store, instrument, block.name)


def pictures(store: Store, products: list[Product]) -> dict[str, str]:
    """Address of a small image of each product that has one, by product id."""
    found = {}
    for product in products:
        try:
            found[product.product_id] = thumbnail(product, first_image(store, product))
        except NotFound:
            continue  # the vault is elsewhere or cleaned: the page says what there is
    return {key: address for key, address in found.items() if address}


def _parameters(job: Job | None) -> list[tuple[str, Any]]:
    return sorted(json.loads(job.parameters).items()) if job and job.parameters else []


def _log(store: Store, name: str, job_id: str) -> tuple[Job, str]:
    with store.read() as tx:
        tx.blocks.get(name)
        kept = [job for job in tx.jobs.of_block(name) if job.log_file]
    found = [job for job in kept if job_id in {"", job.job_id}]
    if not found:
        raise NotFound(f"no job of {name} has a log", hint="It is kept when a job ends")
    content = store.vault.get_bytes(found[-1].log_file)
    return found[-1], content.decode("utf-8", errors="replace")
