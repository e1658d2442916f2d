"""From the text of a rule file to tokens: words, texts, numbers, signs, each with its line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from vltflow.instruments.oca.tree import Mistake

WORD, TEXT, NUMBER, SIGN, END = "word", "text", "number", "sign", "end"

_PATTERN = re.compile(
    r"""
    (?P<directive>(?<![^\n])[ \t]*\#(?:\\\n|[^\n])*)
  | (?P<space>\n+|[^\S\n]+|//[^\n]*|/\*.*?\*/)
  | (?P<text>"[^"\n]*")
  | (?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![A-Za-z_]))
  | (?P<word>[A-Za-z_]\w*(?:[.-]\w+)*)
  | (?P<sign>==|!=|<=|>=|\?=|[<>=(){};,])
    """,
    re.VERBOSE | re.DOTALL,
)
_INSTRUCTION = re.compile(
    r"\s*#\s*(include|define|undef|if|ifdef|ifndef|elif|else|endif|pragma|error)\b"
)
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Token:
    """The smallest part of a rule file that means something."""

    kind: str
    text: str
    """As it is written; of a text without its quotes."""
    line: int = field(compare=False)

    def __str__(self) -> str:
        if self.kind == END:
            return "the end of the file"
        return f'"{self.text}"' if self.kind == TEXT else repr(self.text)


@dataclass(frozen=True, slots=True)
class Scan:
    """All tokens of a rule file, and what could be none."""

    tokens: tuple[Token, ...]
    """The last one is the end of the file."""
    mistakes: tuple[Mistake, ...]


def scan(source: str) -> Scan:
    """Tokens of a rule file.

    Comments are ``// ...``, ``/* ... */`` and lines that begin with ``#``, unless they
    instruct the C preprocessor: those are mistakes, because what they stand for is missing.

    Parameters
    ----------
    source
        Text of the file.
    """
    tokens: list[Token] = []
    mistakes: list[Mistake] = []
    line = 1
    for kind, text in _pieces(source):
        if kind == "unknown" or (kind == "directive" and _INSTRUCTION.match(text)):
            mistakes.append(_mistake(kind, text, line))
        elif kind not in {"space", "directive"}:
            tokens.append(Token(kind, text[1:-1] if kind == TEXT else text, line))
        line += text.count("\n")
    tokens.append(Token(END, "", line))
    return Scan(tuple(tokens), tuple(mistakes))


def _pieces(source: str) -> Iterator[tuple[str, str]]:
    """Kind and text of all pieces, in order; together they are the source."""
    position = 0
    while position < len(source):
        found = _PATTERN.match(source, position)
        if found is not None:
            yield str(found.lastgroup), found.group()
            position = found.end()
            continue
        stop = position + 1
        if source.startswith("/*", position):  # never closed: nothing behind it can be trusted
            stop = len(source)
        elif source[position] == '"':
            end_of_line = source.find("\n", position)
            stop = len(source) if end_of_line < 0 else end_of_line
        yield "unknown", source[position:stop]
        position = stop


def _mistake(kind: str, text: str, line: int) -> Mistake:
    shown = " ".join(text.split())[:_SHOWN]
    if kind == "directive":
        message = f"preprocessor line `{shown}`: run the file through `cpp -P` first"
    elif text.startswith("/*"):
        message = "a comment that begins here with /* has no end"
    elif text.startswith('"'):
        message = f"text has no closing quote on its line: {shown}"
    else:
        message = f"{text!r} has no meaning in rules"
    return Mistake(line, line + text.count("\n"), message)
