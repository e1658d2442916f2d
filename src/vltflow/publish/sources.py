"""What the registry knows of the AB that a science product is made from."""

from __future__ import annotations

import json
from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vltflow.core.errors import UnprocessableData
from vltflow.fits import keyword
from vltflow.instruments import Instrument
from vltflow.instruments.idp import SpectrumType
from vltflow.publish.resolution import Resolution
from vltflow.records import AssociationBlock, Job, MatchState, Product, RawFrame, Score
from vltflow.store import Transaction


@dataclass(frozen=True, slots=True)
class Sources:
    """An AB with its certified products and all that goes into their keywords."""

    block: AssociationBlock
    entry: SpectrumType
    products: Mapping[str, Mapping[str, Product]]
    """By chip and role; chips in the order of the instrument definition."""
    frames: tuple[RawFrame, ...]
    """Exposures, by time; of a stack those of its members."""
    headers: tuple[Mapping[str, Any], ...]
    """Keywords of each exposure, of all HDUs together."""
    resolutions: tuple[Resolution, ...]
    """Of the wavelength solutions that were used, by exposure."""
    scores: tuple[Score, ...]
    runner: str
    ended: str
    """When the products were made: UT, ISO 8601."""

    @property
    def main(self) -> tuple[Product, ...]:
        """Reduced spectra of all chips."""
        return tuple(roles[self.entry.role] for roles in self.products.values())


def entry_of(instrument: Instrument, raw_type: str) -> SpectrumType | None:
    """What becomes of a raw type's products; None: nothing."""
    return next((one for one in instrument.idp.spectra if raw_type in one.raw_types), None)


def main_categories(instrument: Instrument) -> set[str]:
    """PRO CATG of all products that hold spectra for astronomers."""
    return {
        category
        for entry in instrument.idp.spectra
        for raw_type in entry.raw_types
        for category, product in instrument.products_of(raw_type).items()
        if product.role == entry.role
    }


def gather(tx: Transaction, instrument: Instrument, name: str) -> Sources:
    """Everything about an AB that its science product is made from.

    Raises
    ------
    UnprocessableData
        If it gives no science product, or lacks the spectrum of a chip.
    """
    found = gather_all(tx, instrument, [tx.blocks.get(name)])[0]
    if isinstance(found, UnprocessableData):
        raise found
    return found


def gather_all(
    tx: Transaction, instrument: Instrument, blocks: Sequence[AssociationBlock]
) -> list[Sources | UnprocessableData]:
    """As `gather` for several ABs, in their order; with the error of those that give nothing."""
    looked = _look(tx, instrument, blocks)
    return [_sources(looked, instrument, block) for block in blocks]


@dataclass(frozen=True, slots=True)
class _Looked:
    """What the registry knows of ABs and the members of stacks among them, by name."""

    singles: Mapping[str, AssociationBlock]
    products: Mapping[str, Sequence[Product]]
    frames: Mapping[str, Sequence[RawFrame]]
    headers: Mapping[str, Mapping[str, Any]]
    """Keywords of frames, by frame_id."""
    resolutions: Mapping[str, Mapping[str, float]]
    """Of wavelength solutions, by AB that made them and product_id."""
    makers: Mapping[str, AssociationBlock]
    """ABs of these."""
    jobs: Mapping[str, Job]
    scores: Mapping[str, Sequence[Score]]


def _look(tx: Transaction, instrument: Instrument, blocks: Sequence[AssociationBlock]) -> _Looked:
    names = [block.name for block in blocks]
    singles = {block.name: block for block in blocks}
    singles |= tx.blocks.by_name({one for block in blocks for one in _members(block)})
    frames = tx.frames.of_blocks(singles)
    headers = tx.frames.headers_of(one.frame_id for several in frames.values() for one in several)
    solution = instrument.idp.solution
    makers = {maker for one in singles.values() for maker in _solutions(instrument, one).values()}
    return _Looked(
        singles=singles,
        products=tx.products.of_blocks(names),
        frames=frames,
        headers={frame_id: ChainMap(*map(dict, several)) for frame_id, several in headers},
        resolutions={
            maker: {
                one.product_id: one.value
                for one in tx.quality.values(block=maker, parameter=solution.resolution)
            }
            for maker in makers
            if solution
        },
        makers=tx.blocks.by_name(makers),
        jobs=tx.jobs.latest(names),
        scores=tx.quality.scores(names),
    )


def _sources(
    looked: _Looked, instrument: Instrument, block: AssociationBlock
) -> Sources | UnprocessableData:
    entry = entry_of(instrument, block.raw_type)
    if entry is None:
        return UnprocessableData(f"AB {block.name}: idp.yaml makes nothing of {block.raw_type}")
    products = _by_chip(looked, instrument, block)
    missing = [chip for chip, roles in products.items() if entry.role not in roles]
    if missing or not products:
        return UnprocessableData(f"AB {block.name} has no {entry.role} of {', '.join(missing)}")
    singles = [looked.singles[name] for name in _members(block) or {block.name}]
    singles.sort(key=lambda one: (one.mjd_start, one.name))
    frames = tuple(frame for one in singles for frame in looked.frames.get(one.name, ()))
    job = looked.jobs[block.name]
    return Sources(
        block=block,
        entry=entry,
        products=products,
        frames=frames,
        headers=tuple(looked.headers[frame.frame_id] for frame in frames),
        resolutions=tuple(_resolutions(looked, instrument, singles)),
        scores=tuple(looked.scores.get(block.name, ())),
        runner=job.runner,
        ended=job.ended,
    )


def _by_chip(
    looked: _Looked, instrument: Instrument, block: AssociationBlock
) -> dict[str, dict[str, Product]]:
    made = {
        one.category: one
        for one in looked.products.get(block.name, ())
        if one.revision == block.revision
    }
    types = instrument.products_of(block.raw_type)
    chips = instrument.header.detectors[instrument.raw_types[block.raw_type].detector]
    return {
        chip.name: {
            kind.role: made[category]
            for category, kind in types.items()
            if category in made and kind.category.replace("{chip}", chip.name) == category
        }
        for chip in chips
    }


def _members(block: AssociationBlock) -> set[str]:
    """ABs of the exposures that a stack took."""
    return {
        match.source_block
        for match in block.masters
        if match.member and match.state is MatchState.REAL
    }


def _solutions(instrument: Instrument, block: AssociationBlock) -> dict[str, str]:
    """Wavelength solutions that an AB was made with, each with the AB that made it."""
    solution = instrument.idp.solution
    return {
        match.product_id: match.source_block
        for match in block.masters
        if solution and match.category.startswith(solution.category) and match.product_id
    }


def _resolutions(
    looked: _Looked, instrument: Instrument, singles: Sequence[AssociationBlock]
) -> Iterator[Resolution]:
    keys = instrument.idp.keywords
    names = keys.aperture if keys else ()
    used = {
        (product, maker, _slit(looked.headers[frame.frame_id], map(keyword, names)))
        for one in singles
        for product, maker in _solutions(instrument, one).items()
        for frame in looked.frames.get(one.name, ())[:1]
    }
    for product, maker, slit in sorted(used):
        value = looked.resolutions[maker].get(product)
        if value is not None and value > 0:
            lamp = _slit(json.loads(looked.makers[maker].setup_keys or "{}"), names)
            yield Resolution(value, lamp, slit)


def _slit(values: Mapping[str, Any], names: Iterable[str]) -> float:
    """The first of the keywords that is a width; 0, if none is."""
    told = (values.get(name) for name in names)
    return next((float(one) for one in told if isinstance(one, int | float) and one > 0), 0.0)
