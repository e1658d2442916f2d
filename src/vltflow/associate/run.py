"""Association of the classified frames in a store."""

from __future__ import annotations

import contextlib
import gc
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from vltflow.associate.planning import Change, Plan, match_again, plan_association
from vltflow.instruments import Instrument
from vltflow.records import AssociationBlock, BlockState
from vltflow.store import Store, Transaction

BATCH = 20_000
"""ABs in one transaction."""

Progress = Callable[[int, int], None]
"""Told how many ABs are written, and how many there are to write."""

_log = logging.getLogger(__name__)
_NOT_RUNNING = tuple(state for state in BlockState if state is not BlockState.RUNNING)


@dataclass(frozen=True, slots=True)
class AssociateReport:
    """What an association did; names of ABs."""

    created: tuple[str, ...] = ()
    joined: tuple[str, ...] = ()
    """Open ABs to which late frames came."""
    reopened: tuple[str, ...] = ()
    """Processed ABs to which late frames came: their revision has risen."""
    rematched: tuple[str, ...] = ()
    """Open ABs whose calibrations or state have changed."""
    waiting: tuple[str, ...] = ()
    """Running ABs with late frames, or ABs that began to run meanwhile: next time."""

    @property
    def changed(self) -> tuple[str, ...]:
        """All ABs that were written."""
        return (*self.created, *self.joined, *self.reopened, *self.rematched)


def run(
    store: Store,
    instrument: Instrument,
    *,
    by: str = "associate",
    progress: Progress | None = None,
) -> AssociateReport:
    """Bring the ABs of an instrument up to date with its frames, products and rules.

    Idempotent: called again it writes nothing. ABs that run or have succeeded are not
    matched anew (`reopen` does that for who wants it); late frames re-open processed ones.

    Parameters
    ----------
    store
        Where frames, ABs and products are.
    instrument
        Definition with the rules.
    by
        In whose name changes are logged.
    progress
        Told how many ABs are written and are to be written.

    Raises
    ------
    Conflict
        If somebody else associates the same frames at the same time; nothing of the
        present batch is written then.
    """
    with _without_collector():
        with store.read() as look:
            plan = plan_association(look, instrument)
        return _carry_out(store, instrument, plan, by=by, progress=progress)


def preview(look: Transaction, instrument: Instrument, name: str) -> AssociationBlock:
    """An AB as it would be associated now with a definition, whatever its state; not written.

    Raises
    ------
    NotFound
        If there is no AB with this name.
    """
    return match_again(look, instrument, look.blocks.get(name))


def _carry_out(
    store: Store, instrument: Instrument, plan: Plan, *, by: str, progress: Progress | None
) -> AssociateReport:
    done: dict[str, list[str]] = {}
    late = list(plan.left_waiting)
    changes = plan.changes
    # Killed between two batches, an AB may wait for one that is not written yet. It is not
    # run before that one exists, and the next association writes it: its frames still wait.
    for start in range(0, len(changes), BATCH):
        batch = changes[start : start + BATCH]
        with store.write(by=by, why=f"rules {instrument.context}") as change:
            missed = _write(change, batch)
        late += missed
        for one in batch:
            if one.block.name not in missed:
                done.setdefault(one.kind, []).append(one.block.name)
        if progress is not None:
            progress(start + len(batch), len(changes))
    if plan.looked and len(late) == len(plan.left_waiting):
        with store.write(by=by, why="association complete") as change:
            change.association.set_mark(instrument.name, plan.seen, plan.rules)
    report = AssociateReport(
        created=tuple(done.get("new", ())),
        joined=(*done.get("joined", ()), *done.get("renamed", ())),
        reopened=tuple(done.get("reopened", ())),
        rematched=tuple(done.get("rematched", ())),
        waiting=tuple(dict.fromkeys(late)),
    )
    _log.info("%s: %d ABs created, %d changed", instrument.name, len(report.created), len(changes))
    return report


@contextlib.contextmanager
def _without_collector() -> Iterator[None]:
    """Hold the garbage collector: records have no cycles, but it would walk millions of them."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def _write(change: Transaction, batch: Sequence[Change]) -> set[str]:
    """Write changes; gives the names of ABs that somebody else was faster with."""
    for one in batch:
        if one.kind == "renamed":
            change.blocks.remove(one.replaces, f"becomes {one.block.name}: {one.text}")
    change.blocks.add([one.block for one in batch if one.kind in {"new", "renamed"}])
    revised = {
        one.block.name: (one.block, one.text)
        for one in batch
        if one.kind in {"joined", "rematched"}
    }
    written = change.blocks.revise(revised)
    reopened = {one.block.name: (one.block, one.text) for one in batch if one.kind == "reopened"}
    written |= change.blocks.revise(reopened, expected=_NOT_RUNNING)
    return {*revised, *reopened} - written
