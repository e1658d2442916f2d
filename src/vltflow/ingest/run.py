"""The one entry of this room: files in, frames and refusals in the store."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence

from vltflow.core.errors import Conflict
from vltflow.ingest.comparison import Comparisons
from vltflow.ingest.decision import Decision, Registered, decide
from vltflow.ingest.reading import Reading
from vltflow.ingest.report import Arrival, IngestReport, Outcome
from vltflow.ingest.walk import find_files
from vltflow.ingest.workers import read_all
from vltflow.instruments import Instrument
from vltflow.records import Quarantined
from vltflow.store import Store, Transaction

_log = logging.getLogger(__name__)
_BATCH = 500
"""Files in one transaction: what a kill can cost, against the price of a commit."""

Progress = Callable[[int, int], None]
Result = Reading | Quarantined


def run(
    store: Store,
    instruments: Iterable[Instrument],
    paths: Iterable[str | os.PathLike[str]],
    *,
    by: str = "ingest",
    workers: int | None = None,
    progress: Progress | None = None,
) -> IngestReport:
    """Register the raw frames among `paths`; files stay where they lie.

    May be killed at any moment: the next run goes on from what is recorded.

    Parameters
    ----------
    store : Store
        Where frames and refusals are recorded, some hundred files in a transaction.
    instruments : iterable of Instrument
        Frames of others are refused.
    paths : iterable of path-like
        Files, and folders that are searched to their depth.
    by : str
        Who ingests, for the event log.
    workers : int, optional
        Threads or processes that read; by default as many as there are cores, and none
        besides this one where there is little to read.
    progress : callable, optional
        Called with the number of files done and the number of all.

    Returns
    -------
    IngestReport
        What became of each file.

    Raises
    ------
    UserError
        If one of the paths does not exist.
    StoreError
        If the store refuses; what was recorded before stays.
    """
    files = find_files(paths)
    recorder = _Recorder(store, by)
    definitions = [instrument.header for instrument in instruments]
    done = 0
    for batch in _batches(read_all(files, definitions, workers)):
        recorder.record(batch)
        done += len(batch)
        if progress is not None:
            progress(done, len(files))
    report = IngestReport(tuple(recorder.arrivals))
    _log.info("%d files: %s", len(files), report.counts)
    return report


def _batches(results: Iterable[Result]) -> Iterator[list[Result]]:
    batch: list[Result] = []
    for result in results:
        batch.append(result)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


class _Recorder:
    """Puts batches of results into the store, and into the report."""

    def __init__(self, store: Store, by: str) -> None:
        self._store = store
        self._by = by
        self._comparisons = Comparisons(store)
        with store.read() as tx:
            self._quarantined = {refusal.location for refusal in tx.quarantine.find()}
        self.arrivals: list[Arrival] = []

    def record(self, batch: Sequence[Result]) -> None:
        """One batch as one transaction."""
        readings = [result for result in batch if isinstance(result, Reading)]
        with self._store.read() as tx:
            registered = _registered(tx, readings)
        # Decide once without a lock: comparing pixels takes long, and is remembered.
        decide(readings, registered, self._comparisons)
        try:
            arrivals = self._transaction(batch, readings)
        except Conflict:
            # Another ingestion registered one of these frames at this moment: look again.
            arrivals = self._transaction(batch, readings)
        self.arrivals += arrivals
        for arrival in arrivals:
            if arrival.outcome is Outcome.REJECTED:
                _log.warning("rejected: %s", arrival.reason)

    def _transaction(self, batch: Sequence[Result], readings: Sequence[Reading]) -> list[Arrival]:
        with self._store.write(by=self._by, why="ingest") as tx:
            decided = iter(decide(readings, _registered(tx, readings), self._comparisons))
            outcomes = [
                next(decided) if isinstance(result, Reading) else result for result in batch
            ]
            self._write(tx, outcomes)
        return [_arrival(outcome) for outcome in outcomes]

    def _write(self, tx: Transaction, outcomes: Sequence[Decision | Quarantined]) -> None:
        decisions = [outcome for outcome in outcomes if isinstance(outcome, Decision)]
        tx.frames.add(
            [
                (decision.reading.frame, decision.reading.headers)
                for decision in decisions
                if decision.outcome is Outcome.NEW
            ]
        )
        for decision in decisions:
            if decision.moved and decision.earlier is not None:
                frame = decision.reading.frame
                tx.frames.relocate(decision.earlier.frame_id, frame.location, frame.size)
            if decision.reading.frame.location in self._quarantined:
                tx.quarantine.clear(decision.reading.frame.location)
        refusals = [outcome for outcome in outcomes if isinstance(outcome, Quarantined)]
        tx.quarantine.add(refusals)


def _registered(tx: Transaction, readings: Sequence[Reading]) -> Registered:
    return Registered(
        tx.frames.by_id([reading.frame.frame_id for reading in readings]),
        tx.frames.by_name([reading.frame.name for reading in readings]),
    )


def _arrival(outcome: Decision | Quarantined) -> Arrival:
    if isinstance(outcome, Quarantined):
        return Arrival(outcome.location, Outcome.REJECTED, code=outcome.code, reason=outcome.reason)
    frame = outcome.reading.frame
    frame_id = outcome.earlier.frame_id if outcome.earlier else frame.frame_id
    return Arrival(frame.location, outcome.outcome, frame.name, frame_id, reason=outcome.reason)
