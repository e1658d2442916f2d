"""Whether the slit's light ends where its traces say: the sky fills a slit from end to end.

Where a frame's format has moved against its traces, some rows at one end of the windows are dark.
Taken for sky they make it too faint, and all sources too bright.
"""

from __future__ import annotations

import numpy as np

_AWAY = 1.5
"""Full widths from the source from which light is the sky's."""
_SEEN = 5.0
"""Signal to noise ratio of the sky in a row, all traces together, from which it shows ends."""
_AGAINST = 0.05
"""The same against the source's peak: a wing does as much, and less sky harms nobody."""
_FEWEST = 4
"""Rows away from the source without which nothing is said."""


def dark_ends(
    distance: np.ndarray, level: np.ndarray, error: np.ndarray, place: float, fwhm: float
) -> float:
    """Rows at the ends of the windows that have less than half of the sky.

    Parameters
    ----------
    distance, level, error
        Light along the slit of all traces, as `source.collapsed` gives it.
    place, fwhm
        Of the source, pixels; width 0: there is none.

    Returns
    -------
    float
        Pixels, of both ends together; NaN where there is too little sky to see it.
    """
    known = np.isfinite(level) & np.isfinite(error)
    rows = known.sum(axis=0) > 0.5 * known.any(axis=1).sum()
    count = known[:, rows].sum(axis=0)
    mean = np.where(known, level, 0.0)[:, rows].sum(axis=0) / count
    noise = np.sqrt(np.where(known, error**2, 0.0)[:, rows].sum(axis=0)) / count
    away = np.abs(distance[rows] - place) >= _AWAY * fwhm
    if away.sum() < _FEWEST:
        return np.nan
    sky = float(np.percentile(mean[away], 90))
    if sky < _SEEN * np.median(noise) or sky < _AGAINST * mean.max():
        return np.nan
    lit = np.flatnonzero((mean >= 0.5 * sky) | ~away)
    return float(lit[0] + len(mean) - 1 - lit[-1])
