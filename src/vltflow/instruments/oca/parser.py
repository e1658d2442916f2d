"""Parser of ESO's rule language: Organisation, Classification, Association.

Written from the published description of the language and from the look of rule files;
recursive descent, one method a construct::

    file        := { rule | setting | execute | action }
    rule        := "if" expression "then" "{" { assignment | rule } "}"
    assignment  := KEYWORD "=" expression ";"
    setting     := NAME "=" NUMBER ";"
    execute     := "select" "execute" "(" NAME ")" from ";"
    from        := "from" NAME [ "where" expression ] [ "group" "by" KEYWORDS [ "as" "(" NAMES ")" ] ]
    action      := "action" NAME "{" { setting | select | recipe | product } "}"
    select      := "select" "file" "as" NAME from ";"
    recipe      := "recipe" NAME ( ";" | "{" { TEXT ";" } "}" )
    product     := "product" NAME "{" { assignment } "}"
    expression  := conjunction { "or" conjunction }
    conjunction := term { "and" term }
    term        := "not" term | "(" expression ")" | operand [ OPERATOR operand | "is" ["not"] NAME ]

What is not understood becomes a mistake with its lines, and parsing goes on behind it.
"""  # noqa: E501 - a grammar is not broken

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from vltflow.core.errors import UnreadableFile
from vltflow.instruments.oca.tokens import END, NUMBER, SIGN, TEXT, WORD, Token, scan
from vltflow.instruments.oca.tree import (
    Action,
    ActionPart,
    And,
    Assignment,
    Comparison,
    Execute,
    Expression,
    Is,
    Key,
    Mistake,
    Not,
    Number,
    Operand,
    Or,
    Product,
    RecipeCall,
    Rule,
    RuleFile,
    SelectFile,
    Setting,
    Statement,
    Text,
)

RESERVED = frozenset({"if", "then", "and", "or", "not", "is", "like", "regexp", "select", "action",
                      "from", "where", "group", "by", "as", "recipe", "product"})  # fmt: skip
OPERATORS = frozenset({"==", "!=", "<", "<=", ">", ">=", "?=", "like", "regexp"})
SETTINGS = frozenset({"minRet", "maxRet", "priority"})
DEEPEST = 50
"""Parentheses, `not` and rules may stand inside each other this often; genuine ones: 3 times."""
_STARTS = frozenset({"if", "select", "action"})
_INPUT = "inputFile."
_Part = TypeVar("_Part")


def parse_file(path: Path) -> RuleFile:
    """Syntax tree of a rule file.

    Raises
    ------
    UnreadableFile
        If it cannot be read, or is no text.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableFile(f"{path}: cannot be read ({error.strerror})") from error
    if b"\0" in content:
        raise UnreadableFile(f"{path}: no rule file: it holds binary data")
    return parse(content.decode("utf-8", errors="replace"))


def parse(source: str) -> RuleFile:
    """Syntax tree of the text of a rule file."""
    found = scan(source)
    parser = _Parser(found.tokens)
    statements = parser.statements()
    mistakes = sorted((*found.mistakes, *parser.mistakes), key=lambda mistake: mistake.line)
    return RuleFile(statements, tuple(mistakes))


class _NotUnderstood(Exception):
    """The statement in hand makes no sense; carries where and why."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


class _Parser:
    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self._tokens = tokens
        self._position = 0
        self._depth = 0
        self.mistakes: list[Mistake] = []

    # ------------------------------------------------------------ statements

    def statements(self) -> tuple[Statement, ...]:
        found: list[Statement] = []
        while self._now.kind != END:
            start = self._position
            try:
                found.append(self._statement())
            except _NotUnderstood as error:
                self._position = max(self._position, start + 1)
                self._skip_statement()
                self._note(error)
        return tuple(found)

    def _statement(self) -> Statement:
        match self._now.text if self._now.kind == WORD else "":
            case "if":
                return self._rule()
            case "select":
                return self._execute()
            case "action":
                return self._action()
            case name if name in SETTINGS:
                return self._setting()
        raise self._expected("a statement (if, select execute, action, minRet, maxRet)")

    def _rule(self) -> Rule:
        line = self._expect(WORD, "if").line
        condition = self._expression()
        self._expect(WORD, "then")
        body = self._block(self._rule_part)
        return Rule(condition, body, line)

    def _rule_part(self) -> Assignment | Rule:
        return self._deeper(self._rule) if self._at("if") else self._assignment()

    def _assignment(self) -> Assignment:
        key = self._name("a keyword")
        self._expect(SIGN, "=")
        value = self._expression()
        self._expect(SIGN, ";")
        return Assignment(key.text, value, key.line)

    def _setting(self) -> Setting:
        name = self._name("a setting")
        self._expect(SIGN, "=")
        if not self._now.text.isdecimal():
            raise self._expected("a whole number")
        value = Number(self._expect(NUMBER).text)
        self._expect(SIGN, ";")
        return Setting(name.text, value, name.line)

    def _execute(self) -> Execute:
        line = self._expect(WORD, "select").line
        self._expect(WORD, "execute")
        self._expect(SIGN, "(")
        action = self._name("the name of an action").text
        self._expect(SIGN, ")")
        source, condition = self._from()
        keys, names = self._grouping()
        self._expect(SIGN, ";")
        return Execute(action, source, condition, keys, names, line)

    def _from(self) -> tuple[str, Expression | None]:
        self._expect(WORD, "from")
        source = self._name("a set of files (inputFiles, calibFiles, rawFiles)").text
        if not self._take("where"):
            return source, None
        return source, self._expression()

    def _grouping(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        if not self._take("group"):
            return (), ()
        self._expect(WORD, "by")
        keys = self._names()
        if not self._take("as"):
            return keys, ()
        self._expect(SIGN, "(")
        names = self._names()
        self._expect(SIGN, ")")
        return keys, names

    def _names(self) -> tuple[str, ...]:
        names = [self._name("a name").text]
        while self._take(","):
            names.append(self._name("a name").text)
        return tuple(names)

    def _action(self) -> Action:
        line = self._expect(WORD, "action").line
        name = self._name("the name of an action").text
        return Action(name, self._block(self._action_part), line)

    def _action_part(self) -> ActionPart:
        match self._now.text if self._now.kind == WORD else "":
            case "select":
                return self._select_file()
            case "recipe":
                return self._recipe()
            case "product":
                return self._product()
            case name if name in SETTINGS:
                return self._setting()
        raise self._expected(
            "a part of an action (minRet, maxRet, priority, select file, recipe, product)"
        )

    def _select_file(self) -> SelectFile:
        line = self._expect(WORD, "select").line
        self._expect(WORD, "file")
        self._expect(WORD, "as")
        tag = self._name("the tag of a calibration").text
        source, condition = self._from()
        self._expect(SIGN, ";")
        return SelectFile(tag, source, condition, line)

    def _recipe(self) -> RecipeCall:
        line = self._expect(WORD, "recipe").line
        name = self._name("the name of a recipe").text
        if self._take(";"):
            return RecipeCall(name, (), line)
        return RecipeCall(name, self._block(self._parameter), line)

    def _parameter(self) -> str:
        text = self._expect(TEXT).text
        self._expect(SIGN, ";")
        return text

    def _product(self) -> Product:
        line = self._expect(WORD, "product").line
        name = self._name("the name of a product").text
        return Product(name, self._block(self._assignment), line)

    def _block(self, part: Callable[[], _Part]) -> tuple[_Part, ...]:
        """What stands in braces; a part that makes no sense is left out with a mistake."""
        opened = self._expect(SIGN, "{").line
        found: list[_Part] = []
        while not self._take("}"):
            if self._now.kind == END or self._at("action") or self._begins_execute():
                raise _NotUnderstood(opened, "this { has no }")
            start = self._position
            try:
                found.append(part())
            except _NotUnderstood as error:
                self._position = max(self._position, start + 1)
                self._skip_part()
                self._note(error)
        return tuple(found)

    # ------------------------------------------------------------ expressions

    def _expression(self) -> Expression:
        parts = [self._conjunction()]
        while self._take("or"):
            parts.append(self._conjunction())
        return parts[0] if len(parts) == 1 else Or(_flat(parts, Or))

    def _conjunction(self) -> Expression:
        parts = [self._term()]
        while self._take("and"):
            parts.append(self._term())
        return parts[0] if len(parts) == 1 else And(_flat(parts, And))

    def _term(self) -> Expression:
        if self._take("not"):
            return Not(self._deeper(self._term))
        if self._take("("):
            inner = self._deeper(self._expression)
            self._expect(SIGN, ")")
            return inner
        left = self._operand()
        if self._now.text in OPERATORS and self._now.kind in {WORD, SIGN}:
            operator = self._advance().text
            return Comparison(operator, left, self._operand())
        if self._take("is"):
            negated = self._take("not")
            return Is(left, self._name("a type, or undefined").text, negated)
        return left

    def _deeper(self, part: Callable[[], _Part]) -> _Part:
        """A part inside a part of its own kind."""
        if self._depth >= DEEPEST:
            raise _NotUnderstood(self._now.line, f"nested more than {DEEPEST} times")
        self._depth += 1
        try:
            return part()
        finally:
            self._depth -= 1

    def _operand(self) -> Operand:
        token = self._now
        if token.kind == TEXT:
            return Text(self._advance().text)
        if token.kind == NUMBER:
            return Number(self._advance().text)
        name = self._name("a keyword, a text or a number").text
        if name.startswith(_INPUT):
            return Key(name.removeprefix(_INPUT), of_input=True)
        return Key(name)

    # ------------------------------------------------------------ tokens

    @property
    def _now(self) -> Token:
        return self._tokens[self._position]

    def _advance(self) -> Token:
        token = self._now
        if token.kind != END:
            self._position += 1
        return token

    def _at(self, text: str) -> bool:
        return self._now.kind in {WORD, SIGN} and self._now.text == text

    def _take(self, text: str) -> bool:
        if not self._at(text):
            return False
        self._advance()
        return True

    def _expect(self, kind: str, text: str = "") -> Token:
        if self._now.kind != kind or (text and self._now.text != text):
            raise self._expected(repr(text) if text else f"a {kind}")
        return self._advance()

    def _name(self, wanted: str) -> Token:
        if self._now.kind != WORD or self._now.text in RESERVED:
            raise self._expected(wanted)
        return self._advance()

    def _expected(self, wanted: str) -> _NotUnderstood:
        return _NotUnderstood(self._now.line, f"expected {wanted}, found {self._now}")

    # ------------------------------------------------------------ going on behind a mistake

    def _note(self, error: _NotUnderstood) -> None:
        behind = self._tokens[max(0, self._position - 1)].line
        self.mistakes.append(Mistake(error.line, max(error.line, behind), str(error)))

    def _begins_execute(self) -> bool:
        following = self._tokens[min(self._position + 1, len(self._tokens) - 1)]
        return self._at("select") and following.text == "execute"

    def _skip_statement(self) -> None:
        """To the next word that begins a statement, outside of braces that open on the way."""
        depth = 0
        while self._now.kind != END:
            if self._at("action") or self._begins_execute():
                return  # never inside braces, so those before it were not closed
            if depth <= 0 and self._now.kind == WORD and self._now.text in _STARTS | SETTINGS:
                return
            depth += self._at("{") - self._at("}")
            self._advance()

    def _skip_part(self) -> None:
        """To behind the next ``;`` or before the ``}`` of the block in hand."""
        depth = 0
        while self._now.kind != END and not self._at("action") and not self._begins_execute():
            if depth == 0 and self._at("}"):
                return
            depth += self._at("{") - self._at("}")
            ended = self._advance().text
            if depth == 0 and ended in {";", "}"}:
                return


def _flat(parts: list[Expression], kind: type[And | Or]) -> tuple[Expression, ...]:
    """Parts, with those of the same kind taken apart: (a and b) and c is a and b and c."""
    flat: list[Expression] = []
    for part in parts:
        flat += part.parts if isinstance(part, kind) else (part,)
    return tuple(flat)
