"""When an AB passes by itself, and why it does not."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from vltflow.instruments import Instrument
from vltflow.records import (
    AssociationBlock,
    BlockState,
    Colour,
    Decision,
    MatchState,
    ProductState,
    Score,
)

_SHOWN = 3
"""Red scores named in a reason; the others are counted."""


def automatic(
    block: AssociationBlock,
    scores: Sequence[Score],
    instrument: Instrument,
    states: Mapping[str, ProductState],
) -> tuple[Decision | None, str]:
    """AUTO, or None and the sentence that says why a person has to look.

    An AB passes by itself when it is complete and all its products were made, at least
    one parameter could be scored, no score is red, no calibration was matched at
    a worse level than the instrument's `certify_level`, and all that it was made with is
    certified. Grey scores do not count. Of the science ABs one of `sample_every` waits all
    the same.

    Parameters
    ----------
    states
        States of the products that it was made with, by `product_id`; static calibrations
        are not among them.
    """
    obstacles = [
        *_of_block(block),
        *_of_scores(scores),
        *_of_calibrations(block, instrument.scores.certify_level),
        *_of_sources(block, states),
        *_of_sampling(block, instrument),
    ]
    if obstacles:
        return None, "; ".join(obstacles)
    scored = sum(one.colour is Colour.GREEN for one in scores)
    grey = len(scores) - scored
    return Decision.AUTO, f"all {scored} scores are green" + (f", {grey} grey" if grey else "")


def _of_sampling(block: AssociationBlock, instrument: Instrument) -> list[str]:
    """A few science ABs are looked at although all is green: the same ones each time."""
    every = instrument.scores.sample_every
    entry = instrument.raw_types.get(block.raw_type)
    if entry is None:
        return [f"raw type {block.raw_type} is not in the definition of {instrument.name} any more"]
    if every is None or entry.kind != "science":
        return []
    digest = hashlib.sha256(block.name.encode()).digest()
    chosen = int.from_bytes(digest[:8], "big") % every == 0
    return [f"drawn by lot for a look, one of {every}"] if chosen else []


def _of_block(block: AssociationBlock) -> list[str]:
    obstacles = []
    if block.state is not BlockState.SUCCEEDED:
        obstacles.append(f"{block.state}: {block.problem}" if block.problem else str(block.state))
    if not block.complete:
        found = len(block.frames)
        counted = f"{found} of {block.expected} frames"
        told = 0 < found < block.expected
        obstacles.append(f"incomplete: {counted}" if told else "incomplete")
    return obstacles


def _of_scores(scores: Sequence[Score]) -> list[str]:
    red = [one for one in scores if one.colour is Colour.RED]
    scored = sum(one.colour is not Colour.GREY for one in scores)
    if red:
        named = ", ".join(f"{one.category} {one.parameter}" for one in red[:_SHOWN])
        more = f" and {len(red) - _SHOWN} more" if len(red) > _SHOWN else ""
        verb = "is" if len(red) == 1 else "are"
        return [f"{len(red)} of {scored} scores {verb} red: {named}{more}"]
    return [] if scored else ["nothing could be scored"]


def _of_calibrations(block: AssociationBlock, worst: int) -> list[str]:
    return [
        f"{match.category} matched at level {match.level}, {worst} is allowed"
        for match in block.masters
        if match.state is not MatchState.MISSING and match.level is not None and match.level > worst
    ]


def _of_sources(block: AssociationBlock, states: Mapping[str, ProductState]) -> list[str]:
    """What it was made with is not certified: masters, or the exposures of a stack."""
    found = [(match, states.get(match.product_id)) for match in block.masters]
    return [
        f"made with {match.category} of {match.source_block}, which "
        + ("is not certified yet" if state is ProductState.CREATED else f"is {state}")
        for match, state in found
        if state not in {None, ProductState.CERTIFIED}
    ]
