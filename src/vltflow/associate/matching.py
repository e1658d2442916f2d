"""Which master fits best: lowest quality level, then nearest in time.

Two masters at the same distance, one before and one after: the earlier one wins; at the
same moment: the first by name.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from vltflow.associate.cascade import Match, Need
from vltflow.associate.rules import refusal
from vltflow.instruments.conditions import holds
from vltflow.records import MasterMatch, MatchState
from vltflow.store import Candidate

Values = tuple[Any, ...]


class MakerIndex:
    """Candidates of one raw type, found by category, match keys and time."""

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        self._candidates = sorted(candidates, key=lambda one: (one.mjd_mid, one.name))
        self._by_match: dict[
            tuple[str, Match], dict[Values, tuple[list[float], list[Candidate]]]
        ] = {}

    def nearest(
        self, category: str, match: Match, values: Values, mjd: float
    ) -> Candidate | None:
        """Nearest in time of those that may give the category and have these values."""
        found = self._table(category, match).get(values)
        if found is None:
            return None
        times, candidates = found
        place = bisect_left(times, mjd)
        if place == len(times) or (place and mjd - times[place - 1] <= times[place] - mjd):
            # Of several at the same moment the first by name, on this side too.
            place = bisect_left(times, times[place - 1])
        return candidates[place]

    def _table(
        self, category: str, match: Match
    ) -> dict[Values, tuple[list[float], list[Candidate]]]:
        key = (category, match)
        if key not in self._by_match:
            table: dict[Values, tuple[list[float], list[Candidate]]] = {}
            for candidate in self._candidates:
                if not refusal(candidate, category):
                    values = values_of(candidate.setup_keys, match)
                    times, candidates = table.setdefault(values, ([], []))
                    times.append(candidate.mjd_mid)
                    candidates.append(candidate)
            self._by_match[key] = table
        return self._by_match[key]


def best_match(
    need: Need, setup_keys: str, mjd: float, index_of: Callable[[str], MakerIndex]
) -> tuple[MasterMatch, Candidate | None]:
    """Match of one need of an AB, and the AB that makes it.

    Parameters
    ----------
    need
        What is needed, within which ranges.
    setup_keys
        Setup of the AB that needs it, canonical JSON.
    mjd
        Middle of its exposures.
    index_of
        Index of the candidates of a raw type.
    """
    best: tuple[int, float, float, str] | None = None
    winner: Candidate | None = None
    for match, levels in need.ranges:
        values = values_of(setup_keys, match)
        for maker in need.makers:
            found = index_of(maker).nearest(need.category, match, values, mjd)
            if found is None:
                continue
            distance = abs(found.mjd_mid - mjd)
            level = next((level for level, days in levels if distance <= days), None)
            if level is None:
                continue
            rank = (level, distance, found.mjd_mid, found.name)
            if best is None or rank < best:
                best, winner = rank, found
    if best is None or winner is None:
        return MasterMatch(need.category, need.required, MatchState.MISSING), None
    product_id = winner.products.get(need.category, "")
    matched = MasterMatch(
        category=need.category,
        required=need.required,
        state=MatchState.REAL if product_id else MatchState.VIRTUAL,
        source_block=winner.name,
        product_id=product_id,
        level=best[0],
        distance_days=winner.mjd_mid - mjd,
    )
    return matched, winner


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
