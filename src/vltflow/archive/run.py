"""The room's entry: bring masters in line with what is certified."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from vltflow.archive.rules import (
    is_master,
    master_categories,
    reach_days,
    same_moment,
    validity,
)
from vltflow.instruments import Instrument
from vltflow.records import Master, MasterState, Product, ProductState
from vltflow.store import Store, Transaction

_log = logging.getLogger(__name__)
_SAME_MOMENT = "not archived: "
Kind = tuple[str, str]
"""Category and setup keys: masters of one kind share the time."""


def run(store: Store, instrument: Instrument, *, by: str = "archive") -> list[Master]:
    """Give every certified master its validity, and take it from those that lost trust.

    All in one transaction: first products that a later revision of their AB replaced
    become SUPERSEDED; masters whose product is not certified any more lose their
    validity; then every kind (category and setup) that gained or lost one gets its
    ranges anew. A product of the same moment and kind as a valid master stays out,
    and its AB says so.

    Returns
    -------
    list of Master
        Those that were not valid before, by time.

    Raises
    ------
    StoreError
        If the registry cannot be read or written.
    """
    with store.write(by=by, why="certification changed") as tx:
        for product in tx.masters.superseded(instrument.name):
            tx.products.set_state(product.product_id, ProductState.SUPERSEDED)
        touched = _withdraw(tx, instrument)
        arrivals = _arrivals(tx, instrument)
        new: list[Master] = []
        for kind in sorted({*touched, *arrivals}):
            new += _arrange(tx, instrument, kind, arrivals.get(kind, []))
    return sorted(new, key=lambda master: (master.mjd, master.name))


def _withdraw(tx: Transaction, instrument: Instrument) -> set[Kind]:
    touched = set()
    for master, state in tx.masters.withdrawn(instrument.name):
        superseded = state is ProductState.SUPERSEDED
        after = MasterState.SUPERSEDED if superseded else MasterState.REVOKED
        tx.masters.update(replace(master, state=after))
        touched.add((master.category, master.setup_keys))
    return touched


def _arrivals(tx: Transaction, instrument: Instrument) -> dict[Kind, list[Master]]:
    arrivals: dict[Kind, list[Master]] = {}
    for product in tx.masters.unregistered(instrument.name, master_categories(instrument)):
        raw_type = tx.blocks.get(product.block).raw_type
        if is_master(instrument, raw_type, product.category):
            master = _master(product)
            arrivals.setdefault((master.category, master.setup_keys), []).append(master)
    return arrivals


def _master(product: Product) -> Master:
    return Master(
        product_id=product.product_id,
        name=product.name,
        instrument=product.instrument,
        category=product.category,
        setup=product.setup,
        setup_keys=product.setup_keys,
        mjd=product.mjd,
        valid_from=product.mjd,
        valid_to=product.mjd,
        file_id=product.file_id,
    )


def _arrange(
    tx: Transaction, instrument: Instrument, kind: Kind, arrivals: Sequence[Master]
) -> list[Master]:
    category, setup_keys = kind
    before = {
        master.product_id: master
        for master in tx.masters.siblings(instrument.name, category, setup_keys)
    }
    accepted = _without_ties(tx, list(before.values()), arrivals)
    after = validity([*before.values(), *accepted], reach_days(instrument, category))
    # First everyone gives way, then the new come in, then everyone spreads: at no step
    # do two ranges overlap, since old ranges were apart and new ones are.
    _shrink(tx, before, after)
    new = [master for master in after if master.product_id not in before]
    for master in new:
        tx.masters.add(master)
    _spread(tx, before, after)
    return new


def _shrink(tx: Transaction, before: dict[str, Master], after: Sequence[Master]) -> None:
    for master in after:
        old = before.get(master.product_id)
        if old is not None:
            common = _common(old, master)
            if common != old:
                tx.masters.update(common)
                before[master.product_id] = common


def _spread(tx: Transaction, before: dict[str, Master], after: Sequence[Master]) -> None:
    for master in after:
        if master.product_id in before and before[master.product_id] != master:
            tx.masters.update(master)


def _common(old: Master, new: Master) -> Master:
    """What two ranges of a master share: at least its own moment, unless its reach was changed."""
    start = max(old.valid_from, new.valid_from)
    return replace(old, valid_from=start, valid_to=max(start, min(old.valid_to, new.valid_to)))


def _without_ties(
    tx: Transaction, present: Sequence[Master], arrivals: Sequence[Master]
) -> list[Master]:
    accepted: list[Master] = []
    for master in arrivals:
        rival = next((one for one in (*present, *accepted) if same_moment(one, master)), None)
        if rival is None:
            accepted.append(master)
        else:
            _report_tie(tx, master, rival)
    return accepted


def _report_tie(tx: Transaction, master: Master, rival: Master) -> None:
    block = tx.blocks.get(tx.products.get(master.product_id).block)
    problem = (
        f"{_SAME_MOMENT}{master.name} has the same moment and setup as {rival.name}; revoke one"
    )
    _log.warning("ab=%s %s", block.name, problem)
    if problem not in block.problem:
        before = block.problem.partition(_SAME_MOMENT)[0].removesuffix("; ")
        tx.blocks.set_problem(block.name, f"{before}; {problem}" if before else problem)
