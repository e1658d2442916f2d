"""Decisions from the web: the same as those of the command line, in the visitor's name."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, BackgroundTasks, Form, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, RedirectResponse, Response

from vltflow.core.errors import UserError
from vltflow.flow.decisions import decide, decide_many
from vltflow.process import control
from vltflow.records import Decision
from vltflow.web.pages import show
from vltflow.web.service import Service, Serving
from vltflow.web.visitors import Deciding, Operating
from vltflow.web.words import segment

router = APIRouter()
Comment = Annotated[str, Form(max_length=2000)]
MOST_AT_ONCE = 200


class Wanted(BaseModel):
    """A decision about an AB, from a program."""

    model_config = ConfigDict(extra="forbid")

    decision: Literal["ACCEPTED", "REJECTED", "REVOKED"]
    comment: Annotated[str, Field(min_length=1, max_length=2000)]
    seen: Annotated[int, Field(ge=1, le=10**9)]
    """Revision of the AB that was looked at: a later one is not decided."""


@router.post("/ab/{name}/decision", include_in_schema=False)
def decide_block(
    visitor: Deciding,
    service: Serving,
    background: BackgroundTasks,
    name: str,
    decision: Annotated[str, Form(max_length=20)] = "",
    comment: Comment = "",
    seen: Annotated[int, Form()] = 0,
    next: Annotated[str, Form(max_length=1000)] = "",  # noqa: A002 - name of the field
) -> Response:
    """Accept, reject or revoke."""
    _decide(service, visitor.name, name, (_decision(decision), comment, seen), background)
    target = next if next.startswith(("/ab/", "/desk")) else f"/ab/{segment(name)}"
    return RedirectResponse(target, 303)


@router.post("/desk/decisions", include_in_schema=False)
def decide_marked(
    request: Request,
    visitor: Deciding,
    service: Serving,
    background: BackgroundTasks,
    ab: Annotated[list[str], Form()] = [],  # noqa: B006 - read only
    decision: Annotated[str, Form(max_length=20)] = "",
    comment: Comment = "",
) -> Response:
    """The same decision about all that were marked; shows what became of each."""
    if not ab:
        raise UserError("no AB was marked", hint="Go back and mark some")
    if len(ab) > MOST_AT_ONCE:
        raise UserError(f"{len(ab)} ABs at once, at most {MOST_AT_ONCE}")
    seen = dict(_seen(one) for one in ab)
    with service.store.read() as tx:
        names = {block.instrument for block in tx.blocks.by_name(seen).values()}
    instruments = {name: service.instrument(name) for name in names}
    outcomes = decide_many(
        service.store, instruments, seen, Decision(_decision(decision)),
        who=visitor.name, comment=comment, later=background.add_task,
    )  # fmt: skip
    return show(request, "outcomes.html", visitor, outcomes=outcomes, decision=decision)


@router.post("/ab/{name}/order", include_in_schema=False)
def order(
    visitor: Operating,
    service: Serving,
    name: str,
    order: Annotated[str, Form(max_length=20)] = "",
    comment: Comment = "",
) -> Response:
    """Plan an AB again, or give it up."""
    orders = {"retry": control.retry, "abort": control.abort}
    if order not in orders or not comment.strip():
        raise UserError("an order needs its name, retry or abort, and a comment")
    orders[order](service.store, name, who=visitor.name, why=comment.strip())
    return RedirectResponse(f"/ab/{segment(name)}", 303)


@router.post("/api/ab/{name}/decision")
def decide_json(
    visitor: Deciding,
    service: Serving,
    background: BackgroundTasks,
    name: str,
    wanted: Wanted,
) -> Response:
    """Accept, reject or revoke; gives what depends on the products."""
    chosen = (Decision(wanted.decision), wanted.comment, wanted.seen)
    depends = _decide(service, visitor.name, name, chosen, background)
    return JSONResponse({"ab": name, "decision": wanted.decision, "consequences": depends})


def _decide(
    service: Service,
    who: str,
    name: str,
    wanted: tuple[Decision, str, int],
    background: BackgroundTasks,
) -> list[dict[str, str | int]]:
    decision, comment, seen = wanted
    with service.store.read() as tx:
        instrument = service.instrument(tx.blocks.get(name).instrument)
    decided = decide(
        service.store, instrument, name, decision,
        who=who, comment=comment, seen=seen, later=background.add_task,
    )  # fmt: skip
    return [
        {"ab": one.block, "product": one.product, "state": str(one.state), "depth": one.depth}
        for one in decided.consequences
    ]


def _decision(text: str) -> Decision:
    if text not in {Decision.ACCEPTED, Decision.REJECTED, Decision.REVOKED}:
        raise UserError("a decision is ACCEPTED, REJECTED or REVOKED")
    return Decision(text)


def _seen(text: str) -> tuple[str, int]:
    name, _, revision = text.rpartition(" ")
    if not name or not revision.isdecimal() or len(revision) > 9:
        raise UserError(f"{text[:100]!r} names no AB with its revision")
    return name, int(revision)
