"""Static calibrations: which a raw type needs, and which the definition can build itself."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from vltflow.instruments.conditions import Condition, Scalar
from vltflow.instruments.part import Part, Runner


class StaticNeed(Part):
    """A static calibration that a raw type needs: no raw type makes it, a site keeps it."""

    category: str
    required: bool = True
    runner: Runner | None = None
    """The only runner that takes it; None: all do."""
    tag: str = ""
    """What ESO's recipe calls it, if not by its category."""
    match: tuple[str, ...] = ()
    """Keywords that must be equal in its header and the block's setup."""
    when: dict[str, Condition] = Field(default_factory=dict)
    """Conditions on the block's setup keys under which the need exists at all."""


class StaticEntry(Part):
    """A static calibration that the definition can build itself: a table made by code."""

    category: str
    """PRO CATG: ``LINE_REFER_TABLE``."""
    name: str
    """File name."""
    title: str
    builder: str
    """``module:function`` that writes it: called with the path of a file that is not there yet."""
    origin: str
    """Where its numbers come from: package, catalogue, paper."""
    licence: str
    keys: dict[str, Scalar] = Field(default_factory=dict)
    """Values of the keywords that must be equal in a block's setup; others do not matter."""
    valid_from: date = date(1999, 1, 1)
    valid_to: date = date(2099, 12, 31)


class StaticsFile(Part):
    """``statics.yaml``: static calibrations that a site without ESO's calibration kit can build."""

    statics: tuple[StaticEntry, ...] = ()
