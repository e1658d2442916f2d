"""Recipes of a third party, quick enough that a test can produce months of science."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import ClassVar

import numpy as np

from vltflow.core.errors import AlgorithmFailure
from vltflow.recipes import (
    MasterInput,
    Output,
    Parameters,
    ProductData,
    QcDeclaration,
    RawInput,
    Recipe,
    RecipeInputs,
    RecipeResult,
)


def _mean(inputs: RecipeInputs) -> np.ndarray:
    return np.mean([frame.rows(0, frame.shape[0]) for frame in inputs.frames], axis=0)


def _result(role: str, data: np.ndarray) -> RecipeResult:
    data = data.astype(np.float32)
    quality = np.zeros(data.shape, np.uint8)
    values = {"QC LEVEL": float(np.mean(data))}
    product = ProductData(role, data, np.ones_like(data), quality, {"BUNIT": "adu"}, values, ())
    return RecipeResult((product,))


class Bias(Recipe):
    """Mean of bias frames; fails on those without a level."""

    name: ClassVar = "lamp.bias"
    version: ClassVar = "1"
    summary: ClassVar = "Mean of bias frames"
    raw: ClassVar = RawInput(1)
    masters: ClassVar = ()
    outputs: ClassVar = (Output("MASTER_BIAS", "mean"),)
    parameters: ClassVar = Parameters
    qc: ClassVar = (QcDeclaration("QC LEVEL", "adu", "mean"),)

    def process(self, inputs: RecipeInputs, parameters: Parameters) -> RecipeResult:
        """Mean."""
        data = _mean(inputs)
        if np.mean(data) < 10:
            raise AlgorithmFailure("no level", numbers={"level": float(np.mean(data))})
        return _result("MASTER_BIAS", data)


class Science(Recipe):
    """A frame minus its bias; fails on a frame without light."""

    name: ClassVar = "lamp.science"
    version: ClassVar = "1"
    summary: ClassVar = "A frame minus its bias"
    raw: ClassVar = RawInput(1)
    masters: ClassVar = (MasterInput("MASTER_BIAS"),)
    outputs: ClassVar = (Output("REDUCED", "difference"),)
    parameters: ClassVar = Parameters
    qc: ClassVar = (QcDeclaration("QC LEVEL", "adu", "mean"),)

    def process(self, inputs: RecipeInputs, parameters: Parameters) -> RecipeResult:
        """Difference."""
        if marker := os.environ.get("LAMP_SLOW"):
            Path(marker).touch()
            time.sleep(0.2)
        data = _mean(inputs) - inputs.masters["MASTER_BIAS"].data
        if np.mean(data) < 1:
            raise AlgorithmFailure("no light", numbers={"level": float(np.mean(data))})
        return _result("REDUCED", data)
