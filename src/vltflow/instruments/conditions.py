"""Conditions on header keywords: the small language of classification rules and repairs.

A rule's ``when`` maps dotted keywords to a condition. All must hold. A condition is

========================  ====================================================
``BIAS`` or ``1``         equal to this value (numbers by value, text exactly)
``[BIAS, DARK]``          equal to one of these
``{like: "%cal%"}``       SQL pattern: ``%`` any text, ``_`` one character
``{regexp: "^UVES_"}``    regular expression, searched
``{undefined: true}``     the keyword is absent or has no value
``{not: <condition>}``    the condition does not hold
``{all: [<condition>]}``  all of these conditions hold
``{any: [<condition>]}``  at least one of these conditions holds
``{below: 5}``, ``{above: 5}``, ``{from: 1, to: 2}``   numbers; from and to are inclusive
========================  ====================================================

An absent keyword fulfils only ``undefined`` and ``not``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

Scalar = str | int | float | bool
Keywords = Mapping[str, Any]
_KINDS = "like, regexp, undefined, not, all, any, below, above, from+to"


def keyword(name: str) -> str:
    """FITS form of a dotted keyword: ``DET.WIN1.BINX`` becomes ``ESO DET WIN1 BINX``."""
    return "ESO " + name.replace(".", " ") if "." in name else name


class KeywordTest(BaseModel):
    """A condition other than plain equality; exactly one kind of test is set."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    like: str | None = None
    regexp: str | None = None
    undefined: bool | None = None
    negated: Scalar | list[Scalar] | KeywordTest | None = Field(default=None, alias="not")
    all_of: list[Scalar | list[Scalar] | KeywordTest] | None = Field(default=None, alias="all")
    any_of: list[Scalar | list[Scalar] | KeywordTest] | None = Field(default=None, alias="any")
    below: float | None = None
    above: float | None = None
    start: float | None = Field(default=None, alias="from")
    stop: float | None = Field(default=None, alias="to")

    @model_validator(mode="after")
    def _one_kind(self) -> KeywordTest:
        kinds = self.model_fields_set
        if not kinds or (len(kinds) > 1 and kinds != {"start", "stop"}):
            raise ValueError(f"a condition has exactly one of {_KINDS}")
        if self.regexp is not None:
            try:
                re.compile(self.regexp)
            except re.error as error:
                raise ValueError(
                    f"regexp {self.regexp!r} is no regular expression: {error}"
                ) from error
        return self


Condition = Scalar | list[Scalar] | KeywordTest
When = dict[str, Condition]


def matches(header: Keywords, when: Mapping[str, Condition]) -> bool:
    """Whether all conditions of a rule hold for a header (keys in FITS form, without HIERARCH)."""
    return all(holds(header.get(keyword(name)), condition) for name, condition in when.items())


def holds(value: Any, condition: Condition) -> bool:
    """Whether one keyword value fulfils one condition; None stands for an absent keyword."""
    if isinstance(condition, KeywordTest):
        return _holds_test(value, condition)
    if isinstance(condition, list):
        return any(_equal(value, wanted) for wanted in condition)
    return _equal(value, condition)


def failure(header: Keywords, when: Mapping[str, Condition]) -> str:
    """First condition that does not hold, as text for people; empty if all hold."""
    for name, condition in when.items():
        value = header.get(keyword(name))
        if not holds(value, condition):
            shown = "is absent" if value is None else f"is {value!r}"
            return f"{name} {shown}, wanted {describe(condition)}"
    return ""


def describe(condition: Condition) -> str:
    """A condition as text for people."""
    if isinstance(condition, KeywordTest) and condition.all_of is not None:
        return " and ".join(describe(one) for one in condition.all_of)
    if isinstance(condition, KeywordTest) and condition.any_of is not None:
        return "(" + " or ".join(describe(one) for one in condition.any_of) + ")"
    if isinstance(condition, KeywordTest):
        parts = condition.model_dump(by_alias=True, exclude_unset=True)
        return " ".join(f"{kind} {value!r}" for kind, value in parts.items())
    if isinstance(condition, list):
        return "one of " + ", ".join(repr(value) for value in condition)
    return repr(condition)


def _equal(value: Any, wanted: Scalar) -> bool:
    if isinstance(wanted, bool) or isinstance(value, bool):
        return value is wanted
    return bool(value is not None and value == wanted)


def _holds_test(value: Any, test: KeywordTest) -> bool:
    if test.undefined is not None:
        return (value is None) == test.undefined
    if test.negated is not None:
        return not holds(value, test.negated)
    if test.all_of is not None:
        return all(holds(value, one) for one in test.all_of)
    if test.any_of is not None:
        return any(holds(value, one) for one in test.any_of)
    return value is not None and _holds_for_value(value, test)


def _holds_for_value(value: Any, test: KeywordTest) -> bool:
    if test.like is not None:
        return _like(test.like)(str(value))
    if test.regexp is not None:
        return re.search(test.regexp, str(value)) is not None
    return not isinstance(value, str) and _in_range(value, test)


def _in_range(value: float, test: KeywordTest) -> bool:
    return (
        (test.below is None or value < test.below)
        and (test.above is None or value > test.above)
        and (test.start is None or value >= test.start)
        and (test.stop is None or value <= test.stop)
    )


@lru_cache(maxsize=1024)
def _like(pattern: str) -> Callable[[str], bool]:
    translated = "".join(
        ".*" if character == "%" else "." if character == "_" else re.escape(character)
        for character in pattern
    )
    compiled = re.compile(translated, re.DOTALL)
    return lambda text: compiled.fullmatch(text) is not None
