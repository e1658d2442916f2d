"""The desk: ABs that wait for a person, the worst first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vltflow.certify.rules import automatic
from vltflow.instruments import Instrument, load
from vltflow.records import Colour
from vltflow.store import Store


@dataclass(frozen=True, slots=True)
class Waiting:
    """An AB that the rules leave to a person."""

    block: str
    instrument: str
    night: str
    raw_type: str
    setup: str
    red: int
    scored: int
    """Red and green scores."""
    reason: str

    @property
    def score(self) -> str:
        """``(red/total)``."""
        return f"({self.red}/{self.scored})"


def waiting(
    store: Store,
    instrument: str | None = None,
    *,
    definition: Callable[[str], Instrument] = load,
) -> list[Waiting]:
    """ABs that wait for a person, of one instrument or all, most red scores first, then by time.

    Parameters
    ----------
    instrument
        Name; None is all.
    definition
        Gives the definition of an instrument by its name.

    Raises
    ------
    UnknownName
        If the definition of an AB's instrument is not installed.
    """
    with store.read() as tx:
        names = tx.quality.undecided(instrument)
        known = tx.blocks.by_name(names)
        blocks = [known[name] for name in names]
        scores = tx.quality.scores(names)
        states = tx.products.states({one.product_id for block in blocks for one in block.masters})
    found = []
    for block in blocks:
        own = scores.get(block.name, [])
        decision, reason = automatic(block, own, definition(block.instrument), states)
        if decision is not None:
            continue  # the rules let it pass as soon as they are asked
        red = sum(score.colour is Colour.RED for score in own)
        scored = sum(score.colour is not Colour.GREY for score in own)
        found.append(
            Waiting(
                block=block.name,
                instrument=block.instrument,
                night=block.night,
                raw_type=block.raw_type,
                setup=block.setup,
                red=red,
                scored=scored,
                reason=reason,
            )
        )
    return sorted(found, key=lambda one: -one.red)
