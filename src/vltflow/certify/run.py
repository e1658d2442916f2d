"""The room's entry: certify by itself what needs no person."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from vltflow.certify.decide import record
from vltflow.certify.rules import automatic
from vltflow.instruments import Instrument
from vltflow.records import Decision, Verdict
from vltflow.store import Store

_log = logging.getLogger(__name__)


def run(
    store: Store,
    instrument: Instrument,
    *,
    blocks: Sequence[str] | None = None,
    by: str = "certify",
) -> list[Verdict]:
    """Certify scored ABs that nobody decided about, as far as the rules allow.

    What the rules leave to a person stays undecided; `waiting` lists it. Each AB is
    a transaction of its own.

    Parameters
    ----------
    blocks
        Names of ABs; all by default.

    Raises
    ------
    StoreError
        If the registry cannot be read or written.
    """
    with store.read() as tx:
        names = tx.quality.undecided(instrument.name)
    chosen = names if blocks is None else [name for name in names if name in set(blocks)]
    verdicts = [_certify(store, instrument, name, by) for name in chosen]
    return [verdict for verdict in verdicts if verdict is not None]


def _certify(store: Store, instrument: Instrument, name: str, by: str) -> Verdict | None:
    with store.read() as tx:
        decision, reason = automatic(
            tx.blocks.get(name), tx.quality.scores([name]).get(name, []), instrument
        )
    if decision is None:
        _log.info("ab=%s waits for a person: %s", name, reason)
        return None
    with store.write(by=by, why="no obstacle to certification") as tx:
        block = tx.blocks.get(name)
        if name not in tx.quality.undecided(instrument.name, only=name):
            return None  # a person was faster, or late frames opened it again
        scores = tx.quality.scores([name]).get(name, [])
        decision, reason = automatic(block, scores, instrument)
        if decision is None:
            return None
        return record(tx, block.name, block.revision, Decision.AUTO, who=by, comment=reason)
