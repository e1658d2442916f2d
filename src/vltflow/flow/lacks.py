"""Calibrations that science waits for, and what to fetch for them from ESO's archive."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vltflow import associate
from vltflow.core.time import night_of
from vltflow.instruments import Instrument
from vltflow.instruments.conditions import KeywordTest
from vltflow.instruments.raw_types import MasterNeed
from vltflow.records import AssociationBlock, BlockState, MasterMatch, MatchState
from vltflow.store import Store

ARCHIVE = "archive.eso.org/eso/eso_archive_main.html"


@dataclass(frozen=True, slots=True)
class Lack:
    """One calibration that is missing, for all ABs of one setup that need it."""

    category: str
    """PRO CATG: ``MASTER_FLAT_BLUE``."""
    raw_types: tuple[str, ...]
    """Raw types of which it is made."""
    keys: Mapping[str, Any]
    """Keyword values that must be the same."""
    moments: tuple[float, ...]
    """MJD of the ABs that need it."""
    days: float
    """Largest distance in time."""
    wanted_by: tuple[str, ...]
    """Names of these ABs."""
    nearest: str
    """What there is and cannot be used, and why; empty: nothing at all."""
    query: str
    """What to ask the archive for."""


def lacks(store: Store, instrument: Instrument, science: Iterable[str]) -> list[Lack]:
    """What the ABs lack, and what those lack that shall make their calibrations.

    Frames that are there are not asked for again: where the AB of a flat waits for a bias, it is
    the bias that is lacking.

    Parameters
    ----------
    science
        Names of ABs.
    """
    found: dict[str, AssociationBlock] = {}
    waiting: set[tuple[str, str]] = set()
    wave = _with_sources(store, science)
    while wave:
        found |= {one.name: one for one in wave}
        makers: set[str] = set()
        for block in wave:
            for category in _missing(block):
                names = _waiting(store, instrument, block, category)
                waiting |= {(block.name, category)} if names else set()
                makers |= names
        wave = [one for one in _with_sources(store, makers - set(found)) if one.name not in found]
    return _lacks(store, instrument, found.values(), required=True, waiting=waiting)


def done_without(store: Store, instrument: Instrument, science: Iterable[str]) -> list[Lack]:
    """Calibrations that the ABs were made without: products would be better with them.

    Parameters
    ----------
    science
        Names of ABs.
    """
    with store.read() as tx:
        blocks = tx.blocks.by_name(science)
    return _lacks(store, instrument, blocks.values(), required=False)


def _missing(block: AssociationBlock) -> list[str]:
    """Categories of required masters that an AB has not found."""
    return [
        match.category
        for match in block.masters
        if match.required and not match.member and match.state is MatchState.MISSING
    ]


def _waiting(
    store: Store, instrument: Instrument, block: AssociationBlock, category: str
) -> set[str]:
    """ABs with all their frames that would make a calibration, had they their own ones."""
    need = _need(instrument, block.raw_type, category)
    explained = associate.explain(store, instrument, block.name)
    told = next((one for one in explained.needs if one.category == category), None)
    if need is None or told is None:
        return set()
    days = max((level.days for level in need.levels), default=0.0)
    near = {one.block for one in told.candidates if abs(one.distance_days) <= days}
    with store.read() as tx:
        makers = tx.blocks.by_name(near).values()
    wanted = _keys(instrument, block, category)
    return {
        one.name
        for one in makers
        if one.state is BlockState.BLOCKED
        and _missing(one)
        and len(one.frames) >= one.expected
        and wanted.items() <= json.loads(one.setup_keys or "{}").items()
    }


def _lacks(
    store: Store,
    instrument: Instrument,
    blocks: Iterable[AssociationBlock],
    *,
    required: bool,
    waiting: Collection[tuple[str, str]] = (),
) -> list[Lack]:
    groups: dict[tuple[str, str], list[AssociationBlock]] = {}
    for block in blocks:
        for match in block.masters:
            if match.member or match.required is not required:
                continue
            if (block.name, match.category) in waiting:
                continue
            if match.state is MatchState.MISSING and not _is_dispensable(instrument, block, match):
                keys = _keys(instrument, block, match.category)
                groups.setdefault((match.category, json.dumps(keys, sort_keys=True)), []).append(
                    block
                )
    return [
        _lack(store, instrument, category, json.loads(keys), users)
        for (category, keys), users in sorted(groups.items())
    ]


def _with_sources(store: Store, names: Iterable[str]) -> list[AssociationBlock]:
    """ABs that are blocked, and the blocked ones that they wait for."""
    found: dict[str, AssociationBlock] = {}
    wave = set(names)
    with store.read() as tx:
        while wave:
            blocks = tx.blocks.by_name(wave - set(found))
            found |= blocks
            wave = {
                match.source_block
                for block in blocks.values()
                for match in block.masters
                if match.state is MatchState.VIRTUAL
            } - set(found)
    return [one for one in found.values() if one.state is BlockState.BLOCKED]


def _need(instrument: Instrument, raw_type: str, category: str) -> MasterNeed | None:
    needs = instrument.masters_of(raw_type)
    return next((one for one in needs if one.category == category), None)


def _is_dispensable(instrument: Instrument, block: AssociationBlock, match: MasterMatch) -> bool:
    need = _need(instrument, block.raw_type, match.category)
    return need is not None and bool(need.dispensable)


def _keys(instrument: Instrument, block: AssociationBlock, category: str) -> dict[str, Any]:
    need = _need(instrument, block.raw_type, category)
    values: dict[str, Any] = json.loads(block.setup_keys or "{}")
    return {} if need is None else {key: values.get(key) for key in need.match}


def _lack(
    store: Store,
    instrument: Instrument,
    category: str,
    keys: Mapping[str, Any],
    users: Sequence[AssociationBlock],
) -> Lack:
    need = _need(instrument, users[0].raw_type, category)
    makers = tuple(
        name
        for name in instrument.raw_types
        if instrument.raw_types[name].group not in {"none", "stack"}
        and category in instrument.products_of(name)
    )
    days = max((level.days for level in need.levels), default=0.0) if need else 0.0
    moments = tuple(sorted(block.mjd_mid for block in users))
    return Lack(
        category=category,
        raw_types=makers,
        keys=keys,
        moments=moments,
        days=days,
        wanted_by=tuple(block.name for block in users),
        nearest=_nearest(store, instrument, users[0].name, category),
        query="; or ".join(_queries(instrument, makers, keys, moments, days)),
    )


def _nearest(store: Store, instrument: Instrument, name: str, category: str) -> str:
    explained = associate.explain(store, instrument, name)
    need = next((one for one in explained.needs if one.category == category), None)
    if need is None or not need.candidates:
        return ""
    best = need.candidates[0]
    return f"{best.block} ({best.setup}): {best.outcome}, {best.reason}"


def _queries(
    instrument: Instrument,
    raw_types: Sequence[str],
    keys: Mapping[str, Any],
    moments: Sequence[float],
    days: float,
) -> Iterator[str]:
    """For each raw type what identifies its frames, in the words of the archive's form."""
    first, last = night_of(moments[0] - days), night_of(moments[-1] + days)
    near = ", ".join(sorted({night_of(moment) for moment in moments}))
    setup = ", ".join(f"{key}={value}" for key, value in keys.items() if value is not None)
    for raw_type in raw_types:
        words = _identity(instrument, raw_type)
        yield (
            f"{raw_type}: INSTRUME={instrument.header.instrume[0]}"
            + "".join(f", {key}={value}" for key, value in words.items())
            + (f", {setup}" if setup else "")
            + f", nights {first} to {last}, the nearest to {near}"
        )


def _identity(instrument: Instrument, raw_type: str) -> dict[str, str]:
    """What a raw type's first classification rule asks for: words, with % for any text."""
    for rule in instrument.classification.rules:
        if rule.raw_type == raw_type:
            words = {
                key: value.like if isinstance(value, KeywordTest) else value
                for key, value in rule.when.items()
            }
            return {key: word for key, word in words.items() if isinstance(word, str)}
    return {}
