"""After a crash: finish what has a result, queue the rest again, clear what is left."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from vltflow.core.errors import StoreError, UnknownName
from vltflow.core.site import Site
from vltflow.instruments import Instrument
from vltflow.process.collect import Ended, is_whole, keep, record
from vltflow.process.executors import Executor, ExecutorState
from vltflow.process.executors.folders import remove_folder, settle
from vltflow.process.result import read_result
from vltflow.records import BlockState, Job, JobState
from vltflow.store import Store, Transaction

_JOB_FOLDER = re.compile(r"[0-9a-f]{32}")
INTERRUPTED = "interrupted: the scheduler ended before the job did"

log = logging.getLogger(__name__)


def recover(
    store: Store, executor: Executor, instruments: Mapping[str, Instrument]
) -> tuple[list[Job], list[Job]]:
    """Settle the jobs that an earlier life of the scheduler left as RUNNING.

    A complete result with matching checksums is collected as if nothing had happened; a job
    without one goes back to the queue, which does not count as a failed attempt.

    Returns
    -------
    settled, adopted
        Jobs that are settled now; jobs that still run on the executor.

    Raises
    ------
    VaultError
        If the disk refuses to keep a result.
    """
    with store.read() as tx:
        jobs = [job for job in tx.jobs.in_state(JobState.RUNNING) if job.executor == executor.name]
    settled, adopted = [], []
    for job in jobs:
        state = executor.status(job.handle)
        if state is ExecutorState.RUNNING:
            adopted.append(job)
            continue
        folder = None
        if state is ExecutorState.ENDED:
            folder = _collect(store, executor, job, instruments)
        if folder is None:
            with store.write(by="scheduler", why=INTERRUPTED) as tx:
                put_back(tx, job)
        log.info("job=%s block=%s recovered=%s", job.job_id, job.block, state)
        settled.append(job)
    return settled, adopted


def put_back(tx: Transaction, job: Job) -> None:
    """Return a running job and its AB to the queue, as if it had not been submitted."""
    state, revision = tx.blocks.states([job.block])[job.block]
    mine = state is BlockState.RUNNING and revision == job.revision
    tx.jobs.update(
        replace(
            job,
            state=JobState.PLANNED if mine else JobState.ABORTED,
            executor="",
            handle="",
            started="",
        ),
        expected={JobState.RUNNING},
    )
    if mine:
        tx.blocks.move([job.block], BlockState.PLANNED)


def sweep(store: Store, site: Site) -> None:
    """Remove the folders of jobs that are over, and what dead workers said."""
    try:
        with store.read() as tx:
            busy = {job.handle for job in tx.jobs.in_state(JobState.RUNNING)}
    except StoreError as error:
        log.warning("folder=%s not cleared, reason=%s", site.work, error)
        return
    for path in site.work.iterdir():
        if _JOB_FOLDER.fullmatch(path.name) and path.name not in busy:
            settle(path)
            remove_folder(path)
        elif path.match("worker-*.log"):
            path.unlink(missing_ok=True)


def _collect(
    store: Store, executor: Executor, job: Job, instruments: Mapping[str, Instrument]
) -> Path | None:
    """Folder of a job whose result was good enough to be registered, else None."""
    try:
        outcome = executor.collect(job.handle)
    except UnknownName:
        return None
    result = read_result(outcome.folder, job.job_id)
    if result is None or not is_whole(outcome.folder, result, store.vault):
        return None
    with store.read() as tx:
        block = tx.blocks.get(job.block)
    if block.instrument not in instruments:
        return None
    kept = keep(job, outcome, store.vault)
    with store.write(by="scheduler", why="collected after a crash") as tx:
        record(tx, [Ended(kept, block, instruments[block.instrument])])
    return outcome.folder
