"""Archive: certified masters, found again by category, setup and moment.

Takes certified products; gives master records whose times of validity never overlap
for one category and setup, and hands files out under their names.
Never judges, never renames, never removes a file.
"""

from vltflow.archive.export import export_products
from vltflow.archive.find import find
from vltflow.archive.rules import SAME_MOMENT_DAYS, reach_days, validity
from vltflow.archive.run import run

__all__ = ["SAME_MOMENT_DAYS", "export_products", "find", "reach_days", "run", "validity"]
