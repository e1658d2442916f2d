"""What is reduced together, with which calibrations, and how good is the match?

Takes classified frames, ABs and their products from the store, gives association blocks
(ABs) with real or virtual masters; explains each choice. Never runs a recipe, never
touches an AB that runs or has succeeded.
"""

from vltflow.associate.run import AssociateReport, run

__all__ = ["AssociateReport", "run"]
