"""Parameters that all stacking recipes share."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from vltflow.algorithms import StackRule
from vltflow.recipes.declaration import Parameters


class StackParameters(Parameters):
    """How frames are stacked; names and defaults as in ESO's UVES recipes."""

    stack_method: Literal["median", "mean"] = Field(
        default="median",
        description="Median, or mean after clipping of outliers [no unit].",
    )
    klow: float = Field(
        default=5.0,
        gt=0,
        description="Values this far below the centre are clipped [sigma of one frame].",
    )
    khigh: float = Field(
        default=5.0,
        gt=0,
        description="Values this far above the centre are clipped [sigma of one frame].",
    )
    niter: int = Field(default=5, ge=0, le=50, description="Rounds of clipping [count].")
    reject_minmax: int = Field(
        default=0,
        ge=0,
        description="Values left out of a mean at each end, at each pixel [count].",
    )

    @model_validator(mode="after")
    def _median_needs_no_rejection(self) -> StackParameters:
        if self.stack_method == "median" and self.reject_minmax:
            raise ValueError("reject_minmax has no effect on a median: set stack_method to mean")
        return self

    def rule(self, *, read_noise: float, conad: float, saturation: float) -> StackRule:
        """Rule of the stack with a detector's noise."""
        return StackRule(
            mean=self.stack_method == "mean",
            low=self.klow,
            high=self.khigh,
            iterations=self.niter,
            trimmed=self.reject_minmax,
            read_noise=read_noise,
            conad=conad,
            saturation=saturation,
        )
