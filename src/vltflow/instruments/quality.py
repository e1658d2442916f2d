"""QC1 parameters and the thresholds that score them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from vltflow.instruments.conditions import When
from vltflow.instruments.part import Level, Part, Runner


class QcEntry(Part):
    """A QC1 parameter: name without ``ESO``, unit, meaning."""

    name: str
    unit: str
    description: str


class QcFile(Part):
    """``qc.yaml``: the catalogue of QC1 parameters."""

    parameters: tuple[QcEntry, ...]
    unscored: dict[str, str] = Field(default_factory=dict)
    """Parameters without a threshold, with the reason."""


class ScoreEntry(Part):
    """A threshold for one parameter under stated conditions; the first that applies counts."""

    parameter: str
    categories: tuple[str, ...]
    """PRO CATG of the products that it scores."""
    setup: When = Field(default_factory=dict)
    """Conditions on setup keys."""
    runner: Runner | None = None
    """The only runner whose products it scores: not all measure the same; None: all."""
    method: Literal["FIXED", "PERCENT", "SIGMA"]
    low: float | None = None
    high: float | None = None
    width: float | None = None
    """Percent or robust standard deviations around the running median."""
    floor: float = 0.0
    """Smallest half-width of a dynamic threshold, in the parameter's unit."""
    window: Annotated[int, Field(ge=3)] = 20
    minimum: Annotated[int, Field(ge=2)] = 5
    """Certified values needed before a dynamic threshold scores."""
    valid_from: date = date(1999, 1, 1)
    valid_to: date = date(2099, 12, 31)
    bit: Annotated[int, Field(ge=1, le=32)] | None = None
    """Place in the score bits of a science product; several thresholds may share one."""
    reason: str

    @model_validator(mode="after")
    def _limits_fit_method(self) -> ScoreEntry:
        if self.method == "FIXED" and self.low is None and self.high is None:
            raise ValueError(f"FIXED threshold of {self.parameter} needs low or high")
        if self.method != "FIXED" and not self.width:
            raise ValueError(f"{self.method} threshold of {self.parameter} needs width")
        return self


class ScoresFile(Part):
    """``scores.yaml``: thresholds, and which verdicts need a person."""

    thresholds: tuple[ScoreEntry, ...]
    certify_level: Level = 1
    """Worst quality level of association that may still be certified automatically."""
    sample_every: Annotated[int, Field(ge=1)] | None = None
    """One of so many science ABs waits for a person's eye although all is green; chosen by the
    hash of its name, so that it is always the same. None: none does."""
