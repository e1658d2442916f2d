"""Products and masters in the registry."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, exists, func, insert, select, text, update

from vltflow.core.errors import NotFound, ValidityOverlap
from vltflow.records import Master, MasterState, Product, ProductState
from vltflow.store import schema
from vltflow.store.events import Events
from vltflow.store.rows import Setups, chunks, values_of


class Products:
    """Products of jobs: where their bytes are, what they were made from, what became of them."""

    def __init__(self, connection: Connection, events: Events, setups: Setups) -> None:
        self._connection = connection
        self._events = events
        self._setups = setups

    def add(self, products: Sequence[Product]) -> None:
        """Register products with their inputs."""
        if not products:
            return
        rows = [
            values_of(product, without=("setup", "setup_keys", "inputs"))
            | {"setup_number": self._setups.number(product.setup, product.setup_keys)}
            for product in products
        ]
        self._connection.execute(insert(schema.product), rows)
        inputs = [
            {"product_id": product.product_id, "position": position, "source": source}
            for product in products
            for position, source in enumerate(product.inputs)
        ]
        if inputs:
            self._connection.execute(insert(schema.product_input), inputs)
        changes = [(product.product_id, f"created {product.name}") for product in products]
        self._events.add_many("product", changes)

    def set_state(self, product_id: str, state: ProductState) -> None:
        """Change the state of a product."""
        table = schema.product
        before = self._connection.scalar(
            select(table.c.state).where(table.c.product_id == product_id)
        )
        if before is None:
            raise NotFound(f"no product {product_id}")
        statement = update(table).where(table.c.product_id == product_id)
        self._connection.execute(statement.values(state=state))
        self._events.add("product", product_id, f"{before} -> {state}")

    def get(self, product_id: str) -> Product:
        """Product with this id.

        Raises
        ------
        NotFound
            If there is none.
        """
        for product in self._select(schema.product.c.product_id == product_id):
            return product
        raise NotFound(f"no product {product_id}")

    def by_id(self, product_ids: Iterable[str]) -> dict[str, Product]:
        """Registered products with these ids."""
        column = schema.product.c.product_id
        return {
            product.product_id: product
            for chunk in chunks(product_ids)
            for product in self._select(column.in_(chunk))
        }

    def taken(self, names: Iterable[str]) -> set[str]:
        """Those of the file names that products bear."""
        column = schema.product.c.name
        return {
            found
            for chunk in chunks(names)
            for found in self._connection.scalars(select(column).where(column.in_(chunk)))
        }

    def adopt(self, product_id: str, revision: int) -> None:
        """Let a product count for another revision of its AB: the same work was asked for."""
        table = schema.product
        before = self.get(product_id)
        state = ProductState.CREATED if before.state is ProductState.SUPERSEDED else before.state
        statement = update(table).where(table.c.product_id == product_id)
        self._connection.execute(statement.values(revision=revision, state=state))
        change = f"revision {before.revision} -> {revision}, {state}"
        self._events.add("product", product_id, change)

    def by_name(self, name: str) -> Product:
        """Product with this file name.

        Raises
        ------
        NotFound
            If there is none.
        """
        for product in self._select(schema.product.c.name == name):
            return product
        raise NotFound(f"no product named {name!r}")

    def of_blocks(self, blocks: Iterable[str]) -> dict[str, list[Product]]:
        """Products of ABs, all revisions, oldest first."""
        result: dict[str, list[Product]] = {}
        for chunk in chunks(blocks):
            for product in self._select(schema.product.c.block.in_(chunk)):
                result.setdefault(product.block, []).append(product)
        return result

    def of_block(self, block: str, revision: int | None = None) -> list[Product]:
        """Products of an AB, of one revision if it is given."""
        found = self.of_blocks([block]).get(block, [])
        return [one for one in found if revision is None or one.revision == revision]

    def of_job(self, job_id: str) -> list[Product]:
        """Products of a job."""
        return self._select(schema.product.c.job_id == job_id)

    def names_starting(self, start: str) -> set[str]:
        """Product names that begin with a text."""
        column = schema.product.c.name
        return set(
            self._connection.scalars(
                select(column).where(column.startswith(start, autoescape=True))
            )
        )

    def made_with(self, source: str) -> list[Product]:
        """Products that were made directly from a frame or product."""
        table = schema.product_input.c
        users = select(table.product_id).where(table.source == source)
        return self._select(schema.product.c.product_id.in_(users))

    def count(self) -> int:
        """Number of all products."""
        return self._connection.scalar(select(func.count()).select_from(schema.product)) or 0

    def _select(self, *conditions: Any) -> list[Product]:
        table = schema.product.c
        statement = select(schema.product).where(*conditions)
        rows = list(self._connection.execute(statement.order_by(table.created, table.name)))
        inputs: dict[str, list[str]] = {row.product_id: [] for row in rows}
        source = schema.product_input.c
        for chunk in chunks(inputs):
            found = select(schema.product_input).where(source.product_id.in_(chunk))
            for row in self._connection.execute(found.order_by(source.position)):
                inputs[row.product_id].append(row.source)
        return [self._record(row, tuple(inputs[row.product_id])) for row in rows]

    def _record(self, row: Row[Any], inputs: tuple[str, ...]) -> Product:
        values = dict(row._mapping)  # noqa: SLF001 - public by name only
        setup, keys = self._setups.value(values.pop("setup_number"))
        values["state"] = ProductState(values["state"])
        return Product(**values, setup=setup, setup_keys=keys, inputs=inputs)


class Masters:
    """Certified masters and the times in which they hold."""

    def __init__(self, connection: Connection, events: Events, setups: Setups) -> None:
        self._connection = connection
        self._events = events
        self._setups = setups

    def add(self, master: Master) -> None:
        """Register a certified master.

        Raises
        ------
        ValidityOverlap
            If a valid master of its category and setup holds at a time of its range.
        """
        self._refuse_overlap(master)
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
        ValidityOverlap
            As for `add`.
        """
        if master.state is MasterState.VALID:
            self._refuse_overlap(master)
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
            conditions.append(table.setup_number.in_(self._setups.numbers(setup)))
        if mjd is not None:
            conditions += [table.valid_from <= mjd, table.valid_to > mjd]
        return self._select(*conditions)

    def siblings(self, instrument: str, category: str, setup_keys: str) -> list[Master]:
        """Valid masters of one category and setup, by time."""
        return self._select(*_siblings(instrument, category, setup_keys))

    def lock(self) -> None:
        """Keep others from changing masters until this transaction ends; they may read."""
        if self._connection.dialect.name == "postgresql":  # elsewhere a writer is alone anyway
            self._connection.execute(text("LOCK TABLE master IN SHARE ROW EXCLUSIVE MODE"))

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

    def _refuse_overlap(self, master: Master) -> None:
        table = schema.master.c
        same_kind = _siblings(master.instrument, master.category, master.setup_keys)
        others = self._select(
            *same_kind,
            table.product_id != master.product_id,
            table.valid_from < master.valid_to,
            table.valid_to > master.valid_from,
        )
        for other in others:
            raise ValidityOverlap(
                f"{_range_text(master)} of {master.name} overlaps "
                f"{_range_text(other)} of {other.name}"
            )

    def _select(self, *conditions: Any) -> list[Master]:
        table = schema.master.c
        statement = select(schema.master).where(*conditions).order_by(table.mjd, table.name)
        result = []
        for row in self._connection.execute(statement):
            values = dict(row._mapping)  # noqa: SLF001 - public by name only
            setup, keys = self._setups.value(values.pop("setup_number"))
            values["state"] = MasterState(values["state"])
            result.append(Master(**values, setup=setup, setup_keys=keys))
        return result


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
