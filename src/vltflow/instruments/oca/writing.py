"""From a syntax tree back to the text of rules."""

from __future__ import annotations

from collections.abc import Iterable

from vltflow.instruments.oca.tree import (
    Action,
    And,
    Assignment,
    Comparison,
    Execute,
    Expression,
    Is,
    Key,
    Not,
    Number,
    Or,
    Product,
    RecipeCall,
    Rule,
    RuleFile,
    SelectFile,
    Setting,
    Text,
)


def write(rules: RuleFile) -> str:
    """Rules as text that the parser reads as the same tree."""
    return "".join(f"{_statement(one)}\n" for one in rules.statements)


def condition(expression: Expression) -> str:  # noqa: PLR0911 - one return a kind of node
    """An expression as text."""
    match expression:
        case And(parts):
            return " and ".join(_inner(part, (Or,)) for part in parts)
        case Or(parts):
            return " or ".join(_inner(part, ()) for part in parts)
        case Not(part):
            return f"not {_inner(part, (And, Or))}"
        case Comparison(operator, left, right):
            return f"{condition(left)} {operator} {condition(right)}"
        case Is(operand, kind, negated):
            return f"{condition(operand)} is {'not ' if negated else ''}{kind}"
        case Key(name, of_input):
            return f"inputFile.{name}" if of_input else name
        case Text(value):
            return f'"{value}"'
        case Number(written):
            return written


def _inner(part: Expression, weaker: tuple[type, ...]) -> str:
    text = condition(part)
    return f"({text})" if isinstance(part, weaker) else text


def _statement(  # noqa: PLR0911 - one return a kind of node
    one: Rule | Assignment | Setting | Execute | Action | SelectFile | RecipeCall | Product,
) -> str:
    match one:
        case Rule(test, body):
            return f"if {condition(test)} then {_block(map(_statement, body))}"
        case Assignment(key, value):
            return f"{key} = {condition(value)};"
        case Setting(name, value):
            return f"{name} = {value.written};"
        case Execute(action, source, test, keys, names):
            grouped = f" group by {', '.join(keys)}" if keys else ""
            grouped += f" as ({', '.join(names)})" if names else ""
            return f"select execute({action}) {_from(source, test)}{grouped};"
        case Action(name, body):
            return f"action {name} {_block(map(_statement, body))}"
        case SelectFile(tag, source, test):
            return f"select file as {tag} {_from(source, test)};"
        case RecipeCall(name, ()):
            return f"recipe {name};"
        case RecipeCall(name, parameters):
            texts = (f'"{text}";' for text in parameters)
            return f"recipe {name} {_block(texts)}"
        case Product(name, body):
            return f"product {name} {_block(map(_statement, body))}"


def _from(source: str, test: Expression | None) -> str:
    return f"from {source}" + (f" where {condition(test)}" if test is not None else "")


def _block(lines: Iterable[str]) -> str:
    inside = "\n".join(lines).replace("\n", "\n  ")
    return f"{{\n  {inside}\n}}" if inside else "{\n}"
