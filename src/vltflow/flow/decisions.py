"""A person's decision about an AB, carried through to archive and association."""

from __future__ import annotations

from vltflow import archive, associate, certify
from vltflow.certify import Decided
from vltflow.instruments import Instrument
from vltflow.records import Decision
from vltflow.store import Store


def decide(
    store: Store, instrument: Instrument, block: str, decision: Decision, *, who: str, comment: str
) -> Decided:
    """Record a decision; then masters gain or lose validity and planned ABs look again.

    Each step is a transaction of its own and does what is left to do, so that a
    run that was killed between two of them is finished by the next.

    Raises
    ------
    UserError
        If name or comment are missing, or the decision does not fit the AB's state.
    Conflict
        If somebody else decided meanwhile.
    """
    decided = certify.decide(store, block, decision, who=who, comment=comment)
    archive.run(store, instrument)
    associate.run(store, instrument)
    return decided
