"""Products in the registry."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, func, select, update

from vltflow.core.errors import NotFound
from vltflow.records import Product, ProductState
from vltflow.store import schema
from vltflow.store.events import Events
from vltflow.store.rows import chunks, insert_rows, values_of
from vltflow.store.setups import Setups

_COLUMNS = [column for column in schema.product.c if column.name != "number"]


class Products:
    """Products of jobs: where their bytes are, what they were made from, what became of them."""

    def __init__(self, connection: Connection, events: Events, setups: Setups) -> None:
        self._connection = connection
        self._events = events
        self._setups = setups

    def add(self, products: Sequence[Product]) -> None:
        """Register products with their inputs.

        Raises
        ------
        Conflict
            If there is a product with the same id or name, or no such job or AB.
        """
        rows = (
            values_of(product, without=("setup", "setup_keys", "inputs"))
            | {"setup_number": self._setups.number(product.setup, product.setup_keys)}
            for product in products
        )
        insert_rows(self._connection, schema.product, rows)
        inputs = (
            {"product_id": product.product_id, "position": position, "source": source}
            for product in products
            for position, source in enumerate(product.inputs)
        )
        insert_rows(self._connection, schema.product_input, inputs)
        changes = [(product.product_id, f"created {product.name}") for product in products]
        self._events.add_many("product", changes)

    def set_state(self, product_id: str, state: ProductState) -> None:
        """Change the state of a product.

        Raises
        ------
        NotFound
            If there is none.
        """
        self.set_states([product_id], state)

    def set_states(self, product_ids: Collection[str], state: ProductState) -> None:
        """Change the state of products to the same one.

        Raises
        ------
        NotFound
            If one of them is not registered.
        """
        before = self.states(product_ids)
        if missing := sorted(set(product_ids) - set(before)):
            raise NotFound(f"no product {', '.join(missing)}")
        table = schema.product
        for chunk in chunks(before):
            same = table.c.product_id.in_(chunk)
            self._connection.execute(update(table).where(same).values(state=state))
        changes = [(product_id, f"{old} -> {state}") for product_id, old in before.items()]
        self._events.add_many("product", changes)

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

    def states(self, product_ids: Iterable[str]) -> dict[str, ProductState]:
        """States of those that are registered products, by id."""
        table = schema.product.c
        statement = select(table.product_id, table.state)
        return {
            row.product_id: ProductState(row.state)
            for chunk in chunks(product_ids)
            for row in self._connection.execute(statement.where(table.product_id.in_(chunk)))
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

    def by_file(self, file_id: str) -> list[Product]:
        """Products with this content, oldest first."""
        return self._select(schema.product.c.file_id == file_id)

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
        name = schema.product.c.name
        # Not LIKE, which ignores the case on SQLite; U+10FFFF sorts after all that follows.
        statement = select(name).where(name >= start, name < f"{start}\U0010ffff")
        return set(self._connection.scalars(statement))

    def made_with(self, source: str) -> list[Product]:
        """Products that were made directly from a frame or product."""
        table = schema.product_input.c
        users = select(table.product_id).where(table.source == source)
        return self._select(schema.product.c.product_id.in_(users))

    def count(self) -> int:
        """Number of all products."""
        return self._connection.scalar(select(func.count()).select_from(schema.product)) or 0

    def _select(self, *conditions: Any) -> list[Product]:
        # In the order of registration: clocks may go backwards, numbers do not.
        statement = select(*_COLUMNS).where(*conditions).order_by(schema.product.c.number)
        rows = list(self._connection.execute(statement).mappings())
        inputs: dict[str, list[str]] = {row["product_id"]: [] for row in rows}
        source = schema.product_input.c
        for chunk in chunks(inputs):
            found = select(schema.product_input).where(source.product_id.in_(chunk))
            for row in self._connection.execute(found.order_by(source.position)):
                inputs[row.product_id].append(row.source)
        return [self._record(dict(row), tuple(inputs[row["product_id"]])) for row in rows]

    def _record(self, values: dict[str, Any], inputs: tuple[str, ...]) -> Product:
        setup, keys = self._setups.value(values.pop("setup_number"))
        values["state"] = ProductState(values["state"])
        return Product(**values, setup=setup, setup_keys=keys, inputs=inputs)
