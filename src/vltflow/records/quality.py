"""How good it is: QC1 values, thresholds, scores, verdicts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class ThresholdMethod(StrEnum):
    """How the limits of a score are found."""

    FIXED = "FIXED"
    """`low` and `high` are the limits."""
    PERCENT = "PERCENT"
    """Running median of the last N certified values, plus and minus `width` percent."""
    SIGMA = "SIGMA"
    """Running median of the last N, plus and minus `width` robust standard deviations."""


class Colour(StrEnum):
    """A score as people see it."""

    GREEN = "green"
    RED = "red"
    GREY = "grey"
    """Not scored: no value, or too little history for a dynamic threshold."""


class Decision(StrEnum):
    """What was decided about the products of an AB."""

    AUTO = "AUTO"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    REVOKED = "REVOKED"


@dataclass(frozen=True, slots=True)
class QcParameter:
    """A QC1 parameter of the catalogue."""

    instrument: str
    name: str
    """Without ``ESO``: ``QC OUT1 RON MASTER``."""
    unit: str
    description: str
    type: str = ""
    """As ESO's dictionary says: ``double``, ``int``, ``string``; empty: unknown."""
    format: str = ""
    """As C prints it: ``%.3f``; empty: unknown."""


@dataclass(frozen=True, slots=True)
class QcValue:
    """One measured QC1 value."""

    block: str
    revision: int
    product_id: str
    instrument: str
    night: str
    raw_type: str
    setup: str
    category: str
    """PRO CATG of the product that carries it: tells the chips of the red arm apart."""
    parameter: str
    value: float
    unit: str
    mjd: float


@dataclass(frozen=True, slots=True)
class Threshold:
    """One scoring rule of an instrument definition, resolved for one parameter."""

    parameter: str
    method: ThresholdMethod
    low: float | None
    high: float | None
    width: float | None
    window: int
    """Number of certified values that a dynamic threshold looks back on."""
    valid_from: str
    valid_to: str
    reason: str
    """Where the limits come from."""


@dataclass(frozen=True, slots=True)
class Score:
    """The score of one QC1 value."""

    block: str
    revision: int
    category: str
    parameter: str
    value: float | None
    low: float | None
    """The limits that were applied, after a dynamic threshold was resolved."""
    high: float | None
    colour: Colour
    method: str
    reason: str
    """Why this colour, for the score report."""
    bit: int | None = None
    """Place, from 1, in the score bits of a science product; None: no bit."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision about the products of an AB, by a rule or a person."""

    block: str
    revision: int
    decision: Decision
    who: str
    comment: str
    decided: str
    """UT time, ISO 8601."""


def score_bits(scores: Iterable[Score]) -> str:
    """Score bits of an AB, bit 1 first: ``0`` fine, ``1`` not, ``-`` could not be said.

    A bit that several products have is 1 if one of them is red. Empty without any bit.

    Examples
    --------
    A saturated spectrum of which nobody could count the cosmics: ``1-0``.
    """
    colours: dict[int, set[Colour]] = {}
    for one in scores:
        if one.bit is not None:
            colours.setdefault(one.bit, set()).add(one.colour)
    return "".join(_bit(colours.get(bit, set())) for bit in range(1, max(colours, default=0) + 1))


def _bit(colours: set[Colour]) -> str:
    if Colour.RED in colours:
        return "1"
    return "0" if Colour.GREEN in colours else "-"


def score_text(scores: Iterable[Score]) -> str:
    """Scores of an AB as ``(red/total)``, grey ones not counted; empty without any score."""
    colours = [one.colour for one in scores]
    scored = sum(colour is not Colour.GREY for colour in colours)
    return f"({colours.count(Colour.RED)}/{scored})" if colours else ""
