"""Two QC1 parameters of the same ABs, one against the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vltflow.plots.decimate import one_a_cell
from vltflow.store import Transaction
from vltflow.trending.series import Question

_CELLS = (800, 400)
"""Pixels of a plot, beyond which more points are not seen."""


@dataclass(frozen=True, slots=True)
class Correlation:
    """Pairs of values; all arrays are (n,)."""

    x: np.ndarray
    y: np.ndarray
    keys: tuple[int | str, ...]
    """What the store calls the value of y."""
    total: int
    """Pairs before all but one of each pixel were left out."""
    coefficient: float | None
    """Spearman's rank correlation of all pairs; None for fewer than three or without a spread."""


def correlate(tx: Transaction, x: Question, y: Question) -> Correlation:
    """Values of `y` over those of `x` by AB, or by historical product; hidden ones left out."""
    records, _, values = _shown(tx, x)
    first = dict(zip(records, values, strict=True))
    records, keys, values = _shown(tx, y)
    pairs = np.array([[*map(first.get, records)], values], dtype=float)  # None becomes NaN
    both = np.flatnonzero(np.isfinite(pairs).all(axis=0))
    over, of = pairs[:, both]
    chosen = one_a_cell(over, of, _CELLS)
    return Correlation(
        x=over[chosen],
        y=of[chosen],
        keys=tuple(keys[at] for at in both[chosen].tolist()),
        total=both.size,
        coefficient=_spearman(over, of),
    )


def _shown(
    tx: Transaction, question: Question
) -> tuple[list[str], list[int | str], list[float | None]]:
    """ABs or historical products, keys and values; None where a value is undefined or hidden."""
    records, keys, values = tx.trends.by_record(question.kind, question.setups(tx), question.mjd)
    if hidden := tx.trends.hidden(question.kind[2]):
        pairs = zip(keys, values, strict=True)
        values = [None if key in hidden else value for key, value in pairs]
    return records, keys, values


def _spearman(x: np.ndarray, y: np.ndarray) -> float | None:
    if x.size < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    return float(np.corrcoef(_ranks(x), _ranks(y))[0, 1])


def _ranks(values: np.ndarray) -> np.ndarray:
    """Places in the order of size, from 1; equal values share their mean place.

    As `scipy.stats.rankdata`, whose import would take longer than the whole plot.
    """
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((counts.cumsum() - (counts - 1) / 2)[place])
