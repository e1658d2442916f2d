"""QC1 values of historical products in the registry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, insert, select, update

from vltflow.records import HistoricalProduct, HistoricalValue, QcValue
from vltflow.store import schema
from vltflow.store.events import Events
from vltflow.store.health_schema import is_hidden
from vltflow.store.rows import insert_rows, values_of
from vltflow.store.setups import Setups


class History:
    """What was measured elsewhere or before, with where it comes from."""

    def __init__(self, connection: Connection, events: Events, setups: Setups) -> None:
        self._connection = connection
        self._events = events
        self._setups = setups

    def add(self, product: HistoricalProduct, values: Sequence[HistoricalValue]) -> bool:
        """Register a product and its values; False if it is known.

        Of a known product only `for_thresholds` may change: to what is said now.
        """
        table = schema.historical_product
        same = table.c.source_id == product.source_id
        known = self._connection.scalar(select(table.c.for_thresholds).where(same))
        if known is None:
            self._insert(product, values)
            return True
        if bool(known) != product.for_thresholds:
            change = update(table).where(same).values(for_thresholds=product.for_thresholds)
            self._connection.execute(change)
            self._events.add("historical_product", product.source_id, _use(product))
        return False

    def _insert(self, product: HistoricalProduct, values: Sequence[HistoricalValue]) -> None:
        setup = self._setups.number(product.setup, product.setup_keys)
        row = values_of(product, without=("setup", "setup_keys")) | {"setup_number": setup}
        self._connection.execute(insert(schema.historical_product).values(row))
        insert_rows(
            self._connection,
            schema.historical_value,
            (
                {
                    "source_id": product.source_id,
                    "parameter": one.parameter,
                    "value": one.value,
                    "unit": one.unit,
                }
                for one in values
            ),
        )
        text = f"{len(values)} QC1 values of {product.name} from {product.origin}, {_use(product)}"
        self._events.add("historical_product", product.source_id, text)

    def values(
        self,
        *,
        instrument: str | None = None,
        parameter: str | None = None,
        category: str | None = None,
        setup: str | None = None,
        mjd: tuple[float, float] | None = None,
    ) -> list[HistoricalValue]:
        """Historical values by instrument, parameter, category, setup or closed range, by time."""
        product, value = schema.historical_product.c, schema.historical_value.c
        conditions: list[Any] = [
            column == wanted
            for column, wanted in (
                (product.instrument, instrument),
                (value.parameter, parameter),
                (product.category, category),
            )
            if wanted is not None
        ]
        if setup is not None:
            conditions.append(product.setup_number.in_(self._setups.numbers(label=setup)))
        if mjd is not None:
            conditions.append(product.mjd.between(*mjd))
        statement = (
            select(schema.historical_product, value.parameter, value.value, value.unit)
            .join(schema.historical_value, value.source_id == product.source_id)
            .where(*conditions)
            .order_by(product.mjd, product.name, product.source_id, value.parameter)
        )
        return [self._value(dict(row)) for row in self._connection.execute(statement).mappings()]

    def trend(self, like: QcValue, window: int) -> list[tuple[float, float]]:
        """MJD and value of the last `window` before a value, of its kind, oldest first.

        Only of products that a person imported for thresholds; hidden values do not count.
        """
        product, value = schema.historical_product.c, schema.historical_value.c
        statement = (
            select(product.mjd, value.value)
            .join(schema.historical_value, value.source_id == product.source_id)
            .where(
                product.instrument == like.instrument,
                product.category == like.category,
                value.parameter == like.parameter,
                product.setup_number.in_(self._setups.numbers(label=like.setup)),
                product.mjd < like.mjd,
                product.for_thresholds,
                ~is_hidden(product.source_id, value.parameter),
            )
            .order_by(product.mjd.desc(), product.source_id)
            .limit(window)
        )
        return [(row.mjd, row.value) for row in self._connection.execute(statement)][::-1]

    def _value(self, row: dict[str, Any]) -> HistoricalValue:
        parameter, number, unit = (row.pop(name) for name in ("parameter", "value", "unit"))
        setup, keys = self._setups.value(row.pop("setup_number"))
        product = HistoricalProduct(
            **row | {"for_thresholds": bool(row["for_thresholds"])}, setup=setup, setup_keys=keys
        )
        return HistoricalValue(product, parameter, number, unit)


def _use(product: HistoricalProduct) -> str:
    return "for thresholds" if product.for_thresholds else "not for thresholds"
