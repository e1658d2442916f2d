"""Recipes of a third party: what tests run in real worker processes.

Named in recipes.yaml as ``vltflow_trial:Sum``; the folder of this file is on PYTHONPATH.
"""

from __future__ import annotations

import errno
import os
import signal
import time
from pathlib import Path
from typing import Any, ClassVar

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
    Resources,
)
from vltflow.records import QcFigure


class SumParameters(Parameters):
    """How the trial recipe behaves."""

    scale: float = 1.0
    fault: str = ""
    """What goes wrong."""
    chip: str = ""
    """On which chip; empty is all."""
    marker: str = ""
    """File that is made when the fault happens; it happens only while it is absent."""
    sleep: float = 0.0
    memory_mb: int = 0


class Sum(Recipe):
    """Sum of all frames, minus the master bias if there is one."""

    name: ClassVar = "trial.sum"
    version: ClassVar = "1"
    summary: ClassVar = "Sum of frames"
    raw: ClassVar = RawInput(1)
    masters: ClassVar = (MasterInput("MASTER_BIAS", required=False),)
    outputs: ClassVar = (Output("MASTER_BIAS", "sum"),)
    parameters: ClassVar = SumParameters
    qc: ClassVar = (QcDeclaration("QC OUT{output} LEVEL", "ADU", "mean"),)
    role = "MASTER_BIAS"

    def process(self, inputs: RecipeInputs, parameters: SumParameters) -> RecipeResult:
        """Sum, after going wrong as ordered."""
        if parameters.fault and parameters.chip in {"", inputs.chip.name}:
            go_wrong(parameters)
        ballast = np.ones(parameters.memory_mb * 125_000)
        time.sleep(parameters.sleep)
        data = sum(frame.rows(0, frame.shape[0]).astype(np.float32) for frame in inputs.frames)
        data = (
            data * parameters.scale * ballast[:1].sum() if ballast.size else data * parameters.scale
        )
        if "MASTER_BIAS" in inputs.masters:
            data = data - inputs.masters["MASTER_BIAS"].data
        mean = float(data.mean())
        level = f"QC OUT{inputs.chip.output} LEVEL"
        profile = data.mean(axis=0)
        figure = QcFigure(
            "profile", "Profile", "line", np.arange(profile.size), profile, "x", "ADU", (level,)
        )
        product = ProductData(
            self.role, data.astype(np.float32), np.ones_like(data, np.float32),
            np.zeros(data.shape, np.uint8), {"BUNIT": "adu"}, {level: mean, "QC NOTHING": np.nan},
            (figure,),
        )  # fmt: skip
        return RecipeResult((product,))


class Dark(Sum):
    """The same under another role."""

    name: ClassVar = "trial.dark"
    outputs: ClassVar = (Output("MASTER_DARK", "sum"),)
    role = "MASTER_DARK"


class Nothing(Recipe):
    """Makes nothing, quickly: what remains is the cost of the scheduler."""

    name: ClassVar = "trial.nothing"
    version: ClassVar = "1"
    summary: ClassVar = "Nothing"
    raw: ClassVar = RawInput(0)
    masters: ClassVar = ()
    outputs: ClassVar = ()
    parameters: ClassVar = Parameters
    qc: ClassVar = ()

    def process(self, inputs: RecipeInputs, parameters: Any) -> RecipeResult:
        """Nothing."""
        del inputs, parameters
        return RecipeResult(())


class Greedy(Sum):
    """Estimates that it needs more than any site has."""

    name: ClassVar = "trial.greedy"

    def resources(self, frame_count: int, pixels: int) -> Resources:
        """A lot, by the number of pixels."""
        return Resources(64, 1000 * frame_count * pixels, 10)


def go_wrong(parameters: SumParameters) -> None:
    """Do what `fault` says."""
    if parameters.marker:
        marker = Path(parameters.marker)
        if marker.exists():
            return
        marker.touch()
    match parameters.fault:
        case "raise":
            raise AlgorithmFailure("no light", numbers={"flux": 0.5})
        case "bug":
            raise ZeroDivisionError("a mistake in the recipe")
        case "kill":
            print("these are my last words", flush=True)  # noqa: T201
            os.kill(os.getpid(), signal.SIGKILL)
        case "exit":
            os._exit(3)
        case "hang":
            time.sleep(600)
        case "memory":
            raise MemoryError
        case "disk":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/full/disk")
        case other:
            raise ValueError(other)
