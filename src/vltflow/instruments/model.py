"""The schema of an instrument definition: what an operator may change, as strict data.

A definition is a folder of YAML files. Each class here is one file or one part of
it. Unknown keys are errors; so are names that point nowhere. The same words stand
in the files, in the records and on the pages.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from vltflow.instruments.conditions import Condition, Scalar, When

Level = Literal[-1, 0, 1, 2, 3]
Days = Annotated[float, Field(gt=0)]


class Part(BaseModel):
    """Base of all parts: frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Repair(Part):
    """A known mistake in raw headers and its correction; recorded on each frame it touches."""

    name: str
    when: When
    set: dict[str, Scalar]
    reason: str


class ChipSection(Part):
    """One chip of a detector: where its pixels lie in a raw file and how they turn."""

    name: str
    """Suffix of its product categories: ``BLUE``, ``REDL``."""
    extension: int
    """HDU number in the raw file."""
    output: int
    """The n of its ``QC OUTn`` parameters."""
    quarter_turns: Literal[0, 1, 2, 3]
    """Turns by 90 degrees, counter-clockwise (numpy.rot90), from raw to product."""
    mirrored: bool = False
    """Whether the columns are reversed after the turns."""
    saturation: float
    """Highest trustworthy raw value, ADU."""


class InstrumentFile(Part):
    """``instrument.yaml``: name, headers, detectors."""

    name: str
    title: str
    prefix: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    """Two letters before the names of its products: ``UV``."""
    instrume: tuple[str, ...]
    """INSTRUME values whose frames belong to it."""
    mandatory: tuple[str, ...]
    """Keywords without which a frame is refused at ingestion."""
    repairs: tuple[Repair, ...] = ()
    detectors: dict[str, tuple[ChipSection, ...]]
    """Chips by detector name; raw types say which detector they come from."""


class ClassificationRule(Part):
    """First rule whose conditions all hold gives the raw type."""

    raw_type: str
    when: When
    note: str = ""


class ClassificationFile(Part):
    """``classification.yaml``: ordered rules."""

    rules: tuple[ClassificationRule, ...]


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
    match: tuple[str, ...]
    """Keywords that must be equal in the master's and the block's setup."""
    levels: tuple[MatchLevel, ...]
    when: dict[str, Condition] = Field(default_factory=dict)
    """Conditions on the block's setup keys under which the need exists at all."""

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


class RawType(Part):
    """How frames of one raw type group, what they need and which recipe runs."""

    detector: str
    kind: Literal["calibration", "science"] = "calibration"
    group: Literal["template", "frame", "none"]
    """``none``: recognised, but never reduced: acquisitions, technical tests."""
    minimum: Annotated[int, Field(ge=1)] = 1
    """Frames without which the block is incomplete, whatever TPL NEXP says."""
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
    masters: tuple[MasterNeed, ...] = ()

    @model_validator(mode="after")
    def _reduced_by_a_recipe(self) -> RawType:
        if (self.group == "none") == bool(self.recipe):
            raise ValueError("recipe must be named, except for group none, which has none")
        return self


class AssociationFile(Part):
    """``association.yaml``: one entry a raw type."""

    raw_types: dict[str, RawType]


class ProductType(Part):
    """A product of a recipe."""

    role: str
    """Category without the chip: ``MASTER_BIAS``."""
    category: str
    """PRO CATG; ``{chip}`` stands for the chip's name."""
    name: str
    """File name: ``{prefix} {date} {letter} {chip}`` and dotted keywords may stand in braces."""
    master: bool = True
    """Whether it calibrates other frames once certified."""
    main: bool = True
    """Whether the AB is only complete with it."""


class RecipeEntry(Part):
    """A recipe of the pipeline and the runners that can execute it."""

    title: str
    runner: Literal["native", "esorex", "none"]
    """``none``: planned, but no runner can execute it yet."""
    native: str = ""
    """Name of the native recipe: ``detector.master_bias``."""
    products: tuple[ProductType, ...]
    parameters: dict[str, Scalar] = Field(default_factory=dict)
    """Parameter values that differ from the recipe's defaults."""
    cores: Annotated[int, Field(ge=1)] = 1
    memory_mb: Annotated[int, Field(ge=1)] = 500
    wall_s: Annotated[int, Field(ge=1)] = 600

    @model_validator(mode="after")
    def _runner_is_named(self) -> RecipeEntry:
        if self.runner == "native" and not self.native:
            raise ValueError("runner native needs the name of a native recipe in `native`")
        return self


class RecipesFile(Part):
    """``recipes.yaml``: one entry a recipe."""

    recipes: dict[str, RecipeEntry]


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


class Instrument(Part):
    """A whole definition; `context` is the hash of all its files."""

    header: InstrumentFile
    classification: ClassificationFile
    association: AssociationFile
    recipes: RecipesFile
    qc: QcFile
    scores: ScoresFile
    context: str
    folder: str

    @property
    def name(self) -> str:
        """Name in capitals: ``UVES``."""
        return self.header.name

    @property
    def raw_types(self) -> dict[str, RawType]:
        """Entry of each raw type."""
        return self.association.raw_types

    def recipe_of(self, raw_type: str) -> RecipeEntry:
        """Recipe entry that processes a raw type."""
        return self.recipes.recipes[self.raw_types[raw_type].recipe]

    def products_of(self, raw_type: str) -> dict[str, ProductType]:
        """Product types by PRO CATG that the blocks of a raw type make, one for each chip.

        The raw type's words are filled in; ``{chip}`` is left in `category` and `name`.
        """
        entry = self.raw_types[raw_type]
        if entry.group == "none":
            return {}
        products = [_filled(product, entry.fill) for product in self.recipe_of(raw_type).products]
        return {
            product.category.replace("{chip}", chip.name): product
            for product in products
            for chip in self.header.detectors[entry.detector]
        }


def _filled(product: ProductType, words: dict[str, str]) -> ProductType:
    category, name = product.category, product.name
    for placeholder, word in words.items():
        category = category.replace(f"{{{placeholder}}}", word)
        name = name.replace(f"{{{placeholder}}}", word)
    return product.model_copy(update={"category": category, "name": name})
