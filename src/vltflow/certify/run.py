"""The room's entry: certify by itself what needs no person."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence

from vltflow.certify.decide import CERTIFYING, record
from vltflow.certify.rules import automatic
from vltflow.instruments import Instrument
from vltflow.records import AssociationBlock, Decision, Verdict
from vltflow.store import Store, Transaction

_log = logging.getLogger(__name__)


def run(
    store: Store,
    instrument: Instrument,
    *,
    blocks: Sequence[str] | None = None,
    by: str = "certify",
) -> list[Verdict]:
    """Certify scored ABs that nobody decided about, as far as the rules allow.

    What the rules leave to a person stays undecided; `waiting` lists it. An AB waits for what
    it was made with, so those made with an AB that is certified are looked at after it. Each
    AB is a transaction of its own.

    Parameters
    ----------
    blocks
        Names of ABs, scored or just decided by a person; all that are undecided by default.

    Raises
    ------
    StoreError
        If the registry cannot be read or written.
    """
    verdicts = []
    with store.read() as tx:
        left = deque(tx.quality.undecided(instrument.name) if blocks is None else blocks)
    while left:
        name = left.popleft()
        verdict = _certify(store, instrument, name, by)
        if verdict is not None:
            verdicts.append(verdict)
        with store.read() as tx:
            if tx.blocks.decisions([name]).get(name) in CERTIFYING:
                left.extend(_users(tx, name))
    return verdicts


def _users(tx: Transaction, name: str) -> list[str]:
    """ABs that were made with products of an AB."""
    return sorted({user for user, match in tx.blocks.users_of(name) if match.product_id})


def _certify(store: Store, instrument: Instrument, name: str, by: str) -> Verdict | None:
    with store.read() as tx:
        if not _is_undecided(tx, name):
            return None
        decision, reason = _judged(tx, instrument, tx.blocks.get(name))
    if decision is None:
        _log.info("ab=%s waits for a person: %s", name, reason)
        return None
    with store.write(by=by, why="no obstacle to certification") as tx:
        if not _is_undecided(tx, name):
            return None  # a person was faster, or late frames opened it again
        block = tx.blocks.get(name)
        decision, reason = _judged(tx, instrument, block)
        if decision is None:
            return None
        return record(tx, block.name, block.revision, Decision.AUTO, who=by, comment=reason)


def _is_undecided(tx: Transaction, name: str) -> bool:
    return name in tx.quality.undecided(only=name)


def _judged(
    tx: Transaction, instrument: Instrument, block: AssociationBlock
) -> tuple[Decision | None, str]:
    scores = tx.quality.scores([block.name]).get(block.name, [])
    states = tx.products.states(match.product_id for match in block.masters)
    return automatic(block, scores, instrument, states)
