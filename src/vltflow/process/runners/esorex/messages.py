"""What esorex prints: without the noise, and with the error that counts in front."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NOISE = re.compile(
    r"Run-time version .* of CPL is (higher|lower) than"
    r"|Unable to open directory"
    r"|\*{5} ESO Recipe Execution Tool"
)
_DUMPED = re.compile(r"\[1/\d+\]\s*(.+)")
_ERROR = re.compile(r"\[\s*ERROR\s*\]\s*(?:\[tid=\d+\]\s*)?(.*)")
_SECOND_HAND = re.compile(
    r"Dumping all \d+ error|Execution of recipe|Error history|Unable to continue|\[\d+/\d+\]"
)
_PLACE = re.compile(r"\s*\(\d+\) at (\w+):\S+\s*$")


def without_noise(text: str) -> str:
    """Output without lines that every run prints and nobody needs."""
    lines = (line for line in text.splitlines() if not _NOISE.search(line))
    return "".join(f"{line}\n" for line in lines).lstrip("\n")


def first_error(text: str) -> str:
    """The first error in an output, which is the cause of all that follow; empty if none.

    CPL dumps a stack of errors, deepest first: ``[1/7]`` says what happened, the others
    who passed it on.
    """
    errors = [match.group(1).strip() for match in map(_ERROR.search, text.splitlines()) if match]
    dumped = _first(match.group(1) for match in map(_DUMPED.search, errors) if match)
    plain = _first(error for error in errors if not _SECOND_HAND.search(error))
    return _readable(dumped or plain or _first(errors))


def _first(texts: Iterable[str]) -> str:
    return next(iter(texts), "")


def _readable(error: str) -> str:
    place = _PLACE.search(error)
    text = _PLACE.sub("", error).strip().strip("'")
    return f"{text} (in {place.group(1)})" if place else text
