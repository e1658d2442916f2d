"""What is reduced together, with which calibrations, and how good the match is.

Takes classified frames, ABs and their products from the store, gives association blocks
(ABs) with real or virtual masters; explains each choice. Never runs a recipe, never
touches an AB that runs or has succeeded. Tells which calibrations of the last nights lack.
"""

from vltflow.associate.completeness import CompletenessReport, completeness_report
from vltflow.associate.completeness_rules import Completeness
from vltflow.associate.explain import Explanation, explain, render
from vltflow.associate.export import export
from vltflow.associate.planning import matched_now
from vltflow.associate.reopen import reopen
from vltflow.associate.run import AssociateReport, preview, run

__all__ = [
    "AssociateReport",
    "Completeness",
    "CompletenessReport",
    "Explanation",
    "completeness_report",
    "explain",
    "export",
    "matched_now",
    "preview",
    "render",
    "reopen",
    "run",
]
