"""Native recipes by the name under which an instrument definition calls them."""

from __future__ import annotations

import importlib

from vltflow.core.errors import UnknownName
from vltflow.recipes import Recipe, find_recipe


def native_recipe(name: str) -> Recipe:
    """Recipe by the name in ``native`` of a recipe entry: ours, or ``module:Class`` of others.

    Raises
    ------
    UnknownName
        If there is none.
    """
    if ":" not in name:
        return find_recipe(name)
    module, _, attribute = name.partition(":")
    try:
        recipe = getattr(importlib.import_module(module), attribute)()
    except (ImportError, AttributeError, TypeError) as error:
        raise UnknownName(
            f"no native recipe {name!r}: {error}", hint="Install the package that brings it"
        ) from error
    if not isinstance(recipe, Recipe):
        raise UnknownName(f"{name!r} is no recipe", hint="It must be a subclass of Recipe")
    return recipe
