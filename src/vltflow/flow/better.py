"""Science opened again for which better calibrations came after it was made."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable

from vltflow import associate
from vltflow.instruments import Instrument
from vltflow.process.rules import MADE
from vltflow.records import AssociationBlock, BlockState, MasterMatch, MatchState
from vltflow.store import Store, Transaction

_ENDED = MADE | {BlockState.FAILED}


def better_served(
    tx: Transaction,
    instrument: Instrument,
    science: Iterable[AssociationBlock],
    *,
    complete: bool,
) -> list[str]:
    """Names of the ended ABs that would get other calibrations if they were associated now.

    Association takes the lowest level and, in it, the nearest in time, so what it would take
    now and did not take then came later, or was made anew.

    Parameters
    ----------
    science
        Science ABs; open ones, stacks and those that a person rejected are left out.
    complete
        Whether calibrations count that are not made yet but would be.
    """
    ended = [block for block in science if block.state in _ENDED and block.frames]
    decided = tx.blocks.decisions([block.name for block in ended])
    ended = [one for one in ended if decided[one.name] not in {"REJECTED", "REVOKED"}]
    anew = {block.name: block for block in associate.matched_now(tx, instrument, ended)}
    makers = tx.blocks.by_name(match.source_block for one in anew.values() for match in one.masters)
    able = MADE | {BlockState.PLANNED} if complete else MADE
    usable = {name for name, maker in makers.items() if maker.state in able}
    return [one.name for one in ended if _is_better(anew[one.name], one, usable)]


def reopen_better_served(
    store: Store,
    instrument: Instrument,
    science: Iterable[AssociationBlock],
    *,
    complete: bool,
    by: str,
) -> list[str]:
    """Give `better_served` ABs a new revision; gives their names."""
    with store.read() as tx:
        names = better_served(tx, instrument, science, complete=complete)
    if names:
        associate.reopen(store, instrument, names, by=by, why="better calibrations came")
        associate.run(store, instrument)
    return names


def _is_better(now: AssociationBlock, then: AssociationBlock, usable: Collection[str]) -> bool:
    used = {one.category: one for one in then.masters if one.state is MatchState.REAL}
    return now.state is BlockState.PLANNED and any(
        _replaces(one, used.get(one.category)) for one in now.masters if one.source_block in usable
    )


def _replaces(new: MasterMatch, old: MasterMatch | None) -> bool:
    if old is not None and new.source_block == old.source_block:
        return new.product_id != old.product_id
    return _rank(new) < _rank(old)


def _rank(match: MasterMatch | None) -> tuple[float, float]:
    """Level and distance, the better the less."""
    if match is None or match.level is None or match.distance_days is None:
        return (math.inf, math.inf)
    return (match.level, abs(match.distance_days))
