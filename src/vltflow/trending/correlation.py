"""Two QC1 parameters of the same ABs, one against the other."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

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
    first, second = _values(tx, x), _values(tx, y)
    common = [one for one in second if one in first]
    pairs = np.array([(first[one][1], second[one][1]) for one in common], dtype=float)
    pairs = pairs.reshape(len(common), 2)
    chosen = one_a_cell(pairs[:, 0], pairs[:, 1], _CELLS)
    keys = tuple(second[common[at]][0] for at in chosen.tolist())
    return Correlation(
        pairs[chosen, 0], pairs[chosen, 1], keys, len(common), _spearman(pairs[:, 0], pairs[:, 1])
    )


def _values(tx: Transaction, question: Question) -> dict[tuple[str, int], tuple[int | str, float]]:
    """Key and value by AB and revision, or by historical product."""
    hidden = tx.trends.hidden(question.kind[2])
    setups = question.setups(tx)
    return {
        (record, revision): (key, value)
        for record, revision, key, value in tx.trends.by_record(question.kind, setups, question.mjd)
        if key not in hidden and isfinite(value)
    }


def _spearman(x: np.ndarray, y: np.ndarray) -> float | None:
    if x.size < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    from scipy.stats import spearmanr  # noqa: PLC0415 - slow to import, seldom needed

    return float(spearmanr(x, y).statistic)
