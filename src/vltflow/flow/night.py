"""The daily loop: from classified frames to certified masters and science products.

The loop is incremental. Whatever was done before, by whomever, however it ended,
a run does what is left: it can be started every hour, or again after a crash.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from vltflow import archive, associate, certify, classify, publish, qc
from vltflow.core.site import Site
from vltflow.flow.compare import compare_new
from vltflow.instruments import Instrument
from vltflow.process.report import ProcessReport
from vltflow.process.run import run as process
from vltflow.store import Store

Progress = Callable[[str, int, int], None]
"""Called with the room, the number done and the number to do."""


@dataclass(frozen=True, slots=True)
class NightReport:
    """What a run of the loop found and did."""

    instrument: str
    night: str
    blocks: int
    """ABs of the night."""
    states: dict[str, int] = field(default_factory=dict)
    """ABs of the night by state."""
    processed: int = 0
    """Jobs that this run executed, of other nights too where this one needs their masters."""
    failed: int = 0
    """Jobs of this run that ended badly."""
    certified: int = 0
    """ABs that this run certified automatically."""
    archived: int = 0
    """Masters that this run archived."""
    published: int = 0
    """Science products that this run published."""
    compared: int = 0
    """ABs on which this run compared the two runners."""
    unknown: int = 0
    """Frames of the night that no classification rule recognises."""


def run_night(
    store: Store,
    site: Site,
    instruments: Sequence[Instrument],
    night: str,
    *,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> list[NightReport]:
    """Bring one night of some instruments as far as it can go without a person.

    The jobs of all instruments run side by side.

    Raises
    ------
    SiteBusy
        If another scheduler runs this store.
    StoreError
        If the store cannot be written; what was done before stays done.
    """
    tell = progress or (lambda _room, _done, _total: None)
    for instrument in instruments:
        classify.run(store, instrument)
    tell("classify", 1, 1)
    for instrument in instruments:
        archive.build_statics(store, instrument)
        associate.run(store, instrument)
    tell("associate", 1, 1)
    done: dict[str, Counter[str]] = {one.name: Counter() for one in instruments}
    while True:
        report = process(
            store,
            site,
            {one.name: one for one in instruments},
            night=night,
            progress=lambda now: tell("process", now.done, now.total),
            cancel=cancel,
        )
        _count(store, report, done)
        changed = [_after_jobs(store, one, done[one.name]) for one in instruments]
        if not report.done and not any(changed):
            break
        if cancel is not None and cancel.is_set():
            break
    for instrument in instruments:
        if cancel is None or not cancel.is_set():
            done[instrument.name]["compared"] = len(compare_new(store, site, instrument, night))
    return [_report(store, one, night, done[one.name]) for one in instruments]


def _count(store: Store, report: ProcessReport, done: dict[str, Counter[str]]) -> None:
    ended = {*report.succeeded, *report.partial, *report.failed, *report.aborted}
    with store.read() as tx:
        owners = {name: block.instrument for name, block in tx.blocks.by_name(ended).items()}
    for name in ended - set(report.skipped):
        done[owners[name]]["processed"] += 1
    for name in report.failed:
        done[owners[name]]["failed"] += 1


def _after_jobs(store: Store, instrument: Instrument, done: Counter[str]) -> bool:
    """Judge what was made; whether association then found something new to do.

    A failed or rejected source sends its users back to association, which may find another.
    """
    qc.run(store, instrument)
    done["certified"] += len(certify.run(store, instrument))
    done["archived"] += len(archive.run(store, instrument))
    done["published"] += len(publish.run(store, instrument).new)
    return bool(associate.run(store, instrument).changed)


def _report(store: Store, instrument: Instrument, night: str, done: Counter[str]) -> NightReport:
    with store.read() as tx:
        blocks = tx.blocks.find(instrument=instrument.name, night=night)
        unknown = list(tx.frames.find(instrument=instrument.name, night=night, raw_type=""))
    states = Counter(str(block.state) for block in blocks)
    return NightReport(
        instrument=instrument.name,
        night=night,
        blocks=len(blocks),
        states=dict(states),
        unknown=len(unknown),
        **done,
    )
