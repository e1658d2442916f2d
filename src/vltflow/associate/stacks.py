"""Which ABs are stacked: those whose exposures share an observation or target, and a setup.

A stack has no frames. Its members are matches with the products of other ABs, as masters
are: so it waits for them, runs when they are made, and is looked at again when one of them
changes. What cannot be used (failed, rejected, revoked, aborted) is left out, and said.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from vltflow.associate.matching import parsed
from vltflow.associate.rules import refusal_of_member, stack_state
from vltflow.instruments import Instrument
from vltflow.instruments.setups import setup_of
from vltflow.records import AssociationBlock, BlockState, MasterMatch, MatchState, RawFrame
from vltflow.store import Candidate, Transaction

TAGS = {"OBS.ID": "obs", "OBS.TARG.NAME": "targ"}
"""Grouping tag of stacks by what their exposures share."""
FRAME_FIELDS = {"OBS.ID": "obs_id", "OBS.TARG.NAME": "object_name"}
"""Field of a raw frame that holds a keyword by which exposures can be stacked."""
Value = str | int
_OPEN = (BlockState.PLANNED, BlockState.BLOCKED)


@dataclass(frozen=True, slots=True)
class Single:
    """An AB that a stack may take: as it will be after this association."""

    block: AssociationBlock
    candidate: Candidate


@dataclass(slots=True)
class _Group:
    key: str
    setup: str
    setup_keys: str
    singles: list[Single]


def stack_blocks(
    look: Transaction,
    instrument: Instrument,
    stack: str,
    *,
    touched: Collection[str],
    drafts: Mapping[str, AssociationBlock],
    gone: Collection[str],
) -> Iterator[tuple[AssociationBlock, AssociationBlock | None]]:
    """Stacks of one raw type that the touched ABs belong to: as it should be, and as it is.

    Parameters
    ----------
    stack
        Raw type of the stacks.
    touched
        ABs of its members' raw types, or stacks, that are new or have changed.
    drafts
        ABs as this association will write them, by name.
    gone
        Names of ABs that it will remove.
    """
    entry = instrument.raw_types[stack]
    if entry.members is None:
        return
    field = FRAME_FIELDS[entry.members.by]
    sources = entry.members.raw_types
    wanted = _values(look, _with_members(look, touched), drafts, field, sources)
    stored = look.association.observed(instrument.name, sources, field, set(wanted.values()))
    names = {name: value for name, value in (stored | wanted).items() if name not in gone}
    singles = _singles(look, names, drafts)
    groups = _grouped(instrument, stack, names, singles)
    existing = look.blocks.by_group(groups)
    for key, group in groups.items():
        before = existing.get(key)
        if before is not None or len(group.singles) >= entry.minimum:
            yield _stack(instrument, stack, group, before), before


def differs(new: AssociationBlock, old: AssociationBlock) -> bool:
    """Whether a stack that has ended was made of other products than it should be made of."""
    return _taken(new) != _taken(old)


def _taken(block: AssociationBlock) -> set[tuple[str, str, str]]:
    return {
        (match.source_block, match.category, match.product_id)
        for match in block.masters
        if match.state is not MatchState.MISSING
    }


def _with_members(look: Transaction, touched: Collection[str]) -> set[str]:
    """The touched ABs; for a stack among them, its members."""
    blocks = look.blocks.by_name(touched)
    members = {
        match.source_block for block in blocks.values() for match in block.masters if match.member
    }
    return {*touched, *members}


def _values(
    look: Transaction,
    names: Collection[str],
    drafts: Mapping[str, AssociationBlock],
    field: str,
    sources: Collection[str],
) -> dict[str, Value]:
    """What the exposures of ABs share, by AB; those without a value are never stacked."""
    fresh = [drafts[name] for name in names if name in drafts]
    frames = look.frames.by_id(one.frames[0] for one in fresh if one.frames)
    first: dict[str, RawFrame] = {
        one.name: frames[one.frames[0]] for one in fresh if one.frames and one.frames[0] in frames
    }
    known = look.frames.of_blocks(name for name in names if name not in first)
    first |= {name: found[0] for name, found in known.items()}
    values = {
        name: getattr(frame, field) for name, frame in first.items() if frame.raw_type in sources
    }
    return {name: value for name, value in values.items() if value}


def _singles(
    look: Transaction, names: Iterable[str], drafts: Mapping[str, AssociationBlock]
) -> list[Single]:
    names = list(names)
    blocks = look.blocks.by_name(names)
    candidates = {one.name: one for one in look.association.candidates_named(names)}
    singles = []
    for name in names:
        draft = drafts.get(name)
        if draft is not None:
            singles.append(Single(draft, _candidate(draft)))
        elif name in blocks:
            singles.append(Single(blocks[name], candidates[name]))
    return sorted(singles, key=lambda one: (one.block.mjd_start, one.block.name))


def _candidate(block: AssociationBlock) -> Candidate:
    return Candidate(
        name=block.name,
        raw_type=block.raw_type,
        setup=block.setup,
        setup_keys=block.setup_keys,
        mjd_mid=block.mjd_mid,
        state=block.state,
        decision="",
        complete=block.complete,
        problem=block.problem,
    )


def _grouped(
    instrument: Instrument, stack: str, values: Mapping[str, Value], singles: Iterable[Single]
) -> dict[str, _Group]:
    entry = instrument.raw_types[stack]
    groups: dict[str, _Group] = {}
    for single in singles:
        keys = parsed(single.block.setup_keys)
        setup, setup_keys = setup_of(entry, [keys.get(name) for name in entry.setup])
        digest = hashlib.sha256(setup_keys.encode()).hexdigest()[:12]
        key = f"{instrument.name} {stack} {json.dumps(values[single.block.name])} {digest}"
        group = groups.setdefault(key, _Group(key, setup, setup_keys, []))
        group.singles.append(single)
    return groups


def _stack(
    instrument: Instrument, stack: str, group: _Group, before: AssociationBlock | None
) -> AssociationBlock:
    entry = instrument.raw_types[stack]
    taken = instrument.members_of(stack)
    tag = TAGS[entry.members.by] if entry.members else ""
    first = group.singles[0].block
    start = first.mjd_start
    end = max(single.block.mjd_end for single in group.singles)
    refused = {single.block.name: refusal_of_member(single.candidate) for single in group.singles}
    masters = tuple(
        _member(single.candidate, category, refused[single.block.name])
        for single in group.singles
        for category in sorted(taken[single.block.raw_type])
    )
    state, problem = stack_state(
        [single.candidate for single in group.singles],
        refused,
        minimum=entry.minimum,
        obstacle=_without_recipe(instrument, stack),
    )
    block = AssociationBlock(
        name=f"{first.name.rpartition('_')[0]}_{tag}",
        instrument=instrument.name,
        night=first.night,
        raw_type=stack,
        setup=group.setup,
        setup_keys=group.setup_keys,
        recipe=entry.recipe,
        grouping=tag,
        group_key=group.key,
        frames=(),
        masters=tuple(sorted(masters, key=lambda one: (one.category, one.source_block))),
        expected=entry.minimum,
        complete=not any(refused.values()),
        mjd_start=start,
        mjd_mid=(start + end) / 2,
        mjd_end=end,
        context=instrument.context,
        state=state,
        problem=problem,
    )
    return block if before is None else replace(block, name=before.name, revision=before.revision)


def _without_recipe(instrument: Instrument, stack: str) -> str:
    """Why no recipe can make a stack; empty if one can."""
    entry = instrument.raw_types[stack]
    if instrument.recipe_of(stack).executed_by is None:
        return f"no runner executes {entry.recipe} yet"
    wanted = entry.members.runner if entry.members else None
    others = {
        f"{instrument.raw_types[name].recipe} by {runner}"
        for name in (entry.members.raw_types if entry.members else ())
        if (runner := instrument.recipe_of(name).executed_by) not in {None, wanted}
    }
    if wanted is None or not others:
        return ""
    return f"{entry.recipe} cannot take what {', '.join(sorted(others))} makes"


def _member(candidate: Candidate, category: str, refused: str) -> MasterMatch:
    product_id = "" if refused else candidate.products.get(category, "")
    made = candidate.state in {BlockState.SUCCEEDED, BlockState.PARTIAL}
    state = MatchState.REAL if product_id else MatchState.VIRTUAL
    if refused or (made and not product_id):
        state = MatchState.MISSING
    return MasterMatch(
        category,
        False,
        state,
        candidate.name,
        product_id,
        member=True,
    )


def is_open(block: AssociationBlock) -> bool:
    """Whether association may change a stack without opening it again."""
    return block.state in _OPEN


def changed_texts(new: AssociationBlock, old: AssociationBlock) -> Sequence[str]:
    """What an event log says of a stack that is opened again: members that came and left."""
    sources = [
        {match.source_block for match in one.masters if match.state is not MatchState.MISSING}
        for one in (new, old)
    ]
    came, left = sources[0] - sources[1], sources[1] - sources[0]
    texts = [f"{name} came" for name in sorted(came)] + [f"{name} left" for name in sorted(left)]
    return texts or ["a member was made anew"]
