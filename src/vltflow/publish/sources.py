"""What the registry knows of the AB that a science product is made from."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vltflow.core.errors import UnprocessableData
from vltflow.instruments import Instrument
from vltflow.instruments.idp import SpectrumType
from vltflow.records import AssociationBlock, MatchState, Product, RawFrame, Score
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
    resolutions: tuple[float, ...]
    """Of the wavelength solutions that were used."""
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
    block = tx.blocks.get(name)
    entry = entry_of(instrument, block.raw_type)
    if entry is None:
        raise UnprocessableData(f"AB {name}: idp.yaml makes nothing of {block.raw_type}")
    products = _by_chip(tx, instrument, block)
    missing = [chip for chip, roles in products.items() if entry.role not in roles]
    if missing or not products:
        raise UnprocessableData(f"AB {name} has no {entry.role} of {', '.join(missing)}")
    singles = _singles(tx, block)
    frames = tuple(frame for one in singles for frame in tx.frames.of_block(one.name))
    headers = dict(tx.frames.headers_of(frame.frame_id for frame in frames))
    job = tx.jobs.of_block(name)[-1]
    return Sources(
        block=block,
        entry=entry,
        products=products,
        frames=frames,
        headers=tuple(ChainMap(*map(dict, headers[frame.frame_id])) for frame in frames),
        resolutions=tuple(_resolutions(tx, instrument, singles)),
        scores=tuple(tx.quality.scores([name]).get(name, [])),
        runner=job.runner,
        ended=job.ended,
    )


def _by_chip(
    tx: Transaction, instrument: Instrument, block: AssociationBlock
) -> dict[str, dict[str, Product]]:
    made = {one.category: one for one in tx.products.of_block(block.name, block.revision)}
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


def _singles(tx: Transaction, block: AssociationBlock) -> list[AssociationBlock]:
    """The AB itself, or the ABs of the exposures that a stack took."""
    taken = {
        match.source_block
        for match in block.masters
        if match.member and match.state is MatchState.REAL
    }
    if not taken:
        return [block]
    return sorted(tx.blocks.by_name(taken).values(), key=lambda one: (one.mjd_start, one.name))


def _resolutions(
    tx: Transaction, instrument: Instrument, singles: Sequence[AssociationBlock]
) -> list[float]:
    solution = instrument.idp.solution
    used = {
        match.product_id: match.source_block
        for one in singles
        for match in one.masters
        if solution and match.category.startswith(solution.category) and match.product_id
    }
    values = [
        value
        for source in set(used.values())
        for value in tx.quality.values(
            block=source, parameter=solution.resolution if solution else None
        )
    ]
    return [one.value for one in values if one.product_id in used and one.value > 0]
