"""The schema of an instrument definition: what an operator may change, as strict data.

A definition is a folder of YAML files. Each class here is one file or one part of
it. Unknown keys are errors; so are names that point nowhere. The same words stand
in the files, in the records and on the pages.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, cast, get_args

from pydantic import Field, model_validator

from vltflow.core.errors import ConfigurationError
from vltflow.instruments.conditions import Scalar, When, matches
from vltflow.instruments.derived import DerivedKeyword
from vltflow.instruments.execution import Execution
from vltflow.instruments.health import HealthFile
from vltflow.instruments.idp import IdpFile
from vltflow.instruments.part import Part, Runner
from vltflow.instruments.quality import QcFile, ScoresFile
from vltflow.instruments.raw_types import AssociationFile, MasterNeed, Members, RawType
from vltflow.instruments.statics import StaticNeed, StaticsFile


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


class MandatoryWhere(Part):
    """Keywords without which nobody knows what to do with some kind of frame."""

    when: When
    keywords: tuple[str, ...]


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
    mandatory_where: tuple[MandatoryWhere, ...] = ()
    """More of them, of some frames."""
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


class Choice(Part):
    """What somebody chose instead of what stands in the files of a definition."""

    runners: dict[str, str] = Field(default_factory=dict)
    """By recipe."""
    stack_by: str = ""
    """Keyword that exposures of one stack share."""


class Instrument(Part):
    """A whole definition; `context` is the hash of all its files."""

    header: InstrumentFile
    classification: ClassificationFile
    association: AssociationFile
    recipes: RecipesFile
    statics: StaticsFile = StaticsFile()
    qc: QcFile
    scores: ScoresFile
    idp: IdpFile = IdpFile()
    health: HealthFile = HealthFile()
    """What people look at; not part of the context."""
    context: str
    folder: str
    texts: dict[str, str] = Field(default_factory=dict, repr=False)
    """The files as they were read, by name: enough to make the definition again."""
    choices: tuple[Choice, ...] = ()
    """What was chosen instead of what stands in the files, in this order: see `chosen`."""

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
        Those of all runners are there; see `expected_of`. Remembered: do not change it.
        """
        if raw_type not in self._products:
            self._products[raw_type] = self._products_of(raw_type)
        return self._products[raw_type]

    @cached_property
    def places(self) -> dict[str, tuple[str, str]]:
        """Role and chip of each product category; the chip is empty where all chips share it."""
        places = {}
        for name, raw_type in self.raw_types.items():
            for product in self.products_of(name).values():
                for chip in self.header.detectors[raw_type.detector]:
                    category = product.category.replace("{chip}", chip.name)
                    own = chip.name if "{chip}" in product.category else ""
                    places[category] = (product.role, own)
        return places

    @cached_property
    def _products(self) -> dict[str, dict[str, ProductType]]:
        return {}

    def _products_of(self, raw_type: str) -> dict[str, ProductType]:
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

    def members_of(self, stack: str) -> dict[str, frozenset[str]]:
        """Raw types that give a stack its members, with the PRO CATG that it takes of each."""
        members = self.raw_types[stack].members
        if members is None:
            return {}
        return {
            name: frozenset(
                category
                for category, product in self.expected_of(name).items()
                if product.role == members.role
            )
            for name in members.raw_types
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
        runners = {name: one.runner for name, one in sorted(changed.items())}
        said = ",".join(f"{name}={runner}" for name, runner in runners.items())
        recipes = self.recipes.model_copy(update={"recipes": known | changed})
        return self._with({"recipes": recipes}, Choice(runners=runners), said)

    def stacked_by(self, keyword: str) -> Instrument:
        """The definition with stacks over what shares another keyword; its context says so.

        Parameters
        ----------
        keyword
            ``OBS.ID`` or ``OBS.TARG.NAME``: one stack an observation block, or a target.

        Raises
        ------
        ConfigurationError
            If exposures cannot be stacked by it.
        """
        allowed = get_args(Members.model_fields["by"].annotation)
        if keyword not in allowed:
            raise ConfigurationError(
                f"{self.name}: exposures cannot be stacked by {keyword!r}",
                hint=f"Allowed: {', '.join(allowed)}",
            )
        changed = {
            name: entry.model_copy(
                update={"members": entry.members.model_copy(update={"by": keyword})}
            )
            for name, entry in self.raw_types.items()
            if entry.members is not None and entry.members.by != keyword
        }
        if not changed:
            return self
        association = self.association.model_copy(update={"raw_types": self.raw_types | changed})
        said = f"stack by {keyword}"
        return self._with({"association": association}, Choice(stack_by=keyword), said)

    def chosen(self, choice: Choice) -> Instrument:
        """The definition with a choice of another time."""
        if choice.stack_by:
            return self.stacked_by(choice.stack_by)
        return self.run_by(choice.runners)

    def model_copy(
        self, *, update: Mapping[str, Any] | None = None, deep: bool = False
    ) -> Instrument:
        """A copy with changes, which remembers nothing of the original."""
        copy = super().model_copy(update=update, deep=deep)
        copy.__dict__.pop("_products", None)
        return copy

    def _with(self, parts: dict[str, Any], choice: Choice, said: str) -> Instrument:
        context = hashlib.sha256(f"{self.context} {said}".encode()).hexdigest()[:16]
        choices = (*self.choices, choice)
        return self.model_copy(update=parts | {"context": context, "choices": choices})


def _filled(product: ProductType, words: dict[str, str]) -> ProductType:
    category, name = product.category, product.name
    for placeholder, word in words.items():
        category = category.replace(f"{{{placeholder}}}", word)
        name = name.replace(f"{{{placeholder}}}", word)
    return product.model_copy(update={"category": category, "name": name})
