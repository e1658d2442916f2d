"""The room's entry: certified spectra become science products; what lost trust is hidden."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from vltflow.core.errors import VltflowError
from vltflow.core.helpers import Helpers
from vltflow.core.identity import content_hash
from vltflow.core.time import mjd_from_iso, now_iso
from vltflow.instruments import Instrument
from vltflow.publish.naming import archive_name
from vltflow.publish.producing import Made, Request, produce
from vltflow.publish.sources import Sources, gather_all, main_categories
from vltflow.records import ScienceProduct, score_bits
from vltflow.store import Store, Transaction

PROBLEM = "not published: "
_MILLISECOND = 1e-3 / 86_400.0
_TOGETHER = 8
"""ABs that are gathered, and products that are recorded, in one transaction."""
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
    helpers: Helpers | None = None,
    by: str = "publish",
) -> Published:
    """Publish certified spectra that are not yet, and hide what lost its trust.

    Each product is put to the rules of the standard before anybody sees it. An AB of
    which none can be made gets the reason as its problem, and the others go on.

    Parameters
    ----------
    blocks
        Names of ABs to look at; all by default.
    again
        Make a new version of `blocks` that are published already: after a change of
        ``idp.yaml`` or of the scores.
    helpers
        Processes that make the files (`producing.helpers`); None: this one does.

    Raises
    ------
    StoreError
        If the registry or the vault cannot be read or written.
    """
    if not instrument.idp.spectra:
        return Published()
    hidden = _hide(store, instrument, blocks, by)
    names = _selected(store, instrument, blocks, again=again)
    new: list[ScienceProduct] = []
    failed: list[str] = []
    requests = _requests(store, instrument, names, failed, by)
    waiting: list[tuple[Sources, Made]] = []
    for request, made in _made(requests, store, instrument, helpers):
        if isinstance(made, Made):
            waiting.append((request.sources, made))
        else:
            _refuse(store, request.sources.block.name, made, by)
            failed.append(request.sources.block.name)
        if len(waiting) == _TOGETHER:
            new += _record(store, waiting, by, again=again)
            waiting = []
    new += _record(store, waiting, by, again=again)
    return Published(tuple(new), hidden, tuple(failed))


def _requests(
    store: Store, instrument: Instrument, names: Sequence[str], failed: list[str], by: str
) -> Iterator[Request]:
    """What products are made from; ABs that lack something are refused here."""
    given: set[str] = set()  # archive names of what is being made
    for start in range(0, len(names), _TOGETHER):
        with store.read() as tx:
            known = tx.blocks.by_name(names[start : start + _TOGETHER])
            blocks = [known[name] for name in names[start : start + _TOGETHER]]
            found = gather_all(tx, instrument, blocks)
            later = [
                _free_millisecond(tx, one, given) if isinstance(one, Sources) else 0
                for one in found
            ]
        for block, sources, milliseconds in zip(blocks, found, later, strict=True):
            if isinstance(sources, Sources):
                yield Request(sources, milliseconds)
            else:
                _refuse(store, block.name, sources, by)
                failed.append(block.name)


def _made(
    requests: Iterable[Request], store: Store, instrument: Instrument, helpers: Helpers | None
) -> Iterator[tuple[Request, Made | VltflowError]]:
    if helpers is not None:
        return helpers.map(requests)
    return ((request, produce(request, instrument, store.vault)) for request in requests)


def _hide(
    store: Store, instrument: Instrument, blocks: Sequence[str] | None, by: str
) -> tuple[ScienceProduct, ...]:
    with store.read() as tx:
        if not tx.science.withdrawn(instrument.name, blocks):
            return ()
    with store.write(by=by, why="certification changed") as tx:
        lost = tx.science.withdrawn(instrument.name, blocks)
        for product in lost:
            states = {one.state for one in tx.products.by_id(product.inputs).values()}
            words = ", ".join(sorted(str(state) for state in states))
            tx.science.hide(product.science_id, f"what it was made of is {words}")
    return tuple(lost)


def _selected(
    store: Store, instrument: Instrument, blocks: Sequence[str] | None, *, again: bool
) -> list[str]:
    with store.read() as tx:
        names = tx.science.unpublished(instrument.name, main_categories(instrument), blocks)
        if again:
            published = tx.science.find(instrument=instrument.name)
            names += [one.block for one in published if one.block not in names]
    return names if blocks is None else [name for name in names if name in set(blocks)]


def _free_millisecond(tx: Transaction, sources: Sources, given: set[str]) -> int:
    begin = mjd_from_iso(sources.ended)
    for number in count():
        name = archive_name(begin + number * _MILLISECOND)
        if name not in given and not tx.science.taken([name]):
            given.add(name)
            return number
    raise AssertionError


def _record(
    store: Store, made: Sequence[tuple[Sources, Made]], by: str, *, again: bool
) -> list[ScienceProduct]:
    """Register versions, but of no AB that somebody else published while it was made."""
    if not made:
        return []
    products = []
    with store.write(by=by, why="certified spectra") as tx:
        blocks = [sources.block for sources, _ in made]
        shown = set() if again else tx.science.shown(block.name for block in blocks)
        versions = tx.science.versions({one.name for _, one in made})
        for sources, one in made:
            if (sources.block.name, sources.block.revision) in shown:
                continue
            versions[one.name] = versions.get(one.name, 0) + 1
            products.append(_product(sources, one, version=versions[one.name]))
        tx.science.publish(*products)
        for block in tx.blocks.by_name([product.block for product in products]).values():
            if PROBLEM in block.problem:
                tx.blocks.set_problem(block.name, _without_ours(block.problem))
    return products


def _product(sources: Sources, made: Made, *, version: int) -> ScienceProduct:
    block = sources.block
    return ScienceProduct(
        science_id=content_hash([block.name, block.revision, version, made.file_id])[:32],
        block=block.name,
        revision=block.revision,
        instrument=block.instrument,
        night=block.night,
        category="SCIENCE.SPECTRUM",
        target=made.said.target,
        setup=block.setup,
        mjd_obs=sources.frames[0].mjd_obs,
        name=made.name,
        version=version,
        archive_name=made.archive_name,
        file_id=made.file_id,
        size=made.size,
        snr=made.snr,
        bits=score_bits(sources.scores),
        created=now_iso(),
        inputs=tuple(one.product_id for one in sources.main),
        associated=made.associated,
        ra=made.said.ra,
        dec=made.said.dec,
        programmes=tuple(made.said.programmes),
    )


def _refuse(store: Store, name: str, error: VltflowError, by: str) -> None:
    """Give an AB the reason why it has no science product as its problem."""
    _log.warning("ab=%s %s%s", name, PROBLEM, error)
    with store.write(by=by, why="no science product") as tx:
        own = _without_ours(before := tx.blocks.get(name).problem)
        problem = f"{PROBLEM}{error}"
        shown = f"{own}; {problem}" if own else problem
        if shown != before:
            tx.blocks.set_problem(name, shown)


def _without_ours(problem: str) -> str:
    return problem.partition(PROBLEM)[0].removesuffix("; ")
