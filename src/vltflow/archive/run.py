"""The room's entry: bring masters in line with what is certified."""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter

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
_moment = attrgetter("mjd")
_SAME_MOMENT = "not archived: "
_WITHDRAWN = {ProductState.SUPERSEDED: MasterState.SUPERSEDED}
"""Of a master whose product is in this state; in any other it was revoked."""
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
    withdrawn = [
        replace(master, state=_WITHDRAWN.get(state, MasterState.REVOKED))
        for master, state in tx.masters.withdrawn(instrument.name)
    ]
    tx.masters.put(withdrawn)
    return {(master.category, master.setup_keys) for master in withdrawn}


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
    changed = [master for master in after if before.get(master.product_id) != master]
    tx.masters.put(changed)
    return [master for master in changed if master.product_id not in before]


def _without_ties(
    tx: Transaction, present: Sequence[Master], arrivals: Sequence[Master]
) -> list[Master]:
    accepted: list[Master] = []
    by_time = sorted(present, key=_moment)
    for master in arrivals:
        place = bisect_left(by_time, master.mjd, key=_moment)
        neighbours = by_time[max(0, place - 1) : place + 1]
        rival = next((one for one in neighbours if same_moment(one, master)), None)
        if rival is None:
            accepted.append(master)
            by_time.insert(place, master)
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
