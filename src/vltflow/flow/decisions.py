"""A person's decisions about ABs, carried through to archive and association."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from vltflow import archive, associate, certify, publish
from vltflow.certify import Decided
from vltflow.core.errors import VltflowError
from vltflow.instruments import Instrument
from vltflow.records import Decision
from vltflow.store import Store


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one of many decisions."""

    block: str
    decided: Decided | None
    """None if it was refused."""
    refusal: str = ""


def decide(  # noqa: PLR0913 - what makes a decision
    store: Store,
    instrument: Instrument,
    block: str,
    decision: Decision,
    *,
    who: str,
    comment: str,
    seen: int | None = None,
    later: Callable[..., object] | None = None,
) -> Decided:
    """Record a decision and carry it through: to ABs that waited for it, masters and planned ABs.

    ABs made with what was accepted are certified as far as the rules allow, masters gain or
    lose validity, planned ABs look again, and science products are published or hidden.
    Each step is a transaction of its own and does what is left to do, so that a
    run that was killed between two of them is finished by the next.

    Parameters
    ----------
    seen
        Revision of the AB that the person has looked at; None: whichever there is.
    later
        Takes the call that publishes, half a second an AB, for when the person has been answered;
        None: it is done before this returns.

    Raises
    ------
    UserError
        If name or comment are missing, or the decision does not fit the AB's state.
    Conflict
        If somebody else decided meanwhile, or late frames made another revision.
    """
    decided = certify.decide(store, block, decision, who=who, comment=comment, seen=seen)
    _carry_through(store, instrument, [block], later)
    return decided


def decide_many(  # noqa: PLR0913 - what makes many decisions
    store: Store,
    instruments: Mapping[str, Instrument],
    seen: Mapping[str, int],
    decision: Decision,
    *,
    who: str,
    comment: str,
    later: Callable[..., object] | None = None,
) -> list[Outcome]:
    """The same decision about several ABs: those that cannot be decided stop no others.

    Parameters
    ----------
    instruments
        Definitions of all instruments concerned, by name.
    seen
        Revisions that the person has looked at, by name of AB.
    later
        As of `decide`.
    """
    outcomes = [
        _outcome(store, name, revision, decision, who=who, comment=comment)
        for name, revision in seen.items()
    ]
    done = [one.block for one in outcomes if one.decided is not None]
    with store.read() as tx:
        blocks = tx.blocks.by_name(done).values()
    for name in sorted({block.instrument for block in blocks}):
        decided = [block.name for block in blocks if block.instrument == name]
        _carry_through(store, instruments[name], decided, later)
    return outcomes


def _outcome(
    store: Store, name: str, revision: int, decision: Decision, *, who: str, comment: str
) -> Outcome:
    try:
        decided = certify.decide(store, name, decision, who=who, comment=comment, seen=revision)
    except VltflowError as error:
        return Outcome(name, None, str(error))
    return Outcome(name, decided)


def _carry_through(
    store: Store,
    instrument: Instrument,
    decided: Sequence[str],
    later: Callable[..., object] | None,
) -> None:
    followed = [one.block for one in certify.run(store, instrument, blocks=decided)]
    archive.run(store, instrument)
    associate.run(store, instrument)
    call = later or (lambda work, *args, **options: work(*args, **options))
    call(publish.run, store, instrument, blocks=[*decided, *followed])
