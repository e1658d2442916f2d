"""One QC1 parameter over time, with its limits and what lies outside."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from vltflow.core.time import night_of
from vltflow.instruments import Instrument
from vltflow.instruments.conditions import keyword, matches
from vltflow.instruments.health import HealthSeries
from vltflow.plots.decimate import decimate_points
from vltflow.qc.rules import thresholds_for
from vltflow.store import Transaction
from vltflow.store.trends import EVER, Kind, Points, Range

_SIGMAS = 6.0
"""Robust standard deviations about the median that a plot shows at least."""
_SIGMA_OF_MAD = 1.4826
_ROOM = 2.0
"""Heights of the values above and below them in which limits are still shown."""


@dataclass(frozen=True, slots=True)
class Question:
    """Which values."""

    kind: Kind
    """Instrument, product category, parameter."""
    setup: str = ""
    """Label of the setup; empty for all."""
    conditions: Mapping[str, Any] = field(default_factory=dict)
    """On setup keys, as in ``scores.yaml``."""
    mjd: Range = EVER
    with_hidden: bool = False

    @classmethod
    def of(cls, instrument: str, series: HealthSeries, mjd: Range = EVER) -> Question:
        """The values of a data set of ``health.yaml``."""
        kind = (instrument, series.category, series.parameter)
        return cls(kind, conditions=series.setup, mjd=mjd)

    def setups(self, tx: Transaction) -> dict[int, tuple[str, str]]:
        """Setups that are meant and have values, by number: label, and keys as JSON."""
        return {
            number: (label, keys)
            for number, (label, keys) in tx.trends.setups(self.kind).items()
            if self.setup in {"", label} and matches(_header(keys), self.conditions)
        }


@dataclass(frozen=True, slots=True)
class Series:
    """Values by time; all arrays are (n,)."""

    mjd: np.ndarray
    value: np.ndarray
    number: np.ndarray
    """What the store calls each value; see `Points`."""
    sources: tuple[str, ...]
    """What it calls historical ones."""
    is_outlier: np.ndarray
    """Red, or without a score and outside the limits."""
    is_hidden: np.ndarray
    low: float | None
    """Present limits: those that the latest value was scored by."""
    high: float | None
    undefined: int
    """Values that could not be measured; they have no place in a plot."""

    def keys(self, places: np.ndarray) -> list[int | str]:
        """What the store calls the values at some places."""
        numbers = self.number[places].tolist()
        return [one if one >= 0 else self.sources[-1 - one] for one in numbers]

    @property
    def is_outside(self) -> np.ndarray:
        """Which values lie outside the present limits, (n,) of bool."""
        low = -np.inf if self.low is None else self.low
        high = np.inf if self.high is None else self.high
        return (self.value < low) | (self.value > high)


def series_of(tx: Transaction, instrument: Instrument, question: Question) -> Series:
    """Values of a question in full, by time."""
    found = tx.trends.points(question.kind, question.setups(tx), question.mjd)
    hidden = _flags(found, tx.trends.hidden(question.kind[2]))
    shown = np.flatnonzero(~hidden) if not question.with_hidden else np.arange(hidden.size)
    order = shown[np.lexsort((found.value[shown], found.mjd[shown]))]
    red = _flags(found, tx.trends.red(question.kind, question.mjd))
    plain = Series(
        mjd=found.mjd[order], value=found.value[order], number=found.number[order],
        sources=found.sources, is_outlier=red[order], is_hidden=hidden[order], low=None, high=None,
        undefined=found.undefined,
    )  # fmt: skip
    low, high = _limits(tx, instrument, question, plain)
    limited = replace(plain, low=low, high=high)
    historical = limited.number < 0
    return replace(limited, is_outlier=limited.is_outlier | (limited.is_outside & historical))


def part(series: Series, mjd: Range) -> Series:
    """Values of a closed range of time, with the limits of the whole."""
    first, last = np.searchsorted(series.mjd, mjd[0]), np.searchsorted(series.mjd, mjd[1], "right")
    names = ("mjd", "value", "number", "is_outlier", "is_hidden")
    return replace(series, **{name: getattr(series, name)[first:last] for name in names})


def decimated(series: Series, columns: int) -> np.ndarray:
    """Indices of the values that a plot of so many pixel columns needs: no outlier is lost."""
    always = series.is_outlier | series.is_outside | series.is_hidden
    return decimate_points(series.mjd, series.value, columns, always)


def average(series: Series, method: str) -> float | None:
    """Median or mean of what is not hidden and no outlier; None without any or with ``none``."""
    good = series.value[~series.is_outlier & ~series.is_hidden & np.isfinite(series.value)]
    if method == "none" or not good.size:
        return None
    return float(np.median(good) if method == "median" else np.mean(good))


def view(several: tuple[Series, ...]) -> tuple[float, float] | None:
    """Range of values that a plot shows, so that one wild point does not flatten the others.

    It holds six robust standard deviations about the median of each data set, or all of its
    values if they need less; and limits, unless they lie so far off that nobody could see the
    values change. None without a value.
    """
    spans = [span for one in several if (span := _span(one.value[np.isfinite(one.value)]))]
    if not spans:
        return None
    low, high = min(span[0] for span in spans), max(span[1] for span in spans)
    room = _ROOM * (high - low)
    limits = [limit for one in several for limit in (one.low, one.high) if limit is not None]
    near = [limit for limit in limits if low - room <= limit <= high + room]
    low, high = min(low, *near, high), max(high, *near, low)
    margin = 0.06 * ((high - low) or abs(high) or 1.0)
    return low - margin, high + margin


def _span(good: np.ndarray) -> tuple[float, float] | None:
    if not good.size:
        return None
    middle = float(np.median(good))
    reach = _SIGMAS * _SIGMA_OF_MAD * float(np.median(np.abs(good - middle)))
    reach = reach or 0.05 * abs(middle) or 1.0
    return max(float(good.min()), middle - reach), min(float(good.max()), middle + reach)


def _flags(found: Points, wanted: Collection[int | str]) -> np.ndarray:
    """Which values are wanted, (n,) of bool."""
    names = {name: -1 - place for place, name in enumerate(found.sources)}
    numbers = [names.get(one, 0) if isinstance(one, str) else one for one in wanted]
    return np.isin(found.number, np.array(numbers, dtype=np.int64))


def _limits(
    tx: Transaction, instrument: Instrument, question: Question, series: Series
) -> tuple[float | None, float | None]:
    """Limits of the latest value: of its score, or the fixed ones that hold for a historical one.

    A running threshold needs certified values, which historical ones are not.
    """
    if not series.number.size:
        return None, None
    (last,) = series.keys(np.array([-1]))
    latest = tx.trends.measured(question.kind, [last])[last]
    if latest.block:
        return latest.low, latest.high
    _, category, parameter = question.kind
    keys_of = dict(question.setups(tx).values())
    when = (keys_of.get(latest.setup, "{}"), night_of(latest.mjd))
    found = thresholds_for(instrument, when, category).get(parameter, [])
    fixed = next((entry for entry in found if entry.method == "FIXED"), None)
    return (fixed.low, fixed.high) if fixed else (None, None)


def _header(setup_keys: str) -> dict[str, Any]:
    return {keyword(name): value for name, value in json.loads(setup_keys or "{}").items()}
