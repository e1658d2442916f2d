"""Pure decisions: may an AB serve as a candidate, can an AB run, what keeps it from it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from vltflow.associate.cascade import Need
from vltflow.instruments import Instrument
from vltflow.records import AssociationBlock, BlockState, Decision, MasterMatch, MatchState
from vltflow.store import Candidate

_REFUSED: dict[str, str] = {
    Decision.REJECTED: "its products were rejected",
    Decision.REVOKED: "it was revoked",
}
_DEAD: dict[str, str] = {
    BlockState.FAILED: "its AB failed",
    BlockState.ABORTED: "its AB was aborted",
}
_MADE: tuple[str, ...] = (BlockState.SUCCEEDED, BlockState.PARTIAL)


def refusal(candidate: Candidate, category: str) -> str:
    """Why an AB may not give a master of a category, whatever its setup and time; or empty.

    An AB that is complete but waits for a recipe may: what it will make is planned.
    """
    if candidate.decision in _REFUSED:
        return _REFUSED[candidate.decision]
    if candidate.state in _DEAD:
        return _DEAD[candidate.state]
    if candidate.state in _MADE:
        return "" if category in candidate.products else f"its AB made no usable {category}"
    return "" if candidate.complete else f"its AB cannot run: {candidate.problem}"


def judge(
    block: AssociationBlock,
    matched: Sequence[tuple[MasterMatch, Candidate | None]],
    instrument: Instrument,
    needs: Mapping[str, Need],
) -> AssociationBlock:
    """AB with its matches and the state that follows from them.

    Parameters
    ----------
    block
        The AB; its `problem` says only what is missing of its own frames.
    matched
        Match of each need and the AB that makes it.
    instrument
        Tells whether a runner exists.
    needs
        By category, for the ranges.
    """
    masters = tuple(match for match, _ in matched)
    missing = [one for one in masters if one.required and one.state is MatchState.MISSING]
    problems = [block.problem] if block.problem else []
    problems += _missing_texts(missing, needs, block.setup)
    complete = not problems
    waits = _waits_for_recipe(block, instrument)
    if waits:
        problems.append(f"waits for a recipe: {waits}")
    else:
        problems += _waiting_texts(matched)
    return replace(
        block,
        masters=masters,
        complete=complete,
        state=BlockState.BLOCKED if problems else BlockState.PLANNED,
        problem="; ".join(problems),
    )


def _waits_for_recipe(block: AssociationBlock, instrument: Instrument) -> str:
    """Why no recipe can work on an AB; empty if one can."""
    runner = instrument.recipe_of(block.raw_type).executed_by
    if runner is None:
        return f"no runner executes {block.recipe} yet"
    execution = instrument.recipe_of(block.raw_type).execution
    if not execution.takes:
        return ""
    refusal = execution.refusal(json.loads(block.setup_keys))
    return f"{execution.recipe} by {runner} does not take it: {refusal}" if refusal else ""


def _missing_texts(
    missing: Sequence[MasterMatch], needs: Mapping[str, Need], setup: str
) -> list[str]:
    by_range: dict[float, list[str]] = {}
    absent = [match.category for match in missing if match.category not in needs]
    for match in missing:
        if match.category in needs:
            by_range.setdefault(needs[match.category].days, []).append(match.category)
    statics = [f"no static calibration {', '.join(absent)} for {setup}: see `vltflow statics`"]
    return [
        *(statics if absent else []),
        *(
            f"no {', '.join(categories)} for {setup} within {days:g} days"
            for days, categories in by_range.items()
        ),
    ]


def _waiting_texts(matched: Sequence[tuple[MasterMatch, Candidate | None]]) -> list[str]:
    return [
        f"waits for {match.category} of {source.name}, which is blocked"
        for match, source in matched
        if match.required
        and match.state is MatchState.VIRTUAL
        and source is not None
        and source.state == BlockState.BLOCKED
    ]


def refusal_of_member(candidate: Candidate) -> str:
    """Why an AB may not be stacked, whatever it made; or empty: it is, or will be when made."""
    return _REFUSED.get(candidate.decision, "") or _DEAD.get(candidate.state, "")


def stack_state(
    singles: Sequence[Candidate],
    refused: Mapping[str, str],
    *,
    minimum: int,
    obstacle: str,
) -> tuple[BlockState, str]:
    """State of a stack and the sentence that says what it waits for, or is made without.

    Parameters
    ----------
    singles
        ABs of all its exposures.
    refused
        Why one is left out, by name; empty: it is not.
    minimum
        Exposures without which it is not made.
    obstacle
        Why no recipe can make it; empty: one can.
    """
    usable = [one for one in singles if not refused[one.name]]
    without = [f"without {name}: {why}" for name, why in refused.items() if why]
    obstacles = []
    if len(usable) < minimum:
        obstacles.append(f"{len(usable)} of {len(singles)} exposures can be used, not {minimum}")
    if obstacle:
        obstacles.append(f"waits for a recipe: {obstacle}")
    obstacles += [
        f"waits for {one.name}, which is blocked"
        for one in usable
        if one.state == BlockState.BLOCKED
    ]
    state = BlockState.BLOCKED if obstacles else BlockState.PLANNED
    return state, "; ".join([*obstacles, *without])
