"""The runner of ESO's recipes: esorex in the folder of a job, products with provenance out of it.

Finds the program and its plug-ins, harvests what each recipe declares, lays out the inputs
under their own names, trusts the exit status before any file, and reads products as ESO
wrote them.
"""

from vltflow.process.runners.esorex.metadata import RecipeMetadata, recipe_metadata
from vltflow.process.runners.esorex.program import Esorex, PlugIn, find_esorex

__all__ = ["Esorex", "PlugIn", "RecipeMetadata", "find_esorex", "recipe_metadata"]
