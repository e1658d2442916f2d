"""What a product owes to: raw frames, masters down to their raw frames, recipes, people.

All of it stands in the store since the product was made; nothing is guessed from the present
rules. What was made before the store kept something (context and software of a job) is empty.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vltflow.records import (
    AssociationBlock,
    Job,
    Product,
    QcValue,
    RawFrame,
    Score,
    StaticCalibration,
    Verdict,
)
from vltflow.store import Store, Transaction


@dataclass(frozen=True, slots=True)
class Used:
    """A calibration that a product was made with."""

    category: str
    name: str
    source: str
    """product_id of a master, static_id of a static calibration."""
    kind: str
    """``master`` or ``static``."""
    level: int | None = None
    """Quality level of the match, if the AB still has it."""
    distance_days: float | None = None
    """Signed: calibration minus AB."""


@dataclass(frozen=True, slots=True)
class Origin:
    """One product and its immediate origin."""

    product: Product
    block: AssociationBlock
    job: Job
    parameters: Mapping[str, Any]
    """All of them, defaults included, as the recipe got them."""
    versions: Mapping[str, str]
    """Of all software that had a part in it; empty: not recorded in its days."""
    definition_kept: bool
    """Whether the instrument definition of its context is in the store."""
    raws: tuple[str, ...]
    """frame_id, in the order of the recipe."""
    calibrations: tuple[Used, ...]
    qc: tuple[QcValue, ...]
    scores: tuple[Score, ...]
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class Provenance:
    """The whole origin of some products: each product, frame and static calibration once."""

    roots: tuple[str, ...]
    """product_id of what was asked for."""
    origins: Mapping[str, Origin] = field(default_factory=dict)
    """By product_id."""
    frames: Mapping[str, RawFrame] = field(default_factory=dict)
    """By frame_id."""
    statics: Mapping[str, StaticCalibration] = field(default_factory=dict)
    """By static_id."""

    @property
    def in_order(self) -> list[Origin]:
        """Origins such that each comes after the masters that it was made with."""
        done: dict[str, Origin] = {}
        for root in self.roots:
            self._visit(root, done)
        return list(done.values())

    def _visit(self, product_id: str, done: dict[str, Origin]) -> None:
        if product_id in done or product_id not in self.origins:
            return
        origin = self.origins[product_id]
        for used in origin.calibrations:
            self._visit(used.source, done)
        done[product_id] = origin


def provenance(store: Store, product_ids: Sequence[str], *, whole_jobs: bool = False) -> Provenance:
    """Origin of products, recursively down to raw frames and static calibrations.

    Parameters
    ----------
    product_ids
        What is asked for.
    whole_jobs
        Take in all products of each job: a job can only be run as a whole.

    Raises
    ------
    NotFound
        If one of them is not registered.
    """
    with store.read() as tx:
        for product_id in product_ids:
            tx.products.get(product_id)
        origins: dict[str, Origin] = {}
        frames: dict[str, RawFrame] = {}
        statics: dict[str, StaticCalibration] = {}
        wanted = set(product_ids)
        while wanted:
            products = tx.products.by_id(wanted)
            if whole_jobs:
                for job_id in {one.job_id for one in products.values()}:
                    products |= {one.product_id: one for one in tx.products.of_job(job_id)}
            sources = {source for one in products.values() for source in one.inputs}
            frames |= tx.frames.by_id(sources - set(frames))
            statics |= tx.statics.by_id(sources - set(frames) - set(statics))
            masters = tx.products.by_id(sources - set(frames) - set(statics))
            known: dict[str, Product | StaticCalibration] = {**statics, **masters}
            blocks = tx.blocks.by_name({one.block for one in products.values()})
            for one in products.values():
                origins[one.product_id] = _origin(tx, one, blocks[one.block], frames, known)
            wanted = set(masters) - set(origins)
    return Provenance(tuple(product_ids), origins, frames, statics)


def _origin(
    tx: Transaction,
    product: Product,
    block: AssociationBlock,
    frames: Mapping[str, RawFrame],
    known: Mapping[str, Product | StaticCalibration],
) -> Origin:
    job = tx.jobs.get(product.job_id)
    values = tx.quality.values(block=block.name)
    verdicts = tx.quality.verdicts([block.name]).get(block.name, [])
    return Origin(
        product=product,
        block=block,
        job=job,
        parameters=json.loads(job.parameters or "{}"),
        versions=tx.origins.versions([job.software]).get(job.software, {}),
        definition_kept=tx.origins.has_definition(job.context),
        raws=tuple(source for source in product.inputs if source in frames),
        calibrations=tuple(_used(product.inputs, block, known)),
        qc=tuple(one for one in values if one.product_id == product.product_id),
        scores=tuple(
            one
            for one in tx.quality.scores_of(block.name, product.revision)
            if one.category == product.category
        ),
        verdicts=tuple(one for one in verdicts if one.revision == product.revision),
    )


def _used(
    inputs: Iterable[str],
    block: AssociationBlock,
    known: Mapping[str, Product | StaticCalibration],
) -> Iterable[Used]:
    matches = {match.product_id: match for match in block.masters}
    for source in inputs:
        if source not in known:
            continue
        found, match = known[source], matches.get(source)
        yield Used(
            category=found.category,
            name=found.name,
            source=source,
            kind="master" if isinstance(found, Product) else "static",
            level=match.level if match else None,
            distance_days=match.distance_days if match else None,
        )
