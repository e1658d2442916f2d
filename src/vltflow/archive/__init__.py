"""Archive: certified masters, found again by category, setup and moment.

Takes certified products; gives master records whose times of validity never overlap
for one category and setup, and hands files out under their names. Keeps the collection of
static calibrations too.
Never judges, never renames, never removes a file.
"""

from vltflow.archive.export import KeptFile, export_files, export_products
from vltflow.archive.find import find
from vltflow.archive.rules import SAME_MOMENT_DAYS, reach_days, validity
from vltflow.archive.run import run
from vltflow.archive.statics import (
    add_statics,
    build_statics,
    calibration_kit,
    withdraw_static,
)

__all__ = [
    "SAME_MOMENT_DAYS",
    "KeptFile",
    "add_statics",
    "build_statics",
    "calibration_kit",
    "export_files",
    "export_products",
    "find",
    "reach_days",
    "run",
    "validity",
    "withdraw_static",
]
