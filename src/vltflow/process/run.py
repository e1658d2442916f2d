"""The one entry of the room: become the scheduler of a store, and work until nothing is left."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from contextlib import nullcontext
from functools import partial

from vltflow.core.site import Site
from vltflow.instruments import Instrument, pack_definition
from vltflow.process.executors import Executor, LocalExecutor
from vltflow.process.recover import recover, sweep
from vltflow.process.report import ProcessReport, Report
from vltflow.process.scheduler import Scheduler
from vltflow.store import Store


def run(  # noqa: PLR0913 - what a user may choose
    store: Store,
    site: Site,
    instruments: Mapping[str, Instrument],
    *,
    night: str | None = None,
    instrument: str | None = None,
    blocks: Collection[str] | None = None,
    progress: Report | None = None,
    cancel: threading.Event | None = None,
    executor: Executor | None = None,
) -> ProcessReport:
    """Process all planned ABs of a selection whose masters can be had.

    First settles what an earlier run left behind. Ends when nothing runs and nothing can be
    started: what is still planned then waits for something (`ProcessReport.waiting`).

    Parameters
    ----------
    store, site
        Records, files, and what may be used of this machine.
    instruments
        Definitions by name; ABs of other instruments are left alone.
    night, instrument
        Selection; None is all. ABs of other nights whose masters it needs belong to it.
    blocks
        Names of the only ABs that are run, with those whose masters they need; None is all.
    progress
        Called for each AB that ends.
    cancel
        Set it to stop: running jobs are stopped and queued again. So does Ctrl-C.
    executor
        Where jobs run; None is this machine, with workers that live as long as this call.

    Raises
    ------
    SiteBusy
        If another scheduler runs this store.
    VaultError
        If the disk refuses to keep files; nothing is lost, the next run goes on.
    """
    site.work.mkdir(parents=True, exist_ok=True)
    place = LocalExecutor(site) if executor is None else nullcontext(executor)
    for one in instruments.values():
        store.keep_definition(one.context, one.name, partial(pack_definition, one), by="process")
    with store.exclusive("scheduler"):
        try:
            with place as where:
                settled, adopted = recover(store, where, instruments)
                sweep(store, site)
                store.vault.sweep()
                scheduler = Scheduler(
                    store, site, where, instruments=instruments, report=progress, wanted=blocks
                )
                scheduler.outcome.recovered = [job.block for job in settled]
                scheduler.adopt(adopted)
                scheduler.work(night=night, instrument=instrument, cancel=cancel)
                return scheduler.outcome
        finally:
            sweep(store, site)
