"""The syntax tree of a rule file: frozen records, each with the line where it begins.

Lines take no part in comparisons: a tree that was written and parsed again is the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Mistake:
    """What was not understood, and the lines that were left out because of it."""

    line: int
    last_line: int
    message: str

    def __str__(self) -> str:
        lines = f"line {self.line}"
        if self.last_line > self.line:
            lines += f" (to line {self.last_line} left out)"
        return f"{lines}: {self.message}"


# ---------------------------------------------------------------- expressions


@dataclass(frozen=True, slots=True)
class Key:
    """A keyword: ``DPR.CATG``; of the frame in hand, or ``inputFile.DPR.CATG`` of the raw frame."""

    name: str
    of_input: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """A constant text."""

    value: str


@dataclass(frozen=True, slots=True)
class Number:
    """A constant number, as it is written: ``57823.``."""

    written: str

    @property
    def value(self) -> int | float:
        """The number; whole if it is written without point and exponent."""
        try:
            return int(self.written)
        except ValueError:
            return float(self.written)


Operand = Key | Text | Number


@dataclass(frozen=True, slots=True)
class Comparison:
    """``DET.CHIPS == 1``, ``DPR.TYPE like "%BIAS%"``, ``inputFile.X ?= X``."""

    operator: str
    """One of ``== != < <= > >= ?= like regexp``; ``?=``: equal where both have it."""
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Is:
    """``PRO.CATG is string``, ``INS.MODE is undefined``."""

    operand: Operand
    kind: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Not:
    """The condition does not hold."""

    part: Expression


@dataclass(frozen=True, slots=True)
class And:
    """All conditions hold."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one condition holds."""

    parts: tuple[Expression, ...]


Expression = Operand | Comparison | Is | Not | And | Or


# ---------------------------------------------------------------- statements


@dataclass(frozen=True, slots=True)
class Assignment:
    """``DO.CATG = "BIAS";``."""

    key: str
    value: Expression
    line: int = field(compare=False, default=0)


@dataclass(frozen=True, slots=True)
class Rule:
    """``if CONDITION then { ... }``: classification."""

    condition: Expression
    body: tuple[Assignment | Rule, ...]
    line: int = field(compare=False, default=0)


@dataclass(frozen=True, slots=True)
class Setting:
    """``minRet = 1;``, ``maxRet = 1;``, ``priority = 30;``."""

    name: str
    value: Number
    line: int = field(compare=False, default=0)


@dataclass(frozen=True, slots=True)
class Execute:
    """``select execute(ACTION) from inputFiles where ... group by ... as (...);``: organisation."""

    action: str
    source: str
    condition: Expression | None
    group_by: tuple[str, ...] = ()
    group_names: tuple[str, ...] = ()
    """``(TPL_A, tpl)``: name of the event and tag of its ABs."""
    line: int = field(compare=False, default=0)


@dataclass(frozen=True, slots=True)
class SelectFile:
    """``select file as TAG from calibFiles where ...;``: association."""

    tag: str
    source: str
    condition: Expression | None
    line: int = field(compare=False, default=0)


@dataclass(frozen=True, slots=True)
class RecipeCall:
    """``recipe NAME { "--parameter=value"; }``."""

    name: str
    parameters: tuple[str, ...] = ()
    line: int = field(compare=False, default=0)


@dataclass(frozen=True, slots=True)
class Product:
    """``product NAME { PRO.CATG = "..."; PRO.EXT = "..."; }``."""

    name: str
    body: tuple[Assignment, ...]
    line: int = field(compare=False, default=0)


ActionPart = Setting | SelectFile | RecipeCall | Product


@dataclass(frozen=True, slots=True)
class Action:
    """``action NAME { ... }``: what a recipe needs, how it is called, what it makes."""

    name: str
    body: tuple[ActionPart, ...]
    line: int = field(compare=False, default=0)

    @property
    def recipes(self) -> tuple[RecipeCall, ...]:
        """Its recipe calls; normally one."""
        return tuple(part for part in self.body if isinstance(part, RecipeCall))

    @property
    def products(self) -> tuple[Product, ...]:
        """Products that it declares; most rule files declare none."""
        return tuple(part for part in self.body if isinstance(part, Product))


Statement = Rule | Setting | Execute | Action


@dataclass(frozen=True, slots=True)
class RuleFile:
    """A whole rule file, and the mistakes in it."""

    statements: tuple[Statement, ...]
    mistakes: tuple[Mistake, ...] = field(compare=False, default=())

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Classification rules, in order: the last true one wins."""
        return tuple(one for one in self.statements if isinstance(one, Rule))

    @property
    def executes(self) -> tuple[Execute, ...]:
        """Organisation rules."""
        return tuple(one for one in self.statements if isinstance(one, Execute))

    @property
    def actions(self) -> tuple[Action, ...]:
        """Actions."""
        return tuple(one for one in self.statements if isinstance(one, Action))


def operands(expression: Expression) -> Iterator[Operand]:
    """All operands of an expression, from left to right."""
    match expression:
        case And(parts) | Or(parts):
            for part in parts:
                yield from operands(part)
        case Not(part):
            yield from operands(part)
        case Comparison(_, left, right):
            yield left
            yield right
        case Is(operand, _, _):
            yield operand
        case _:
            yield expression


def keys(expression: Expression) -> Iterator[Key]:
    """All keywords that an expression reads."""
    return (one for one in operands(expression) if isinstance(one, Key))
