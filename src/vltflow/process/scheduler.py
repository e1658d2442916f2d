"""The scheduler's loop: collect what ended, start what may, one transaction a turn."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from vltflow.core.errors import RunnerMissing, StoreError, VltflowError
from vltflow.core.site import Site
from vltflow.core.time import now_iso
from vltflow.instruments import Instrument
from vltflow.process.admission import Admission, Tokens
from vltflow.process.collect import Ended, keep, record
from vltflow.process.executors import Executor, ExecutorState, Outcome
from vltflow.process.executors.folders import remove_folder
from vltflow.process.jobs import Task, fewest_cores, make_task, resources_of, tokens_of
from vltflow.process.materials import read_materials
from vltflow.process.places import Pace, Places
from vltflow.process.queue import Queue
from vltflow.process.recover import INTERRUPTED, put_back
from vltflow.process.report import ProcessReport, Progress, Report
from vltflow.process.rules import needed_for
from vltflow.process.runners.esorex.plan import check_esorex
from vltflow.records import AssociationBlock, BlockState, Job, JobState
from vltflow.store import Store, Transaction

_TURN_SECONDS = 0.5
"""Longest time without a look at the cancel flag and at aborted ABs."""

_WAITS_FOR_RUNNER = "waits for a runner: "
_STOP_SECONDS = 10.0
_FLUSHERS = 8

log = logging.getLogger(__name__)


class Scheduler:
    """One run over the planned ABs of a store.

    Parameters
    ----------
    store, site, executor
        Where records and files are, what may be used, where jobs run.
    instruments
        Definitions by name; ABs of other instruments are left alone.
    report
        Is told about each AB that ends.
    wanted
        Names of the only ABs that are worked on, with those whose masters they need; None: all.
    """

    def __init__(
        self,
        store: Store,
        site: Site,
        executor: Executor,
        *,
        instruments: Mapping[str, Instrument],
        report: Report | None = None,
        wanted: Collection[str] | None = None,
    ) -> None:
        self._store = store
        self._site = site
        self._executor = executor
        self._instruments = instruments
        self._wanted = wanted
        self._report = report or (lambda _: None)
        health = executor.ping()
        total = Tokens(health.cores, health.memory_mb)
        self._places = Places(total)
        self._pace = Pace()
        self._admission = Admission(total)
        self._queue = Queue()
        self._ready: dict[str, tuple[AssociationBlock, Mapping[str, int]]] = {}
        self._running: dict[str, tuple[AssociationBlock, Job]] = {}
        self._without_runner: dict[str, str] = {}
        self._flushers = ThreadPoolExecutor(_FLUSHERS, thread_name_prefix="flush")
        self.outcome = ProcessReport()

    def adopt(self, jobs: Sequence[Job]) -> None:
        """Take over jobs that an earlier life submitted and that still run."""
        with self._store.read() as tx:
            for job in jobs:
                self._running[job.handle] = (tx.blocks.get(job.block), job)
                self._places.take(_size(job))

    def work(
        self, *, night: str | None, instrument: str | None, cancel: threading.Event | None
    ) -> None:
        """Run until nothing runs and nothing can be started.

        Raises
        ------
        VaultError
            If the disk refuses; what ran is back in the queue.
        """
        try:
            while cancel is None or not cancel.is_set():
                idle = not self._running and not self._ready
                if idle and not self._load(night, instrument):
                    break
                ended = self._executor.ping(_TURN_SECONDS if self._running else 0.0).ended
                if ended and (pause_s := self._pace.pause_s(self._places.depth)):
                    time.sleep(pause_s)
                    ended = self._executor.ping().ended
                if ended or self._ready:
                    self._turn(ended)
                if self._running and not ended:
                    self._cancel_aborted()
        finally:
            self._flushers.shutdown()
            self._give_back()
        self.outcome.cancelled = cancel is not None and cancel.is_set()
        self.outcome.waiting = self._queue.waiting() | self._without_runner

    def _load(self, night: str | None, instrument: str | None) -> bool:
        """Look at the AB table anew; whether something is there to do."""
        with self._store.write(by="scheduler", why="looks for work") as tx:
            planned = tx.blocks.find(instrument=instrument, states=(BlockState.PLANNED,))
            if night is not None:
                planned = needed_for(planned, [one.name for one in planned if one.night == night])
            if self._wanted is not None:
                planned = needed_for(planned, self._wanted)
            self._queue.load(tx, [one for one in planned if one.instrument in self._instruments])
            self._ready.clear()
            self._admission.clear()
            ended = self._enqueue(tx, self._queue.take_ready())
        self._tell(ended)
        return bool(self._ready or ended)

    def _turn(self, handles: Sequence[str]) -> None:
        """Collect and start in one transaction, then tell the executor."""
        outcomes = [self._executor.collect(handle) for handle in handles]
        # Side by side: the disk flushes many files in little more time than one.
        ended = list(self._flushers.map(self._keep, outcomes))
        changes: list[tuple[str, BlockState]] = []
        with self._store.write(by="scheduler", why="runs the queue") as tx:
            if ended:
                changes += self._record(tx, ended)
            for one in ended:
                self._pace.note(one.kept.job.elapsed_s)
                self._places.release(_size(one.kept.job))
            tasks, started = self._admit(tx)
            changes += started
        for outcome in outcomes:
            remove_folder(outcome.folder)
            del self._running[outcome.handle]
        # Noted first: whatever goes wrong with the submission, it is given back.
        self._running |= {task.job.handle: (task.block, task.job) for task in tasks}
        self._tell(changes)
        for task in tasks:
            self._executor.submit(task.spec(self._site))

    def _keep(self, outcome: Outcome) -> Ended:
        block, job = self._running[outcome.handle]
        kept = keep(job, outcome, self._store.vault)
        return Ended(kept, block, self._instruments[block.instrument])

    def _record(self, tx: Transaction, ended: Sequence[Ended]) -> list[tuple[str, BlockState]]:
        states = record(tx, ended)
        changes: list[tuple[str, BlockState]] = []
        for one in ended:
            state = states[one.block.name]
            if state is BlockState.PLANNED:
                changes += self._enqueue(tx, [one.block])
            else:
                changes += [(one.block.name, state), *self._ended(tx, one.block, state)]
        return changes

    def _ended(
        self, tx: Transaction, block: AssociationBlock, state: BlockState
    ) -> list[tuple[str, BlockState]]:
        """Queue the ABs that waited for this one."""
        if not self._queue.has_users(block.name):
            return []
        products = tx.products.of_block(block.name, block.revision)
        return self._enqueue(tx, self._queue.became(block.name, state, products))

    def _enqueue(
        self, tx: Transaction, blocks: Iterable[AssociationBlock]
    ) -> list[tuple[str, BlockState]]:
        """Queue ABs that can run; those that never can end here."""
        ended: list[tuple[str, BlockState]] = []
        for block in blocks:
            instrument = self._instruments[block.instrument]
            runner = instrument.recipe_of(block.raw_type).executed_by
            try:
                if runner is None:
                    ended += self._refuse(tx, block, BlockState.BLOCKED, _no_recipe(block))
                    continue
                if runner == "esorex":
                    check_esorex(block, instrument)
                resources = resources_of(tx, block, instrument, self._site)
            except RunnerMissing as error:
                self._postpone(tx, block, str(error))
                continue
            except VltflowError as error:
                ended += self._refuse(tx, block, BlockState.FAILED, str(error))
                continue
            self._ready[block.name] = (self._with_runner(tx, block), resources)
            cores = fewest_cores(block, instrument) or resources["cores"]
            self._admission.add(block.name, tokens_of({**resources, "cores": cores}))
        return ended

    def _postpone(self, tx: Transaction, block: AssociationBlock, reason: str) -> None:
        """Leave an AB planned: it runs as soon as its program is installed."""
        problem = f"{_WAITS_FOR_RUNNER}{reason}"
        self._without_runner[block.name] = problem
        if block.problem != problem:
            tx.blocks.set_problem(block.name, problem)

    def _with_runner(self, tx: Transaction, block: AssociationBlock) -> AssociationBlock:
        """The AB without the remark of an earlier run that its program was missing."""
        if not block.problem.startswith(_WAITS_FOR_RUNNER):
            return block
        tx.blocks.set_problem(block.name, "")
        return replace(block, problem="")

    def _refuse(
        self, tx: Transaction, block: AssociationBlock, state: BlockState, problem: str
    ) -> list[tuple[str, BlockState]]:
        tx.blocks.set_state(block.name, state, problem=problem)
        return [(block.name, state), *self._ended(tx, block, state)]

    def _admit(self, tx: Transaction) -> tuple[list[Task], list[tuple[str, BlockState]]]:
        """Pick what starts now and register it; whoever changed meanwhile is left alone."""
        picked: list[tuple[AssociationBlock, Mapping[str, int]]] = []
        while (found := self._pick()) is not None:
            picked.append(found)
        if not picked:
            return [], []
        states = tx.blocks.states([block.name for block, _ in picked])
        unchanged = [
            (block, resources)
            for block, resources in picked
            if states.get(block.name) == (BlockState.PLANNED, block.revision)
        ]
        tasks, ended = self._register(tx, unchanged)
        submitted = {task.block.name for task in tasks}
        for block, resources in picked:
            if block.name not in submitted:
                self._places.release(tokens_of(resources))
        return tasks, ended

    def _pick(self) -> tuple[AssociationBlock, Mapping[str, int]] | None:
        found = self._places.pick(
            self._admission,
            ahead=self._pace.ahead,
            most=lambda name: self._ready[name][1]["cores"],
        )
        if found is None:
            return None
        block, resources = self._ready.pop(found[0])
        return block, {**resources, "cores": found[1].cores}

    def _register(
        self, tx: Transaction, picked: list[tuple[AssociationBlock, Mapping[str, int]]]
    ) -> tuple[list[Task], list[tuple[str, BlockState]]]:
        blocks = [block for block, _ in picked]
        materials = read_materials(tx, blocks, self._instruments)
        earlier = tx.jobs.of_blocks([block.name for block in blocks])
        tasks: list[Task] = []
        ended: list[tuple[str, BlockState]] = []
        for block, resources in picked:
            try:
                task = make_task(
                    block,
                    instrument=self._instruments[block.instrument],
                    materials=materials,
                    resources=resources,
                    vault_url=self._store.vault.url,
                )
            except VltflowError as error:
                ended += self._refuse(tx, block, BlockState.FAILED, str(error))
                continue
            jobs = earlier.get(block.name, [])
            if self._is_done_already(tx, task, jobs):
                self.outcome.skipped.append(block.name)
                ended += [(block.name, BlockState.SUCCEEDED)]
                ended += self._ended(tx, block, BlockState.SUCCEEDED)
            else:
                tasks.append(replace(task, job=_numbered(task.job, jobs)))
        return self._started(tx, tasks, earlier), ended

    def _started(
        self, tx: Transaction, tasks: list[Task], earlier: Mapping[str, list[Job]]
    ) -> list[Task]:
        """Register jobs as running, before the executor hears of them."""
        known = {job.job_id: job for jobs in earlier.values() for job in jobs}
        started = [
            replace(
                task,
                job=replace(
                    task.job,
                    state=JobState.RUNNING,
                    executor=self._executor.name,
                    handle=task.job.job_id,
                    started=now_iso(),
                ),
            )
            for task in tasks
        ]
        tx.jobs.add([task.job for task in started if task.job.job_id not in known])
        for task in started:
            if task.job.job_id in known:
                tx.jobs.update(task.job, expected={JobState.PLANNED})
            for job in earlier.get(task.block.name, []):
                if job.state is JobState.PLANNED and job.job_id != task.job.job_id:
                    stale = replace(job, state=JobState.ABORTED, error="its inputs changed")
                    tx.jobs.update(stale, expected={JobState.PLANNED})
        tx.blocks.set_masters(
            {task.block.name: task.block.masters for task in started if task.block.masters}
        )
        for task in started:
            if task.block.problem:  # a stack that is made without one of its members
                tx.blocks.set_problem(task.block.name, task.block.problem)
        tx.blocks.move([task.block.name for task in started], BlockState.RUNNING)
        return started

    def _is_done_already(self, tx: Transaction, task: Task, jobs: Sequence[Job]) -> bool:
        """Whether this work was done before and its products are there; they count again then."""
        for job in jobs:
            if job.state is not JobState.SUCCEEDED or job.input_hash != task.job.input_hash:
                continue
            products = tx.products.of_job(job.job_id)
            if not all(self._store.vault.exists(product.file_id) for product in products):
                continue
            for product in products:
                tx.products.adopt(product.product_id, task.block.revision)
            tx.blocks.set_masters({task.block.name: task.block.masters})
            tx.blocks.set_state(task.block.name, BlockState.SUCCEEDED, problem=task.block.problem)
            tx.events.add("block", task.block.name, f"skipped: job {job.job_id} did the same work")
            return True
        return False

    def _cancel_aborted(self) -> None:
        """Stop the jobs of ABs that a person aborted, or that were re-opened."""
        names = [block.name for block, _ in self._running.values()]
        with self._store.read() as tx:
            states = tx.blocks.states(names)
        for handle, (block, job) in self._running.items():
            if states[block.name] != (BlockState.RUNNING, job.revision):
                self._executor.cancel(handle)

    def _give_back(self) -> None:
        """Stop what still runs and return it to the queue."""
        self._stop_all()
        try:
            with self._store.write(by="scheduler", why=INTERRUPTED) as tx:
                for _, job in self._running.values():
                    put_back(tx, job)
        except StoreError as error:
            log.warning("jobs=%d reason=%s", len(self._running), error)  # the next start settles it
        self._running.clear()

    def _stop_all(self) -> None:
        """Cancel what runs and wait for its end, so that nobody writes there any more."""
        for handle in self._running:
            self._executor.cancel(handle)
        left = set(self._running)
        end = time.monotonic() + _STOP_SECONDS
        while left and time.monotonic() < end:
            for handle in left.intersection(self._executor.ping(_TURN_SECONDS).ended):
                self._executor.collect(handle)
                left.discard(handle)
            left = {one for one in left if self._executor.status(one) is not ExecutorState.LOST}

    def _tell(self, changes: Sequence[tuple[str, BlockState]]) -> None:
        for name, state in changes:
            self.outcome.add(name, state)
            running = tuple(block.name for block, _ in self._running.values())
            total = self.outcome.done + len(self._queue) + len(self._ready) + len(running)
            self._report(Progress(self.outcome.done, total, running, name, state))


def _size(job: Job) -> Tokens:
    return Tokens(job.cores, job.memory_mb)


def _numbered(job: Job, earlier: Sequence[Job]) -> Job:
    """The job with the number of its attempt; one that was interrupted goes on as itself."""
    for one in earlier:
        if (
            one.state is JobState.PLANNED
            and one.input_hash == job.input_hash
            and one.revision == job.revision
        ):
            return replace(job, job_id=one.job_id, created=one.created, attempt=one.attempt)
    return replace(job, attempt=1 + sum(one.revision == job.revision for one in earlier))


def _no_recipe(block: AssociationBlock) -> str:
    return f"waits for a recipe: no runner executes {block.recipe} yet"
