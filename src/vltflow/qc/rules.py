"""Scores: green, red or grey for each QC1 value, by the instrument's thresholds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from vltflow.instruments import Instrument
from vltflow.instruments.conditions import keyword, matches
from vltflow.instruments.quality import ScoreEntry
from vltflow.qc.thresholds import method_text, resolve
from vltflow.records import AssociationBlock, Colour, Score, Threshold


@dataclass(frozen=True, slots=True)
class Subject:
    """What is scored: a value, or the place where one is missing."""

    block: str
    revision: int
    category: str
    parameter: str
    value: float | None = None
    missing: str = ""
    """Why there is no value at all; scored grey."""
    undefined: str = ""
    """What stands instead of a number (``nan``); scored red."""


def applicable(
    instrument: Instrument, block: AssociationBlock, category: str, runner: str = ""
) -> dict[str, list[ScoreEntry]]:
    """Thresholds by parameter that hold for a product category of an AB, in their order.

    They hold when the category and the runner that made the product are theirs, the setup
    fulfils their conditions and the night lies in their dates (both ends included).
    """
    return thresholds_for(instrument, (block.setup_keys, block.night), category, runner)


def thresholds_for(
    instrument: Instrument, when: tuple[str, str], category: str, runner: str = ""
) -> dict[str, list[ScoreEntry]]:
    """As `applicable`, for the keys of a setup (JSON) and a night, without an AB."""
    setup_keys, day = when
    setup = {keyword(name): value for name, value in json.loads(setup_keys or "{}").items()}
    night = date.fromisoformat(day)
    found: dict[str, list[ScoreEntry]] = {}
    for entry in instrument.scores.thresholds:
        if (
            category in entry.categories
            and entry.runner in {None, runner}
            and entry.valid_from <= night <= entry.valid_to
            and matches(setup, entry.setup)
        ):
            found.setdefault(entry.parameter, []).append(entry)
    return found


def score(subject: Subject, entries: Sequence[ScoreEntry], history: Sequence[float]) -> Score:
    """Score of a value: the first applicable threshold that has its limits counts.

    A running threshold with too little history lets the next one speak; if none can,
    the value is grey. A missing value is grey. A value that is no number is red
    whatever the limits.

    Parameters
    ----------
    entries
        Applicable thresholds, at least one, in their order.
    history
        Certified values before it, oldest first.
    """
    entry, limits = _first_resolved(entries, history)
    colour, reason = _judgement(subject, limits)
    if limits is None and colour is Colour.GREY and not subject.missing:
        reason = _too_little(entry, history)
    elif limits is not None:
        reason += f" ({method_text(entry, history)}; {entry.reason})"
        if entry is not entries[0]:
            reason += f"; {entries[0].method}: {_too_little(entries[0], history)}"
    return Score(
        block=subject.block,
        revision=subject.revision,
        category=subject.category,
        parameter=subject.parameter,
        value=subject.value,
        low=limits.low if limits else None,
        high=limits.high if limits else None,
        colour=colour,
        method=entry.method,
        reason=reason,
        bit=entry.bit,
    )


def limits_text(low: float | None, high: float | None) -> str:
    """Limits for people: ``2.8 to 3.5``, ``at most 3.5``, ``none``."""
    if low is not None and high is not None:
        return f"{low:.6g} to {high:.6g}"
    if high is not None:
        return f"at most {high:.6g}"
    return "none" if low is None else f"at least {low:.6g}"


def _first_resolved(
    entries: Sequence[ScoreEntry], history: Sequence[float]
) -> tuple[ScoreEntry, Threshold | None]:
    for entry in entries:
        limits = resolve(entry, history)
        if limits is not None:
            return entry, limits
    return entries[0], None


def _judgement(subject: Subject, limits: Threshold | None) -> tuple[Colour, str]:
    if subject.missing:
        return Colour.GREY, subject.missing
    if subject.value is None:
        return Colour.RED, f"the product says {subject.undefined!r}, which is no number"
    if limits is None:
        return Colour.GREY, ""
    wanted = limits_text(limits.low, limits.high)
    if limits.low is not None and subject.value < limits.low:
        return Colour.RED, f"{subject.value:.6g} is too low, wanted {wanted}"
    if limits.high is not None and subject.value > limits.high:
        return Colour.RED, f"{subject.value:.6g} is too high, wanted {wanted}"
    return Colour.GREEN, f"{subject.value:.6g} is within limits, {wanted}"


def _too_little(entry: ScoreEntry, history: Sequence[float]) -> str:
    return (
        f"too little history: {min(len(history), entry.window)} of {entry.minimum} certified values"
    )
