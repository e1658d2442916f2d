"""Raw types as data: how frames group, which calibrations they need, what is stacked."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from vltflow.instruments.conditions import Condition
from vltflow.instruments.part import Level, Part, Runner
from vltflow.instruments.statics import StaticNeed

Days = Annotated[float, Field(gt=0)]


class MatchLevel(Part):
    """A time range, and perhaps other match keys, that give a quality level."""

    level: Level
    days: Days
    """Largest distance in time, days, before or after."""
    match: tuple[str, ...] | None = None
    """Keywords that must be equal at this level, if others than the need's own."""


class MasterNeed(Part):
    """A master calibration that a raw type needs."""

    category: str
    required: bool = True
    runner: Runner | None = None
    """The only runner that takes it; None: all do."""
    dispensable: str = ""
    """Why products are as good without it, of one that is not required: nobody needs to fetch it
    then."""
    tag: str = ""
    """What ESO's recipe calls it, if not by its category."""
    match: tuple[str, ...]
    """Keywords that must be equal in the master's and the block's setup."""
    levels: tuple[MatchLevel, ...]
    when: dict[str, Condition] = Field(default_factory=dict)
    """Conditions on the block's setup keys under which the need exists at all."""

    @model_validator(mode="after")
    def _required_is_needed(self) -> MasterNeed:
        if self.required and self.dispensable:
            raise ValueError(f"{self.category} is required, so it is not dispensable")
        return self

    @model_validator(mode="after")
    def _levels_widen(self) -> MasterNeed:
        order = [level.level for level in self.levels]
        if order != sorted(set(order)):
            raise ValueError(f"levels of {self.category} must ascend, each once: {order}")
        for keys in {level.match or self.match for level in self.levels}:
            days = [level.days for level in self.levels if (level.match or self.match) == keys]
            if days != sorted(set(days)):
                raise ValueError(f"days of {self.category} must rise with the level: {days}")
        return self


class Members(Part):
    """Products of other ABs that a stack is made of."""

    raw_types: tuple[str, ...]
    """Raw types whose ABs give them."""
    role: str
    """Which of their products: ``RED_SCIENCE``."""
    by: Literal["OBS.ID", "OBS.TARG.NAME"]
    """What the exposures of one stack share, beside its setup: observation block or target."""
    runner: Runner | None = None
    """The only runner whose products can be stacked; None: those of all."""


class RawType(Part):
    """How frames of one raw type group, what they need and which recipe runs."""

    detector: str
    kind: Literal["calibration", "science"] = "calibration"
    group: Literal["template", "frame", "stack", "none"]
    """``stack``: no frames, but products of other ABs, see `members`; ``none``: recognised, but
    never reduced: acquisitions, technical tests."""
    members: Members | None = None
    minimum: Annotated[int, Field(ge=1)] = 1
    """Frames without which the block is incomplete, whatever TPL NEXP says; members of a stack."""
    announced: bool = True
    """Whether TPL NEXP counts frames of this raw type alone; if not, `minimum` alone decides."""
    recipe: str = ""
    """Name in ``recipes.yaml``; empty only for group ``none``."""
    fill: dict[str, str] = Field(default_factory=dict)
    """Words for placeholders in its products' categories and names: ``{flat}`` is ``DFLAT``."""
    setup: tuple[str, ...]
    """Keywords that make its setup: frames of one block agree in them."""
    label: str
    """Setup for people, keywords in braces: ``{DET.WIN1.BINX}x{DET.WIN1.BINY}``."""
    temperature: str = ""
    """Keyword of the instrument's temperature [C], of which the difference to each calibration
    is kept; empty: none is."""
    masters: tuple[MasterNeed, ...] = ()
    statics: tuple[StaticNeed, ...] = ()

    @model_validator(mode="after")
    def _stacked_of_products(self) -> RawType:
        if (self.group == "stack") != (self.members is not None):
            raise ValueError("members must be named for group stack, and for no other")
        if self.members and (self.masters or self.statics or self.minimum < 2):
            raise ValueError("a stack takes members only, two at least (minimum)")
        return self

    @model_validator(mode="after")
    def _reduced_by_a_recipe(self) -> RawType:
        if (self.group == "none") == bool(self.recipe):
            raise ValueError("recipe must be named, except for group none, which has none")
        return self


class AssociationFile(Part):
    """``association.yaml``: one entry a raw type."""

    raw_types: dict[str, RawType]
