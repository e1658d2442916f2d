"""What a person may order: give an AB up, or try it again."""

from __future__ import annotations

from dataclasses import replace

from vltflow.core.errors import Conflict
from vltflow.records import BlockState, JobState
from vltflow.store import Store

_GIVEN_UP = frozenset({BlockState.PLANNED, BlockState.BLOCKED, BlockState.RUNNING})
_TRIED_AGAIN = frozenset({BlockState.FAILED, BlockState.ABORTED, BlockState.PARTIAL})


def abort(store: Store, name: str, *, who: str, why: str) -> None:
    """Give an AB up; a job of it that runs is stopped by the scheduler within a second.

    Raises
    ------
    NotFound
        If there is no such AB.
    Conflict
        If it has ended already.
    """
    with store.write(by=who, why=why) as tx:
        tx.blocks.get(name)
        tx.blocks.set_state(
            name, BlockState.ABORTED, problem=f"aborted by {who}: {why}", expected=_GIVEN_UP
        )
        for job in tx.jobs.of_block(name):
            if job.state is JobState.PLANNED:
                tx.jobs.update(replace(job, state=JobState.ABORTED), expected={JobState.PLANNED})


def retry(store: Store, name: str, *, who: str, why: str) -> None:
    """Plan an AB again that failed, was aborted or is only partly made.

    Raises
    ------
    NotFound
        If there is no such AB.
    Conflict
        If it is in another state.
    """
    with store.write(by=who, why=why) as tx:
        state = tx.blocks.get(name).state
        if state not in _TRIED_AGAIN:
            raise Conflict(
                f"AB {name} is {state}",
                hint=f"Only {', '.join(sorted(_TRIED_AGAIN))} can be tried again",
            )
        tx.blocks.set_state(name, BlockState.PLANNED, expected=_TRIED_AGAIN)
