"""Everything an association will change, found out before anything is written.

Raw types are worked through with makers before users. An AB is looked at when it is
new, when frames came to it, when an AB that it takes a master from has changed, or when
an AB that has changed might serve it better; all open ABs are, when the instrument
definition has changed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Literal

from vltflow.associate.cascade import Need, build_cascade
from vltflow.associate.grouping import TEMPLATE, GroupedFrame, build_block, completeness, group
from vltflow.associate.matching import MakerIndex, Matcher
from vltflow.associate.rules import judge, refusal
from vltflow.associate.stacks import changed_texts, differs, is_open, stack_blocks
from vltflow.associate.statics import match_statics, rules_hash
from vltflow.associate.temperature import Temperatures
from vltflow.instruments import Instrument
from vltflow.records import AssociationBlock, BlockState, StaticCalibration
from vltflow.store import Candidate, Contested, Transaction

Kind = Literal["new", "joined", "renamed", "reopened", "rematched"]
Span = tuple[float, float]
_OPEN = (BlockState.PLANNED, BlockState.BLOCKED)
_SPAN_STEP = 8.0
"""Days."""
_ALWAYS: tuple[Span, ...] = ((float("-inf"), float("inf")),)


@dataclass(frozen=True, slots=True)
class Change:
    """One AB as it will be."""

    kind: Kind
    block: AssociationBlock
    replaces: str = ""
    """For ``renamed``: the AB whose place it takes."""
    text: str = ""
    """For the event log."""


@dataclass(slots=True)
class Plan:
    """What an association will write."""

    changes: list[Change] = field(default_factory=list)
    """By time."""
    left_waiting: list[str] = field(default_factory=list)
    """Running ABs whose late frames wait until they have ended."""
    seen: int = 0
    """Number of the last event that was taken into account."""
    looked: bool = False
    """Whether there was anything to look at."""
    rules: str = ""
    """Hash of the rules and static calibrations that matches follow from."""


def plan_association(look: Transaction, instrument: Instrument) -> Plan:
    """Find out what an association has to write."""
    return _Planner(look, instrument).plan()


def match_again(
    look: Transaction, instrument: Instrument, block: AssociationBlock
) -> AssociationBlock:
    """An AB with the best matches of this moment and the state that follows from them."""
    (judged,) = matched_now(look, instrument, [block])
    return Temperatures(look, instrument).told(judged)


def matched_now(
    look: Transaction, instrument: Instrument, blocks: Sequence[AssociationBlock]
) -> list[AssociationBlock]:
    """ABs as `match_again` gives them, but for distances in temperature: headers are not read."""
    if not blocks:
        return []
    cascade = build_cascade(instrument)
    first = min(block.mjd_mid for block in blocks)
    last = max(block.mjd_mid for block in blocks)

    @cache
    def index(maker: str) -> MakerIndex:
        days = cascade.reach[maker]
        spans = ((first - days, last + days),)
        return MakerIndex(look.association.candidates(instrument.name, maker, spans))

    statics = look.statics.find(instrument=instrument.name)
    needs = {block.raw_type: cascade.needs[block.raw_type] for block in blocks}
    matchers = {raw_type: Matcher(found, index) for raw_type, found in needs.items()}
    return [
        _judged(
            replace(block, problem=""),
            matchers[block.raw_type],
            needs[block.raw_type],
            instrument,
            statics,
        )
        for block in blocks
    ]


def _judged(
    block: AssociationBlock,
    matcher: Matcher,
    needs: Sequence[Need],
    instrument: Instrument,
    statics: Sequence[StaticCalibration],
) -> AssociationBlock:
    """An AB with its best masters and static calibrations and the state that follows."""
    matched = [
        *matcher.matches(block.setup_keys, block.mjd_mid),
        *match_statics(instrument, block, statics),
    ]
    return judge(block, matched, instrument, {need.category: need for need in needs})


class _Planner:
    def __init__(self, look: Transaction, instrument: Instrument) -> None:
        self._look = look
        self._instrument = instrument
        self._cascade = build_cascade(instrument)
        self._statics = look.statics.find(instrument=instrument.name)
        rules = rules_hash(instrument, self._statics)
        self._plan = Plan(seen=look.association.last_event(), rules=rules)
        mark = look.association.mark(instrument.name)
        self._everything = mark.context != rules
        self._changed = set() if self._everything else look.association.changed_since(mark)
        self._drafts: dict[str, list[Change]] = {}
        # What this association changes, as candidates for the raw types that follow.
        self._fresh: dict[str, dict[str, Candidate]] = {}
        self._gone: set[str] = set()
        self._indices: dict[tuple[str, tuple[Span, ...]], MakerIndex] = {}
        self._before: dict[str, AssociationBlock] = {}
        self._temperatures = Temperatures(look, instrument)
        # Changed by others and by nothing else affected: their state is left to them.
        self._left_state: set[str] = set()

    def plan(self) -> Plan:
        self._draft_groups()
        self._plan.looked = bool(self._drafts or self._changed)
        elsewhere = self._changed_elsewhere()
        for raw_type in self._cascade.order:
            drafts = self._drafts.pop(raw_type, [])
            open_blocks = self._open_blocks(raw_type, drafts, elsewhere)
            if drafts or open_blocks:
                self._plan.looked = True
                self._match(raw_type, [*drafts, *open_blocks])
        for stack in self._cascade.stacks:
            self._stack(stack, elsewhere)
        # Databases write what lies together in time several times faster.
        self._plan.changes.sort(key=lambda one: (one.block.mjd_mid, one.block.name))
        return self._plan

    # Frames into drafts

    def _draft_groups(self) -> None:
        reduced = set(self._cascade.order)
        # Only in memory is the list of raw types short enough to be always the same statement.
        waiting = self._look.frames.waiting_brief(self._instrument.name)
        groups = group((frame for frame in waiting if frame.raw_type in reduced), self._instrument)
        keys = (key for key, found in groups.items() if found.tag == TEMPLATE)
        existing = self._look.blocks.by_group(keys)
        members = self._look.frames.of_blocks(block.name for block in existing.values())
        never_run = self._never_run(existing.values())
        for key in list(groups):
            found = groups.pop(key)  # millions of frames are not held twice
            before = existing.get(key)
            if before is None:
                block = build_block(found, found.frames, self._instrument)
                self._drafts.setdefault(found.raw_type, []).append(Change("new", block))
            elif before.state is BlockState.RUNNING:
                self._plan.left_waiting.append(before.name)
            else:
                frames: list[GroupedFrame] = [*members[before.name], *found.frames]
                block = build_block(found, frames, self._instrument)
                change = _joined(before, block, len(found.frames), before.name in never_run)
                self._drafts.setdefault(found.raw_type, []).append(change)

    def _never_run(self, blocks: Iterable[AssociationBlock]) -> set[str]:
        names = {one.name for one in blocks if one.state in _OPEN and one.revision == 1}
        return names - self._look.association.ever_run(names)

    # Which existing ABs to look at again

    def _changed_elsewhere(self) -> dict[str, dict[str, Candidate]]:
        """ABs that others have changed since the last association, by raw type."""
        found: dict[str, dict[str, Candidate]] = {}
        for candidate in self._look.association.candidates_named(self._changed):
            found.setdefault(candidate.raw_type, {})[candidate.name] = candidate
        return found

    def _open_blocks(
        self, raw_type: str, drafts: Sequence[Change], elsewhere: dict[str, dict[str, Candidate]]
    ) -> list[Change]:
        if self._everything:
            names = set(self._look.association.open_names(self._instrument.name, raw_type))
        else:
            names = self._affected(raw_type, elsewhere)
        names -= {change.block.name for change in drafts} | self._gone
        names -= {change.replaces for change in drafts}
        blocks = self._look.blocks.by_name(names)
        members = self._look.frames.of_blocks(blocks)
        entry = self._instrument.raw_types[raw_type]
        result = []
        for block in blocks.values():
            if block.state in _OPEN:
                expected, problem = completeness(members[block.name], entry)
                whole = replace(
                    block,
                    expected=expected,
                    problem=problem,
                    recipe=entry.recipe,
                    context=self._instrument.context,
                )
                self._before[block.name] = block
                result.append(Change("rematched", whole))
        return result

    def _affected(self, raw_type: str, elsewhere: dict[str, dict[str, Candidate]]) -> set[str]:
        """Open ABs of a raw type whose matches or state may change."""
        own = set(elsewhere.get(raw_type, ()))
        names: set[str] = set()
        sources: set[str] = set()
        for need in self._cascade.needs[raw_type]:
            changed = {
                maker: elsewhere.get(maker, {}) | self._fresh.get(maker, {})
                for maker in need.makers
            }
            names |= self._improvable(raw_type, need, changed)
            sources.update(name for candidates in changed.values() for name in candidates)
        names |= self._look.association.open_users(sources | self._gone, raw_type)
        self._left_state |= own - names
        return names | own

    def _improvable(
        self, raw_type: str, need: Need, changed: dict[str, dict[str, Candidate]]
    ) -> set[str]:
        """Open ABs that one of the changed ABs would serve at least as well as their match."""
        times = [
            candidate.mjd_mid
            for candidates in changed.values()
            for candidate in candidates.values()
            if not refusal(candidate, need.category)
        ]
        if not times:
            return set()
        indices = {maker: MakerIndex(found.values()) for maker, found in changed.items()}
        matcher = Matcher([need], indices.__getitem__)
        contested = self._look.association.contestable(
            self._instrument.name,
            raw_type,
            need.category,
            at=(min(times), max(times)),
            days=need.days,
        )
        return {one.block for one in contested if _improves(one, matcher)}

    # Stacks

    def _stack(self, stack: str, elsewhere: dict[str, dict[str, Candidate]]) -> None:
        sources = self._instrument.members_of(stack)
        drafts = {change.block.name: change.block for change in self._plan.changes}
        touched = {name for one in (stack, *sources) for name in elsewhere.get(one, ())}
        touched |= {block.name for block in drafts.values() if block.raw_type in sources}
        if self._everything:
            touched.update(self._look.association.names(self._instrument.name, sources))
        found = (
            stack_blocks(
                self._look, self._instrument, stack, touched=touched, drafts=drafts, gone=self._gone
            )
            if touched
            else ()
        )
        for block, before in found:
            self._note_stack(block, before)

    def _note_stack(self, block: AssociationBlock, before: AssociationBlock | None) -> None:
        if before is None:
            self._plan.changes.append(Change("new", block))
        elif is_open(before):
            if block != before:
                text = f"members anew, {block.state}"
                self._plan.changes.append(Change("rematched", block, text=text))
        elif before.state is BlockState.RUNNING:
            return  # its end is a change, and it is looked at again
        elif differs(block, before):
            again = replace(block, revision=before.revision + 1)
            text = f"{before.state} -> revision {again.revision}: "
            text += ", ".join(changed_texts(block, before))
            self._plan.changes.append(Change("reopened", again, text=text))

    # Matching

    def _match(self, raw_type: str, targets: Sequence[Change]) -> None:
        needs = self._cascade.needs[raw_type]
        times = [change.block.mjd_mid for change in targets]
        matcher = Matcher(needs, lambda maker: self._index(maker, times))
        for change in targets:
            judged = _judged(change.block, matcher, needs, self._instrument, self._statics)
            judged = self._temperatures.told(judged)
            if change.kind != "rematched":
                self._note(Change(change.kind, judged, change.replaces, change.text))
            elif self._is_news(judged, self._before.pop(judged.name)):
                self._note(Change("rematched", judged, text=f"matched anew, {judged.state}"))

    def _is_news(self, new: AssociationBlock, old: AssociationBlock) -> bool:
        if new.name in self._left_state:
            new = replace(new, state=old.state, problem=old.problem)
        by_category = {match.category: match for match in old.masters}
        same = replace(old, masters=()) == replace(new, masters=())
        return not same or by_category != {match.category: match for match in new.masters}

    def _note(self, change: Change) -> None:
        self._temperatures.learn(change.block)
        self._plan.changes.append(change)
        if change.replaces:
            self._gone.add(change.replaces)
        block = change.block
        self._fresh.setdefault(block.raw_type, {})[block.name] = Candidate(
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

    def _index(self, maker: str, times: Sequence[float]) -> MakerIndex:
        spans = _ALWAYS if self._everything else _merged(times, self._cascade.reach[maker])
        if (maker, spans) not in self._indices:
            fresh = self._fresh.get(maker, {})
            self._indices[maker, spans] = MakerIndex(
                [*self._others(maker, spans, fresh), *fresh.values()]
            )
        return self._indices[maker, spans]

    def _others(
        self, maker: str, spans: Sequence[Span], fresh: dict[str, Candidate]
    ) -> Iterator[Candidate]:
        stored = self._look.association.candidates(self._instrument.name, maker, spans)
        for candidate in stored:
            if candidate.name not in fresh and candidate.name not in self._gone:
                yield candidate


def _improves(one: Contested, matcher: Matcher) -> bool:
    best = next((match for match, _ in matcher.matches(one.setup_keys, one.mjd_mid)), None)
    if best is None or best.level is None or best.distance_days is None:
        return False
    if one.level is None or one.distance_days is None:
        return True
    return (best.level, abs(best.distance_days)) <= (one.level, abs(one.distance_days))


def _joined(
    before: AssociationBlock,
    block: AssociationBlock,
    late: int,
    may_rename: bool,  # noqa: FBT001
) -> Change:
    """An existing AB with frames that came late."""
    came = f"{late} late frame{'s' if late > 1 else ''}"
    if before.state not in _OPEN:
        block = replace(block, name=before.name, revision=before.revision + 1)
        text = f"{before.state} -> revision {block.revision}: {came}"
        return Change("reopened", block, text=text)
    if block.name != before.name and may_rename:
        return Change("renamed", block, replaces=before.name, text=f"{came}, one is the first")
    block = replace(block, name=before.name, revision=before.revision)
    return Change("joined", block, text=f"{came} joined")


def _merged(times: Sequence[float], days: float) -> tuple[Span, ...]:
    """Ranges that hold all moments within `days` of any of the times.

    They are rounded outwards, so that different raw types of a night ask for the same.
    """
    starts = {math.floor((time - days) / _SPAN_STEP) for time in times}
    width = math.ceil(2 * days / _SPAN_STEP) + 1
    spans: list[Span] = []
    for start in sorted(starts):
        first, last = start * _SPAN_STEP, (start + width) * _SPAN_STEP
        if spans and first <= spans[-1][1]:
            spans[-1] = (spans[-1][0], last)
        else:
            spans.append((first, last))
    return tuple(spans)
