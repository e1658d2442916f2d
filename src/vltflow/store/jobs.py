"""Jobs in the registry."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, select, update

from vltflow.core.errors import Conflict, NotFound
from vltflow.records import Job, JobState
from vltflow.store import schema
from vltflow.store.events import Events
from vltflow.store.rows import chunks, insert_rows, values_of

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
        table = schema.job
        before = self._connection.scalar(select(table.c.state).where(table.c.job_id == job.job_id))
        if before not in {str(state) for state in expected}:
            wanted = " or ".join(sorted(expected))
            raise Conflict(f"job {job.job_id} is {before or 'unknown'}, not {wanted}")
        statement = update(table).where(table.c.job_id == job.job_id)
        self._connection.execute(statement.values(values_of(job)))
        change = f"{before} -> {job.state}" + (f": {job.error}" if job.error else "")
        self._events.add("job", job.job_id, change)

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

    def _select(self, *conditions: Any) -> list[Job]:
        statement = select(*_COLUMNS).where(*conditions).order_by(schema.job.c.number)
        return [_record(dict(row)) for row in self._connection.execute(statement).mappings()]


def _record(values: dict[str, Any]) -> Job:
    values["state"] = JobState(values["state"])
    return Job(**values)
