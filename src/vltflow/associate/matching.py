"""Which master fits best: lowest quality level, then nearest in time.

Two masters at the same distance, one before and one after: the earlier one wins; at the
same moment: the first by name.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from vltflow.associate.cascade import Match, Need
from vltflow.associate.rules import refusal
from vltflow.instruments.conditions import holds
from vltflow.records import MasterMatch, MatchState
from vltflow.store import Candidate

Values = tuple[Any, ...]
Series = tuple[list[float], list[Candidate]]
"""Times in ascending order and the candidates that belong to them."""
Levels = tuple[tuple[int, float], ...]


class MakerIndex:
    """Candidates of one raw type, found by category, match keys and time."""

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        self._candidates = sorted(candidates, key=lambda one: (one.mjd_mid, one.name))
        self._tables: dict[tuple[str, Match], dict[Values, Series]] = {}
        self._series: dict[tuple[str, Match, str], Series | None] = {}

    def series(self, category: str, match: Match, setup_keys: str) -> Series | None:
        """Candidates for a category that agree with a setup in the match keys, by time."""
        key = (category, match, setup_keys)
        if key not in self._series:
            self._series[key] = self._table(category, match).get(values_of(setup_keys, match))
        return self._series[key]

    def _table(self, category: str, match: Match) -> dict[Values, Series]:
        key = (category, match)
        if key not in self._tables:
            table: dict[Values, Series] = {}
            for candidate in self._candidates:
                if not refusal(candidate, category):
                    values = values_of(candidate.setup_keys, match)
                    times, candidates = table.setdefault(values, ([], []))
                    times.append(candidate.mjd_mid)
                    candidates.append(candidate)
            self._tables[key] = table
        return self._tables[key]


class Matcher:
    """Best matches of the ABs of one raw type; what hangs on the setup alone is kept."""

    def __init__(self, needs: Sequence[Need], index_of: Callable[[str], MakerIndex]) -> None:
        self._needs = needs
        self._index_of = index_of
        self._by_setup: dict[str, list[tuple[Need, list[tuple[Series, Levels]]]]] = {}

    def matches(self, setup_keys: str, mjd: float) -> list[tuple[MasterMatch, Candidate | None]]:
        """Match of each need that exists for a setup, and the AB that makes the master.

        Parameters
        ----------
        setup_keys
            Setup of the AB that needs them, canonical JSON.
        mjd
            Middle of its exposures.
        """
        if setup_keys not in self._by_setup:
            self._by_setup[setup_keys] = [
                (need, self._lines(need, setup_keys))
                for need in self._needs
                if is_needed(need, setup_keys)
            ]
        return [_best(need, lines, mjd) for need, lines in self._by_setup[setup_keys]]

    def _lines(self, need: Need, setup_keys: str) -> list[tuple[Series, Levels]]:
        found = (
            (self._index_of(maker).series(need.category, match, setup_keys), levels)
            for match, levels in need.ranges
            for maker in need.makers
        )
        return [(series, levels) for series, levels in found if series is not None]


def _best(
    need: Need, lines: Sequence[tuple[Series, Levels]], mjd: float
) -> tuple[MasterMatch, Candidate | None]:
    best: tuple[int, float, float, str] | None = None
    winner: Candidate | None = None
    for series, levels in lines:
        found = nearest(series, mjd)
        distance = abs(found.mjd_mid - mjd)
        for level, days in levels:
            if distance <= days:
                rank = (level, distance, found.mjd_mid, found.name)
                if best is None or rank < best:
                    best, winner = rank, found
                break
    if best is None or winner is None:
        return MasterMatch(need.category, need.required, MatchState.MISSING), None
    product_id = winner.products.get(need.category, "")
    state = MatchState.REAL if product_id else MatchState.VIRTUAL
    days = winner.mjd_mid - mjd
    return MasterMatch(
        need.category, need.required, state, winner.name, product_id, best[0], days
    ), winner


def nearest(series: Series, mjd: float) -> Candidate:
    """Nearest candidate in time; at equal distance the earlier one, then the first by name."""
    times, candidates = series
    place = bisect_left(times, mjd)
    if place == len(times) or (place and mjd - times[place - 1] <= times[place] - mjd):
        # Of several at the same moment the first by name, on this side too.
        place = bisect_left(times, times[place - 1])
    return candidates[place]


def is_needed(need: Need, setup_keys: str) -> bool:
    """Whether a need exists for a setup."""
    keys = parsed(setup_keys)
    return all(holds(keys.get(name), condition) for name, condition in need.entry.when.items())


@lru_cache(maxsize=65536)
def parsed(setup_keys: str) -> Mapping[str, Any]:
    """Keyword values of a setup by dotted name."""
    keys: dict[str, Any] = json.loads(setup_keys) if setup_keys else {}
    return keys


@lru_cache(maxsize=262144)
def values_of(setup_keys: str, match: Match) -> Values:
    """Values of the match keys in a setup; a keyword that it does not have is None."""
    keys = parsed(setup_keys)
    return tuple(keys.get(name) for name in match)
