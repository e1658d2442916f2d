"""The room's entry: certify by itself what needs no person."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence

from vltflow.certify.decide import CERTIFYING, record
from vltflow.certify.rules import automatic
from vltflow.core.time import now_iso
from vltflow.instruments import Instrument
from vltflow.records import AssociationBlock, Decision, Verdict
from vltflow.store import Store, Transaction

_log = logging.getLogger(__name__)
_TOGETHER = 100
"""ABs of one transaction: a few cost little more than one."""


def run(
    store: Store,
    instrument: Instrument,
    *,
    blocks: Sequence[str] | None = None,
    by: str = "certify",
) -> list[Verdict]:
    """Certify scored ABs that nobody decided about, as far as the rules allow.

    What the rules leave to a person stays undecided; `waiting` lists it. An AB waits for what
    it was made with, so those made with an AB that is certified are looked at after it. A
    hundred at most are a transaction.

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
        names = [left.popleft() for _ in range(min(_TOGETHER, len(left)))]
        verdicts += _certify(store, instrument, names, by)
        with store.read() as tx:
            left += _users(tx, names)
    return verdicts


def _users(tx: Transaction, names: Sequence[str]) -> list[str]:
    """Undecided ABs that were made with products of those of some ABs that are certified."""
    decisions = tx.blocks.decisions(names)
    certified = [name for name in names if decisions.get(name) in CERTIFYING]
    users = {user for user, match in tx.blocks.users_of(*certified) if match.product_id}
    return tx.quality.undecided(only=users)


def _certify(store: Store, instrument: Instrument, names: Sequence[str], by: str) -> list[Verdict]:
    with store.read() as tx:
        passing = _passing(tx, instrument, names)
    if not passing:
        return []
    with store.write(by=by, why="no obstacle to certification") as tx:
        # A person may have been faster, or late frames have opened one again.
        passing = _passing(tx, instrument, [block.name for block, _ in passing])
        verdicts = [
            Verdict(block.name, block.revision, Decision.AUTO, by, reason, now_iso())
            for block, reason in passing
        ]
        if verdicts:
            record(tx, verdicts)
    return verdicts


def _passing(
    tx: Transaction, instrument: Instrument, names: Sequence[str]
) -> list[tuple[AssociationBlock, str]]:
    """Those of some ABs that pass by themselves, each with the reason."""
    undecided = tx.quality.undecided(only=names)
    blocks = tx.blocks.by_name(undecided)
    scores = tx.quality.scores(undecided)
    states = tx.products.states(
        {match.product_id for block in blocks.values() for match in block.masters}
    )
    passing = []
    for name in undecided:
        decision, reason = automatic(blocks[name], scores.get(name, []), instrument, states)
        if decision is None:
            _log.info("ab=%s waits for a person: %s", name, reason)
        else:
            passing.append((blocks[name], reason))
    return passing
