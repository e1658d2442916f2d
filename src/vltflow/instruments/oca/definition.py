"""An instrument definition from a rule file: the parts put together, not yet written.

Masters are what a raw type's recipe makes; what no recipe makes is a static calibration.
The makers of a category are known from, in this order: what the caller says, the products
that actions declare, tables of products in manual pages, and a guess from the texts in
plug-ins; each guess is noted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count
from typing import Any

from vltflow.instruments.oca.association import Entry, computed_notes, entries
from vltflow.instruments.oca.classification import Classification, classification
from vltflow.instruments.oca.notes import Note
from vltflow.instruments.oca.plugins import Plugin, sole_makers
from vltflow.instruments.oca.tree import Assignment, RecipeCall, RuleFile, Text

_FILE = "recipes"


@dataclass(frozen=True, slots=True)
class Recipe:
    """An entry of ``recipes.yaml``."""

    name: str
    recipe: str
    parameters: tuple[tuple[str, Any], ...]
    products: tuple[str, ...]
    line: int


@dataclass(frozen=True)
class Definition:
    """What a rule file says, as parts of an instrument definition."""

    name: str
    pipeline: str
    """Name of ESO's pipeline: ``uves``; empty if unknown."""
    classes: Classification
    entries: tuple[Entry, ...]
    recipes: Mapping[str, Recipe]
    """By raw type."""
    setups: Mapping[str, tuple[str, ...]]
    """Keywords that make the setup, by raw type."""
    makers: Mapping[str, tuple[str, ...]]
    """Raw types that make a category; without one it is a static calibration."""
    notes: tuple[Note, ...]


def definition(
    rules: RuleFile,
    *,
    name: str,
    pipeline: str = "",
    makes: Mapping[str, Sequence[str]] | None = None,
    plugins: Mapping[str, Plugin] | None = None,
) -> Definition:
    """Translate a rule file.

    Parameters
    ----------
    rules
        Its syntax tree.
    name
        Of the instrument.
    pipeline
        ESO's name of its pipeline.
    makes
        Categories that a recipe or action makes, by its name: stands before all other knowledge.
    plugins
        Plug-ins by recipe.
    """
    classes = classification(rules.rules)
    found, notes = entries(rules, classes)
    products, guesses = _products(found, makes or {}, plugins or {})
    recipes = _recipes(found, products)
    makers = _makers(found, recipes)
    return Definition(
        name=name,
        pipeline=pipeline,
        classes=classes,
        entries=tuple(found),
        recipes=recipes,
        setups=_setups(found, makers),
        makers=makers,
        notes=(
            *(Note("classification", one.line, f"not understood: {one}") for one in rules.mistakes),
            *classes.notes,
            *computed_notes(classes),
            *notes,
            *guesses,
            *_without_products(recipes, plugins or {}),
        ),
    )


def parameters(call: RecipeCall) -> tuple[tuple[str, Any], ...]:
    """Parameters of a recipe call by name; a parameter without a value is true."""
    words = [word for text in call.parameters for word in text.split() if word.startswith("--")]
    pairs = (word.removeprefix("--").partition("=") for word in words)
    return tuple({key: _value(text) if sign else True for key, sign, text in pairs}.items())


def _value(text: str) -> Any:
    if text.upper() in {"TRUE", "FALSE"}:
        return text.upper() == "TRUE"
    if re.fullmatch(r"[+-]?\d+", text):
        return int(text)
    if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text):
        return float(text)
    return text


def _products(
    found: Sequence[Entry], makes: Mapping[str, Sequence[str]], plugins: Mapping[str, Plugin]
) -> tuple[dict[str, tuple[str, ...]], list[Note]]:
    """Categories that each action makes, and remarks on those that were guessed."""
    actions = {entry.action.name: entry for entry in found if entry.action and entry.recipe}
    products: dict[str, tuple[str, ...]] = {}
    notes: list[Note] = []
    for name, entry in actions.items():
        recipe = entry.recipe.name if entry.recipe else ""
        declared = tuple(_declared(entry))
        listed = plugins.get(recipe, Plugin()).products
        products[name] = tuple(makes.get(name) or makes.get(recipe) or declared or listed)
        if listed and products[name] == listed:
            text = (
                f"{name}: products of the manual page of {recipe}; which of them are always made?"
            )
            notes.append(Note(_FILE, entry.line, text))
    unknown = {name: entry for name, entry in actions.items() if not products[name]}
    known = {category for made in products.values() for category in made}
    guessed = _guessed(found, unknown, known, plugins)
    for name, categories in guessed.items():
        products[name] = categories
        text = f"{name}: that it makes {', '.join(categories)} is a guess from its plug-in"
        notes.append(Note(_FILE, actions[name].line, text))
    return products, notes


def _declared(entry: Entry) -> Iterable[str]:
    for product in entry.action.products if entry.action else ():
        for one in product.body:
            if (
                isinstance(one, Assignment)
                and one.key == "PRO.CATG"
                and isinstance(one.value, Text)
            ):
                yield one.value.value


def _guessed(
    found: Sequence[Entry],
    unknown: Mapping[str, Entry],
    known: Iterable[str],
    plugins: Mapping[str, Plugin],
) -> dict[str, tuple[str, ...]]:
    """Categories that only one recipe can make, by action; each recipe has one action here."""
    inputs: dict[str, set[str]] = {}
    action_of: dict[str, list[str]] = {}
    for name, entry in unknown.items():
        recipe = entry.recipe.name if entry.recipe else ""
        action_of.setdefault(recipe, []).append(name)
        selected = entry.action.body if entry.action else ()
        tags = {part.tag for part in selected if hasattr(part, "tag")}
        inputs.setdefault(recipe, set()).update(tags)
    wanted = {need.category for entry in found for need in entry.needs} - set(known)
    usable = {recipe: plugins[recipe] for recipe in action_of if recipe in plugins}
    made: dict[str, list[str]] = {}
    for category, recipe in sorted(sole_makers(sorted(wanted), inputs, usable).items()):
        for name in action_of[recipe]:
            made.setdefault(name, []).append(category)
    return {name: tuple(categories) for name, categories in made.items()}


def _recipes(found: Sequence[Entry], products: Mapping[str, tuple[str, ...]]) -> dict[str, Recipe]:
    """Recipe entry of each raw type; calls that differ get names of their own."""
    calls: dict[str, Recipe] = {}
    different: dict[str, Recipe] = {}
    for entry in found:
        if entry.action is None or entry.recipe is None:
            continue
        call, action = entry.recipe, entry.action.name.lower()
        made = products[entry.action.name]
        one = Recipe(call.name, call.name, parameters(call), made, call.line)
        alike = [other for other in different.values() if _content(other) == _content(one)]
        if not alike:
            names = chain((call.name, action), (f"{action}_{number}" for number in count(2)))
            name = next(name for name in names if name not in different)
            different[name] = replace(one, name=name)
            alike = [different[name]]
        calls[entry.raw_type] = alike[0]
    return calls


def _content(recipe: Recipe) -> tuple[Any, ...]:
    return recipe.recipe, recipe.parameters, recipe.products


def _makers(found: Sequence[Entry], recipes: Mapping[str, Recipe]) -> dict[str, tuple[str, ...]]:
    makers: dict[str, list[str]] = {}
    for entry in found:
        for category in recipes[entry.raw_type].products if entry.raw_type in recipes else ():
            makers.setdefault(category, []).append(entry.raw_type)
    return {category: tuple(raw_types) for category, raw_types in makers.items()}


def _setups(
    found: Sequence[Entry], makers: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """Keywords of each raw type by which it groups, or by which anything matches it."""
    setups: dict[str, dict[str, None]] = {}
    for entry in found:
        own = setups.setdefault(entry.raw_type, dict.fromkeys(entry.setup))
        for need in entry.needs:
            own.update(dict.fromkeys(need.match))
    for need in (need for entry in found for need in entry.needs):
        for maker in makers.get(need.category, ()):
            setups[maker].update(dict.fromkeys(need.match))
    return {raw_type: tuple(keys) for raw_type, keys in setups.items()}


def _without_products(
    recipes: Mapping[str, Recipe], plugins: Mapping[str, Plugin]
) -> Iterator[Note]:
    silent = {recipe.name: recipe for recipe in recipes.values() if not recipe.products}
    for recipe in silent.values():
        text = f"{recipe.name}: its products are not known, so no runner executes it"
        plugin = plugins.get(recipe.recipe)
        if plugins and plugin is None:
            text += "; the installed pipeline has no such recipe"
        elif plugin is not None:
            words = sorted(word for word in plugin.mentioned if "_" in word)
            text += f"; its plug-in mentions {', '.join(words) or 'no category'}"
        yield Note(_FILE, recipe.line, text)
