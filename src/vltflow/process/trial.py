"""A recipe run for comparison: the same job, but nothing of it is registered."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vltflow.core.errors import RecipeError
from vltflow.core.site import Site
from vltflow.instruments import Instrument
from vltflow.process.collect import result_of
from vltflow.process.executors import JobSpec, LocalExecutor
from vltflow.process.executors.folders import local_path
from vltflow.process.executors.interface import LOG_FILE
from vltflow.process.jobs import make_task, resources_of
from vltflow.process.materials import read_materials
from vltflow.process.result import JobResult
from vltflow.records import AssociationBlock, Job, MatchState
from vltflow.store import Store

_TURN_SECONDS = 0.5
_FOLDER = "trial-"


@dataclass(frozen=True, slots=True)
class Trial:
    """What a runner made of an AB."""

    job: Job
    result: JobResult
    folder: Path
    """Its products; removed when the trial ends."""
    log: str
    elapsed_s: tuple[float, ...]
    """Wall times of the runs that count, seconds."""


@contextlib.contextmanager
def tried(
    store: Store,
    executor: LocalExecutor,
    candidates: Sequence[tuple[Instrument, AssociationBlock]],
    *,
    repeats: int = 1,
) -> Iterator[tuple[Trial, ...]]:
    """Run the recipe of an AB with the runners of several definitions, in a warm worker.

    They take turns, so that whatever else the machine does slows all of them down. The first
    run of each warms the worker and does not count. The products are those of the last.

    Parameters
    ----------
    executor
        Where they run; its workers stay warm.
    candidates
        Definitions whose runners are tried, and the AB with masters for that runner, all real.
    repeats
        Runs of each that count.

    Raises
    ------
    RecipeError
        If a master is not there yet, or the recipe fails.
    VltflowError
        As for any job: missing program, wrong parameter, what does not fit.
    """
    specs = [trial_job(store, executor.site, *candidate) for candidate in candidates]
    folders = [local_path(spec.work) for _, spec in specs]
    results: list[list[JobResult]] = [[] for _ in specs]
    try:
        for _ in range(repeats + 1):
            for (job, spec), own in zip(specs, results, strict=True):
                own.append(run_once(executor, job, spec))
        yield tuple(
            Trial(
                job,
                own[-1],
                folder,
                (folder / LOG_FILE).read_text("utf-8", "replace"),
                tuple(result.elapsed_s for result in own[1:]),
            )
            for (job, _), own, folder in zip(specs, results, folders, strict=True)
        )
    finally:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)


def trial_job(
    store: Store, site: Site, instrument: Instrument, block: AssociationBlock
) -> tuple[Job, JobSpec]:
    """The job of an AB, in a folder of its own below the site's work.

    Raises
    ------
    RecipeError
        If a master is not there yet.
    """
    virtual = [match.category for match in block.masters if match.state is MatchState.VIRTUAL]
    if virtual:
        raise RecipeError(
            f"AB {block.name}: {', '.join(virtual)} is not made yet", hint="Process the night first"
        )
    with store.read() as tx:
        task = make_task(
            block,
            instrument=instrument,
            materials=read_materials(tx, [block], {instrument.name: instrument}),
            resources=resources_of(tx, block, instrument, site),
            vault_url=store.vault.url,
        )
    work = site.work / f"{_FOLDER}{task.job.job_id}"
    return task.job, replace(task.spec(site), work=work.as_uri())


def run_once(executor: LocalExecutor, job: Job, spec: JobSpec) -> JobResult:
    """Run one job to its end and give its result; nothing is registered.

    Raises
    ------
    RecipeError
        If it made nothing.
    """
    handle = executor.submit(spec)
    end = time.monotonic() + spec.wall_s + 1
    while handle not in executor.ping(_TURN_SECONDS).ended:
        if time.monotonic() > end:
            executor.cancel(handle)
    result = result_of(job, executor.collect(handle))
    if not result.products:
        raise RecipeError(f"{spec.runner} made nothing of it: {result.error}")
    return result
