"""A job of the past, run again on what it ran on then; nothing of it is registered."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from vltflow.instruments import Instrument
from vltflow.process.executors import LocalExecutor
from vltflow.process.executors.folders import remove_folder
from vltflow.process.jobs import Task, make_task
from vltflow.process.materials import Materials
from vltflow.process.result import JobResult
from vltflow.process.trial import run_once
from vltflow.records import (
    AssociationBlock,
    Job,
    MasterMatch,
    MatchState,
    Product,
    RawFrame,
    StaticCalibration,
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A job of the past with everything that went into it."""

    job: Job
    block: AssociationBlock
    frames: Sequence[RawFrame]
    """In the order of the recipe."""
    tags: Mapping[str, str]
    """What ESO's recipes call a frame, by frame_id, where that is not its raw type."""
    masters: Mapping[str, Product]
    """By product_id; their `file_id` says which bytes are taken."""
    statics: Mapping[str, StaticCalibration]
    """By static_id."""


@dataclass(frozen=True, slots=True)
class Remade:
    """What the job gave this time."""

    task: Task
    result: JobResult
    folder: Path
    """Its products; removed when the context ends."""


@contextmanager
def remade(
    executor: LocalExecutor,
    instrument: Instrument,
    recorded: Recorded,
    *,
    vault_url: str,
    cores: int | None = None,
) -> Iterator[Remade]:
    """Run a recorded job again, with the parameters that were recorded.

    Parameters
    ----------
    executor
        Where it runs.
    instrument
        Definition of the job's context.
    recorded
        What went into it.
    vault_url
        Vault with the masters and static calibrations.
    cores
        Threads of a native recipe; None: as recorded, at most those of the site.

    Raises
    ------
    RecipeError
        If it made nothing this time.
    VltflowError
        As for any job: missing program, wrong parameter, what does not fit.
    """
    task = _task(executor, instrument, recorded, vault_url=vault_url, cores=cores)
    spec = task.spec(executor.site)
    folder = executor.site.work / task.job.job_id
    try:
        yield Remade(task, run_once(executor, task.job, spec), folder)
    finally:
        remove_folder(folder)


def _task(
    executor: LocalExecutor,
    instrument: Instrument,
    recorded: Recorded,
    *,
    vault_url: str,
    cores: int | None,
) -> Task:
    job = recorded.job
    sources: dict[str, Product | StaticCalibration] = {**recorded.masters, **recorded.statics}
    named = sorted(sources.items(), key=lambda one: (one[1].category, _maker(one[1])))
    block = replace(
        recorded.block,
        revision=job.revision,
        frames=tuple(frame.frame_id for frame in recorded.frames),
        masters=tuple(_match(instrument, recorded.block, one, name) for name, one in named),
    )
    task = make_task(
        block,
        instrument=instrument,
        materials=Materials(
            {block.name: recorded.frames}, recorded.masters, recorded.statics, recorded.tags
        ),
        resources={
            "cores": min(cores or job.cores, executor.site.cores),
            "memory_mb": job.memory_mb,
            "wall_s": job.wall_s,
        },
        vault_url=vault_url,
    )
    return replace(task, payload=_with_parameters(task, json.loads(job.parameters)))


def _maker(source: Product | StaticCalibration) -> str:
    return source.block if isinstance(source, Product) else ""


def _match(
    instrument: Instrument,
    block: AssociationBlock,
    source: Product | StaticCalibration,
    name: str,
) -> MasterMatch:
    """A match with what was taken then; a stack takes members only."""
    return MasterMatch(
        category=source.category,
        required=True,
        state=MatchState.REAL,
        source_block=_maker(source),
        product_id=name,
        member=instrument.raw_types[block.raw_type].group == "stack",
    )


def _with_parameters(task: Task, recorded: Mapping[str, object]) -> dict[str, object]:
    """The payload with the recorded parameters, whatever the defaults of this version are."""
    payload = dict(task.payload)
    if "given" in payload:  # ESO's recipes are told what differs from their own defaults
        defaults = payload["parameters"]
        differing = {
            name: value
            for name, value in recorded.items()
            if name in defaults and defaults[name] != value
        }
        payload["given"] = payload["given"] | differing
    payload["parameters"] = dict(recorded)
    return payload
