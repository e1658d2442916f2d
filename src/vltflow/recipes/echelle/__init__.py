"""Echelle recipes: light traced over a detector in orders, and a wavelength on every pixel.

Take one raw frame of one chip and tables as arrays, give tables with QC1 values and the arrays
behind their figures. Know no instrument: its geometry comes as SPECTRAL_FORMAT_TAB, a static
calibration, and the keywords of the setting as parameters. Never open a file.
"""

from vltflow.recipes.echelle.coaddition import Coaddition, CoadditionParameters
from vltflow.recipes.echelle.format_check import FormatCheck, FormatCheckParameters
from vltflow.recipes.echelle.order_definition import OrderDefinition, OrderDefinitionParameters
from vltflow.recipes.echelle.order_flat import OrderFlat, OrderFlatParameters
from vltflow.recipes.echelle.response import Response, ResponseParameters
from vltflow.recipes.echelle.science import Science, ScienceParameters
from vltflow.recipes.echelle.wavelength import (
    WavelengthCalibration,
    WavelengthCalibrationParameters,
)

__all__ = [
    "Coaddition",
    "CoadditionParameters",
    "FormatCheck",
    "FormatCheckParameters",
    "OrderDefinition",
    "OrderDefinitionParameters",
    "OrderFlat",
    "OrderFlatParameters",
    "Response",
    "ResponseParameters",
    "Science",
    "ScienceParameters",
    "WavelengthCalibration",
    "WavelengthCalibrationParameters",
]
