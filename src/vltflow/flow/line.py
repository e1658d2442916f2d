"""Jobs, their judgement and the making of products side by side, as on an assembly line.

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

_TURN_SECONDS = 2.0
"""ABs that end within this time are judged together: a few cost little more than one."""

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
    judged = Judged()
    publisher, judges = _stages(store, instrument, helpers, judged)

    def ended(now: Progress) -> None:
        judges.give([now.ended])
        tell(now)

    with publisher, judges:
        report = process(
            store,
            site,
            {instrument.name: instrument},
            blocks=names,
            progress=ended,
            cancel=cancel,
            executor=executor,
        )
        judges.give(report.recovered)
    return report, judged


def _stages(
    store: Store, instrument: Instrument, helpers: Helpers, judged: Judged
) -> tuple[Stage, Stage]:
    """What publishes, and what scores and certifies before: to be left in the other order."""
    known = qc.declared(store, instrument)

    def produce(names: list[str]) -> None:
        published = publish.run(store, instrument, blocks=names, helpers=helpers)
        judged.published += len(published.new)

    publisher = Stage("publish", produce)

    def judge(_: list[str]) -> None:  # all that was not scored yet, whoever left it
        scored = [one.block for one in qc.run(store, instrument, known=known, pages=False)]
        verdicts = certify.run(store, instrument, blocks=scored) if scored else []
        judged.certified += len(verdicts)
        publisher.give([verdict.block for verdict in verdicts])

    return publisher, Stage("judge", judge)


class Stage:
    """A thread that works on what it is given, all together that came while it was busy.

    Leaving it waits until all is worked on, and raises what the work raised; nothing is worked
    on after that.

    Parameters
    ----------
    name
        Of the thread.
    work
        Called with names of ABs.
    turn_s
        How long it waits for more after the first, s.
    """

    def __init__(
        self, name: str, work: Callable[[list[str]], None], *, turn_s: float = _TURN_SECONDS
    ) -> None:
        self._work = work
        self._turn_s = turn_s
        self._given: list[str] = []
        self._changed = threading.Condition()
        self._over = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name)

    def give(self, names: Collection[str]) -> None:
        """Let it work on these ABs, too."""
        with self._changed:
            self._given += names
            self._changed.notify()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._changed:
            self._over = True
            self._changed.notify()
        self._thread.join()
        if error is None and self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            while names := self._gathered():
                self._work(names)
        except BaseException as error:  # noqa: BLE001 - raised again where the line is joined
            self._error = error

    def _gathered(self) -> list[str]:
        """What it was given within a turn; nothing when it is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._given or self._over)
            self._changed.wait_for(lambda: self._over, self._turn_s)
            names, self._given = self._given, []
        return names
