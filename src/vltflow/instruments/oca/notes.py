"""What a translation could not say, or said otherwise: for the person who goes on from it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """One remark on a rule file."""

    file: str
    """File of the definition where it matters: ``association``."""
    line: int
    """Of the rule file."""
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}"
