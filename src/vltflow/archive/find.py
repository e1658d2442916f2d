"""Certified masters found again."""

from __future__ import annotations

from vltflow.archive.rules import master_categories
from vltflow.core.errors import UnknownName
from vltflow.instruments import Instrument
from vltflow.records import Master
from vltflow.store import Store


def find(
    store: Store,
    instrument: Instrument,
    category: str | None = None,
    *,
    setup: str | None = None,
    mjd: float | None = None,
) -> list[Master]:
    """Valid masters of an instrument, by time.

    Parameters
    ----------
    category
        PRO CATG.
    setup
        Label of the setup, as listings show it.
    mjd
        Moment that must lie in the master's range; of one category and setup at
        most one is left then.

    Raises
    ------
    UnknownName
        If no raw type of the instrument makes a master of this category.
    """
    known = master_categories(instrument)
    if category is not None and category not in known:
        raise UnknownName(
            f"{instrument.name} has no masters of category {category!r}",
            hint=f"Known: {', '.join(sorted(known))}",
        )
    with store.read() as tx:
        return tx.masters.find(instrument=instrument.name, category=category, setup=setup, mjd=mjd)
