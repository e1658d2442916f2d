"""What a batch of a campaign would make, with what, and how long it would take."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from vltflow.core.errors import VltflowError
from vltflow.core.site import Site
from vltflow.flow.better import better_served
from vltflow.flow.selection import Selection, chosen, runnable
from vltflow.instruments import Instrument
from vltflow.process.jobs import version_of
from vltflow.process.rules import OPEN, needed_for
from vltflow.records import AssociationBlock, BlockState, Job, MatchState
from vltflow.store import Store, Transaction

_REFUSAL = " does not take it: "
BAD = frozenset({BlockState.FAILED, BlockState.PARTIAL, BlockState.ABORTED})
"""States that are a problem whatever else is said."""


@dataclass(frozen=True, slots=True)
class Lack:
    """A calibration that some ABs cannot have."""

    category: str
    setup: str
    number: int
    """ABs that need it."""


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """A month of a campaign as it would run now."""

    month: str
    science: int
    """Science ABs that the selection takes, stacks included."""
    states: Mapping[str, int]
    """These by state."""
    to_make: tuple[str, ...]
    """Names of those that would run."""
    masters_first: tuple[str, ...]
    """Names of the ABs that would make their masters before (COMPLETE mode)."""
    waiting: int
    """Planned ones that wait for masters: COMPLETE mode would make these."""
    better: tuple[str, ...]
    """Names of ended ones that would be made anew, as better calibrations came since."""
    outdated: tuple[str, ...]
    """Names of processed ones whose recipe or definition has changed since: --reprocess."""
    levels: Mapping[int, int]
    """Calibrations of the science ABs by quality level."""
    lacks: tuple[Lack, ...]
    problems: Mapping[str, int]
    """Why ABs are blocked, with their number; what lacks apart."""
    seconds: float | None
    """Expected wall time from the past of the recipes; None if none of them ever ran."""
    untimed: tuple[str, ...]
    """Recipes without a past, left out of the time."""


def plan_batch(
    store: Store, site: Site, instrument: Instrument, selection: Selection, month: str
) -> BatchPlan:
    """What a batch would make as things are; nothing is written."""
    with store.read() as tx:
        science = chosen(tx, instrument, selection, month)
        names = runnable(science, complete=selection.complete)
        planned = tx.blocks.find(instrument=instrument.name, states=tuple(OPEN))
        needed = needed_for(planned, names)
        own = {block.name for block in science}
        masters = [block.name for block in needed if block.name not in own]
        seconds, untimed = _time(tx, needed, site)
        latest = tx.jobs.latest([block.name for block in science])
        better = better_served(tx, instrument, science, complete=selection.complete)
    states = Counter(str(block.state) for block in science)
    return BatchPlan(
        month=month,
        science=len(science),
        states=dict(sorted(states.items())),
        to_make=tuple(names),
        masters_first=tuple(masters),
        waiting=sum(states[one] for one in OPEN) - len(names),
        better=tuple(better),
        outdated=tuple(outdated(instrument, science, latest)),
        levels=dict(sorted(_levels(science).items())),
        lacks=tuple(lacks_of(science)),
        problems=problems_of(science),
        seconds=seconds,
        untimed=untimed,
    )


def outdated(
    instrument: Instrument, blocks: Iterable[AssociationBlock], latest: Mapping[str, Job]
) -> list[str]:
    """Names of the processed ABs that another recipe version or definition would process now.

    Parameters
    ----------
    latest
        Latest job of each AB, by its name.
    """
    found = []
    for block in blocks:
        job = latest.get(block.name)
        if job is None or block.state in OPEN:
            continue
        try:
            version = version_of(instrument, block.raw_type, block.setup_keys)
        except VltflowError:
            continue  # nobody can process it now
        if (job.recipe_version, job.context) != (version, instrument.context):
            found.append(block.name)
    return found


def makers_of(tx: Transaction, blocks: Sequence[AssociationBlock]) -> list[AssociationBlock]:
    """ABs that made the calibrations of others, and those that made theirs, transitively."""
    found: dict[str, AssociationBlock] = {}
    wave = list(blocks)
    while wave:
        names = {match.source_block for one in wave for match in one.masters if match.source_block}
        wave = list(tx.blocks.by_name(names - set(found)).values())
        found |= {one.name: one for one in wave}
    return [block for name, block in found.items() if name not in {one.name for one in blocks}]


def _time(
    tx: Transaction, blocks: Iterable[AssociationBlock], site: Site
) -> tuple[float | None, tuple[str, ...]]:
    """Expected wall time of jobs on all cores of the site, and recipes that have no past."""
    total, untimed = 0.0, []
    numbers = Counter(block.recipe for block in blocks)
    for recipe, number in sorted(numbers.items()):
        past = tx.jobs.core_seconds(recipe)
        if past:
            total += number * statistics.median(past)
        else:
            untimed.append(recipe)
    known = len(numbers) > len(untimed) or not numbers
    return (total / site.cores if known else None), tuple(untimed)


def _levels(science: Iterable[AssociationBlock]) -> Counter[int]:
    return Counter(
        match.level
        for block in science
        for match in block.masters
        if match.level is not None and not match.member
    )


def lacks_of(science: Iterable[AssociationBlock]) -> list[Lack]:
    """Calibrations that ABs cannot have."""
    numbers = Counter(
        (match.category, block.setup)
        for block in science
        for match in block.masters
        if match.required and match.state is MatchState.MISSING
    )
    return [Lack(*what, number) for what, number in sorted(numbers.items())]


def flawed(science: Iterable[AssociationBlock]) -> list[AssociationBlock]:
    """ABs that were made, and something is wrong nevertheless: not published, without a member."""
    return [one for one in science if one.state is BlockState.SUCCEEDED and one.problem]


def problems_of(science: Iterable[AssociationBlock]) -> dict[str, int]:
    """Reasons of blocked ABs without the lacks, most frequent first.

    A recipe that refuses several setups is named once, with one of its reasons.
    """
    reasons = Counter(
        reason
        for block in science
        if block.state is BlockState.BLOCKED
        for reason in block.problem.split("; ")
        if reason and not reason.startswith("no ")
    )
    refusals: dict[str, list[str]] = {}
    for reason, _ in reasons.most_common():
        refusals.setdefault(reason.partition(_REFUSAL)[0], []).append(reason)
    problems = {
        f"{same[0]} (and {len(same) - 1} more)" if same[1:] else same[0]: sum(
            reasons[reason] for reason in same
        )
        for same in refusals.values()
    }
    return dict(sorted(problems.items(), key=lambda one: -one[1]))
