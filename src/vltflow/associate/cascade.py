"""The calibration cascade of an instrument: who needs what, made by whom, in which order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter

from vltflow.core.errors import ConfigurationError
from vltflow.instruments import Instrument
from vltflow.instruments.raw_types import MasterNeed

Match = tuple[str, ...]
"""Dotted keywords that must be equal."""


@dataclass(frozen=True, slots=True)
class Need:
    """A needed master with the raw types that make it."""

    category: str
    required: bool
    makers: tuple[str, ...]
    ranges: tuple[tuple[Match, tuple[tuple[int, float], ...]], ...]
    """For each set of match keys: (level, days) with rising level."""
    days: float
    """Widest range of all levels."""
    entry: MasterNeed


@dataclass(frozen=True, slots=True)
class Cascade:
    """Raw types that are reduced, makers before users, with their needs."""

    order: tuple[str, ...]
    stacks: tuple[str, ...]
    """Raw types that are made of the products of others; they come after all of `order`."""
    needs: dict[str, tuple[Need, ...]]
    reach: dict[str, float]
    """For each maker, the widest range in which anybody looks for it, days."""


def build_cascade(instrument: Instrument) -> Cascade:
    """Cascade of an instrument.

    Raises
    ------
    ConfigurationError
        If a raw type needs, directly or not, what is made from itself.
    """
    return _cascade(instrument.context, _Hidden(instrument))


@dataclass(frozen=True, slots=True)
class _Hidden:
    """Keeps the instrument out of the cache's key: its context stands for it."""

    instrument: Instrument

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hidden)


@lru_cache(maxsize=16)
def _cascade(_context: str, hidden: _Hidden) -> Cascade:
    instrument = hidden.instrument
    reduced = [name for name, entry in instrument.raw_types.items() if entry.group != "none"]
    makers: dict[str, list[str]] = {}
    for name in reduced:
        for category in instrument.expected_of(name):
            makers.setdefault(category, []).append(name)
    needs = {
        name: tuple(
            _need(entry, tuple(makers.get(entry.category, ())))
            for entry in instrument.masters_of(name)
        )
        for name in reduced
    }
    graph = {name: {maker for need in needs[name] for maker in need.makers} for name in reduced}
    try:
        order = tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        chain = " <- ".join(error.args[1])
        raise ConfigurationError(
            f"association.yaml of {instrument.name}: raw types need each other: {chain}"
        ) from error
    stacks = tuple(name for name in reduced if instrument.raw_types[name].members)
    reach: dict[str, float] = {}
    for need in (need for found in needs.values() for need in found):
        for maker in need.makers:
            reach[maker] = max(need.days, reach.get(maker, 0.0))
    return Cascade(tuple(name for name in order if name not in stacks), stacks, needs, reach)


def _need(entry: MasterNeed, makers: tuple[str, ...]) -> Need:
    ranges: dict[Match, list[tuple[int, float]]] = {}
    for level in entry.levels:
        ranges.setdefault(level.match or entry.match, []).append((level.level, level.days))
    return Need(
        category=entry.category,
        required=entry.required,
        makers=makers,
        ranges=tuple((match, tuple(levels)) for match, levels in ranges.items()),
        days=max(level.days for level in entry.levels),
        entry=entry,
    )
