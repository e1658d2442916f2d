"""What runs of a batch did that were killed before they could note it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from vltflow.records import AssociationBlock, Decision, JobState, ScienceState
from vltflow.store import Transaction

_ENDED_BY_A_RECIPE = frozenset({JobState.SUCCEEDED, JobState.PARTIAL, JobState.FAILED})


def killed_runs(
    tx: Transaction, blocks: Sequence[AssociationBlock], *, since: str, until: str
) -> dict[str, int]:
    """Numbers of a batch between the beginning of the first run that was killed and the next end.

    How long killed runs took is known to nobody: they have no time and no pace.

    Parameters
    ----------
    blocks
        Science ABs of the batch and those that made their calibrations.
    since, until
        UT times, ISO 8601, half-open; jobs count that were started then.

    Returns
    -------
    dict
        Empty if no run was killed.
    """
    if since >= until:
        return {}
    names = {block.name for block in blocks}
    jobs = [
        job
        for job in chain.from_iterable(tx.jobs.of_blocks(names).values())
        if since <= job.started < until and job.state in _ENDED_BY_A_RECIPE
    ]
    products = chain.from_iterable(tx.products.of_blocks(names).values())
    archived = [
        event
        for product in products
        if product.created >= since
        for event in tx.events.find(kind="master", record=product.product_id, limit=1)
        if event.time < until
    ]
    verdicts = chain.from_iterable(tx.quality.verdicts(names).values())
    published = chain.from_iterable(
        tx.science.find(night=night, states=tuple(ScienceState))
        for night in {block.night for block in blocks}
    )
    return {
        "jobs": len(jobs),
        "failed_now": sum(job.state is JobState.FAILED for job in jobs),
        "certified_now": sum(
            one.decision is Decision.AUTO and since <= one.decided < until for one in verdicts
        ),
        "archived_now": len(archived),
        "published_now": sum(
            one.block in names and since <= one.created < until for one in published
        ),
    }
