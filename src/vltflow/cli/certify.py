"""`vltflow certify`: what waits for a person, and the person's decisions."""

from __future__ import annotations

from pathlib import Path

import typer

from vltflow import certify as room
from vltflow.cli.context import block_name, open_store
from vltflow.cli.options import (
    BlockArgument,
    CommentOption,
    InstrumentOption,
    JsonOption,
    SiteOption,
    WhoOption,
    commands,
    person,
)
from vltflow.cli.output import console, show
from vltflow.flow.decisions import decide
from vltflow.instruments import load
from vltflow.records import Decision

app = commands("Certification: ABs with only green scores pass by themselves.")
COLUMNS = ("ab", "raw_type", "setup", "score", "reason")
CONSEQUENCE_COLUMNS = ("ab", "product", "status", "depth")


@app.command("list")
def waiting(
    context: typer.Context,
    instrument: InstrumentOption = None,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the ABs that wait for a person, worst first, with the reason."""
    with open_store(context, site, instrument=instrument) as (opened, store):
        found = room.waiting(store, instrument, definition=lambda name: load(name, opened))
    rows = [
        {
            "ab": one.block,
            "raw_type": one.raw_type,
            "setup": one.setup,
            "score": one.score,
            "reason": one.reason,
        }
        for one in found
    ]
    show(rows, COLUMNS, as_json=as_json, empty="nothing waits for a person")


@app.command()
def accept(
    context: typer.Context,
    name: BlockArgument,
    comment: CommentOption,
    who: WhoOption = None,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Certify the products of an AB although not all is green."""
    _decide(context, name, Decision.ACCEPTED, comment, who, site, as_json)


@app.command()
def reject(
    context: typer.Context,
    name: BlockArgument,
    comment: CommentOption,
    who: WhoOption = None,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Refuse the products of an AB; they are kept, but nothing may use them."""
    _decide(context, name, Decision.REJECTED, comment, who, site, as_json)


@app.command()
def revoke(
    context: typer.Context,
    name: BlockArgument,
    comment: CommentOption,
    who: WhoOption = None,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take back a certification; lists everything that was made with the products."""
    _decide(context, name, Decision.REVOKED, comment, who, site, as_json)


def _decide(
    context: typer.Context,
    name: str,
    decision: Decision,
    comment: str,
    who: str | None,
    site: Path | None,
    as_json: bool,
) -> None:
    with open_store(context, site) as (opened, store):
        full_name = block_name(store, name)
        with store.read() as tx:
            instrument = load(tx.blocks.get(full_name).instrument, opened)
        decided = decide(store, instrument, full_name, decision, who=person(who), comment=comment)
    rows = [
        {"ab": one.block, "product": one.product, "status": str(one.state), "depth": one.depth}
        for one in decided.consequences
    ]
    if not as_json:
        console().print(f"{full_name}: {decision} by {person(who)}", highlight=False)
        if rows and decision is not Decision.ACCEPTED:
            console().print("made with its products:")
    if as_json or decision is not Decision.ACCEPTED:
        show(rows, CONSEQUENCE_COLUMNS, as_json=as_json, empty="nothing was made with its products")
