"""From conditions of the rule language to the ``when`` of an instrument definition.

A ``when`` maps keywords to conditions that must all hold. An `or` over one keyword becomes
``any``; an `or` over several becomes alternatives: as many rules as there are of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import reduce
from itertools import product
from math import prod
from typing import Any

from pydantic import TypeAdapter

from vltflow.instruments.conditions import Condition, holds
from vltflow.instruments.oca.tree import (
    And,
    Comparison,
    Expression,
    Is,
    Key,
    Not,
    Number,
    Or,
    Text,
)

When = dict[str, Any]
"""Conditions by keyword, as they stand in a YAML file."""
_MOST = 100
"""Alternatives that one rule may become."""
_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_NEGATED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_RANGES = {"<": "below", ">": "above", ">=": "from", "<=": "to"}
_ADAPTER: TypeAdapter[Condition] = TypeAdapter(Condition)
DPR_CATG = frozenset(
    {"ACQUISITION", "CALIB", "OTHER", "SCIENCE", "SIMULATION", "TECHNICAL", "TEST"}
)
"""Values of DPR CATG in ESO's Data Interface Control Document; a frame has one of them."""


class Inexpressible(Exception):
    """A condition that has no equal in an instrument definition."""


def alternatives(expression: Expression, computed: Iterable[str] = ()) -> list[When]:
    """Conditions, at least one of which holds exactly when the expression does.

    Parameters
    ----------
    expression
        Condition on one frame.
    computed
        Keys that rules compute: no header has them.

    Raises
    ------
    Inexpressible
        If an instrument definition cannot say it.
    """
    return [found for found in _alternatives(expression, frozenset(computed)) if possible(found)]


def both(one: When, other: When) -> When:
    """Conditions that hold when those of both do."""
    merged = dict(one)
    for key, condition in other.items():
        merged[key] = _all([merged[key], condition]) if key in merged else condition
    return merged


def possible(when: When) -> bool:
    """Whether a frame can fulfil the conditions at all, as far as that can be seen."""
    return all(_possible(key, _atoms(condition)) for key, condition in when.items())


def implies(one: When, other: When) -> bool:
    """Whether every frame that fulfils the first fulfils the second, as far as can be seen."""
    return all(
        key in one
        and {_text(atom) for atom in _atoms(condition)} <= set(map(_text, _atoms(one[key])))
        for key, condition in other.items()
    )


def _alternatives(expression: Expression, computed: frozenset[str]) -> list[When]:
    match expression:
        case And(parts):
            found = [_alternatives(part, computed) for part in parts]
            if prod(map(len, found)) > _MOST:
                raise Inexpressible(f"it would become more than {_MOST} rules")
            return [reduce(both, combination, {}) for combination in product(*found)]
        case Or(parts):
            return _either([_alternatives(part, computed) for part in parts])
        case Not(part):
            return _alternatives(_negation(part), computed)
        case Comparison(operator, Key() as key, Text() | Number() as constant):
            return [{_plain(key, computed): _comparison(operator, constant)}]
        case Comparison(operator, Text() | Number() as constant, Key() as key) if (
            operator in _FLIPPED
        ):
            return [{_plain(key, computed): _comparison(_FLIPPED[operator], constant)}]
        case Is(Key() as key, ("undefined" | "defined") as kind, negated):
            return [{_plain(key, computed): {"undefined": (kind == "undefined") != negated}}]
        case Is(_, kind, _):
            raise Inexpressible(f"a definition cannot ask whether a value is {kind}")
        case _:
            raise Inexpressible("a definition compares a keyword with a constant only")


def _negation(part: Expression) -> Expression:
    """The opposite of a condition, without `not` before anything but a comparison."""
    match part:
        case Not(inner):
            return inner
        case And(parts):
            return Or(tuple(Not(one) for one in parts))
        case Or(parts):
            return And(tuple(Not(one) for one in parts))
        case Is(operand, kind, negated):
            return Is(operand, kind, not negated)
        case Comparison("==", Key(), _):
            return part.__class__("not ==", part.left, part.right)
        case Comparison(("like" | "regexp") as operator, Key(), _):
            return Comparison(f"not {operator}", part.left, part.right)
        case _:
            raise Inexpressible("a definition cannot negate this comparison")


def _plain(key: Key, computed: frozenset[str]) -> str:
    if key.name in computed:
        raise Inexpressible(f"{key.name} is computed by rules; a definition reads headers only")
    if key.of_input:
        raise Inexpressible(f"inputFile.{key.name} belongs to another frame")
    return key.name


def _comparison(operator: str, constant: Text | Number) -> Any:
    value = constant.value
    if operator.startswith("not "):
        return {"not": _comparison(operator.removeprefix("not "), constant)}
    match operator:
        case "==":
            return value
        case "like" if not set("%_") & set(str(value)):
            return str(value)
        case "like" | "regexp":
            return {operator: str(value)}
        case "!=":  # an absent keyword fulfils no comparison of the rule language
            return {"all": [{"not": value}, {"undefined": False}]}
    if operator not in _RANGES or isinstance(constant, Text):
        raise Inexpressible(f"a definition has no {operator} for {value!r}")
    return {_RANGES[operator]: value}


def _either(found: list[list[When]]) -> list[When]:
    keys = {key for options in found for one in options for key in one}
    single = all(len(options) == 1 and len(options[0]) == 1 for options in found)
    if len(keys) != 1 or not single:
        return [one for options in found for one in options]
    key = keys.pop()
    return [{key: _any([options[0][key] for options in found])}]


def _any(conditions: Sequence[Any]) -> Any:
    different = _unique(conditions)
    if len(different) == 1:
        return different[0]
    if all(not isinstance(one, dict) for one in different):
        return [value for one in different for value in (one if isinstance(one, list) else [one])]
    return {"any": different}


def _all(conditions: Sequence[Any]) -> Any:
    different = _unique([atom for one in conditions for atom in _atoms(one)])
    return different[0] if len(different) == 1 else {"all": different}


def _atoms(condition: Any) -> list[Any]:
    """Conditions that must all hold for this one."""
    if isinstance(condition, dict) and "all" in condition:
        return list(condition["all"])
    return [condition]


def _unique(conditions: Sequence[Any]) -> list[Any]:
    return list({_text(one): one for one in conditions}.values())


def _text(condition: Any) -> str:
    return json.dumps(condition, sort_keys=True)


def _possible(key: str, atoms: list[Any]) -> bool:
    values = [one for one in atoms if not isinstance(one, dict)]
    wanted = [one if isinstance(one, list) else [one] for one in values]
    if key == "DPR.CATG" and not wanted:
        wanted = [sorted(DPR_CATG)]
        if not any(_fulfilled(value, atoms) for value in wanted[0]):
            # a spelling outside the vocabulary ("test"): then only equality decides
            return _same_pattern(atoms)
    if not wanted:
        return True
    return any(_fulfilled(value, atoms) for value in wanted[0])


def _fulfilled(value: Any, atoms: list[Any]) -> bool:
    return all(holds(value, _ADAPTER.validate_python(one)) for one in atoms)


def _same_pattern(atoms: list[Any]) -> bool:
    return len(_unique(atoms)) == 1
