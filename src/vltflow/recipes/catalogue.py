"""The native recipes by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vltflow.core.errors import UnknownName
from vltflow.recipes.detector import MasterBias, MasterDark, MasterFlat
from vltflow.recipes.echelle import (
    Coaddition,
    FormatCheck,
    OrderDefinition,
    OrderFlat,
    Response,
    Science,
    WavelengthCalibration,
)

if TYPE_CHECKING:
    from vltflow.recipes.declaration import Recipe

_KNOWN: tuple[type[Recipe], ...] = (
    MasterBias,
    MasterDark,
    MasterFlat,
    Coaddition,
    FormatCheck,
    OrderDefinition,
    OrderFlat,
    Response,
    Science,
    WavelengthCalibration,
)
_RECIPES = {recipe.name: recipe for recipe in _KNOWN}


def recipes() -> tuple[Recipe, ...]:
    """Give all native recipes, by name."""
    return tuple(_RECIPES[name]() for name in sorted(_RECIPES))


def find_recipe(name: str) -> Recipe:
    """Give the recipe of a name.

    Raises
    ------
    UnknownName
        No native recipe bears it.
    """
    try:
        return _RECIPES[name]()
    except KeyError:
        known = ", ".join(sorted(_RECIPES))
        raise UnknownName(f"no native recipe {name!r}", hint=f"Known: {known}.") from None
