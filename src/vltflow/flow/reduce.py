"""The astronomer's short way: a folder of raw frames becomes products, and nothing was set up."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

from vltflow import archive, associate, certify, classify, ingest, publish, qc
from vltflow.core.errors import UserError
from vltflow.core.helpers import Helpers
from vltflow.core.site import Site
from vltflow.fits import has_suffix
from vltflow.flow.better import reopen_better_served
from vltflow.flow.line import run_line
from vltflow.flow.reduced import PRODUCTS, Reduced, gather, is_science, write_index
from vltflow.instruments import Instrument, available, load
from vltflow.process.executors import LocalExecutor
from vltflow.process.rules import MADE, OPEN
from vltflow.records import Decision
from vltflow.store import Store

SITE = ".vltflow"
WHO = "reduce"
STACKS = {"target": "OBS.TARG.NAME", "ob": "OBS.ID"}
"""What the exposures of a stack share, by the word of the option."""

Tell = Callable[[str, int, int], None]
"""Called with what goes on, the number done and the number to do."""


def raw_paths(folder: Path) -> list[Path]:
    """What is read of a folder: everything but the products.

    Raises
    ------
    UserError
        If it is no folder, or holds no FITS file.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder", hint="Give the folder with the raw frames")
    found = [
        path
        for path in sorted(folder.iterdir())
        if path.name != PRODUCTS
        and not path.name.startswith(".")
        and (path.is_dir() or has_suffix(path.name))
    ]
    if not found:
        raise UserError(f"{folder} holds no FITS files", hint="Raw frames end with .fits, .fits.Z")
    return found


def _unread(folder: Path) -> list[tuple[str, str]]:
    """Files that are not read for their names, with the reason."""
    starts = [
        path
        for path in Path(os.path.abspath(folder)).iterdir()  # noqa: PTH100 - as ingest names them
        if path.name != PRODUCTS and path.name[0] != "."
    ]
    paths = [file for path in starts for file in (path, *path.rglob("*")) if file.is_file()]
    return [
        (str(path), "not looked at: no FITS file by its name")
        for path in sorted(paths)
        if not has_suffix(path.name)
    ]


def reduce_folder(  # noqa: PLR0913 - what a user may choose
    store: Store,
    site: Site,
    folder: Path,
    *,
    stack: str = "target",
    runner: str = "native",
    tell: Tell | None = None,
    cancel: threading.Event | None = None,
) -> Reduced:
    """Reduce the science of a folder with the calibrations that lie beside it.

    Does what is left to do: a second run takes in new frames and makes nothing twice but science
    that better calibrations came for. What the rules would leave to a person is accepted in the
    name of the short way, and said.

    Parameters
    ----------
    store, site
        Of this folder.
    stack
        What the exposures of a stack share beside the setup: ``target`` or ``ob``.
    runner
        Which of the two executes recipes that both can: ``native`` needs no other program.

    Raises
    ------
    UserError
        If the folder holds no FITS file.
    """
    say = tell or (lambda *_: None)
    out = Reduced(folder / PRODUCTS)
    names = available(site)
    definitions = {
        name: load(name, site).run_by(runner).stacked_by(STACKS[stack]) for name in names
    }
    report = ingest.run(
        store,
        definitions.values(),
        raw_paths(folder),
        progress=lambda done, total: say("read", done, total),
    )
    out.rejected = [
        (one.location, one.reason.removeprefix(f"{one.location}: ")) for one in report.rejected
    ]
    with store.read() as tx:
        frames = list(tx.frames.find())
    read = {frame.location for frame in frames}
    out.others = [(one.location, one.reason) for one in report.known if one.location not in read]
    out.others += _unread(folder)
    out.frames = len(frames)
    out.instruments = tuple(sorted({frame.instrument for frame in frames}))
    with LocalExecutor(site) as executor:
        for name in out.instruments:
            _reduce(store, site, definitions[name], executor, say, cancel)
    for name in out.instruments:
        gather(store, definitions[name], out)
    if out.frames:
        out.files.append(write_index(out))
    return out


def _reduce(
    store: Store,
    site: Site,
    instrument: Instrument,
    executor: LocalExecutor,
    say: Tell,
    cancel: threading.Event | None,
) -> None:
    classify.run(store, instrument)
    archive.build_statics(store, instrument)
    associate.run(store, instrument)
    with store.read() as tx:
        blocks = tx.blocks.find(instrument=instrument.name)
    science = [one for one in blocks if is_science(instrument, one)]
    reopen_better_served(store, instrument, science, complete=True, by=WHO)
    with publish.helpers(instrument, store.vault, site.cores) as helpers:
        _make(
            store, site, instrument, executor=executor, helpers=helpers, say=say, cancel=cancel
        )  # fmt: skip
        _accept(store, instrument)
        archive.run(store, instrument)
        publish.run(store, instrument, helpers=helpers)


def _make(  # noqa: PLR0913 - what the line needs
    store: Store,
    site: Site,
    instrument: Instrument,
    *,
    executor: LocalExecutor,
    helpers: Helpers,
    say: Tell,
    cancel: threading.Event | None,
) -> None:
    while cancel is None or not cancel.is_set():
        wanted = _wanted(store, instrument)
        report, _ = run_line(
            store, site, instrument, wanted, executor=executor, helpers=helpers, cancel=cancel,
            tell=lambda now: say(instrument.name, now.done, now.total),
        )  # fmt: skip
        qc.run(store, instrument)
        certify.run(store, instrument)  # also what a run made that was killed before it could judge
        changed = associate.run(store, instrument).changed
        if not wanted or (not report.done and not changed):
            break


def _wanted(store: Store, instrument: Instrument) -> list[str]:
    """Science to be made, or that a run made which was killed; all ABs, where there is none."""
    with store.read() as tx:
        blocks = tx.blocks.find(instrument=instrument.name)
    science = [one for one in blocks if is_science(instrument, one)]
    return [one.name for one in (science or blocks) if one.state in OPEN]


def _accept(store: Store, instrument: Instrument) -> None:
    """Take what was made, as its owner wants to see it; the scores stay for all to see."""
    desk = certify.waiting(store, instrument.name, definition=lambda _: instrument)
    for one in desk:
        with store.read() as tx:
            state = tx.blocks.states([one.block])[one.block][0]
        if state in MADE:
            comment = f"taken without a look, as the owner of the folder asked: {one.reason}"
            certify.decide(store, one.block, Decision.ACCEPTED, who=WHO, comment=comment)
