"""A recipe that waits: named in recipes.yaml of a test, whose folder is on PYTHONPATH."""

import os
import time
from pathlib import Path

from vltflow.recipes import RecipeInputs, RecipeResult
from vltflow.recipes.detector.bias import MasterBias, MasterBiasParameters


class GatedBias(MasterBias):
    """The master bias; of the red arm only when a file is there."""

    def process(self, inputs: RecipeInputs, parameters: MasterBiasParameters) -> RecipeResult:
        """Wait before the gate, then as always."""
        while inputs.chip.name != "BLUE" and not Path(os.environ["GATE"]).exists():
            time.sleep(0.05)
        return super().process(inputs, parameters)
