"""Pure decisions: raw type and setup of a header."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vltflow.instruments import Instrument
from vltflow.instruments.conditions import Condition, failure, holds, keyword, matches
from vltflow.instruments.model import ClassificationRule
from vltflow.instruments.setups import setup_of

Keywords = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Classification:
    """What a frame is."""

    raw_type: str
    """Empty when no rule recognises it."""
    setup: str
    """Label for people."""
    setup_keys: str
    """Canonical JSON of its setup keywords by dotted name; null for absent ones."""
    reason: str
    """Which rule, or why not even the nearest one."""


class Classifier:
    """Rules of an instrument, with a memory: frames are millions, kinds of frames are few."""

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        rules = instrument.classification.rules
        names = dict.fromkeys(name for rule in rules for name in rule.when)
        self._keywords = tuple(keyword(name) for name in names)
        self._derived = {keyword(one.name): one for one in instrument.header.derived}
        self._setup_keywords = {
            name: tuple(keyword(key) for key in entry.setup)
            for name, entry in instrument.raw_types.items()
        }
        self._rules: dict[tuple[Any, ...], tuple[str, str]] = {}
        self._setups: dict[tuple[Any, ...], tuple[str, str]] = {}

    def __call__(self, header: Keywords) -> Classification:
        """Classification of a header (keys in FITS form, without HIERARCH)."""
        # True == 1 and 1 == 1.0 in Python, but not for the rules: types belong to the key.
        values = [header.get(name) for name in self._keywords]
        kind = (*values, *map(type, values))
        if kind not in self._rules:
            self._rules[kind] = _first_rule(header, self._instrument.classification.rules)
        raw_type, reason = self._rules[kind]
        if not raw_type:
            return Classification("", "", "", reason)
        values = [self._value(header, name) for name in self._setup_keywords[raw_type]]
        kind = (raw_type, *values, *map(type, values))
        if kind not in self._setups:
            self._setups[kind] = setup_of(self._instrument.raw_types[raw_type], values)
        return Classification(raw_type, *self._setups[kind], reason)

    def _value(self, header: Keywords, name: str) -> Any:
        return self._derived[name].value(header) if name in self._derived else header.get(name)


def classify(header: Keywords, instrument: Instrument) -> Classification:
    """Raw type and setup of a header; the first rule whose conditions all hold counts.

    Parameters
    ----------
    header
        Keywords in FITS form without HIERARCH: ``ESO DPR CATG``.
    instrument
        Definition with the rules.
    """
    return Classifier(instrument)(header)


def merged(headers: Sequence[Keywords]) -> dict[str, Any]:
    """Keywords of the primary header, and of extensions where the primary has them not."""
    whole: dict[str, Any] = {}
    for header in reversed(headers):
        whole |= header
    return whole


def _first_rule(header: Keywords, rules: tuple[ClassificationRule, ...]) -> tuple[str, str]:
    for number, rule in enumerate(rules, start=1):
        if matches(header, rule.when):
            note = f": {rule.note}" if rule.note else ""
            return rule.raw_type, f"rule {number}{note}"
    if not rules:
        return "", "unknown: there are no rules"
    nearest = max(rules, key=lambda rule: _share_held(header, rule.when))
    return "", f"unknown; nearest is {nearest.raw_type}, but {failure(header, nearest.when)}"


def _share_held(header: Keywords, when: Mapping[str, Condition]) -> tuple[float, int]:
    held = sum(holds(header.get(keyword(name)), condition) for name, condition in when.items())
    return held / max(1, len(when)), held
