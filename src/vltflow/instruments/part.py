"""What all parts of an instrument definition have in common."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Level = Literal[-1, 0, 1, 2, 3]
"""Quality level of an association: -1 is better than the calibration plan asks, 3 risky."""

Runner = Literal["native", "esorex"]


class Part(BaseModel):
    """Base of all parts: frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
