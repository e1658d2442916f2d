"""Response and efficiency of the instrument from one frame of a standard star."""

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
from vltflow.recipes.echelle.spectrum import SPECTRUM_QC, merged_spectrum
from vltflow.recipes.echelle.standard_star import (
    EFFICIENCY_QC,
    RESPONSE_QC,
    StandardStarParameters,
    star_products,
)


class ResponseParameters(ExtractionParameters, StandardStarParameters):
    """Parameters of extraction, merging and response."""


class Response(Recipe):
    """Counts of a standard star over its catalogued flux, as a smooth curve.

    The star is reduced as a science target is; what its flat does to the spectrum is undone
    for targets that are reduced with the same kind of flat.
    """

    name: ClassVar = "echelle.response"
    version: ClassVar = "4"
    summary: ClassVar = "Response and efficiency from one frame of a standard star"
    raw: ClassVar = RawInput(1, 1)
    masters: ClassVar = (
        MasterInput("ORDER_TABLE", table=True),
        MasterInput("LINE_TABLE", table=True),
        MasterInput("BLAZE", table=True),
        MasterInput("FLUX_STD_TABLE", table=True),
        MasterInput("RESP_FIT_POINTS_CATALOG", table=True),
        MasterInput("EXTCOEFF_TABLE", table=True),
        MasterInput("MASTER_BIAS", required=False),
        MasterInput("MASTER_DARK", required=False),
        MasterInput("PIXEL_RESPONSE", required=False),
        MasterInput(ROLE, required=False, table=True),
    )
    outputs: ClassVar = (
        Output("INSTR_RESPONSE_FINE", "flux of a source for one electron per second"),
        Output("EFFICIENCY_TABLE", "electrons for one photon at the telescope"),
        Output("RED_STD", "the star's spectrum"),
    )
    parameters: ClassVar = ResponseParameters
    qc: ClassVar = (*RESPONSE_QC, *EFFICIENCY_QC, *extraction_qc.DECLARED, *SPECTRUM_QC)

    def process(self, inputs: RecipeInputs, parameters: ResponseParameters) -> RecipeResult:
        """Find the response of one chip."""
        frames.check_frames(self, inputs)
        extracted = extract_orders(inputs, parameters)
        finished = merged_spectrum(extracted.spectra, inputs, parameters)
        star = TableProduct(
            "RED_STD",
            finished.tables,
            extracted.header | finished.header,
            extracted.qc | finished.qc,
            (*extracted.figures, *finished.figures),
        )
        made = star_products(extracted.spectra, finished, inputs, parameters)
        return RecipeResult((*made, star))

    def resources(self, frame_count: int, pixels: int) -> Resources:  # noqa: ARG002 - of the base
        """Light, variance, flags and the model of one frame, and the interpreter."""
        return Resources(2, round(40 * pixels / 1e6 + 128 + 350), 120)
