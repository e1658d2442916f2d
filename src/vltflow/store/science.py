"""Science products in the registry."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, exists, func, select, update

from vltflow.core.errors import NotFound
from vltflow.records import (
    AssociatedFile,
    ProductState,
    ScienceProduct,
    ScienceQuery,
    ScienceState,
)
from vltflow.store import schema, science_schema
from vltflow.store.events import Events
from vltflow.store.rows import (
    chunks,
    distinct_values,
    insert_rows,
    pack_list,
    unpack_list,
    values_of,
)
from vltflow.store.science_search import conditions_of, target_key, unit_vector

_SOUGHT = frozenset({"number", "unit_x", "unit_y", "unit_z", "target_key"})
"""Columns that only help to search."""
_COLUMNS = [column for column in science_schema.science_product.c if column.name not in _SOUGHT]
_COUNTED = 10_000
_SHOWN = (ScienceState.PUBLISHED,)


class Science:
    """What was handed to astronomers, all versions of it."""

    def __init__(self, connection: Connection, events: Events) -> None:
        self._connection = connection
        self._events = events

    def publish(self, *products: ScienceProduct) -> None:
        """Register one version of each of some ABs; earlier ones of these are hidden from now on.

        Raises
        ------
        Conflict
            If an id, an archive name, or a name and version are known already.
        """
        versions = {product.block: product.version for product in products}
        for before in self._shown_of(versions):
            self.hide(before.science_id, f"version {versions[before.block]} took its place")
        insert_rows(self._connection, science_schema.science_product, map(_row, products))
        programmes = (
            {"science_id": product.science_id, "position": position, "programme": one}
            for product in products
            for position, one in enumerate(product.programmes)
        )
        insert_rows(self._connection, science_schema.science_programme, programmes)
        files = (
            values_of(one) | {"science_id": product.science_id, "position": position}
            for product in products
            for position, one in enumerate(product.associated)
        )
        insert_rows(self._connection, science_schema.science_file, files)
        changes = [
            (one.science_id, f"published {one.name} version {one.version} as {one.archive_name}")
            for one in products
        ]
        self._events.add_many("science", changes)

    def shown(self, blocks: Iterable[str]) -> set[tuple[str, int]]:
        """AB and revision of the shown versions of ABs."""
        return {(row.block, row.revision) for row in self._shown_of(blocks)}

    def _shown_of(self, blocks: Iterable[str]) -> list[Any]:
        table = science_schema.science_product.c
        shown = select(table.science_id, table.block, table.revision)
        shown = shown.where(table.state.in_(_SHOWN))
        return [
            row
            for chunk in chunks(blocks)
            for row in self._connection.execute(shown.where(table.block.in_(chunk)))
        ]

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

    def search(
        self, query: ScienceQuery, *, limit: int = 50, offset: int = 0
    ) -> list[ScienceProduct]:
        """Science products that fit, the latest exposures first."""
        table = science_schema.science_product.c
        falling = (table.mjd_obs.desc(), table.number.desc())
        return self._select(*conditions_of(query), order=falling, limit=limit, offset=offset)

    def count(self, query: ScienceQuery) -> int:
        """How many fit; counting ends above 10,000, so that it takes no time."""
        number = science_schema.science_product.c.number
        found = select(number).where(*conditions_of(query)).limit(_COUNTED + 1).subquery()
        return self._connection.scalar(select(func.count()).select_from(found)) or 0

    def categories(self) -> list[tuple[str, str]]:
        """Instrument and category of all that is there, each pair once."""
        table = science_schema.science_product.c
        return [
            (instrument, category)
            for instrument in distinct_values(self._connection, table.instrument)
            for category in distinct_values(
                self._connection, table.category, table.instrument == instrument
            )
        ]

    def by_file(self, file_id: str) -> list[ScienceProduct]:
        """Science products with this content, whatever their state."""
        return self._select(science_schema.science_product.c.file_id == file_id)

    def versions(self, names: Iterable[str]) -> dict[str, int]:
        """Number of the latest version of each of the names that has one."""
        table = science_schema.science_product.c
        latest = select(table.name, func.max(table.version).label("latest")).group_by(table.name)
        return {
            row.name: row.latest
            for chunk in chunks(names)
            for row in self._connection.execute(latest.where(table.name.in_(chunk)))
        }

    def unpublished(
        self, instrument: str, categories: Collection[str], blocks: Collection[str] | None = None
    ) -> list[str]:
        """ABs with certified products of these categories that are in no science product.

        A product that was published before and is hidden now is not published again.

        Parameters
        ----------
        blocks
            Names of ABs to look at; all by default.
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
        statement = select(block.name, block.instrument).where(certified, ~of_revision)
        statement = statement.order_by(block.mjd_mid, block.name)
        if blocks is None:
            own = statement.where(block.instrument == instrument)
            return list(self._connection.scalars(own))
        # Without a word on the instrument, so that SQLite does not take the index of all its ABs.
        return [
            row.name
            for chunk in chunks(blocks)
            for row in self._connection.execute(statement.where(block.name.in_(chunk)))
            if row.instrument == instrument
        ]

    def withdrawn(
        self, instrument: str, blocks: Collection[str] | None = None
    ) -> list[ScienceProduct]:
        """Published versions with an input that is not certified any more.

        Parameters
        ----------
        blocks
            Names of ABs to look at; all by default.
        """
        science, product = science_schema.science_product.c, schema.product.c
        # Inputs are products of the AB itself.
        doubtful = exists().where(
            product.block == science.block, product.state != ProductState.CERTIFIED
        )
        conditions = (science.state.in_(_SHOWN), doubtful)
        if blocks is None:
            shown = self._select(science.instrument == instrument, *conditions)
        else:
            shown = [
                one
                for chunk in chunks(blocks)
                for one in self._select(science.block.in_(chunk), *conditions)
            ]
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

    def _select(
        self,
        *conditions: Any,
        order: Sequence[Any] = (),
        limit: int | None = None,
        offset: int = 0,
    ) -> list[ScienceProduct]:
        table = science_schema.science_product.c
        order = order or (table.mjd_obs, table.name, table.version)
        statement = select(*_COLUMNS).where(*conditions).order_by(*order)
        if limit is not None:
            statement = statement.limit(limit).offset(offset)
        rows = self._connection.execute(statement)
        found = [self._record(dict(row)) for row in rows.mappings()]
        names = [one.science_id for one in found]
        files, programmes = self._files(names), self._programmes(names)
        return [
            replace(
                one,
                associated=tuple(files.get(one.science_id, ())),
                programmes=tuple(programmes.get(one.science_id, ())),
            )
            for one in found
        ]

    def _files(self, science_ids: Iterable[str]) -> dict[str, list[AssociatedFile]]:
        files: dict[str, list[AssociatedFile]] = {}
        file = science_schema.science_file.c
        for chunk in chunks(science_ids):
            statement = select(science_schema.science_file).where(file.science_id.in_(chunk))
            for row in self._connection.execute(statement.order_by(file.position)):
                kept = AssociatedFile(row.name, row.category, row.file_id, row.size, row.md5)
                files.setdefault(row.science_id, []).append(kept)
        return files

    def _programmes(self, science_ids: Iterable[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        table = science_schema.science_programme
        for chunk in chunks(science_ids):
            statement = select(table).where(table.c.science_id.in_(chunk))
            for row in self._connection.execute(statement.order_by(table.c.position)):
                found.setdefault(row.science_id, []).append(row.programme)
        return found

    @staticmethod
    def _record(values: dict[str, Any]) -> ScienceProduct:
        values["state"] = ScienceState(values["state"])
        values["inputs"] = unpack_list(values["inputs"])
        return ScienceProduct(**values)


def _row(product: ScienceProduct) -> dict[str, Any]:
    row = values_of(product, without=("inputs", "associated", "programmes"))
    row["inputs"] = pack_list(product.inputs)
    row["target_key"] = target_key(product.target)
    return row | unit_vector(product.ra, product.dec)
