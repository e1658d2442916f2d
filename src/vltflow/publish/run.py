"""The room's entry: certified spectra become science products; what lost trust is hidden."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from vltflow.core.errors import UnprocessableData, VltflowError
from vltflow.core.identity import content_hash
from vltflow.core.time import mjd_from_iso, now_iso
from vltflow.instruments import Instrument
from vltflow.publish.making import Companion, Files, make_files, md5_of
from vltflow.publish.naming import archive_name
from vltflow.publish.rules import Severity
from vltflow.publish.sources import Sources, gather, main_categories
from vltflow.publish.validation import validate
from vltflow.records import AssociatedFile, ScienceProduct, score_bits
from vltflow.store import Store

PROBLEM = "not published: "
_SHOWN = 3
_MILLISECOND = 1e-3 / 86_400.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Published:
    """What a run of the room did."""

    new: tuple[ScienceProduct, ...] = ()
    hidden: tuple[ScienceProduct, ...] = ()
    failed: tuple[str, ...] = ()
    """ABs of which no product could be made; their problem says why."""


def run(
    store: Store,
    instrument: Instrument,
    *,
    blocks: Sequence[str] | None = None,
    again: bool = False,
    by: str = "publish",
) -> Published:
    """Publish certified spectra that are not yet, and hide what lost its trust.

    Each product is put to the rules of the standard before anybody sees it. An AB of
    which none can be made gets the reason as its problem, and the others go on.

    Parameters
    ----------
    blocks
        Names of ABs; all by default. With names nothing is hidden: looking for what lost its
        trust takes a look at all products.
    again
        Make a new version of `blocks` that are published already: after a change of
        ``idp.yaml`` or of the scores.

    Raises
    ------
    StoreError
        If the registry or the vault cannot be read or written.
    """
    if not instrument.idp.spectra:
        return Published()
    hidden = _hide(store, instrument, by) if blocks is None else ()
    new: list[ScienceProduct] = []
    failed: list[str] = []
    for name in _selected(store, instrument, blocks, again=again):
        try:
            new.append(_publish(store, instrument, name, by))
        except VltflowError as error:  # the boundary of one AB
            _log.warning("ab=%s %s%s", name, PROBLEM, error)
            _remark(store, name, f"{PROBLEM}{error}", by)
            failed.append(name)
    return Published(tuple(new), hidden, tuple(failed))


def _hide(store: Store, instrument: Instrument, by: str) -> tuple[ScienceProduct, ...]:
    with store.write(by=by, why="certification changed") as tx:
        lost = tx.science.withdrawn(instrument.name)
        for product in lost:
            states = {one.state for one in tx.products.by_id(product.inputs).values()}
            words = ", ".join(sorted(str(state) for state in states))
            tx.science.hide(product.science_id, f"what it was made of is {words}")
    return tuple(lost)


def _selected(
    store: Store, instrument: Instrument, blocks: Sequence[str] | None, *, again: bool
) -> list[str]:
    with store.read() as tx:
        names = tx.science.unpublished(instrument.name, main_categories(instrument))
        if again:
            published = tx.science.find(instrument=instrument.name)
            names += [one.block for one in published if one.block not in names]
    return names if blocks is None else [name for name in names if name in set(blocks)]


def _publish(store: Store, instrument: Instrument, name: str, by: str) -> ScienceProduct:
    with store.read() as tx:
        sources = gather(tx, instrument, name)
        later = _free_millisecond(tx.science.taken, sources)
    with tempfile.TemporaryDirectory() as folder:
        made = make_files(sources, instrument, store.vault, Path(folder), later=later)
        _check(made)
        file_id = store.vault.put_file(made.path)
        files = tuple(_kept(store, one) for one in made.companions)
        size = made.path.stat().st_size
    with store.write(by=by, why=f"AB {name}, revision {sources.block.revision}") as tx:
        product = _record(
            sources, made, file_id, size, files, version=tx.science.versions(made.path.name) + 1
        )
        tx.science.publish(product)
        block = tx.blocks.get(name)
        if PROBLEM in block.problem:
            tx.blocks.set_problem(name, _without_ours(block.problem))
    return product


def _free_millisecond(taken: Callable[[list[str]], set[str]], sources: Sources) -> int:
    begin = mjd_from_iso(sources.ended)
    return next(
        number for number in count() if not taken([archive_name(begin + number * _MILLISECOND)])
    )


def _check(made: Files) -> None:
    """Raise UnprocessableData if the standard refuses what was made."""
    (verdict,) = validate([made.path])
    errors = [one for one in verdict.findings if one.severity is Severity.ERROR]
    if errors:
        shown = "; ".join(f"{one.rule} {one.keyword}: {one.reason}" for one in errors[:_SHOWN])
        raise UnprocessableData(
            f"{made.path.name}: {len(errors)} rules of the standard refuse it: {shown}"
        )


def _kept(store: Store, one: Companion) -> AssociatedFile:
    file_id = store.vault.put_file(one.path)
    size = one.path.stat().st_size
    return AssociatedFile(one.path.name, one.category, file_id, size, md5_of(one.path))


def _record(
    sources: Sources,
    made: Files,
    file_id: str,
    size: int,
    files: tuple[AssociatedFile, ...],
    *,
    version: int,
) -> ScienceProduct:
    block = sources.block
    return ScienceProduct(
        science_id=content_hash([block.name, block.revision, version, file_id])[:32],
        block=block.name,
        revision=block.revision,
        instrument=block.instrument,
        night=block.night,
        category="SCIENCE.SPECTRUM",
        target=made.said.target,
        setup=block.setup,
        mjd_obs=sources.frames[0].mjd_obs,
        name=made.path.name,
        version=version,
        archive_name=made.archive_name,
        file_id=file_id,
        size=size,
        snr=made.snr,
        bits=score_bits(sources.scores),
        created=now_iso(),
        inputs=tuple(one.product_id for one in sources.main),
        associated=files,
        ra=made.said.ra,
        dec=made.said.dec,
        programmes=tuple(made.said.programmes),
    )


def _remark(store: Store, name: str, problem: str, by: str) -> None:
    with store.write(by=by, why="no science product") as tx:
        own = _without_ours(before := tx.blocks.get(name).problem)
        shown = f"{own}; {problem}" if own else problem
        if shown != before:
            tx.blocks.set_problem(name, shown)


def _without_ours(problem: str) -> str:
    return problem.partition(PROBLEM)[0].removesuffix("; ")
