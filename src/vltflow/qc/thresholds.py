"""Limits of a score: fixed ones as they stand, running ones from certified history."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from vltflow.instruments.quality import ScoreEntry
from vltflow.records import Threshold, ThresholdMethod

SIGMA_OF_MAD = 1.4826
"""Standard deviation of a normal distribution per median absolute deviation (1 / 0.67449)."""


def resolve(entry: ScoreEntry, history: Sequence[float]) -> Threshold | None:
    """Limits of a threshold; None while a running one has too little history.

    A running threshold lies around the median of the last `entry.window` certified
    values: plus and minus `width` percent of it (PERCENT), or `width` times
    1.4826 times their median absolute deviation from it (SIGMA), and at least
    `entry.floor` to each side.

    Parameters
    ----------
    history
        Certified values before the one to judge, oldest first.
    """
    if entry.method == "FIXED":
        return _threshold(entry, entry.low, entry.high)
    recent = [value for value in history if math.isfinite(value)][-entry.window :]
    if len(recent) < entry.minimum or entry.width is None:
        return None
    middle = median(recent)
    if entry.method == "PERCENT":
        half = abs(middle) * entry.width / 100.0
    else:
        spread = median(abs(value - middle) for value in recent)
        half = entry.width * SIGMA_OF_MAD * spread
    half = max(half, entry.floor)
    return _threshold(entry, middle - half, middle + half)


def method_text(entry: ScoreEntry, history: Sequence[float]) -> str:
    """How limits were found, for people: ``median of the last 12 certified values ± 10 %``."""
    if entry.method == "FIXED":
        return "fixed limits"
    number = min(len(history), entry.window)
    spread = f"{entry.width:g} %" if entry.method == "PERCENT" else f"{entry.width:g} sigma"
    least = f", at least ± {entry.floor:g}" if entry.floor else ""
    return f"median of the last {number} certified values ± {spread}{least}"


def _threshold(entry: ScoreEntry, low: float | None, high: float | None) -> Threshold:
    return Threshold(
        parameter=entry.parameter,
        method=ThresholdMethod(entry.method),
        low=low,
        high=high,
        width=entry.width,
        window=entry.window,
        valid_from=entry.valid_from.isoformat(),
        valid_to=entry.valid_to.isoformat(),
        reason=entry.reason,
    )
