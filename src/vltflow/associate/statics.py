"""Which static calibrations an AB gets: the narrowest that fits its setup, then the latest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from vltflow.associate.matching import parsed
from vltflow.core.identity import content_hash
from vltflow.instruments import Instrument
from vltflow.instruments.conditions import holds
from vltflow.instruments.statics import StaticNeed
from vltflow.records import AssociationBlock, MasterMatch, MatchState, StaticCalibration

NO_SOURCE = ""
"""Source of a match that no AB makes."""


def rules_hash(instrument: Instrument, collection: Iterable[StaticCalibration]) -> str:
    """What matches depend on beside frames and products: definition and static calibrations."""
    ids = sorted(static.static_id for static in collection)
    return content_hash([instrument.context, *ids])[:16] if ids else instrument.context


def static_needs(instrument: Instrument, raw_type: str, setup_keys: str) -> list[StaticNeed]:
    """Static calibrations that a raw type needs in a setup."""
    keys = parsed(setup_keys)
    return [
        need
        for need in instrument.statics_of(raw_type)
        if all(holds(keys.get(name), condition) for name, condition in need.when.items())
    ]


def match_statics(
    instrument: Instrument, block: AssociationBlock, collection: Sequence[StaticCalibration]
) -> Iterator[tuple[MasterMatch, None]]:
    """Matches of all static calibrations that an AB needs; no AB makes them."""
    for need in static_needs(instrument, block.raw_type, block.setup_keys):
        yield match_static(need, block.setup_keys, block.mjd_mid, collection), None


def match_static(
    need: StaticNeed, setup_keys: str, mjd: float, collection: Sequence[StaticCalibration]
) -> MasterMatch:
    """Match of one need.

    Parameters
    ----------
    need
        Category and match keys.
    setup_keys
        Setup of the AB, canonical JSON.
    mjd
        Middle of its exposures.
    collection
        All valid static calibrations of the instrument.
    """
    fitting = [
        one
        for one in collection
        if one.category == need.category and not misfit(one, need, setup_keys, mjd)
    ]
    if not fitting:
        return MasterMatch(need.category, need.required, MatchState.MISSING)
    best = max(fitting, key=lambda one: _rank(one, need))
    return MasterMatch(
        need.category, need.required, MatchState.REAL, NO_SOURCE, best.static_id, 0, 0.0
    )


def misfit(static: StaticCalibration, need: StaticNeed, setup_keys: str, mjd: float) -> str:
    """Why a static calibration does not serve; empty if it does.

    A keyword that it does not state does not matter to it.
    """
    if not static.valid_from <= mjd < static.valid_to:
        return f"valid MJD {static.valid_from:g} .. {static.valid_to:g}"
    wanted, own = parsed(setup_keys), json.loads(static.keys)
    return ", ".join(
        f"{name} {own[name]} != {wanted.get(name)}"
        for name in need.match
        if name in own and own[name] != wanted.get(name)
    )


def _rank(static: StaticCalibration, need: StaticNeed) -> tuple[int, bool, float, str, str]:
    """What a person added goes before what code built."""
    stated = len(set(json.loads(static.keys)).intersection(need.match))
    return stated, not static.builder, static.valid_from, static.added, static.name
