"""From the outcome of a job to products: files into the vault, records in one transaction."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count, islice
from pathlib import Path
from typing import Any

from vltflow.core.errors import RecipeCrashed, RecipeTimeout, VaultError
from vltflow.core.identity import content_hash
from vltflow.core.time import now_iso
from vltflow.instruments import Instrument
from vltflow.instruments.naming import product_name
from vltflow.process.executors import Ending, Outcome
from vltflow.process.executors.interface import LOG_FILE
from vltflow.process.result import JobResult, MadeFile, is_verified, read_result
from vltflow.process.rules import is_tried_again, stops_admission
from vltflow.records import AssociationBlock, BlockState, Job, JobState, Product, ProductState
from vltflow.store import Transaction, Vault

_NAMES_AT_ONCE = 26


@dataclass(frozen=True, slots=True)
class Kept:
    """An ended job whose files are in the vault: all that the registry is to be told."""

    job: Job
    """In its final state."""
    products: tuple[MadeFile, ...] = ()
    figures: Mapping[str, str] | None = None
    """Vault id of the figures by PRO CATG."""


def keep(job: Job, outcome: Outcome, vault: Vault) -> Kept:
    """Check the files of an ended job and put them into the vault.

    Raises
    ------
    VaultError
        If the disk refuses, now or to the job itself: the job has to run again.
    """
    result = _result_of(job, outcome)
    if stops_admission(result.error_code):
        raise VaultError(result.error)
    figures: dict[str, str] = {}
    try:
        for made in result.products:
            vault.put_file(outcome.folder / made.file, file_id=made.sha256)
            if made.figures:
                figures_file = outcome.folder / made.figures
                figures[made.category] = vault.put_file(figures_file, file_id=made.figures_sha256)
    except VaultError:
        if is_verified(outcome.folder, result):
            raise
        error = "its files are not the ones that its result states"
        result = JobResult(job.job_id, "FAILED", error_code=RecipeCrashed.code, error=error)
        figures = {}
    ended = replace(
        job,
        state=JobState(result.state),
        ended=now_iso(),
        elapsed_s=outcome.elapsed_s if outcome.elapsed_s is not None else result.elapsed_s,
        cpu_s=outcome.cpu_s if outcome.cpu_s is not None else result.cpu_s,
        peak_mb=outcome.peak_mb if outcome.peak_mb is not None else result.peak_mb,
        error_code=result.error_code,
        error=result.error,
        log_file=_keep_log(outcome.folder / LOG_FILE, outcome, result, vault),
    )
    return Kept(ended, result.products, figures)


def record(
    tx: Transaction, kept: Kept, *, block: AssociationBlock, instrument: Instrument
) -> BlockState:
    """Register what a job made and move its AB on, in the caller's transaction.

    If the AB was aborted or re-opened meanwhile, the job ends as ABORTED without products.

    Returns
    -------
    BlockState
        State of the AB now: PLANNED if it shall be tried again.
    """
    state, revision = tx.blocks.states([block.name])[block.name]
    if state is not BlockState.RUNNING or revision != kept.job.revision:
        why = "the AB was aborted" if state is BlockState.ABORTED else "the AB was re-opened"
        job = replace(kept.job, state=JobState.ABORTED, error=why, error_code="")
        tx.jobs.update(job, expected={JobState.RUNNING})
        return state
    tx.jobs.update(kept.job, expected={JobState.RUNNING})
    if kept.job.state is JobState.ABORTED:
        tx.blocks.set_state(block.name, BlockState.ABORTED, expected={BlockState.RUNNING})
        return BlockState.ABORTED
    if kept.job.state is JobState.FAILED and is_tried_again(
        kept.job.error_code, _tries(tx, kept.job)
    ):
        tx.blocks.move([block.name], BlockState.PLANNED)
        return BlockState.PLANNED
    if kept.products:
        _supersede(tx, block.name)
        tx.products.add(_products(tx, kept, block, instrument))
    after = BlockState(kept.job.state)
    problem = "; ".join(text for text in (kept.job.error, block.problem) if text)
    tx.blocks.set_state(block.name, after, problem=problem, expected={BlockState.RUNNING})
    return after


def letters() -> Iterator[str]:
    """A, B ... Z, AA, AB ..."""
    for number in count():
        text, rest = "", number
        while rest >= 0:
            text = chr(ord("A") + rest % 26) + text
            rest = rest // 26 - 1
        yield text


def _result_of(job: Job, outcome: Outcome) -> JobResult:
    def failed(code: str, error: str, state: str = "FAILED") -> JobResult:
        return JobResult(job.job_id, state, error_code=code, error=error)

    match outcome.ending:
        case Ending.CRASHED:
            return failed(RecipeCrashed.code, f"{job.recipe}: {outcome.error}")
        case Ending.TIMEOUT:
            limit = f"{job.recipe} was stopped: it ran longer than its wall_s = {job.wall_s}"
            return failed(RecipeTimeout.code, f"{limit}. Raise it in recipes.yaml if that is fair")
        case Ending.CANCELLED:
            return failed("", "cancelled", "ABORTED")
        case Ending.RESULT:
            lost = failed(RecipeCrashed.code, f"{job.recipe} left no readable result")
            return read_result(outcome.folder, job.job_id) or lost


def _keep_log(path: Path, outcome: Outcome, result: JobResult, vault: Vault) -> str:
    """Vault id of the log; what the job could not say itself stands in its last line."""
    try:
        content = path.read_bytes()
    except OSError:
        content = b""
    if outcome.ending is not Ending.RESULT:
        content += f"{now_iso()} {outcome.ending}: {result.error}\n".encode()
    return vault.put_bytes(content)


def _tries(tx: Transaction, job: Job) -> int:
    """How often this work has failed, the present job included."""
    jobs = tx.jobs.of_block(job.block)
    same = [one for one in jobs if one.input_hash == job.input_hash]
    return sum(one.state is JobState.FAILED for one in same)


def _supersede(tx: Transaction, block: str) -> None:
    for product in tx.products.of_block(block):
        if product.state is ProductState.CREATED:
            tx.products.set_state(product.product_id, ProductState.SUPERSEDED)


def _products(
    tx: Transaction, kept: Kept, block: AssociationBlock, instrument: Instrument
) -> list[Product]:
    names = _names(tx, kept, block, instrument)
    figures = kept.figures or {}
    return [
        Product(
            # The same job never registers a product twice, whatever is killed when.
            product_id=content_hash([kept.job.job_id, made.category])[:32],
            block=block.name,
            revision=kept.job.revision,
            job_id=kept.job.job_id,
            instrument=block.instrument,
            night=block.night,
            category=made.category,
            setup=block.setup,
            setup_keys=block.setup_keys,
            mjd=block.mjd_mid,
            file_id=made.sha256,
            size=made.size,
            name=names[made.category],
            created=kept.job.ended,
            figures_file=figures.get(made.category, ""),
            inputs=made.inputs,
        )
        for made in kept.products
    ]


def _names(
    tx: Transaction, kept: Kept, block: AssociationBlock, instrument: Instrument
) -> dict[str, str]:
    """File name by PRO CATG; all products of an AB have the same letter.

    The letter is the rank of the AB in time among those of its night, raw type and setup, so
    it does not depend on which job ended first; if it is taken, the next free one.
    """
    siblings = tx.blocks.siblings(block)
    sequence = islice(letters(), siblings.index(block.name), None)
    while True:
        tried = [
            _named(kept, block, instrument, letter) for letter in islice(sequence, _NAMES_AT_ONCE)
        ]
        taken = tx.products.taken({name for names in tried for name in names.values()})
        for names in tried:
            if taken.isdisjoint(names.values()):
                return names


def _named(
    kept: Kept, block: AssociationBlock, instrument: Instrument, letter: str
) -> dict[str, str]:
    types = instrument.products_of(block.raw_type)
    detector = instrument.raw_types[block.raw_type].detector
    keys: dict[str, Any] = json.loads(block.setup_keys) if block.setup_keys else {}
    names = {}
    for made in kept.products:
        pattern = types[made.category].name
        if "{letter}" not in pattern:
            stem, dot, suffix = pattern.rpartition(".")
            pattern = f"{stem}_{{letter}}{dot}{suffix}" if dot else f"{pattern}_{{letter}}"
        chips = instrument.header.detectors[detector]
        own = [
            c.name
            for c in chips
            if types[made.category].category.format(chip=c.name) == made.category
        ]
        names[made.category] = product_name(
            pattern,
            prefix=instrument.header.prefix,
            date=block.night[2:].replace("-", ""),
            letter=letter,
            chip=own[0] if len(own) == 1 else "",
            keys=keys,
        )
    return names
