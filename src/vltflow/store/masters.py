"""Certified masters in the registry."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, delete, exists, select

from vltflow.core.errors import StoreError, ValidityOverlap
from vltflow.records import Master, MasterState, Product, ProductState
from vltflow.store import schema
from vltflow.store.events import Events
from vltflow.store.products import Products
from vltflow.store.rows import chunks, insert_rows, values_of
from vltflow.store.setups import Setups


class Masters:
    """Certified masters and the times in which they hold."""

    def __init__(self, connection: Connection, events: Events, setups: Setups) -> None:
        self._connection = connection
        self._events = events
        self._setups = setups

    def put(self, masters: Sequence[Master]) -> None:
        """Register masters, or write them anew, all at once: neighbours may trade time.

        Raises
        ------
        ValidityOverlap
            If two valid masters of one category and setup would hold at the same time.
        StoreError
            If one would be valid at no time.
        """
        for kind in {(one.instrument, one.category, one.setup_keys) for one in masters}:
            self._check(kind, masters)
        table = schema.master
        for chunk in chunks(master.product_id for master in masters):
            self._connection.execute(delete(table).where(table.c.product_id.in_(chunk)))
        rows = (
            values_of(master, without=("setup", "setup_keys"))
            | {"setup_number": self._setups.number(master.setup, master.setup_keys)}
            for master in masters
        )
        insert_rows(self._connection, table, rows)
        self._events.add_many("master", [(one.product_id, _range_text(one)) for one in masters])

    def get(self, product_id: str) -> Master | None:
        """Master record of a product, whatever its state."""
        found = self._select(schema.master.c.product_id == product_id)
        return found[0] if found else None

    def find(
        self,
        *,
        instrument: str,
        category: str | None = None,
        setup: str | None = None,
        mjd: float | None = None,
        states: Collection[MasterState] = (MasterState.VALID,),
    ) -> list[Master]:
        """Masters by category, setup label and a moment in their range, by time."""
        table = schema.master.c
        conditions: list[Any] = [
            table.instrument == instrument,
            table.state.in_([str(state) for state in states]),
        ]
        if category is not None:
            conditions.append(table.category == category)
        if setup is not None:
            conditions.append(table.setup_number.in_(self._setups.numbers(label=setup)))
        if mjd is not None:
            conditions += [table.valid_from <= mjd, table.valid_to > mjd]
        return self._select(*conditions)

    def siblings(self, instrument: str, category: str, setup_keys: str) -> list[Master]:
        """Valid masters of one category and setup, by time."""
        return self._select(*_siblings(instrument, category, setup_keys))

    def before(self, instrument: str, category: str, setup_keys: str, mjd: float) -> Master | None:
        """Last valid master of a category and setup before a moment; None if there is none."""
        table = schema.master.c
        conditions = (*_siblings(instrument, category, setup_keys), table.mjd < mjd)
        statement = select(schema.master).where(*conditions).order_by(table.mjd.desc()).limit(1)
        row = self._connection.execute(statement).mappings().first()
        return None if row is None else self._record(dict(row))

    def unregistered(self, instrument: str, categories: Collection[str]) -> list[Product]:
        """Certified products of these categories that are no valid masters yet, by time."""
        product = schema.product.c
        return self._products(
            product.instrument == instrument,
            product.category.in_(list(categories)),
            product.state == ProductState.CERTIFIED,
            ~exists().where(_is_its_master()),
        )

    def withdrawn(self, instrument: str) -> list[tuple[Master, ProductState]]:
        """Valid masters whose product is no longer certified, with the product's state."""
        product = schema.product.c
        statement = (
            select(schema.product.c.product_id, product.state)
            .join(schema.master, _is_its_master())
            .where(product.instrument == instrument, product.state != ProductState.CERTIFIED)
        )
        states = {
            row.product_id: ProductState(row.state) for row in self._connection.execute(statement)
        }
        return [
            (master, states[master.product_id])
            for chunk in chunks(states)
            for master in self._select(schema.master.c.product_id.in_(chunk))
        ]

    def superseded(self, instrument: str) -> list[Product]:
        """Certified products of which a later revision of the same AB made a certified one."""
        older, later = schema.product.c, schema.product.alias().c
        replaced = exists().where(
            later.block == older.block,
            later.category == older.category,
            later.revision > older.revision,
            later.state == ProductState.CERTIFIED,
        )
        reopened = select(schema.block.c.name).where(schema.block.c.revision > 1)
        certified = (older.state == ProductState.CERTIFIED) & older.block.in_(reopened)
        return self._products(older.instrument == instrument, certified, replaced)

    def _products(self, *conditions: Any) -> list[Product]:
        statement = select(schema.product.c.product_id).where(*conditions)
        ids = list(self._connection.scalars(statement))
        products = Products(self._connection, self._events, self._setups)
        found = products.by_id(ids).values()
        return sorted(found, key=lambda product: (product.mjd, product.name))

    def _check(self, kind: tuple[str, str, str], masters: Sequence[Master]) -> None:
        """Refuse masters after which two of one instrument, category and setup overlap."""
        after = {one.product_id: one for one in (*self.siblings(*kind), *masters)}
        valid = [
            one
            for one in after.values()
            if one.state is MasterState.VALID
            and (one.instrument, one.category, one.setup_keys) == kind
        ]
        valid.sort(key=attrgetter("valid_from", "valid_to"))
        for one in valid:
            if not one.valid_from < one.valid_to:
                raise StoreError(f"{one.name} would be valid at no time: {_range_text(one)}")
        for earlier, later in pairwise(valid):
            if earlier.valid_to > later.valid_from:
                raise ValidityOverlap(
                    f"{_range_text(later)} of {later.name} overlaps "
                    f"{_range_text(earlier)} of {earlier.name}",
                    hint="Revoke one of them, or let one range end where the other begins",
                )

    def _select(self, *conditions: Any) -> list[Master]:
        table = schema.master.c
        statement = select(schema.master).where(*conditions).order_by(table.mjd, table.name)
        return [self._record(dict(row)) for row in self._connection.execute(statement).mappings()]

    def _record(self, values: dict[str, Any]) -> Master:
        setup, keys = self._setups.value(values.pop("setup_number"))
        values["state"] = MasterState(values["state"])
        return Master(**values, setup=setup, setup_keys=keys)


def _siblings(instrument: str, category: str, setup_keys: str) -> tuple[Any, ...]:
    table, setup = schema.master.c, schema.setup.c
    return (
        table.instrument == instrument,
        table.category == category,
        table.setup_number.in_(select(setup.number).where(setup.match_keys == setup_keys)),
        table.state == MasterState.VALID,
    )


def _is_its_master() -> Any:
    master = schema.master.c
    return (master.product_id == schema.product.c.product_id) & (master.state == MasterState.VALID)


def _range_text(master: Master) -> str:
    return f"{master.state} {master.valid_from:.5f}..{master.valid_to:.5f}"
