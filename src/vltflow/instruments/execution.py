"""How a runner executes a recipe: its name there, parameters and resources, by setup."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from vltflow.instruments.conditions import Condition, Scalar, failure, keyword, matches
from vltflow.instruments.part import Part


class ExecutionCase(Part):
    """What is different in an execution under conditions on the block's setup."""

    when: dict[str, Condition]
    """Conditions on setup keywords."""
    parameters: dict[str, Scalar] = Field(default_factory=dict)
    """Added to those of the execution, or instead of them."""
    environment: dict[str, str] = Field(default_factory=dict)
    cores: Annotated[int, Field(ge=1)] | None = None
    memory_mb: Annotated[int, Field(ge=1)] | None = None
    wall_s: Annotated[int, Field(ge=1)] | None = None


class Execution(Part):
    """How one runner executes a recipe."""

    recipe: str
    """What it is called there: ``detector.master_bias`` or ``module:Class``; ``uves_cal_mbias``."""
    parameters: dict[str, Scalar] = Field(default_factory=dict)
    """Parameter values that differ from the recipe's defaults."""
    environment: dict[str, str] = Field(default_factory=dict)
    """Environment variables of the program; esorex only."""
    cores: Annotated[int, Field(ge=1)] = 1
    memory_mb: Annotated[int, Field(ge=1)] = 1000
    wall_s: Annotated[int, Field(ge=1)] = 600
    takes: dict[str, Condition] = Field(default_factory=dict)
    """Conditions on setup keywords without which it cannot work; other blocks wait for a recipe."""
    reads: tuple[str, ...] = ()
    """Recipes whose products it reads in the layout of its own runner alone."""
    cases: tuple[ExecutionCase, ...] = ()
    """What is different for some setups; the first whose conditions all hold counts."""

    def refusal(self, setup: Mapping[str, Any]) -> str:
        """Why it cannot work on a block's setup; empty if it can."""
        return failure({keyword(name): value for name, value in setup.items()}, self.takes)

    def under(self, setup: Mapping[str, Any]) -> Execution:
        """The execution for a block's setup.

        Parameters
        ----------
        setup
            Values of the setup keywords by dotted name.
        """
        header = {keyword(name): value for name, value in setup.items()}
        for case in self.cases:
            if matches(header, case.when):
                changed = case.model_dump(exclude={"when"}, exclude_unset=True)
                for name in ("parameters", "environment"):
                    changed[name] = {**getattr(self, name), **changed.get(name, {})}
                return self.model_copy(update={**changed, "cases": ()})
        return self
