"""Detector recipes: master bias, master dark, master flat.

Take the raw frames and masters of one chip as arrays, give its master calibration with
variance, quality, QC1 values and the arrays behind their figures. Never open a file.
"""

from vltflow.recipes.detector.bias import MasterBias, MasterBiasParameters
from vltflow.recipes.detector.dark import MasterDark, MasterDarkParameters
from vltflow.recipes.detector.flat import MasterFlat, MasterFlatParameters

__all__ = [
    "MasterBias",
    "MasterBiasParameters",
    "MasterDark",
    "MasterDarkParameters",
    "MasterFlat",
    "MasterFlatParameters",
]
