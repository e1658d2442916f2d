"""Mass production of science products by the month, over a whole history ("phoenix").

A batch does what is left to do, as everything here: it can be stopped at any moment, also by
the power, and started again; new data of a month that is done are simply not done yet.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from vltflow import archive, associate, certify, classify, publish, qc
from vltflow.core.errors import Conflict
from vltflow.core.helpers import Helpers
from vltflow.core.site import Site
from vltflow.core.time import now_iso
from vltflow.flow.better import reopen_better_served
from vltflow.flow.campaign_killed import killed_runs
from vltflow.flow.campaign_plan import makers_of, outdated
from vltflow.flow.campaign_report import BatchReport, batch_report, render
from vltflow.flow.line import run_line
from vltflow.flow.selection import Selection, chosen, runnable
from vltflow.instruments import Instrument
from vltflow.process.executors import LocalExecutor
from vltflow.records import Batch, BatchState, Campaign
from vltflow.store import Store

CampaignProgress = Callable[[str, int, int, str], None]
"""Called with the month, the number of ABs done and to do, and the AB that ended."""


@dataclass(slots=True)
class _Run:
    """One run of one batch."""

    store: Store
    site: Site
    instrument: Instrument
    selection: Selection
    batch: Batch
    executor: LocalExecutor
    helpers: Helpers
    tell: CampaignProgress
    cancel: threading.Event | None
    started: str
    """UT time; the batch's is that of the runs before it that were killed."""
    ended: list[str] = field(default_factory=list)
    """Names of the ABs whose jobs this run executed."""
    failed: int = 0
    certified: int = 0
    archived: int = 0
    published: int = 0
    reopened: int = 0


def declare(
    store: Store, instrument: Instrument, selection: Selection, *, name: str, who: str
) -> Campaign:
    """The campaign of this name, new if there is none.

    Raises
    ------
    Conflict
        If there is one that takes something else.
    """
    with store.write(by=who, why="mass production") as tx:
        known = {one.name: one for one in tx.campaigns.all()}
        if name not in known:
            one = Campaign(name, instrument.name, selection.to_json(), now_iso(), who)
            tx.campaigns.add(one)
            return one
    found = known[name]
    if (found.instrument, found.selection) != (instrument.name, selection.to_json()):
        raise Conflict(
            f"campaign {name} takes {found.instrument} {found.selection}",
            hint="Give another selection another --name",
        )
    return found


def prepare(store: Store, instrument: Instrument) -> None:
    """Recognise and associate what is new: all that a plan needs, and nothing is reduced."""
    classify.run(store, instrument)
    archive.build_statics(store, instrument)
    associate.run(store, instrument)


def run_campaign(  # noqa: PLR0913 - what a user may choose
    store: Store,
    site: Site,
    instrument: Instrument,
    campaign: Campaign,
    months: Sequence[str],
    *,
    reprocess: bool = False,
    tell: CampaignProgress | None = None,
    cancel: threading.Event | None = None,
) -> list[BatchReport]:
    """Bring monthly batches as far as they can go without a person.

    Parameters
    ----------
    campaign
        What is taken: `declare`.
    months
        The batches, in this order.
    reprocess
        Make again what another version of a recipe or definition made; the earlier products
        are kept, and hidden as soon as the new ones are certified.
    tell
        Told about each AB that ends.
    cancel
        Set it to stop after what is being recorded; the batch goes on with the next run.

    Raises
    ------
    SiteBusy
        If another scheduler runs this store.
    StoreError
        If the store refuses; what was done stays done.
    """
    prepare(store, instrument)
    selection = Selection.from_json(campaign.selection)
    reports = []
    makers = publish.helpers(instrument, store.vault, site.cores)
    with LocalExecutor(site) as executor, makers as helpers:
        for month in months:
            if cancel is not None and cancel.is_set():
                break
            started = now_iso()
            batch = _begun(store, campaign, month, instrument.context, started)
            run = _Run(
                store, site, instrument, selection, batch, executor, helpers,
                tell or (lambda *_: None), cancel, started,
            )  # fmt: skip
            if reprocess:
                _reopen(run)
            _serve_better(run)
            reports.append(_run_batch(run))
    return reports


def _begun(store: Store, campaign: Campaign, month: str, context: str, now: str) -> Batch:
    with store.write(by="campaign", why=campaign.name) as tx:
        known = {one.month: one for one in tx.campaigns.batches(campaign.name)}
        batch = known.get(month) or Batch(campaign.name, month, BatchState.RUNNING, context, "")
        killed = batch.state is BatchState.RUNNING and batch.started > batch.ended
        started = batch.started if killed else now
        batch = replace(batch, state=BatchState.RUNNING, context=context, started=started)
        tx.campaigns.put_batch(batch)
    return batch


def _reopen(run: _Run) -> None:
    """Open ABs again that other recipes or rules made, their masters' too in COMPLETE mode."""
    with run.store.read() as tx:
        blocks = chosen(tx, run.instrument, run.selection, run.batch.month)
        if run.selection.complete:
            blocks += makers_of(tx, blocks)
        latest = tx.jobs.latest([block.name for block in blocks])
    names = outdated(run.instrument, blocks, latest)
    why = f"reprocessing by {run.instrument.context}"
    opened = associate.reopen(run.store, run.instrument, names, by="campaign", why=why)
    associate.run(run.store, run.instrument)
    run.reopened += len(opened)


def _serve_better(run: _Run) -> None:
    """Open science again that better calibrations came for: as one run over all would make it."""
    with run.store.read() as tx:
        science = chosen(tx, run.instrument, run.selection, run.batch.month)
    complete = run.selection.complete
    opened = reopen_better_served(
        run.store, run.instrument, science, complete=complete, by="campaign"
    )
    run.reopened += len(opened)


def _run_batch(run: _Run) -> BatchReport:
    start, helped_s = time.monotonic(), run.helpers.cpu_s
    while not _is_cancelled(run):
        with run.store.read() as tx:
            science = chosen(tx, run.instrument, run.selection, run.batch.month)
        names = runnable(science, complete=run.selection.complete)
        done = _make(run, names)
        changed = associate.run(run.store, run.instrument).changed
        if not done and not changed:
            break
    _judge(run)
    return _ended(run, time.monotonic() - start, run.helpers.cpu_s - helped_s)


def _is_cancelled(run: _Run) -> bool:
    return run.cancel is not None and run.cancel.is_set()


def _make(run: _Run, names: Sequence[str]) -> int:
    """Process, score and certify; gives the number of ABs that ended."""
    if not names:
        return 0
    month = run.batch.month
    report, judged = run_line(
        run.store,
        run.site,
        run.instrument,
        names,
        executor=run.executor,
        helpers=run.helpers,
        tell=lambda now: run.tell(month, now.done, now.total, now.ended),
        cancel=run.cancel,
    )
    skipped = set(report.skipped)
    ended = [*report.succeeded, *report.partial, *report.failed]
    run.ended += [name for name in ended if name not in skipped]
    run.failed += len(report.failed)
    run.certified += judged.certified
    run.published += judged.published
    run.archived += len(archive.run(run.store, run.instrument))
    return report.done


def _judge(run: _Run) -> None:
    """What an earlier run made and could not judge any more, or a person has decided since."""
    scored = [one.block for one in qc.run(run.store, run.instrument, pages=False)]
    run.certified += len(certify.run(run.store, run.instrument, blocks=scored or None))
    run.archived += len(archive.run(run.store, run.instrument))
    run.published += len(publish.run(run.store, run.instrument, helpers=run.helpers).new)


def _ended(run: _Run, elapsed_s: float, publishing_s: float) -> BatchReport:
    """Note what the batch came to, with its page; a cancelled one stays RUNNING."""
    report = batch_report(
        run.store,
        run.site,
        run.instrument,
        run.selection,
        replace(run.batch, ended=now_iso(), elapsed_s=elapsed_s),
        numbers={
            "jobs": len(run.ended),
            "failed_now": run.failed,
            "certified_now": run.certified,
            "archived_now": run.archived,
            "published_now": run.published,
            "reopened": run.reopened,
            "publishing_s": round(publishing_s, 2),
        },
        earlier=(json.loads(run.batch.numbers), _killed(run)),
        ended=run.ended,
    )
    page = run.store.vault.put_bytes(render(report))
    with run.store.write(by="campaign", why=run.batch.campaign) as tx:
        tx.campaigns.put_batch(
            replace(
                run.batch,
                state=BatchState.RUNNING if _is_cancelled(run) else BatchState.DONE,
                ended=now_iso(),
                elapsed_s=(run.batch.elapsed_s or 0.0) + elapsed_s,
                numbers=json.dumps(report.numbers, sort_keys=True),
                report=page,
            )
        )
    return report


def _killed(run: _Run) -> dict[str, int]:
    """What runs before this one did that were killed."""
    with run.store.read() as tx:
        science = chosen(tx, run.instrument, run.selection, run.batch.month)
        blocks = [*science, *makers_of(tx, science)]
        return killed_runs(tx, blocks, since=run.batch.started, until=run.started)
