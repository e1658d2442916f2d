"""What the rules themselves say of a header: every rule in order, the last true one wins.

Independent of the translation into an instrument definition, so that the two can be
compared. An absent keyword fulfils nothing but ``is undefined`` and ``not``. In a ``like``
pattern ``%`` stands for any text and ``_`` for one character, as in SQL.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from vltflow.instruments.conditions import keyword
from vltflow.instruments.oca.tree import (
    And,
    Assignment,
    Comparison,
    Expression,
    Is,
    Key,
    Not,
    Number,
    Or,
    Rule,
    Text,
)

Keywords = Mapping[str, Any]
RAW_TYPE = "RAW.TYPE"
TAGS = ("DO.CATG", "DO.CLASS")
"""Keys in which rules say what recipes call a frame; rules of different flavours use either."""


@dataclass(frozen=True, slots=True)
class Labels:
    """What rules say of one header."""

    values: Mapping[str, Any]
    """By key: ``DO.CATG``, ``RAW.TYPE`` and whatever else they compute."""
    lines: Mapping[str, int]
    """By key: where the assignment stands that won."""
    order: tuple[str, ...]
    """Keys in the order in which they were set last."""

    @property
    def tag(self) -> str:
        """What recipes call the frame; empty if no rule says so."""
        set_last = [key for key in self.order if key in TAGS]
        return str(self.values[set_last[-1]]) if set_last else ""

    @property
    def raw_type(self) -> str:
        """RAW.TYPE, or the tag where rules set none; empty: unknown to them."""
        return str(self.values.get(RAW_TYPE, "")) or self.tag


def evaluate(rules: Iterable[Rule], header: Keywords) -> Labels:
    """Labels that classification rules give to a header.

    Parameters
    ----------
    rules
        In the order of their file.
    header
        Keywords in FITS form without HIERARCH: ``ESO DPR CATG``.
    """
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for rule in rules:
        _apply(rule, header, values, lines)
    return Labels(values, lines, tuple(lines))


def holds(condition: Expression, header: Keywords, computed: Keywords | None = None) -> bool:
    """Whether a condition on one frame holds for its header and the keys computed so far."""
    return value_of(condition, header, computed or {}) is True


def _apply(rule: Rule, header: Keywords, values: dict[str, Any], lines: dict[str, int]) -> None:
    if not holds(rule.condition, header, values):
        return
    for part in rule.body:
        if isinstance(part, Rule):
            _apply(part, header, values, lines)
            continue
        _assign(part, header, values, lines)


def _assign(
    one: Assignment, header: Keywords, values: dict[str, Any], lines: dict[str, int]
) -> None:
    values[one.key] = value_of(one.value, header, values)
    lines.pop(one.key, None)  # its place in the order is that of its last assignment
    lines[one.key] = one.line


def value_of(  # noqa: PLR0911 - one return a kind of node
    expression: Expression, header: Keywords, computed: Keywords
) -> Any:
    """Value of an expression: of a keyword, a constant, or whether a condition holds."""
    match expression:
        case And(parts):
            return all(value_of(part, header, computed) is True for part in parts)
        case Or(parts):
            return any(value_of(part, header, computed) is True for part in parts)
        case Not(part):
            return value_of(part, header, computed) is not True
        case Comparison(operator, left, right):
            one, other = (value_of(side, header, computed) for side in (left, right))
            return _compare(operator, one, other)
        case Is(operand, kind, negated):
            return _is(value_of(operand, header, computed), kind) is not negated
        case Key(name):
            return computed[name] if name in computed else header.get(keyword(name))
        case Text(value):
            return value
        case Number():
            return expression.value


def _compare(operator: str, left: Any, right: Any) -> bool:
    if operator == "?=":
        return left is None or right is None or bool(left == right)
    if left is None or right is None:
        return False
    if operator in {"like", "regexp"}:
        pattern = _like if operator == "like" else re.compile
        return pattern(str(right)).search(str(left)) is not None
    if isinstance(left, str) is not isinstance(right, str):
        return operator == "!="
    return _ordered(operator, left, right)


def _ordered(operator: str, left: Any, right: Any) -> bool:
    match operator:
        case "==":
            return bool(left == right)
        case "!=":
            return bool(left != right)
        case "<":
            return bool(left < right)
        case "<=":
            return bool(left <= right)
        case ">":
            return bool(left > right)
    return bool(left >= right)


@lru_cache(maxsize=4096)
def _like(pattern: str) -> re.Pattern[str]:
    wildcards = {"%": ".*", "_": "."}
    text = "".join(wildcards.get(letter) or re.escape(letter) for letter in pattern)
    return re.compile(rf"\A(?:{text})\Z", re.DOTALL)


def _is(value: Any, kind: str) -> bool:
    match kind:
        case "undefined":
            return value is None
        case "defined":
            return value is not None
        case "string":
            return isinstance(value, str)
        case "number" | "int" | "integer" | "float" | "double":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "boolean" | "bool" | "logical":
            return isinstance(value, bool)
    return False
