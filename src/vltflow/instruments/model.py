"""The schema of an instrument definition: what an operator may change, as strict data.

A definition is a folder of YAML files. Each class here is one file or one part of
it. Unknown keys are errors; so are names that point nowhere. The same words stand
in the files, in the records and on the pages.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast

from pydantic import Field, model_validator

from vltflow.core.errors import ConfigurationError
from vltflow.instruments.conditions import Condition, Scalar, When, matches
from vltflow.instruments.derived import DerivedKeyword
from vltflow.instruments.execution import Execution
from vltflow.instruments.part import Level, Part, Runner
from vltflow.instruments.quality import QcFile, ScoresFile
from vltflow.instruments.statics import StaticNeed, StaticsFile

Days = Annotated[float, Field(gt=0)]


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
    extension: int = 0
    """HDU number in the raw file."""
    output: int = 1
    """The n of its ``QC OUTn`` parameters."""
    quarter_turns: Literal[0, 1, 2, 3] = 0
    """Turns by 90 degrees, counter-clockwise (numpy.rot90), from raw to product."""
    mirrored: bool = False
    """Whether the columns are reversed after the turns."""
    saturation: float = 65535
    """Highest trustworthy raw value, ADU."""


class Pipeline(Part):
    """ESO's pipeline for the instrument."""

    name: str
    """As its plug-ins and dictionaries are called: ``uves`` in ``uves-6.1.8``."""
    package: str
    """Debian package that brings it: ``cpl-plugin-uves``."""


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
    derived: tuple[DerivedKeyword, ...] = ()
    pipeline: Pipeline | None = None
    """ESO's pipeline, if there is one that can be installed."""
    detectors: dict[str, tuple[ChipSection, ...]]
    """Chips by detector name; raw types say which detector they come from."""


class ClassificationRule(Part):
    """First rule whose conditions all hold gives the raw type."""

    raw_type: str
    when: When
    tag: str = ""
    """What ESO's recipes call the frame (DO CATG), if not by the name of its raw type."""
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
    runner: Runner | None = None
    """The only runner that takes it; None: all do."""
    tag: str = ""
    """What ESO's recipe calls it, if not by its category."""
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
    statics: tuple[StaticNeed, ...] = ()

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
    runner: Runner | None = None
    """The only runner that makes it; None: all do."""


class RecipeEntry(Part):
    """A recipe of the pipeline and the runners that can execute it."""

    title: str
    runner: Literal["native", "esorex", "both", "none"]
    """``both``: native, and ESO's beside it for comparison; ``none``: nobody executes it."""
    native: Execution | None = None
    esorex: Execution | None = None
    products: tuple[ProductType, ...]

    @model_validator(mode="after")
    def _runner_is_described(self) -> RecipeEntry:
        if self.runner != "none" and not self.has(self.runner):
            wanted = "`native` and `esorex`" if self.runner == "both" else f"`{self.runner}`"
            raise ValueError(f"runner {self.runner} needs {wanted} with the name of the recipe")
        return self

    def has(self, runner: str) -> bool:
        """Whether a runner, or ``both``, can execute it; ``none`` always can leave it alone."""
        if runner == "none":
            return True
        wanted = ("native", "esorex") if runner == "both" else (runner,)
        executions = {"native": self.native, "esorex": self.esorex}
        return all(executions.get(name) is not None for name in wanted)

    @property
    def executed_by(self) -> Runner | None:
        """The runner whose products count; None if nobody can execute it yet."""
        if self.runner == "none":
            return None
        return "esorex" if self.runner == "esorex" else "native"

    @property
    def execution(self) -> Execution:
        """How that runner executes it.

        Raises
        ------
        ConfigurationError
            If nobody can.
        """
        found = getattr(self, self.executed_by or "none", None)
        if found is None:
            raise ConfigurationError(f"{self.title}: no runner can execute it yet")
        return cast("Execution", found)


class RecipesFile(Part):
    """``recipes.yaml``: one entry a recipe."""

    recipes: dict[str, RecipeEntry]


class Instrument(Part):
    """A whole definition; `context` is the hash of all its files."""

    header: InstrumentFile
    classification: ClassificationFile
    association: AssociationFile
    recipes: RecipesFile
    statics: StaticsFile = StaticsFile()
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

    def execution_of(self, raw_type: str, setup_keys: str) -> Execution:
        """How the recipe of a raw type is executed for a setup.

        Parameters
        ----------
        setup_keys
            JSON of the setup keywords by dotted name, as blocks have it.

        Raises
        ------
        ConfigurationError
            If no runner can execute it.
        """
        return self.recipe_of(raw_type).execution.under(json.loads(setup_keys or "{}"))

    def products_of(self, raw_type: str) -> dict[str, ProductType]:
        """Product types by PRO CATG that the blocks of a raw type make, one for each chip.

        The raw type's words are filled in; ``{chip}`` is left in `category` and `name`.
        Those of all runners are there; see `expected_of`.
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

    def expected_of(self, raw_type: str) -> dict[str, ProductType]:
        """Those of `products_of` that the runner makes which now executes the recipe."""
        return {
            category: product
            for category, product in self.products_of(raw_type).items()
            if self._concerns(product.runner, raw_type)
        }

    def masters_of(self, raw_type: str) -> tuple[MasterNeed, ...]:
        """Master calibrations that a raw type needs with the runner of its recipe."""
        needs = self.raw_types[raw_type].masters
        return tuple(need for need in needs if self._concerns(need.runner, raw_type))

    def statics_of(self, raw_type: str) -> tuple[StaticNeed, ...]:
        """Static calibrations that a raw type needs with the runner of its recipe."""
        needs = self.raw_types[raw_type].statics
        return tuple(need for need in needs if self._concerns(need.runner, raw_type))

    @property
    def tagged(self) -> frozenset[str]:
        """Raw types of which some frames have another tag than the raw type's name."""
        rules = self.classification.rules
        return frozenset(rule.raw_type for rule in rules if rule.tag not in {"", rule.raw_type})

    def tag_of(self, raw_type: str, header: Mapping[str, Any]) -> str:
        """What ESO's recipes call a frame (DO CATG).

        Parameters
        ----------
        raw_type
            Its raw type.
        header
            Keywords in FITS form; looked at only for the raw types in `tagged`.
        """
        for rule in self.classification.rules:
            if rule.raw_type == raw_type and rule.tag and matches(header, rule.when):
                return rule.tag
        return raw_type

    def _concerns(self, runner: Runner | None, raw_type: str) -> bool:
        return runner in {None, self.recipe_of(raw_type).executed_by}

    def run_by(self, choice: str | Mapping[str, str]) -> Instrument:
        """The definition with other runners; its context then says so.

        Parameters
        ----------
        choice
            A runner for all recipes that it can execute, or a runner by recipe; ``none``
            switches a recipe off.

        Raises
        ------
        ConfigurationError
            If a recipe or runner is unknown, or the runner cannot execute the recipe.
        """
        known = self.recipes.recipes
        if isinstance(choice, str):
            choice = {name: choice for name, entry in known.items() if entry.has(choice)}
        chosen = {}
        for name, runner in choice.items():
            if name not in known or not known[name].has(runner):
                raise ConfigurationError(
                    f"{self.name}: no recipe {name} that runner {runner!r} can execute",
                    hint="Recipes and runners stand in recipes.yaml of the instrument",
                )
            chosen[name] = known[name].model_copy(update={"runner": runner})
        changed = {name: one for name, one in chosen.items() if one.runner != known[name].runner}
        if not changed:
            return self
        said = ",".join(f"{name}={one.runner}" for name, one in sorted(changed.items()))
        context = hashlib.sha256(f"{self.context} {said}".encode()).hexdigest()[:16]
        recipes = self.recipes.model_copy(update={"recipes": known | changed})
        return self.model_copy(update={"recipes": recipes, "context": context})


def _filled(product: ProductType, words: dict[str, str]) -> ProductType:
    category, name = product.category, product.name
    for placeholder, word in words.items():
        category = category.replace(f"{{{placeholder}}}", word)
        name = name.replace(f"{{{placeholder}}}", word)
    return product.model_copy(update={"category": category, "name": name})
