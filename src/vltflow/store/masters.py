"""Certified masters in the registry."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, delete, exists, insert, select, update

from vltflow.core.errors import NotFound, StoreError, ValidityOverlap
from vltflow.records import Master, MasterState, Product, ProductState
from vltflow.store import schema
from vltflow.store.events import Events
from vltflow.store.products import Products
from vltflow.store.rows import chunks, values_of
from vltflow.store.setups import Setups


class Masters:
    """Certified masters and the times in which they hold."""

    def __init__(self, connection: Connection, events: Events, setups: Setups) -> None:
        self._connection = connection
        self._events = events
        self._setups = setups

    def add(self, master: Master) -> None:
        """Register a certified master, or certify one anew.

        Raises
        ------
        ValidityOverlap
            If a valid master of its category and setup holds at a time of its range.
        StoreError
            If it is valid at no time.
        """
        self._check_range(master)
        table = schema.master
        self._connection.execute(delete(table).where(table.c.product_id == master.product_id))
        number = self._setups.number(master.setup, master.setup_keys)
        values = values_of(master, without=("setup", "setup_keys")) | {"setup_number": number}
        self._connection.execute(insert(table), values)
        self._events.add("master", master.product_id, _range_text(master))

    def update(self, master: Master) -> None:
        """Write state and validity range of a registered master.

        Raises
        ------
        NotFound
            If it is not registered.
        ValidityOverlap, StoreError
            As for `add`.
        """
        self._check_range(master)
        statement = update(schema.master).where(schema.master.c.product_id == master.product_id)
        values = {name: getattr(master, name) for name in ("state", "valid_from", "valid_to")}
        if not self._connection.execute(statement.values(values)).rowcount:
            raise NotFound(f"no master {master.product_id}")
        self._events.add("master", master.product_id, _range_text(master))

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

    def _check_range(self, master: Master) -> None:
        if master.state is not MasterState.VALID:
            return
        if not master.valid_from < master.valid_to:
            raise StoreError(f"{master.name} would be valid at no time: {_range_text(master)}")
        table = schema.master.c
        overlapping = self._select(
            *_siblings(master.instrument, master.category, master.setup_keys),
            table.product_id != master.product_id,
            table.valid_from < master.valid_to,
            table.valid_to > master.valid_from,
        )
        for other in overlapping:
            raise ValidityOverlap(
                f"{_range_text(master)} of {master.name} overlaps "
                f"{_range_text(other)} of {other.name}",
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
