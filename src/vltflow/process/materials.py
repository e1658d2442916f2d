"""What the registry knows of the inputs of jobs."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vltflow.fits import keyword
from vltflow.instruments import Instrument
from vltflow.records import AssociationBlock, MatchState, Product, RawFrame, StaticCalibration
from vltflow.store import Transaction


@dataclass(frozen=True, slots=True)
class Materials:
    """What the registry knows of the inputs of some ABs."""

    frames: Mapping[str, Sequence[RawFrame]]
    """By AB, by time."""
    products: Mapping[str, Product]
    """Masters by product_id."""
    statics: Mapping[str, StaticCalibration]
    """Static calibrations by static_id."""
    tags: Mapping[str, str]
    """What ESO's recipes call a frame, by frame_id, where that is not its raw type."""


def read_materials(
    tx: Transaction, blocks: Sequence[AssociationBlock], instruments: Mapping[str, Instrument]
) -> Materials:
    """Frames, masters and static calibrations of ABs."""
    masters = {
        match.product_id
        for block in blocks
        for match in block.masters
        if match.state is MatchState.REAL
    }
    frames = tx.frames.of_blocks([block.name for block in blocks])
    products = tx.products.by_id(masters) if masters else {}
    others = masters - set(products)
    tags: dict[str, str] = {}
    for block in blocks:
        tags |= read_tags(tx, frames.get(block.name, ()), instruments[block.instrument])
    return Materials(frames, products, tx.statics.by_id(others) if others else {}, tags)


def read_tags(
    tx: Transaction, frames: Sequence[RawFrame], instrument: Instrument
) -> dict[str, str]:
    """What ESO's recipes call frames, by frame_id, where it may be another name than the type."""
    types = {one.frame_id: one.raw_type for one in frames if one.raw_type in instrument.tagged}
    if not types:
        return {}
    return {
        frame_id: instrument.tag_of(types[frame_id], _merged(headers))
        for frame_id, headers in tx.frames.headers_of(types)
    }


def frame_payload(frame: RawFrame, instrument: Instrument) -> dict[str, Any]:
    """What a runner is told of a raw frame; keywords that were repaired in FITS form."""
    repairs = {
        keyword(name): value
        for repair in instrument.header.repairs
        if repair.name in frame.repairs
        for name, value in repair.set.items()
    }
    return {
        "frame_id": frame.frame_id,
        "name": frame.name,
        "url": frame.location,
        "size": frame.size,
        "raw_type": frame.raw_type,
        "repairs": repairs,
    }


def _merged(headers: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Keywords of all HDUs, as classification sees them: the first HDU with one counts."""
    return ChainMap(*(dict(header) for header in headers))
