"""Processed ABs opened again, to be made anew by the rules and recipes of now."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from vltflow.associate.cascade import build_cascade
from vltflow.associate.grouping import completeness
from vltflow.associate.planning import match_again
from vltflow.instruments import Instrument
from vltflow.records import AssociationBlock, BlockState
from vltflow.store import Store, Transaction

_ENDED = (BlockState.SUCCEEDED, BlockState.PARTIAL, BlockState.FAILED)


def reopen(
    store: Store, instrument: Instrument, names: Collection[str], *, by: str, why: str
) -> list[str]:
    """Give processed ABs a new revision that is planned, with the best matches of now.

    Those that make masters come before their users. The products of the earlier revision stay
    in use until the new ones are certified, and are never removed. ABs that are open or run,
    that a person aborted or rejected are left alone.

    Returns
    -------
    list of str
        Names of those that were opened.
    """
    with store.read() as tx:
        blocks = list(tx.blocks.by_name(names).values())
        decided = tx.blocks.decisions(names)
    order = {raw_type: place for place, raw_type in enumerate(build_cascade(instrument).order)}
    chosen = [
        block
        for block in blocks
        if block.state in _ENDED and decided[block.name] not in {"REJECTED", "REVOKED"}
    ]
    chosen.sort(key=lambda one: (order.get(one.raw_type, len(order)), one.mjd_mid))
    opened: list[str] = []
    for block in chosen:
        with store.write(by=by, why=why) as tx:
            again = _again(tx, instrument, block)
            text = f"{block.state} -> revision {again.revision}: {why}"
            opened += tx.blocks.revise({block.name: (again, text)}, expected=_ENDED)
    return opened


def _again(tx: Transaction, instrument: Instrument, block: AssociationBlock) -> AssociationBlock:
    entry = instrument.raw_types[block.raw_type]
    new = replace(
        block,
        revision=block.revision + 1,
        context=instrument.context,
        recipe=entry.recipe,
        state=BlockState.PLANNED,
        problem="",
    )
    if entry.group == "stack":
        return new  # its members are matches already; association opens it when they change
    expected, problem = completeness(tx.frames.of_block(block.name), entry)
    again = match_again(tx, instrument, replace(new, expected=expected))
    if not problem:
        return again
    text = "; ".join(filter(None, (problem, again.problem)))
    return replace(again, complete=False, state=BlockState.BLOCKED, problem=text)
