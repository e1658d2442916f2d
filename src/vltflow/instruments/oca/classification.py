"""Classification rules as raw types, and what they tell of products.

In the rule language the last true rule wins, key by key; in an instrument definition the
first one. So the rules stand in reverse, those that set RAW.TYPE before those that only
set a tag (DO.CATG, DO.CLASS): a raw type is RAW.TYPE where there is one, else the tag.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from vltflow.instruments.oca.evaluation import RAW_TYPE, TAGS
from vltflow.instruments.oca.notes import Note
from vltflow.instruments.oca.tree import (
    And,
    Assignment,
    Comparison,
    Expression,
    Key,
    Rule,
    Text,
    keys,
)
from vltflow.instruments.oca.when import (
    Inexpressible,
    When,
    alternatives,
    both,
    implies,
    possible,
)

_FILE = "classification"
_PRODUCT = "PRO."


@dataclass(frozen=True, slots=True)
class RawRule:
    """One rule for raw frames, with one set of conditions."""

    when: When
    raw_type: str
    """RAW.TYPE; empty where the rule sets none."""
    tag: str
    line: int

    @property
    def name(self) -> str:
        """Raw type of a definition."""
        return self.raw_type or self.tag


@dataclass(frozen=True)
class Classification:
    """What the classification rules of a file say, in the words of a definition."""

    rules: tuple[RawRule, ...]
    """In the order of a definition: the first true one wins."""
    categories: Mapping[str, str]
    """PRO.CATG by the tag that rules give to such products, where the two differ."""
    derived: Mapping[str, tuple[When, ...]]
    """By key that tells whether a condition holds: when it does."""
    computed: Mapping[str, tuple[str, ...]]
    """By key that rules compute otherwise from others: those that it is computed from."""
    computed_in: Mapping[str, int]
    """Line where each of them is computed first."""
    notes: tuple[Note, ...]

    @cached_property
    def tags(self) -> dict[str, tuple[str, ...]]:
        """Tags of the frames of each raw type, raw types in the order of the file."""
        found: dict[str, tuple[str, ...]] = {}
        for rule in sorted(self.rules, key=lambda rule: rule.line):
            found[rule.name] = tuple(dict.fromkeys((*found.get(rule.name, ()), rule.tag)))
        return found


def classification(rules: Sequence[Rule]) -> Classification:
    """Classification rules in the words of an instrument definition."""
    flat = [one for rule in rules for one in _flat(rule)]
    reader = _Reader(frozenset(one.key for _, body, _ in flat for one in body))
    for test, body, line in flat:
        reader.read(test, body, line)
    ordered, notes = _ordered(reader.raw)
    derived = reader.derived()
    return Classification(
        rules=tuple(ordered),
        categories=reader.categories,
        derived=derived,
        computed={
            key: tuple(sources) for key, sources in reader.computed.items() if key not in derived
        },
        computed_in=reader.computed_in,
        notes=(*reader.notes, *_unused(reader.unused), *notes),
    )


def _flat(rule: Rule) -> Iterator[tuple[Expression, tuple[Assignment, ...], int]]:
    """Rules without rules inside."""
    own = tuple(part for part in rule.body if isinstance(part, Assignment))
    yield rule.condition, own, rule.line
    for part in rule.body:
        if isinstance(part, Rule):
            for test, body, line in _flat(part):
                yield And((rule.condition, test)), body, line


class _Reader:
    def __init__(self, assigned: frozenset[str]) -> None:
        self._assigned = assigned
        self.raw: list[RawRule] = []
        self.categories: dict[str, str] = {}
        self.computed: dict[str, dict[str, None]] = {}
        self.computed_in: dict[str, int] = {}
        self._expressions: dict[str, set[Expression]] = {}
        self.unused: dict[str, list[int]] = {}
        self.notes: list[Note] = []

    def read(self, test: Expression, body: Sequence[Assignment], line: int) -> None:
        names = self._names(body)
        if any(key.name.startswith(_PRODUCT) for key in keys(test)):
            self._read_product(test, names, line)
        elif names:
            self._read_raw(test, names, line)
        elif not body:
            self._note(line, "a rule without any assignment")

    def derived(self) -> dict[str, tuple[When, ...]]:
        """Keys that all rules compute by the same condition on the header."""
        found: dict[str, tuple[When, ...]] = {}
        for key, expressions in self._expressions.items():
            if len(expressions) == 1:
                with suppress(Inexpressible):
                    found[key] = tuple(alternatives(next(iter(expressions)), self._assigned))
        return found

    def _names(self, body: Sequence[Assignment]) -> dict[str, Any]:
        """Values of RAW.TYPE and tags; what else is assigned is kept for later."""
        names: dict[str, Any] = {}
        for one in body:
            if one.key == RAW_TYPE or one.key in TAGS:
                names[one.key] = one.value
                continue
            sources = [key.name for key in keys(one.value)]
            if sources:
                self.computed.setdefault(one.key, {}).update(dict.fromkeys(sources))
                self.computed_in.setdefault(one.key, one.line)
                self._expressions.setdefault(one.key, set()).add(one.value)
            else:
                self.unused.setdefault(one.key, []).append(one.line)
        return names

    def _read_product(self, test: Expression, names: Mapping[str, Any], line: int) -> None:
        category = _category(test)
        for value in names.values():
            if isinstance(value, Text) and category and value.value != category:
                self.categories[value.value] = category
            elif not (isinstance(value, Text) or value == Key("PRO.CATG")):
                self._note(line, "a product's name that is neither a text nor PRO.CATG")

    def _read_raw(self, test: Expression, names: Mapping[str, Any], line: int) -> None:
        if not all(isinstance(value, Text) for value in names.values()):
            self._note(line, "a raw type that is no constant text; the rule is left out")
            return
        tags = [value.value for key, value in names.items() if key in TAGS]
        raw_type = names[RAW_TYPE].value if RAW_TYPE in names else ""
        tag = tags[-1] if tags else raw_type
        try:
            found = alternatives(test, self._assigned)
        except Inexpressible as reason:
            self._note(line, f"rule for {raw_type or tag} left out: {reason}")
            return
        if not found:
            self._note(line, f"rule for {raw_type or tag} left out: no frame can fulfil it")
        self.raw += [RawRule(when, raw_type, tag, line) for when in found]

    def _note(self, line: int, message: str) -> None:
        self.notes.append(Note(_FILE, line, message))


def _category(test: Expression) -> str:
    """PRO.CATG that a rule for products asks for; empty if it asks for none by name."""
    parts = test.parts if isinstance(test, And) else (test,)
    for part in parts:
        match part:
            case Comparison(("==" | "like"), Key("PRO.CATG"), Text(value)):
                return value.strip("%")
    return ""


def _ordered(rules: Sequence[RawRule]) -> tuple[list[RawRule], list[Note]]:
    """Rules with RAW.TYPE, last first, then those without; and where tags may differ."""
    typed = [rule for rule in rules if rule.raw_type]
    plain = [rule for rule in rules if not rule.raw_type]
    ordered: list[RawRule] = []
    notes: list[Note] = []
    for rule in reversed(typed):
        later = [one for one in plain if one.line > rule.line]
        ordered += [
            replace(one, raw_type=rule.raw_type)
            for one in reversed(later)
            if implies(one.when, rule.when)
        ]
        ordered.append(rule)
        notes += _overwritten(rule, later)
    return [*ordered, *reversed(plain)], notes


def _overwritten(rule: RawRule, later: Sequence[RawRule]) -> list[Note]:
    """A note if frames of a rule may get another tag from later rules that set no RAW.TYPE."""
    lines = [
        str(one.line)
        for one in later
        if not implies(one.when, rule.when) and possible(both(one.when, rule.when))
    ]
    if not lines:
        return []
    text = (
        f"{rule.raw_type}: a frame that fulfils a rule of line {', '.join(dict.fromkeys(lines))}"
        f" too would there be tagged otherwise; here it is {rule.tag}"
    )
    return [Note(_FILE, rule.line, text)]


def _unused(assigned: Mapping[str, list[int]]) -> Iterator[Note]:
    for key, lines in assigned.items():
        shown = ", ".join(map(str, lines))
        yield Note(_FILE, lines[0], f"{key} has no place in a definition (lines {shown})")
