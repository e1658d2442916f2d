"""What is reduced together, with which calibrations, and how good the match is.

Takes classified frames, ABs and their products from the store, gives association blocks
(ABs) with real or virtual masters; explains each choice. Never runs a recipe, never
touches an AB that runs or has succeeded.
"""

from vltflow.associate.explain import Explanation, explain, render
from vltflow.associate.export import export
from vltflow.associate.reopen import reopen
from vltflow.associate.run import AssociateReport, preview, run

__all__ = [
    "AssociateReport",
    "Explanation",
    "explain",
    "export",
    "preview",
    "render",
    "reopen",
    "run",
]
