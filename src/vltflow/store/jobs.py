"""Jobs in the registry."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from vltflow.core.errors import Conflict, NotFound
from vltflow.records import Job, JobState
from vltflow.store import schema
from vltflow.store.events import Events
from vltflow.store.rows import chunks, insert_rows, run_many, values_of

_COLUMNS = [column for column in schema.job.c if column.name != "number"]


class Jobs:
    """Runs of recipes: planned, running, ended."""

    def __init__(self, connection: Connection, events: Events) -> None:
        self._connection = connection
        self._events = events

    def add(self, jobs: Sequence[Job]) -> None:
        """Register new jobs."""
        insert_rows(self._connection, schema.job, (values_of(job) for job in jobs))
        self._events.add_many("job", [(job.job_id, f"created for {job.block}") for job in jobs])

    def update(self, job: Job, *, expected: Collection[JobState]) -> None:
        """Write all fields of a job whose stored state is one of the expected.

        Raises
        ------
        Conflict
            If its state is another one: somebody else was faster.
        """
        self.update_many([job], expected=expected)

    def update_many(self, jobs: Sequence[Job], *, expected: Collection[JobState]) -> None:
        """Write all fields of jobs whose stored states are among the expected.

        Raises
        ------
        Conflict
            If the state of one is another: somebody else was faster.
        """
        if not jobs:
            return
        before = self._states([job.job_id for job in jobs])
        for job in jobs:
            state = before.get(job.job_id)
            if state not in expected:
                wanted = " or ".join(sorted(expected))
                raise Conflict(f"job {job.job_id} is {state or 'unknown'}, not {wanted}")
        names = tuple(values_of(jobs[0]))
        statement = (
            update(schema.job)
            .where(schema.job.c.job_id == bindparam("of_job"))
            .values({name: bindparam(f"new_{name}") for name in names})
        )
        rows = [
            {"of_job": job.job_id} | {f"new_{name}": getattr(job, name) for name in names}
            for job in jobs
        ]
        run_many(self._connection, statement, rows)
        self._events.add_many(
            "job",
            (
                (
                    job.job_id,
                    f"{before[job.job_id]} -> {job.state}"
                    + (f": {job.error}" if job.error else ""),
                )
                for job in jobs
            ),
        )

    def _states(self, job_ids: Sequence[str]) -> dict[str, JobState]:
        table = schema.job.c
        return {
            row.job_id: JobState(row.state)
            for chunk in chunks(job_ids)
            for row in self._connection.execute(
                select(table.job_id, table.state).where(table.job_id.in_(chunk))
            )
        }

    def get(self, job_id: str) -> Job:
        """Job with this id.

        Raises
        ------
        NotFound
            If there is none.
        """
        for job in self._select(schema.job.c.job_id == job_id):
            return job
        raise NotFound(f"no job {job_id}")

    def of_block(self, block: str) -> list[Job]:
        """All jobs of an AB, in the order of registration, whatever the clock said."""
        return self.of_blocks([block]).get(block, [])

    def of_blocks(self, blocks: Iterable[str]) -> dict[str, list[Job]]:
        """All jobs of ABs, in the order of registration, whatever the clock said."""
        jobs: dict[str, list[Job]] = {}
        for chunk in chunks(blocks):
            for job in self._select(schema.job.c.block.in_(chunk)):
                jobs.setdefault(job.block, []).append(job)
        return jobs

    def latest(self, blocks: Collection[str]) -> dict[str, Job]:
        """Latest job of each AB that has one."""
        return {block: jobs[-1] for block, jobs in self.of_blocks(blocks).items()}

    def in_state(self, *states: JobState) -> list[Job]:
        """All jobs in one of the states, oldest first."""
        return self._select(schema.job.c.state.in_([str(state) for state in states]))

    def with_input_hash(self, input_hash: str) -> list[Job]:
        """Jobs that did exactly this work, oldest first."""
        return self._select(schema.job.c.input_hash == input_hash)

    def core_seconds(self, recipe: str, *, latest: int = 200) -> list[float]:
        """Core seconds (elapsed times cores) of the latest good jobs of a recipe."""
        table = schema.job.c
        statement = (
            select(table.elapsed_s, table.cores)
            .where(table.recipe == recipe, table.state == JobState.SUCCEEDED)
            .order_by(table.number.desc())
            .limit(latest)
        )
        rows = self._connection.execute(statement)
        return [row.elapsed_s * row.cores for row in rows if row.elapsed_s is not None]

    def with_hash_beginning(self, start: str) -> list[Job]:
        """Jobs whose input hash begins with these hex digits, oldest first."""
        column = schema.job.c.input_hash
        return self._select(column >= start, column < f"{start}g")

    def _select(self, *conditions: Any) -> list[Job]:
        statement = select(*_COLUMNS).where(*conditions).order_by(schema.job.c.number)
        return [_record(dict(row)) for row in self._connection.execute(statement).mappings()]


def _record(values: dict[str, Any]) -> Job:
    values["state"] = JobState(values["state"])
    return Job(**values)
