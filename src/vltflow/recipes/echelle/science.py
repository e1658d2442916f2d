"""Science reduction: from one raw frame to the merged spectrum of its object."""

from __future__ import annotations

from typing import ClassVar

from vltflow.recipes.declaration import (
    MasterInput,
    Output,
    RawInput,
    Recipe,
    RecipeInputs,
    RecipeResult,
    Resources,
    TableProduct,
)
from vltflow.recipes.detector import frames
from vltflow.recipes.echelle import extraction_qc
from vltflow.recipes.echelle.extraction import ExtractionParameters, extract_orders
from vltflow.recipes.echelle.guess import ROLE
from vltflow.recipes.echelle.spectrum import SPECTRUM_QC, SpectrumParameters, merged_spectrum


class ScienceParameters(ExtractionParameters, SpectrumParameters):
    """Parameters of the science reduction: those of extraction and of merging."""


class Science(Recipe):
    """One frame's object: extracted orders and their merged spectrum, sky subtracted.

    What is not there is said, not hidden: without an object in the slit the light at the slit's
    middle is extracted as if there were one, with honest errors, and QC OBJ FOUND is 0.
    """

    name: ClassVar = "echelle.science"
    version: ClassVar = "4"
    summary: ClassVar = "Extracted orders and merged spectrum of one science frame"
    raw: ClassVar = RawInput(1, 1)
    masters: ClassVar = (
        MasterInput("MASTER_BIAS"),
        MasterInput("ORDER_TABLE", table=True),
        MasterInput("LINE_TABLE", table=True),
        MasterInput("BLAZE", table=True),
        MasterInput(ROLE, required=False, table=True),
        MasterInput("PIXEL_RESPONSE", required=False),
        MasterInput("MASTER_DARK", required=False),
        MasterInput("INSTR_RESPONSE_FINE", required=False, table=True),
        MasterInput("EXTCOEFF_TABLE", required=False, table=True),
    )
    outputs: ClassVar = (
        Output("RED_SCIENCE", "merged spectrum and extracted orders, ADU; with a response in flux"),
    )
    parameters: ClassVar = ScienceParameters
    qc: ClassVar = (*extraction_qc.DECLARED, *SPECTRUM_QC)

    def process(self, inputs: RecipeInputs, parameters: ScienceParameters) -> RecipeResult:
        """Reduce the frame of one chip."""
        frames.check_frames(self, inputs)
        extracted = extract_orders(inputs, parameters)
        finished = merged_spectrum(extracted.spectra, inputs, parameters)
        product = TableProduct(
            "RED_SCIENCE",
            finished.tables,
            {"ESO PRO TECH": "ECHELLE", **extracted.header, **finished.header},
            {**extracted.qc, **finished.qc},
            (*finished.figures, *extracted.figures),
        )
        return RecipeResult((product,))

    def resources(self, frame_count: int, pixels: int) -> Resources:  # noqa: ARG002 - of the base
        """Light, its flags, bias, response and its errors; and the interpreter."""
        return Resources(2, round(36 * pixels / 1e6 + 128 + 350), 120)
