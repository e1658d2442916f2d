"""Science products in the registry."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, exists, func, select, update

from vltflow.core.errors import NotFound
from vltflow.records import AssociatedFile, ProductState, ScienceProduct, ScienceState
from vltflow.store import schema, science_schema
from vltflow.store.events import Events
from vltflow.store.rows import chunks, insert_rows, pack_list, unpack_list, values_of

_COLUMNS = [column for column in science_schema.science_product.c if column.name != "number"]
_SHOWN = (ScienceState.PUBLISHED,)


class Science:
    """What was handed to astronomers, all versions of it."""

    def __init__(self, connection: Connection, events: Events) -> None:
        self._connection = connection
        self._events = events

    def publish(self, product: ScienceProduct) -> None:
        """Register a version; earlier ones of its AB are hidden from now on.

        Raises
        ------
        Conflict
            If its id, its archive name, or its name and version are known already.
        """
        for before in self.find(block=product.block):
            self.hide(before.science_id, f"version {product.version} took its place")
        row = values_of(product, without=("inputs", "associated"))
        row["inputs"] = pack_list(product.inputs)
        insert_rows(self._connection, science_schema.science_product, [row])
        files = (
            values_of(one) | {"science_id": product.science_id, "position": position}
            for position, one in enumerate(product.associated)
        )
        insert_rows(self._connection, science_schema.science_file, files)
        text = f"published {product.name} version {product.version} as {product.archive_name}"
        self._events.add("science", product.science_id, text)

    def hide(self, science_id: str, problem: str) -> None:
        """Take a version out of use; its files are kept.

        Raises
        ------
        NotFound
            If there is none.
        """
        table = science_schema.science_product
        same = table.c.science_id == science_id
        hidden = update(table).where(same).values(state=ScienceState.HIDDEN, problem=problem)
        if not self._connection.execute(hidden).rowcount:
            raise NotFound(f"no science product {science_id}")
        self._events.add("science", science_id, f"HIDDEN: {problem}")

    def find(
        self,
        *,
        instrument: str | None = None,
        night: str | None = None,
        target: str | None = None,
        block: str | None = None,
        name: str | None = None,
        states: Collection[ScienceState] = _SHOWN,
    ) -> list[ScienceProduct]:
        """Science products by time and version; only those that are shown, unless asked."""
        table = science_schema.science_product.c
        given = {
            "instrument": instrument,
            "night": night,
            "target": target,
            "block": block,
            "name": name,
        }
        conditions: list[Any] = [
            table[column] == value for column, value in given.items() if value is not None
        ]
        conditions.append(table.state.in_([str(state) for state in states]))
        return self._select(*conditions)

    def by_file(self, file_id: str) -> list[ScienceProduct]:
        """Science products with this content, whatever their state."""
        return self._select(science_schema.science_product.c.file_id == file_id)

    def versions(self, name: str) -> int:
        """Number of the latest version of a name; 0 if there is none."""
        table = science_schema.science_product.c
        latest = select(func.max(table.version)).where(table.name == name)
        return self._connection.scalar(latest) or 0

    def unpublished(self, instrument: str, categories: Collection[str]) -> list[str]:
        """ABs with certified products of these categories that are in no science product.

        A product that was published before and is hidden now is not published again.
        """
        product, block = schema.product.c, schema.block.c
        science = science_schema.science_product.c
        of_revision = exists().where(
            science.block == block.name, science.revision == block.revision
        )
        certified = exists().where(
            product.block == block.name,
            product.revision == block.revision,
            product.category.in_(list(categories)),
            product.state == ProductState.CERTIFIED,
        )
        statement = select(block.name).where(
            block.instrument == instrument, certified, ~of_revision
        )
        return list(self._connection.scalars(statement.order_by(block.mjd_mid, block.name)))

    def withdrawn(self, instrument: str) -> list[ScienceProduct]:
        """Published versions with an input that is not certified any more."""
        shown = self.find(instrument=instrument)
        inputs = {one for product in shown for one in product.inputs}
        table = schema.product.c
        lost = {
            product_id
            for chunk in chunks(inputs)
            for product_id in self._connection.scalars(
                select(table.product_id).where(
                    table.product_id.in_(chunk), table.state != ProductState.CERTIFIED
                )
            )
        }
        return [one for one in shown if lost.intersection(one.inputs)]

    def taken(self, names: Iterable[str]) -> set[str]:
        """Those of the archive names that are taken."""
        column = science_schema.science_product.c.archive_name
        return {
            found
            for chunk in chunks(names)
            for found in self._connection.scalars(select(column).where(column.in_(chunk)))
        }

    def _select(self, *conditions: Any) -> list[ScienceProduct]:
        table = science_schema.science_product.c
        order = (table.mjd_obs, table.name, table.version)
        rows = self._connection.execute(select(*_COLUMNS).where(*conditions).order_by(*order))
        found = [self._record(dict(row)) for row in rows.mappings()]
        files: dict[str, list[AssociatedFile]] = {}
        file = science_schema.science_file.c
        for chunk in chunks(one.science_id for one in found):
            statement = select(science_schema.science_file).where(file.science_id.in_(chunk))
            for row in self._connection.execute(statement.order_by(file.position)):
                kept = AssociatedFile(row.name, row.category, row.file_id, row.size, row.md5)
                files.setdefault(row.science_id, []).append(kept)
        return [replace(one, associated=tuple(files.get(one.science_id, ()))) for one in found]

    @staticmethod
    def _record(values: dict[str, Any]) -> ScienceProduct:
        values["state"] = ScienceState(values["state"])
        values["inputs"] = unpack_list(values["inputs"])
        return ScienceProduct(**values)
