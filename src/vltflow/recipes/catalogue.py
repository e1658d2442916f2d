"""The native recipes by name."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from vltflow.core.errors import UnknownName

if TYPE_CHECKING:
    from vltflow.recipes.declaration import Recipe

# A worker imports the recipes that it runs: all together need four times as many modules.
_PLACES = {
    "detector.master_bias": "detector.bias:MasterBias",
    "detector.master_dark": "detector.dark:MasterDark",
    "detector.master_flat": "detector.flat:MasterFlat",
    "echelle.coaddition": "echelle.coaddition:Coaddition",
    "echelle.format_check": "echelle.format_check:FormatCheck",
    "echelle.order_definition": "echelle.order_definition:OrderDefinition",
    "echelle.order_flat": "echelle.order_flat:OrderFlat",
    "echelle.response": "echelle.response:Response",
    "echelle.science": "echelle.science:Science",
    "echelle.wavelength_calibration": "echelle.wavelength:WavelengthCalibration",
}
"""Module and class of each, below this package."""


def recipes() -> tuple[Recipe, ...]:
    """Give all native recipes, by name."""
    return tuple(find_recipe(name) for name in sorted(_PLACES))


def find_recipe(name: str) -> Recipe:
    """Give the recipe of a name.

    Raises
    ------
    UnknownName
        No native recipe bears it.
    """
    if name not in _PLACES:
        known = ", ".join(sorted(_PLACES))
        raise UnknownName(f"no native recipe {name!r}", hint=f"Known: {known}.")
    module, _, recipe = _PLACES[name].partition(":")
    found: Recipe = getattr(import_module(f"vltflow.recipes.{module}"), recipe)()
    return found
