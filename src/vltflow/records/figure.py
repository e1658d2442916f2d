"""Arrays behind a QC figure: the same arrays that gave the number."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np


@dataclass(frozen=True, slots=True)
class QcFigure:
    """One figure of a QC report, as numbers: made by the recipe, drawn by ``plots``."""

    name: str
    """Short identifier, unique in its product: ``row_profile``."""
    title: str
    kind: Literal["line", "histogram", "image"]
    """``line``: y over x; ``histogram``: counts y over edges x (one longer); ``image``: y 2-D."""
    x: np.ndarray
    y: np.ndarray
    x_label: str
    y_label: str
    parameters: tuple[str, ...] = ()
    """QC1 parameters computed from these arrays."""
    marks: dict[str, float] = field(default_factory=dict)
    """Labelled values to draw as lines across the figure."""
