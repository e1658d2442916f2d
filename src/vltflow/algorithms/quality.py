"""The bits of a data quality plane."""

from __future__ import annotations

from enum import IntFlag


class Quality(IntFlag):
    """What is known of one pixel; 0 means nothing is wrong. Bits add up, uint8."""

    GOOD = 0
    DEAD = 1
    """Answers to light with less than half of its neighbours' response."""
    HOT = 2
    """Much more dark signal, or much more response, than its neighbours."""
    SATURATED = 4
    """Saturated in at least one frame; that frame was left out at this pixel."""
    REJECTED = 8
    """At least one frame deviated beyond the clipping limits here (cosmic ray, glitch)."""
    NO_DATA = 16
    """No valid value at all: data and variance are NaN."""
    BIAS_DEFECT = 32
    """The master bias deviates from its row and column: trap, hot column, pick-up."""
    UNMEASURED = 64
    """Too little light or too steep an order edge to measure the pixel response: set to 1."""
