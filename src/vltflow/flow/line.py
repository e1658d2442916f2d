"""Jobs and their judgement side by side: while recipes run, what they made is scored.

A loop that first ran all jobs and then scored all would leave the cores idle for as long as
scoring takes, and tell nobody of a bad night until its end.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from vltflow import certify, publish, qc
from vltflow.core.helpers import Helpers
from vltflow.core.site import Site
from vltflow.instruments import Instrument
from vltflow.process.executors import Executor
from vltflow.process.report import ProcessReport, Progress
from vltflow.process.run import run as process
from vltflow.store import Store

_TURN_SECONDS = 1.0
"""ABs that end within this time are judged together: looking for them costs a query each time."""

Tell = Callable[[Progress], None]


@dataclass(slots=True)
class Judged:
    """What became of the products of a line."""

    certified: int = 0
    """ABs that were certified automatically."""
    published: int = 0
    """Science products."""


def run_line(  # noqa: PLR0913 - what the rooms need
    store: Store,
    site: Site,
    instrument: Instrument,
    names: Collection[str],
    *,
    executor: Executor,
    helpers: Helpers,
    tell: Tell,
    cancel: threading.Event | None = None,
) -> tuple[ProcessReport, Judged]:
    """Process ABs; judge and publish what they made meanwhile.

    Parameters
    ----------
    names
        ABs; those whose masters they need are run before.
    executor
        Where jobs run.
    helpers
        Processes that make science products: `publish.helpers`.
    tell
        Told about each AB that ends.
    cancel
        Set it to stop; what runs is queued again.

    Returns
    -------
    ProcessReport, Judged
        What ran, and what became of it.

    Raises
    ------
    SiteBusy
        If another scheduler runs this store.
    StoreError
        If the store refuses; what was done stays done.
    """
    with _Judge(store, instrument, helpers) as judge:

        def ended(now: Progress) -> None:
            judge.wake()
            tell(now)

        report = process(
            store,
            site,
            {instrument.name: instrument},
            blocks=names,
            progress=ended,
            cancel=cancel,
            executor=executor,
        )
    return report, judge.judged


class _Judge:
    """A thread that scores, certifies and publishes what has ended, until all has."""

    def __init__(self, store: Store, instrument: Instrument, helpers: Helpers) -> None:
        self.judged = Judged()
        self._store = store
        self._instrument = instrument
        self._helpers = helpers
        self._news = threading.Event()
        self._over = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="judge")

    def wake(self) -> None:
        """Say that an AB has ended."""
        self._news.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._news.set()
        self._thread.join()
        if error is None and self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            while not self._over.is_set():
                self._news.wait()
                self._over.wait(_TURN_SECONDS)
                self._news.clear()
                self._judge()
            self._judge()
        except BaseException as error:  # noqa: BLE001 - raised again where the line is joined
            self._error = error

    def _judge(self) -> None:
        scored = qc.run(self._store, self._instrument)
        names = [one.block for one in scored]
        if not names:
            return
        verdicts = certify.run(self._store, self._instrument, blocks=names)
        passed = [verdict.block for verdict in verdicts]
        self.judged.certified += len(passed)
        if passed:
            published = publish.run(
                self._store, self._instrument, blocks=passed, helpers=self._helpers
            )
            self.judged.published += len(published.new)
