"""From the outcome of a job to products: files into the vault, records in one transaction."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count, islice
from pathlib import Path

from vltflow.core.errors import RecipeCrashed, RecipeTimeout, VaultError
from vltflow.core.identity import content_hash
from vltflow.core.time import now_iso
from vltflow.instruments import Instrument
from vltflow.instruments.naming import product_name
from vltflow.process.executors import Ending, Outcome
from vltflow.process.executors.interface import LOG_FILE
from vltflow.process.result import JobResult, MadeFile, file_sha256, read_result
from vltflow.process.rules import is_tried_again, stops_admission
from vltflow.records import AssociationBlock, BlockState, Job, JobState, Product, ProductState
from vltflow.store import Transaction, Vault, software_id

_NAMES_AT_ONCE = 26


@dataclass(frozen=True, slots=True)
class Kept:
    """An ended job whose files are in the vault: all that the registry is to be told."""

    job: Job
    """In its final state."""
    products: tuple[MadeFile, ...] = ()
    software: Mapping[str, str] = field(default_factory=dict)
    """Versions of all that had a part in it, by name."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A kept job with the AB and the instrument that it belongs to."""

    kept: Kept
    block: AssociationBlock
    instrument: Instrument

    @property
    def revision(self) -> int:
        """Revision of the AB that the job worked on."""
        return self.kept.job.revision

    @property
    def is_smooth(self) -> bool:
        """Whether there is nothing to say but that it succeeded."""
        return self.kept.job.state is JobState.SUCCEEDED

    def overtaken(self, now: Mapping[str, tuple[BlockState, int]]) -> Ended:
        """The same without products: a person or late frames were faster."""
        aborted = now[self.block.name][0] is BlockState.ABORTED
        error = "the AB was aborted" if aborted else "the AB was re-opened"
        job = replace(self.kept.job, state=JobState.ABORTED, error=error, error_code="")
        return replace(self, kept=Kept(job))


def keep(job: Job, outcome: Outcome, vault: Vault) -> Kept:
    """Check the files of an ended job and put them into the vault.

    Raises
    ------
    VaultError
        If the disk refuses, now or to the job itself: the job has to run again.
    """
    result = result_of(job, outcome)
    if stops_admission(result.error_code):
        raise VaultError(result.error)
    for name, sha256 in _promised(result):
        if not _is_kept(vault, outcome.folder / name, sha256):
            error = f"{job.recipe}: {name} is not the file that its result states"
            result = JobResult(job.job_id, "FAILED", error_code=RecipeCrashed.code, error=error)
            break
    ended = replace(
        job,
        state=JobState(result.state),
        ended=now_iso(),
        elapsed_s=result.elapsed_s or outcome.elapsed_s,
        cpu_s=outcome.cpu_s if outcome.cpu_s is not None else result.cpu_s,
        peak_mb=outcome.peak_mb if outcome.peak_mb is not None else result.peak_mb,
        error_code=result.error_code,
        error=result.error,
        log_file=_keep_log(outcome.folder / LOG_FILE, outcome, result, vault),
        software=software_id(result.software),
    )
    return Kept(ended, result.products, result.software)


def is_whole(folder: Path, result: JobResult, vault: Vault) -> bool:
    """Whether all files of a result are there, or in the vault already, as it states."""
    return all(
        file_sha256(folder / name) == sha256 if (folder / name).is_file() else vault.exists(sha256)
        for name, sha256 in _promised(result)
    )


def record(tx: Transaction, ended: Sequence[Ended]) -> dict[str, BlockState]:
    """Register what jobs made and move their ABs on, in the caller's transaction.

    If an AB was aborted or re-opened meanwhile, its job ends as ABORTED without products.

    Returns
    -------
    dict
        State of each AB now: PLANNED if it shall be tried again.
    """
    now = tx.blocks.states([one.block.name for one in ended])
    mine = {
        one.block.name for one in ended if now[one.block.name] == (BlockState.RUNNING, one.revision)
    }
    finals = [one if one.block.name in mine else one.overtaken(now) for one in ended]
    tx.origins.add_versions(one.kept.software for one in finals if one.kept.software)
    tx.jobs.update_many([one.kept.job for one in finals], expected={JobState.RUNNING})
    smooth = [one for one in finals if one.block.name in mine and one.is_smooth]
    tx.blocks.move([one.block.name for one in smooth], BlockState.SUCCEEDED)
    for one in finals:
        if one.block.name in mine and not one.is_smooth:
            _move(tx, one)
    productive = [one for one in finals if one.block.name in mine and one.kept.products]
    _supersede(tx, [one.block.name for one in productive])
    tx.products.add(_products(tx, productive))
    after = tx.blocks.states([one.block.name for one in ended])
    return {name: state for name, (state, _) in after.items()}


def _move(tx: Transaction, ended: Ended) -> None:
    """Move an AB on whose job did not end as it should."""
    job, name = ended.kept.job, ended.block.name
    if job.state is JobState.FAILED and is_tried_again(job.error_code, _tries(tx, job)):
        tx.blocks.move([name], BlockState.PLANNED)
        return
    problem = "; ".join(text for text in (job.error, ended.block.problem) if text)
    tx.blocks.set_state(name, BlockState(job.state), problem=problem, expected={BlockState.RUNNING})


def letters() -> Iterator[str]:
    """A, B ... Z, AA, AB ..."""
    for number in count():
        text, rest = "", number
        while rest >= 0:
            text = chr(ord("A") + rest % 26) + text
            rest = rest // 26 - 1
        yield text


def result_of(job: Job, outcome: Outcome) -> JobResult:
    """What an ended job says, or what has to be said for it."""

    def failed(code: str, error: str, state: str = "FAILED") -> JobResult:
        return JobResult(job.job_id, state, error_code=code, error=error)

    match outcome.ending:
        case Ending.CRASHED:
            return failed(RecipeCrashed.code, f"{job.recipe}: {outcome.error}")
        case Ending.REFUSED:
            hint = "Free some space or make it writable, and start again"
            return failed(VaultError.code, f"{outcome.folder}: {outcome.error}. {hint}")
        case Ending.TIMEOUT:
            limit = f"{job.recipe} was stopped: it ran longer than its wall_s = {job.wall_s}"
            return failed(RecipeTimeout.code, f"{limit}. Raise it in recipes.yaml if that is fair")
        case Ending.CANCELLED:
            return failed("", "cancelled", "ABORTED")
        case Ending.RESULT:
            lost = failed(RecipeCrashed.code, f"{job.recipe} left no readable result")
            return read_result(outcome.folder, job.job_id) or lost


def _promised(result: JobResult) -> list[tuple[str, str]]:
    """Name and SHA-256 of all files of a result."""
    files = [(made.file, made.sha256) for made in result.products]
    return files + [(made.figures, made.figures_sha256) for made in result.products if made.figures]


def _is_kept(vault: Vault, path: Path, sha256: str) -> bool:
    """Move a file into the vault; whether it is the promised one. It may be there already."""
    return vault.move_file(path) == sha256 if path.is_file() else vault.exists(sha256)


def _keep_log(path: Path, outcome: Outcome, result: JobResult, vault: Vault) -> str:
    """Vault id of the log; what the job could not say itself stands in its last line."""
    if outcome.ending is Ending.RESULT and path.is_file():
        return vault.move_file(path)
    said = path.read_bytes() if path.is_file() else b""
    return vault.put_bytes(said + f"{now_iso()} {outcome.ending}: {result.error}\n".encode())


def _tries(tx: Transaction, job: Job) -> int:
    """How often this work has failed, the present job included."""
    jobs = tx.jobs.of_block(job.block)
    same = [one for one in jobs if one.input_hash == job.input_hash]
    return sum(one.state is JobState.FAILED for one in same)


def _supersede(tx: Transaction, blocks: Sequence[str]) -> None:
    made = [one for several in tx.products.of_blocks(blocks).values() for one in several]
    replaced = [one.product_id for one in made if one.state is ProductState.CREATED]
    tx.products.set_states(replaced, ProductState.SUPERSEDED)


def _products(tx: Transaction, ended: Sequence[Ended]) -> list[Product]:
    siblings: dict[tuple[str, ...], list[str]] = {}
    products: list[Product] = []
    for one in ended:
        block = one.block
        kind = (block.instrument, block.night, block.raw_type, block.setup, block.setup_keys)
        if kind not in siblings:
            siblings[kind] = tx.blocks.siblings(block)
        given = {product.name for product in products}
        products += _products_of(one, _names(tx, one, siblings[kind], given))
    return products


def _products_of(ended: Ended, names: Mapping[str, str]) -> list[Product]:
    kept, block = ended.kept, ended.block
    return [
        Product(
            # The same job never registers a product twice, whatever is killed when.
            product_id=content_hash([kept.job.job_id, made.category])[:32],
            block=block.name,
            revision=ended.revision,
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
            figures_file=made.figures_sha256,
            inputs=made.inputs,
        )
        for made in kept.products
    ]


def _names(
    tx: Transaction, ended: Ended, siblings: Sequence[str], given: Collection[str]
) -> dict[str, str]:
    """File name by PRO CATG; all products of an AB have the same letter.

    The letter is the rank of the AB in time among those of its night, raw type and setup
    (`siblings`), so it does not depend on which job ended first; if it is taken or `given`, the
    next free one.
    """
    patterns = _patterns(ended)
    sequence = islice(letters(), siblings.index(ended.block.name), None)
    at_once = 1  # nearly always it is free
    while True:
        tried = [_named(ended, patterns, letter) for letter in islice(sequence, at_once)]
        taken = tx.products.taken({name for names in tried for name in names.values()})
        for names in tried:
            if taken.union(given).isdisjoint(names.values()):
                return names
        at_once = _NAMES_AT_ONCE


def _patterns(ended: Ended) -> dict[str, tuple[str, str]]:
    """Pattern of the file name by PRO CATG, and the chip if the product is of one."""
    block, instrument = ended.block, ended.instrument
    types = instrument.products_of(block.raw_type)
    chips = instrument.header.detectors[instrument.raw_types[block.raw_type].detector]
    patterns = {}
    for made in ended.kept.products:
        pattern, category = types[made.category].name, types[made.category].category
        if "{letter}" not in pattern:  # a name has to become unique somewhere
            pattern = f"{Path(pattern).stem}_{{letter}}{Path(pattern).suffix}"
        own = [
            chip.name for chip in chips if category.replace("{chip}", chip.name) == made.category
        ]
        patterns[made.category] = (pattern, own[0] if len(own) == 1 else "")
    return patterns


def _named(ended: Ended, patterns: Mapping[str, tuple[str, str]], letter: str) -> dict[str, str]:
    block = ended.block
    keys = json.loads(block.setup_keys) if block.setup_keys else {}
    return {
        category: product_name(
            pattern,
            prefix=ended.instrument.header.prefix,
            date=block.night[2:].replace("-", ""),
            letter=letter,
            chip=chip,
            keys=keys,
        )
        for category, (pattern, chip) in patterns.items()
    }
