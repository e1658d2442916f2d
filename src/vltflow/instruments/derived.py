"""Setup keywords that follow from others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vltflow.instruments.conditions import Scalar, When, matches
from vltflow.instruments.part import Part


class DerivedCase(Part):
    """Value of a derived keyword under conditions."""

    when: When
    value: Scalar


class DerivedKeyword(Part):
    """A setup keyword that no header has: what several values of others have in common."""

    name: str
    cases: tuple[DerivedCase, ...]
    """The first whose conditions all hold gives the value; if none does, it has no value."""

    def value(self, header: Mapping[str, Any]) -> Scalar | None:
        """Its value for a header (keys in FITS form)."""
        return next((case.value for case in self.cases if matches(header, case.when)), None)
