"""Everything about one AB that scoring and its report need, gathered in one look."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from vltflow.instruments import Instrument
from vltflow.instruments.quality import ScoreEntry
from vltflow.qc.measure import base_name
from vltflow.qc.rules import Subject, applicable, score
from vltflow.records import (
    AssociationBlock,
    Job,
    Product,
    QcParameter,
    QcValue,
    RawFrame,
    Score,
    StaticCalibration,
    Verdict,
)
from vltflow.store import Transaction

SHOWN_HISTORY = 20
"""Values shown before one that no threshold looks back from."""


@dataclass(frozen=True, slots=True)
class Dossier:
    """An AB with what it was made from and what it made."""

    block: AssociationBlock
    frames: tuple[RawFrame, ...]
    products: tuple[Product, ...]
    """Of the present revision."""
    masters: Mapping[str, Product | StaticCalibration]
    """Calibrations that were used, by product id or static id."""
    job: Job | None
    """The job that made the products."""
    verdict: Verdict | None
    """Decision in force about the present revision."""


@dataclass(frozen=True, slots=True)
class Quality:
    """What was measured on an AB, and how it was judged."""

    values: tuple[QcValue, ...]
    scores: tuple[Score, ...]
    history: dict[tuple[str, str], list[tuple[float, float]]] = field(default_factory=dict)
    """MJD and certified value before, by category and parameter."""
    catalogue: dict[str, QcParameter] = field(default_factory=dict)
    unscored: dict[str, str] = field(default_factory=dict)
    """Why a parameter has no threshold."""


def gather(tx: Transaction, name: str) -> Dossier:
    """The dossier of an AB.

    Raises
    ------
    NotFound
        If there is no such AB.
    """
    return gather_all(tx, [tx.blocks.get(name)])[0]


def gather_all(tx: Transaction, blocks: Sequence[AssociationBlock]) -> list[Dossier]:
    """The dossiers of ABs, in their order."""
    names = [block.name for block in blocks]
    frames, products = tx.frames.of_blocks(names), tx.products.of_blocks(names)
    jobs, verdicts = tx.jobs.of_blocks(names), tx.quality.verdicts(names)
    used = {one for block in blocks for one in _used(block)}
    known: dict[str, Product | StaticCalibration] = {
        **tx.products.by_id(used), **tx.statics.by_id(used)
    }  # fmt: skip
    return [
        _dossier(
            block,
            frames=frames.get(block.name, ()),
            products=products.get(block.name, ()),
            jobs=jobs.get(block.name, ()),
            verdicts=verdicts.get(block.name, ()),
            known=known,
        )
        for block in blocks
    ]


def _used(block: AssociationBlock) -> list[str]:
    return [match.product_id for match in block.masters if match.product_id]


def _dossier(
    block: AssociationBlock,
    *,
    frames: Sequence[RawFrame],
    products: Sequence[Product],
    jobs: Sequence[Job],
    verdicts: Sequence[Verdict],
    known: Mapping[str, Product | StaticCalibration],
) -> Dossier:
    current = tuple(one for one in products if one.revision == block.revision)
    makers = {product.job_id for product in current}
    decided = [one for one in verdicts if one.revision == block.revision]
    return Dossier(
        block=block,
        frames=tuple(frames),
        products=current,
        masters={one: known[one] for one in _used(block) if one in known},
        job=next((job for job in jobs if job.job_id in makers), None),
        verdict=decided[-1] if decided else None,
    )


def judge(
    tx: Transaction,
    instrument: Instrument,
    dossier: Dossier,
    measured: Sequence[QcValue],
    undefined: dict[tuple[str, str], str],
    *,
    shown: bool = True,
) -> Quality:
    """Scores of an AB, each with the history that it was compared to.

    Parameters
    ----------
    measured
        QC1 values of all its products.
    undefined
        What stood instead of a number, by category and parameter.
    shown
        Whether what the page needs beyond the scores is gathered: history, the catalogue.
    """
    block = dossier.block
    runner = dossier.job.runner if dossier.job else ""
    values = {(value.category, value.parameter): value for value in measured}
    history = (
        {key: tx.quality.trend(value, SHOWN_HISTORY) for key, value in values.items()}
        if shown
        else {}
    )
    scores = []
    for category in _categories(instrument, dossier):
        thresholds = applicable(instrument, block, category, runner)
        for parameter, entries in _measured_names(category, thresholds, [*values, *undefined]):
            key = (category, parameter)
            probe = values.get(key) or _probe(dossier, category, parameter)
            window = max(entry.window for entry in entries)
            if shown or any(entry.method != "FIXED" for entry in entries):
                history[key] = tx.quality.trend(probe, window)
            subject = _subject(dossier, key, values.get(key), undefined.get(key, ""))
            scores.append(score(subject, entries, [number for _, number in history.get(key, [])]))
    return Quality(
        values=tuple(measured),
        scores=tuple(scores),
        history=history,
        catalogue=_catalogue(tx, instrument) if shown else {},
        unscored=dict(instrument.qc.unscored),
    )


def recorded(tx: Transaction, instrument: Instrument, dossier: Dossier) -> Quality:
    """What was measured on an AB and how it was judged then, each with its history as it is now."""
    block = dossier.block
    measured = [
        value for value in tx.quality.values(block=block.name) if value.revision == block.revision
    ]
    return Quality(
        values=tuple(measured),
        scores=tuple(tx.quality.scores([block.name]).get(block.name, [])),
        history={
            (value.category, value.parameter): tx.quality.trend(value, SHOWN_HISTORY)
            for value in measured
        },
        catalogue=_catalogue(tx, instrument),
        unscored=dict(instrument.qc.unscored),
    )


def _catalogue(tx: Transaction, instrument: Instrument) -> dict[str, QcParameter]:
    return {one.name: one for one in tx.quality.parameters(instrument.name)}


def _measured_names(
    category: str,
    thresholds: Mapping[str, Sequence[ScoreEntry]],
    keys: Iterable[tuple[str, str]],
) -> Iterator[tuple[str, Sequence[ScoreEntry]]]:
    """Each threshold with the parameters it scores: one for each extension that has it."""
    names: dict[str, list[str]] = {}
    for owner, parameter in keys:
        if owner == category:
            names.setdefault(base_name(parameter), []).append(parameter)
    for parameter, entries in thresholds.items():
        for name in names.get(parameter, [parameter]):
            yield name, entries


def _categories(instrument: Instrument, dossier: Dossier) -> list[str]:
    declared = list(instrument.expected_of(dossier.block.raw_type))
    made = [product.category for product in dossier.products]
    return list(dict.fromkeys([*declared, *made]))


def _subject(
    dossier: Dossier, key: tuple[str, str], value: QcValue | None, undefined: str
) -> Subject:
    category, parameter = key
    missing = ""
    if value is None and not undefined:
        made = category in {product.category for product in dossier.products}
        missing = f"{category} has no {parameter}" if made else f"{category} was not made"
    return Subject(
        block=dossier.block.name,
        revision=dossier.block.revision,
        category=category,
        parameter=parameter,
        value=None if value is None else value.value,
        missing=missing,
        undefined=undefined,
    )


def _probe(dossier: Dossier, category: str, parameter: str) -> QcValue:
    """Stands for a value that is missing, to find the history of its kind."""
    block = dossier.block
    return QcValue(
        block=block.name,
        revision=block.revision,
        product_id="",
        instrument=block.instrument,
        night=block.night,
        raw_type=block.raw_type,
        setup=block.setup,
        category=category,
        parameter=parameter,
        value=math.nan,
        unit="",
        mjd=block.mjd_mid,
    )
