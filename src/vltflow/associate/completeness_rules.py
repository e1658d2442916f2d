"""Pure decisions: is a needed calibration there, within the calibration plan, and till when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from vltflow.associate.cascade import Match, Need
from vltflow.associate.matching import parsed
from vltflow.associate.rules import refusal
from vltflow.records import BlockState, Decision
from vltflow.store import Candidate

_PLAN_LEVEL = 0
"""Quality level of the calibration plan; lower ones are better still."""
_CERTIFIED = (Decision.AUTO, Decision.ACCEPTED)
_STANDING = {
    BlockState.RUNNING: "is being processed",
    BlockState.PLANNED: "taken, not processed yet",
    BlockState.BLOCKED: "taken, cannot be processed yet",
}


class Completeness(StrEnum):
    """ESO's flags; each member says what it stands for."""

    OK = "OK"
    """All is there and within the calibration plan."""
    NOK = "NOK"
    """Something is there, but outside of the calibration plan's days or keywords."""
    MISSING = "MISSING"
    """Nothing that association would take at any quality level."""

    @property
    def rank(self) -> int:
        """The higher the worse."""
        return list(Completeness).index(self)


def worst(states: Iterable[Completeness]) -> Completeness:
    """The worst of some; OK of none."""
    return max(states, key=lambda one: one.rank, default=Completeness.OK)


@dataclass(frozen=True, slots=True)
class Finding:
    """What there is for one need of a setup at a moment."""

    need: Need
    mjd: float
    """The moment."""
    source: Candidate | None
    """AB whose master association would take; None: there is none."""
    level: int | None
    refused: Candidate | None
    """Nearest one of the right setup that may not be used."""

    @property
    def state(self) -> Completeness:
        """Whether that fulfils the plan."""
        if self.source is None or self.level is None:
            return Completeness.MISSING
        planned = self.level <= max(level for level, _ in planned_levels(self.need))
        return Completeness.OK if planned else Completeness.NOK


@dataclass(frozen=True, slots=True)
class Check:
    """A raw type of calibrations that a setup needs, and what there is of it."""

    raw_types: tuple[str, ...]
    """Any of these makes it; none: no raw type does."""
    categories: tuple[str, ...]
    """Masters that are taken from it."""
    required: bool
    state: Completeness
    block: str
    """AB that is taken; empty: none."""
    standing: str
    """What became of that AB: ``certified``, ``taken, not processed yet``."""
    distance_days: float | None
    """Signed: calibration minus use."""
    days: float
    """Validity by the calibration plan, before and after."""
    until: float
    """MJD: till then what there is holds (OK), or a new one would fulfil the plan."""
    latest: float
    """MJD till which a new one would help at all: later than `until` where there is nothing."""
    keys: Mapping[str, Any]
    """Keyword values that a calibration must share."""
    setup_keys: str
    """The whole setup that needs it."""
    refused: str
    """AB that is there and may not be used; empty: none."""
    refusal: str
    """Why it may not."""
    problem: str
    """What is wrong, in a sentence; empty if nothing is."""


def planned_levels(need: Need) -> list[tuple[int, float]]:
    """(level, days) that the calibration plan demands; the best one where none is the plan's."""
    levels = sorted(level for _, several in need.ranges for level in several)
    return [one for one in levels if one[0] <= _PLAN_LEVEL] or levels[:1]


def plan_days(need: Need) -> float:
    """Validity of a calibration by the plan, days."""
    return max(days for _, days in planned_levels(need))


def nearest_refused(
    need: Need, setup_keys: str, mjd: float, candidates: Iterable[Candidate]
) -> Candidate | None:
    """Nearest AB of the right setup and time that may not give the master."""
    keys = parsed(setup_keys)
    found = (
        one
        for one in candidates
        if refusal(one, need.category)
        and any(
            abs(one.mjd_mid - mjd) <= max(days for _, days in levels)
            and _agrees(parsed(one.setup_keys), keys, match)
            for match, levels in need.ranges
        )
    )
    return min(found, key=lambda one: (abs(one.mjd_mid - mjd), one.name), default=None)


def _agrees(own: Mapping[str, Any], wanted: Mapping[str, Any], match: Match) -> bool:
    return all(own.get(name) == wanted.get(name) for name in match)


def checks_of(findings: Sequence[Finding], setup_keys: str) -> tuple[Check, ...]:
    """What a setup needs, by the raw types that make it: several masters come from one of them."""
    grouped: dict[tuple[str, ...], list[Finding]] = {}
    for one in findings:
        grouped.setdefault(one.need.makers or (one.need.category,), []).append(one)
    return tuple(_check(several, setup_keys) for several in grouped.values())


def _check(findings: Sequence[Finding], setup_keys: str) -> Check:
    required = [one for one in findings if one.need.required]
    decisive = max(required or findings, key=lambda one: (one.state.rank, -plan_days(one.need)))
    need, source, refused = decisive.need, decisive.source, decisive.refused
    days, lacks = plan_days(need), decisive.state is not Completeness.OK
    keys = parsed(setup_keys)
    names = {name: None for one in findings for name in one.need.ranges[0][0]}
    return Check(
        raw_types=need.makers,
        categories=tuple(dict.fromkeys(one.need.category for one in findings)),
        required=bool(required),
        state=decisive.state,
        block=source.name if source else "",
        standing=_standing(source) if source else "",
        distance_days=source.mjd_mid - decisive.mjd if source else None,
        days=days,
        until=(source.mjd_mid if source and not lacks else decisive.mjd) + days,
        latest=decisive.mjd + (days if source else need.days),
        keys={name: keys.get(name) for name in names},
        setup_keys=setup_keys,
        refused=refused.name if refused else "",
        refusal=refusal(refused, need.category) if refused else "",
        problem=_problem(decisive, days),
    )


def _standing(source: Candidate) -> str:
    if source.decision in _CERTIFIED:
        return "certified"
    return _STANDING.get(BlockState(source.state), "made, nobody has decided yet")


def _problem(finding: Finding, days: float) -> str:
    if finding.state is Completeness.OK:
        return ""
    if not finding.need.makers:
        return "no raw type of this instrument makes it"
    if finding.source is None:
        return f"none within {finding.need.days:g} days"
    distance = abs(finding.source.mjd_mid - finding.mjd)
    if distance <= days:
        return f"the nearest has another setup: quality level {finding.level}"
    return f"the nearest is {distance:.1f} days away, the plan allows {days:g}"
