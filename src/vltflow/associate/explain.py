"""Why an AB has the calibrations that it has: every candidate, and what excluded it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from vltflow.associate.cascade import Match, Need, build_cascade
from vltflow.associate.matching import is_needed, parsed
from vltflow.associate.rules import refusal
from vltflow.associate.statics import misfit, static_needs
from vltflow.instruments import Instrument
from vltflow.instruments.statics import StaticNeed
from vltflow.records import AssociationBlock, MasterMatch, MatchState, StaticCalibration
from vltflow.store import Candidate, Store, Transaction

SHOWN = 20
"""Candidates of each calibration that are told one by one, nearest in time first."""

Ranges = tuple[tuple[float, float], ...]
_REACH = 3
"""Candidates are told up to this multiple of the widest range; beyond, if there are none within."""
_ALWAYS: Ranges = ((float("-inf"), float("inf")),)
_ROUNDING = 1e-5
"""Distances are rounded for display, days."""
_OUTCOMES = ("possible", "other setup", "too far", "not usable")


@dataclass(frozen=True, slots=True)
class Considered:
    """One candidate for a calibration."""

    block: str
    setup: str
    state: str
    distance_days: float
    """Signed: candidate minus AB."""
    level: int | None
    """Quality level that it would have; None when excluded."""
    outcome: str
    """``chosen``, ``possible``, ``other setup``, ``too far`` or ``not usable``."""
    reason: str
    """What excluded it: ``DET.WIN1.BINX 2 != 1``, ``31.2 days > 30``; empty if nothing did."""


@dataclass(frozen=True, slots=True)
class NeedExplanation:
    """One needed calibration."""

    category: str
    required: bool
    match_keys: tuple[str, ...]
    """Keywords that must be equal at the best level."""
    ranges: tuple[str, ...]
    """Quality levels with their days and, where others count, their keywords."""
    state: str
    source_block: str
    level: int | None
    distance_days: float | None
    why: str
    counts: dict[str, int]
    """All candidates by outcome."""
    candidates: tuple[Considered, ...]
    """The nearest ones, and the chosen one."""
    omitted: int
    """Further candidates that are only counted."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The calibrations of an AB, explained."""

    ab: str
    raw_type: str
    setup: str
    status: str
    problem: str
    needs: tuple[NeedExplanation, ...]
    members: tuple[MasterMatch, ...] = ()
    """Of a stack: products of other ABs that it is made of; MISSING ones are left out."""


def explain(store: Store, instrument: Instrument, name: str) -> Explanation:
    """Explanation of each calibration that an AB needs, from the records as they are now.

    Raises
    ------
    NotFound
        If there is no AB with this name.
    """
    with store.read() as look:
        block = look.blocks.get(name)
        needs = build_cascade(instrument).needs.get(block.raw_type, ())
        explained = (
            *(
                _explain_need(look, block, need)
                for need in needs
                if is_needed(need, block.setup_keys)
            ),
            *_explain_statics(look, block, instrument),
        )
    return Explanation(
        block.name,
        block.raw_type,
        block.setup,
        str(block.state),
        block.problem,
        explained,
        tuple(match for match in block.masters if match.member),
    )


def render(explanation: Explanation) -> str:
    """An explanation as text for people."""
    one = explanation
    lines = [f"{one.ab}  {one.raw_type}  {one.setup}  {one.status}"]
    lines += [f"  {one.problem}"] if one.problem else []
    lines += [] if one.needs or one.members else ["  needs no calibrations"]
    lines += [_member_line(match) for match in one.members]
    for need in one.needs:
        optional = "" if need.required else " (optional)"
        lines += ["", f"{need.category}{optional}: {need.why}"]
        lines.append(f"  equal: {', '.join(need.match_keys) or 'nothing'}")
        lines.append(f"  {'; '.join(need.ranges)}")
        lines += [_line(candidate) for candidate in need.candidates]
        if need.omitted:
            lines.append(f"    and {need.omitted} farther away")
        counts = ", ".join(f"{count} {outcome}" for outcome, count in need.counts.items())
        lines.append(f"  candidates: {counts or 'none at all'}")
    return "\n".join(lines)


def _member_line(match: MasterMatch) -> str:
    state = "left out" if match.state is MatchState.MISSING else str(match.state)
    return f"  {match.source_block}  {match.category}  {state}"


def _line(one: Considered) -> str:
    level = "" if one.level is None else f"level {one.level}"
    mark = ">" if one.outcome == "chosen" else " "
    text = (
        f"  {mark} {one.block}  {one.setup}  {one.distance_days:+.3f} d  {one.outcome}"
        f"  {one.reason or level}"
    )
    return text.rstrip()


def _explain_need(look: Transaction, block: AssociationBlock, need: Need) -> NeedExplanation:
    match = next((one for one in block.masters if one.category == need.category), None)
    match = match or MasterMatch(need.category, need.required, MatchState.MISSING)
    candidates = _candidates(look, block, need, _near(block, need)) or _candidates(
        look, block, need, _ALWAYS
    )
    candidates.sort(key=lambda one: (abs(one.mjd_mid - block.mjd_mid), one.mjd_mid, one.name))
    judged = [_consider(candidate, block, need, match) for candidate in candidates]
    shown = judged[:SHOWN] + [one for one in judged[SHOWN:] if one.outcome == "chosen"]
    counted = Counter("possible" if one.outcome == "chosen" else one.outcome for one in judged)
    return NeedExplanation(
        category=need.category,
        required=need.required,
        match_keys=need.ranges[0][0],
        ranges=tuple(_range_texts(need)),
        state=str(match.state),
        source_block=match.source_block,
        level=match.level,
        distance_days=match.distance_days,
        why=_why(match, judged, need, _other_setup(match, candidates, block)),
        counts={outcome: counted[outcome] for outcome in _OUTCOMES if counted[outcome]},
        candidates=tuple(_with_verdicts(look, shown)),
        omitted=len(judged) - len(shown),
    )


def _candidates(
    look: Transaction, block: AssociationBlock, need: Need, ranges: Ranges
) -> list[Candidate]:
    return [
        candidate
        for maker in need.makers
        for candidate in look.association.candidates(block.instrument, maker, ranges)
    ]


def _near(block: AssociationBlock, need: Need) -> Ranges:
    """The time within which candidates are told: a history of decades would not be read."""
    widest = max((days for _, levels in need.ranges for _, days in levels), default=0.0)
    reach = _REACH * widest
    return ((block.mjd_mid - reach, block.mjd_mid + reach),)


def _explain_statics(
    look: Transaction, block: AssociationBlock, instrument: Instrument
) -> Iterator[NeedExplanation]:
    """Static calibrations: what the collection has of each category, and what excludes it."""
    matches = {match.category: match for match in block.masters if not match.source_block}
    for need in static_needs(instrument, block.raw_type, block.setup_keys):
        match = matches.get(need.category)
        chosen = match.product_id if match else ""
        collection = look.statics.find(instrument=block.instrument, category=need.category)
        judged = [_consider_static(one, need, block, chosen) for one in collection]
        counted = Counter("possible" if one.outcome == "chosen" else one.outcome for one in judged)
        found = next((one for one in judged if one.outcome == "chosen"), None)
        yield NeedExplanation(
            category=need.category,
            required=need.required,
            match_keys=need.match,
            ranges=("static: as long as it is valid; the narrowest setup, then the latest",),
            state=str(match.state) if match else str(MatchState.MISSING),
            source_block="",
            level=match.level if match else None,
            distance_days=None,
            why=f"REAL, {found.block}" if found else _why_no_static(judged, need),
            counts={outcome: counted[outcome] for outcome in _OUTCOMES if counted[outcome]},
            candidates=tuple(judged),
            omitted=0,
        )


def _consider_static(
    static: StaticCalibration, need: StaticNeed, block: AssociationBlock, chosen: str
) -> Considered:
    reason = misfit(static, need, block.setup_keys, block.mjd_mid)
    outcome = "other setup" if reason else "possible"
    if static.static_id == chosen:
        outcome = "chosen"
    setup = static.keys if static.keys != "{}" else "any setup"
    return Considered(
        static.name, setup, str(static.state), 0.0, None if reason else 0, outcome, reason
    )


def _why_no_static(judged: Sequence[Considered], need: StaticNeed) -> str:
    if any(one.outcome == "possible" for one in judged):
        return "none yet; the collection has one for the next association"
    if judged:
        return f"none fits: {judged[0].block}: {judged[0].reason}"
    return f"none: the collection has no {need.category}; see `vltflow statics build` and `add`"


def _consider(
    candidate: Candidate, block: AssociationBlock, need: Need, match: MasterMatch
) -> Considered:
    distance = candidate.mjd_mid - block.mjd_mid
    level: int | None = None
    refused = refusal(candidate, need.category)
    agreeing = [
        levels
        for keys, levels in need.ranges
        if not _differences(candidate.setup_keys, block.setup_keys, keys)
    ]
    if refused:
        outcome, reason = "not usable", refused
    elif not agreeing:
        keys = need.ranges[-1][0]
        differing = _differences(candidate.setup_keys, block.setup_keys, keys)
        outcome, reason = "other setup", ", ".join(differing)
    else:
        fitting = [one for levels in agreeing for one, days in levels if abs(distance) <= days]
        widest = max(days for levels in agreeing for _, days in levels)
        level = min(fitting, default=None)
        outcome = "possible" if fitting else "too far"
        reason = "" if fitting else f"{abs(distance):.1f} days > {widest:g}"
    if candidate.name == match.source_block and match.state is not MatchState.MISSING:
        outcome = "chosen"
    state = "REAL" if candidate.products.get(need.category) else candidate.state
    return Considered(
        candidate.name, candidate.setup, state, round(distance, 6), level, outcome, reason
    )


def _differences(theirs: str, ours: str, keys: Match) -> list[str]:
    first, second = parsed(theirs), parsed(ours)
    return [
        f"{key} {first.get(key)} != {second.get(key)}"
        for key in keys
        if first.get(key) != second.get(key)
    ]


def _other_setup(
    match: MasterMatch, candidates: Iterable[Candidate], block: AssociationBlock
) -> str:
    """Where the chosen one differs in keywords that both have and the match does not ask for."""
    ours = parsed(block.setup_keys)
    for one in candidates:
        if one.name == match.source_block:
            shared = tuple(key for key in parsed(one.setup_keys) if key in ours)
            return ", ".join(_differences(one.setup_keys, block.setup_keys, shared))
    return ""


def _why(match: MasterMatch, judged: Sequence[Considered], need: Need, other: str) -> str:
    possible = [one for one in judged if one.level is not None]
    if match.state is MatchState.MISSING:
        return _why_missing(possible, judged, need)
    days = abs(match.distance_days or 0.0)
    side = "before" if (match.distance_days or 0.0) < 0 else "after"
    text = f"{match.state} from {match.source_block}, level {match.level}, {days:.3f} days {side}"
    text += f", {other}" if other else ""
    rivals = [one for one in possible if one.block != match.source_block]
    if not rivals:
        return f"{text}: the only one possible"
    second = min(rivals, key=_rank)
    if _rank(second) < (match.level or 0, days - _ROUNDING):
        return f"{text}: chosen when {second.block} was not there or not usable yet"
    same = sum(one.level == match.level for one in rivals)
    if same:
        away = f"{abs(second.distance_days):.3f} days away"
        return f"{text}: nearest of {same + 1} at this level, the next is {second.block}, {away}"
    return f"{text}: the only one at this level; {second.block} would be level {second.level}"


def _why_missing(possible: Sequence[Considered], judged: Sequence[Considered], need: Need) -> str:
    if possible:
        return f"none yet; {possible[0].block} would do at the next association"
    if not judged:
        return f"none: no AB makes {need.category}"
    nearest = judged[0]
    days = f"{abs(nearest.distance_days):.1f} days away"
    return f"none: nearest is {nearest.block} ({nearest.setup}), {days}: {nearest.reason}"


def _rank(one: Considered) -> tuple[int, float]:
    return 99 if one.level is None else one.level, abs(one.distance_days)


def _range_texts(need: Need) -> Iterable[str]:
    for place, (keys, levels) in enumerate(need.ranges):
        text = ", ".join(f"level {level} within {days:g} d" for level, days in levels)
        fewer = [key for key in need.ranges[0][0] if key not in keys]
        yield text + (f" (without {', '.join(fewer)})" if place and fewer else "")


def _with_verdicts(look: Transaction, shown: Sequence[Considered]) -> Iterable[Considered]:
    """Candidates with who rejected them and why."""
    judged = [one.block for one in shown if "reject" in one.reason or "revoke" in one.reason]
    verdicts = look.quality.verdicts(judged) if judged else {}
    for one in shown:
        if one.block not in verdicts:
            yield one
            continue
        last = verdicts[one.block][-1]
        reason = f"{last.decision.lower()} by {last.who}: {last.comment}"
        yield Considered(
            one.block, one.setup, one.state, one.distance_days, one.level, one.outcome, reason
        )
