"""Native recipes: what each takes, makes and measures, and the pure function that does it.

Takes the frames and masters of one chip as arrays, gives products as arrays with variance,
quality, QC1 values and figures. Declarations are read by the runners, the docs and the QC
database. Never knows paths, stores, files or other recipes' results.
"""

from vltflow.recipes.catalogue import find_recipe, recipes
from vltflow.recipes.declaration import (
    Chip,
    ImageSource,
    MasterImage,
    MasterInput,
    MasterTable,
    Output,
    Parameters,
    ProductData,
    QcDeclaration,
    RawInput,
    Recipe,
    RecipeInputs,
    RecipeResult,
    Resources,
    TableData,
    TableProduct,
)

__all__ = [
    "Chip",
    "ImageSource",
    "MasterImage",
    "MasterInput",
    "MasterTable",
    "Output",
    "Parameters",
    "ProductData",
    "QcDeclaration",
    "RawInput",
    "Recipe",
    "RecipeInputs",
    "RecipeResult",
    "Resources",
    "TableData",
    "TableProduct",
    "find_recipe",
    "recipes",
]
