"""QC1 values in bulk, over years: what plots are made of.

Each statement runs along one index; `kind` names what a series is of: instrument, product
category, parameter.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from math import nan
from operator import itemgetter
from typing import Any

import numpy as np
from sqlalchemy import (
    Connection,
    String,
    and_,
    cast,
    func,
    literal_column,
    null,
    select,
    text,
)

from vltflow.records import Colour
from vltflow.store import health_schema, schema
from vltflow.store.rows import chunks, distinct_values
from vltflow.store.setups import Setups

Kind = tuple[str, str, str]
"""Instrument, product category (PRO CATG), parameter."""
Range = tuple[float, float]
"""Closed range of MJD."""
EVER: Range = (-1e9, 1e9)
_AT_ONCE = 5000
"""Values that one statement looks up, as a statement costs more than a value; rows read at once."""


@dataclass(frozen=True, slots=True)
class Points:
    """Values without anything about them; all arrays are (n,), in any order."""

    number: np.ndarray
    """Of each value in the store; of a historical one -1 less its place in `sources`."""
    mjd: np.ndarray
    value: np.ndarray
    undefined: int
    """Values that could not be measured; they are not among these."""
    sources: tuple[str, ...] = ()
    """What historical values are called."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One QC1 value with what is known about it: of an AB, or historical."""

    key: int | str
    """Number of the value in the store; of a historical one its source."""
    record: str
    """Product that it belongs to, or source of a historical one."""
    mjd: float
    value: float
    unit: str
    setup: str
    block: str = ""
    """Empty for historical values."""
    origin: str = ""
    """Where a historical value comes from; empty for others."""
    low: float | None = None
    """Limits that it was scored by."""
    high: float | None = None
    colour: Colour = Colour.GREY


class Trends:
    """Values of one kind over time."""

    def __init__(self, connection: Connection, setups: Setups) -> None:
        self._connection = connection
        self._setups = setups
        self._distinct = partial(distinct_values, connection)

    def instruments(self) -> list[str]:
        """Instruments that have ABs or historical values, by name."""
        own, old = schema.block.c.instrument, schema.historical_product.c.instrument
        return sorted({*self._distinct(own), *self._distinct(old)})

    def categories(self, instrument: str) -> list[str]:
        """Product categories that have values, by name."""
        own, old = schema.qc_value.c, schema.historical_product.c
        return sorted(
            {
                *self._distinct(own.category, own.instrument == instrument),
                *self._distinct(old.category, old.instrument == instrument),
            }
        )

    def parameters(self, instrument: str, category: str) -> list[str]:
        """Parameters that products of a category have values of, by name."""
        own = schema.qc_value.c
        here = (own.instrument == instrument, own.category == category)
        return sorted({*self._distinct(own.parameter, *here), *self._old(instrument, category)})

    def setups(self, kind: Kind) -> dict[int, tuple[str, str]]:
        """Setups of a kind's values by number: label, and keys as JSON."""
        instrument, category, _ = kind
        own, old = schema.qc_value.c, schema.historical_product.c
        there = (old.instrument == instrument, old.category == category)
        old_numbers = self._connection.scalars(select(old.setup_number).where(*there).distinct())
        numbers = {*self._distinct(own.setup_number, *_of(kind)), *old_numbers}
        return {number: self._setups.value(number) for number in sorted(numbers)}

    def points(self, kind: Kind, setups: Collection[int], mjd: Range = EVER) -> Points:
        """All values in these setups, measured and historical."""
        own = schema.qc_value.c
        statement = select(own.number, own.mjd, own.value).where(
            *_of(kind), own.setup_number.in_(setups), own.mjd.between(*mjd)
        )
        numbers, times, values = self._columns(statement, 3)
        sources, old_times, old_values = self._old_points(kind, setups, mjd)
        value = np.array(values + old_values, dtype=float)  # NULL becomes NaN
        known = ~np.isnan(value)
        return Points(
            number=np.append(np.array(numbers, np.int64), -1 - np.arange(len(sources)))[known],
            mjd=np.array(times + old_times, dtype=float)[known],
            value=value[known],
            undefined=int(value.size - known.sum()),
            sources=tuple(sources),
        )

    def _old_points(self, kind: Kind, setups: Collection[int], mjd: Range) -> list[list[Any]]:
        """Source, MJD and value of historical values, as columns."""
        product, value = schema.historical_product.c, schema.historical_value.c
        statement = (
            select(product.source_id, product.mjd, value.value)
            .join(schema.historical_value, value.source_id == product.source_id)
            .where(*_of_old(kind), product.setup_number.in_(setups), product.mjd.between(*mjd))
        )
        return self._columns(statement, 3)

    def red(self, kind: Kind, mjd: Range = EVER) -> set[int]:
        """Numbers of the values with a red score."""
        own, score = schema.qc_value.c, schema.score.c
        _, category, parameter = kind
        # In two steps: of one, the planner would read all values to find the few red ones.
        red = select(score.block, score.revision).where(
            text("score.colour = 'red'"),  # as the index says it, or it is missed
            score.parameter == parameter,
            score.category == category,
        )
        found = {(row.block, row.revision) for row in self._connection.execute(red)}
        numbers: set[int] = set()
        for blocks in chunks(sorted({block for block, _ in found})):
            statement = select(own.number, own.block, own.revision).where(
                own.block.in_(blocks), *_of(kind), own.mjd.between(*mjd)
            )
            for number, block, revision in self._connection.execute(statement):
                if (block, revision) in found:
                    numbers.add(number)
        return numbers

    def hidden(self, parameter: str) -> set[int | str]:
        """Keys of the hidden values of a parameter."""
        own, hidden = schema.qc_value.c, health_schema.hidden_value.c
        statement = (
            select(hidden.record, own.number)
            .select_from(
                health_schema.hidden_value.outerjoin(
                    schema.qc_value,
                    and_(own.product_id == hidden.record, own.parameter == hidden.parameter),
                )
            )
            .where(hidden.parameter == parameter)
        )
        rows = self._connection.execute(statement)
        return {row.record if row.number is None else row.number for row in rows}

    def measured(self, kind: Kind, keys: Sequence[int | str]) -> dict[int | str, Measured]:
        """What is known about chosen values, by key."""
        found: dict[int | str, Measured] = {}
        for own in chunks((key for key in keys if isinstance(key, int)), _AT_ONCE):
            found |= {row[0]: self._measured(row) for row in self._rows(_own_rows(own))}
        for old in chunks((key for key in keys if isinstance(key, str)), _AT_ONCE):
            found |= {row[0]: self._measured(row) for row in self._rows(_old_rows(kind, old))}
        return found

    def scored(
        self, kind: Kind, setups: Collection[int], mjd: Range
    ) -> list[tuple[int, float, Colour]]:
        """Number, MJD and colour of all scored values in these setups, by time."""
        own, score = schema.qc_value.c, schema.score.c
        statement = (
            select(own.number, own.mjd, score.colour)
            .select_from(schema.qc_value.join(schema.score, _SAME_SCORE))
            .where(*_of(kind), own.setup_number.in_(setups), own.mjd.between(*mjd))
            .order_by(own.mjd, own.number)
        )
        rows = self._connection.execute(statement)
        return [(row.number, row.mjd, Colour(row.colour)) for row in rows]

    def by_record(
        self, kind: Kind, setups: Collection[int], mjd: Range = EVER
    ) -> tuple[list[str], list[int | str], list[float | None]]:
        """AB with its revision in one text, key and value: what two parameters are compared by.

        Of a historical value its source stands for the AB.
        """
        own = schema.qc_value.c
        record = own.block + "/" + cast(own.revision, String)
        statement = select(record, own.number, own.value).where(
            *_of(kind), own.setup_number.in_(setups), own.mjd.between(*mjd)
        )
        records, numbers, values = self._columns(statement, 3)
        sources, _, old_values = self._old_points(kind, setups, mjd)
        return records + sources, numbers + sources, values + old_values

    def latest(self, instrument: str) -> float | None:
        """MJD of the latest night with ABs, or of the latest historical product; None: neither."""
        block, old = schema.block.c, schema.historical_product.c
        night = select(func.max(block.night)).where(block.instrument == instrument)
        last = self._connection.scalar(night)
        ends = [
            select(func.max(block.mjd_end)).where(
                block.instrument == instrument, block.night == last
            )
        ]
        ends += [
            select(func.max(old.mjd)).where(old.instrument == instrument, old.category == category)
            for category in self._distinct(old.category, old.instrument == instrument)
        ]
        found = [self._connection.scalar(end) for end in ends]
        return max((mjd for mjd in found if mjd is not None), default=None)

    def _rows(self, statement: Any) -> list[Any]:
        """Rows as the driver gives them: SQLAlchemy's take three times as long."""
        result = self._connection.execute(statement)
        rows = list(result.cursor.fetchall()) if result.cursor else []
        result.close()
        return rows

    def _columns(self, statement: Any, count: int) -> list[list[Any]]:
        """Columns instead of rows, a few rows at a time.

        Python's search for cycles looks at all rows that are alive, over and over: a hundred
        thousand of them cost more than the reading.
        """
        columns: list[list[Any]] = [[] for _ in range(count)]
        result = self._connection.execute(statement)
        while result.cursor and (rows := result.cursor.fetchmany(_AT_ONCE)):
            for place, column in enumerate(columns):
                column.extend(map(itemgetter(place), rows))
        result.close()
        return columns

    def _old(self, instrument: str, category: str) -> Iterable[str]:
        product, value = schema.historical_product.c, schema.historical_value.c
        statement = (
            select(value.parameter)
            .join(schema.historical_product, value.source_id == product.source_id)
            .where(product.instrument == instrument, product.category == category)
        )
        return self._connection.scalars(statement.distinct())

    def _measured(self, row: Sequence[Any]) -> Measured:
        key, record, mjd, value, unit, setup, block, origin, low, high, colour = row
        label, _ = self._setups.value(setup)
        number = nan if value is None else value
        score = Colour(colour) if colour else Colour.GREY
        return Measured(key, record, mjd, number, unit, label, block, origin, low, high, score)


_SAME_SCORE = and_(
    schema.score.c.block == schema.qc_value.c.block,
    schema.score.c.revision == schema.qc_value.c.revision,
    schema.score.c.category == schema.qc_value.c.category,
    schema.score.c.parameter == schema.qc_value.c.parameter,
)


def _of(kind: Kind) -> tuple[Any, ...]:
    own = schema.qc_value.c
    instrument, category, parameter = kind
    return own.instrument == instrument, own.category == category, own.parameter == parameter


def _of_old(kind: Kind) -> tuple[Any, ...]:
    product, value = schema.historical_product.c, schema.historical_value.c
    instrument, category, parameter = kind
    return (
        product.instrument == instrument,
        product.category == category,
        value.parameter == parameter,
    )


def _own_rows(numbers: Sequence[int]) -> Any:
    own, score = schema.qc_value.c, schema.score.c
    return (
        select(
            own.number, own.product_id, own.mjd, own.value, own.unit, own.setup_number, own.block,
            literal_column("''"), score.low, score.high, score.colour,
        )
        .select_from(schema.qc_value.outerjoin(schema.score, _SAME_SCORE))
        .where(own.number.in_(numbers))
    )  # fmt: skip


def _old_rows(kind: Kind, sources: Sequence[str]) -> Any:
    product, value = schema.historical_product.c, schema.historical_value.c
    return (
        select(
            product.source_id, product.source_id, product.mjd, value.value, value.unit,
            product.setup_number, literal_column("''"), product.name + " " + product.pipeline,
            null(), null(), null(),
        )
        .join(schema.historical_value, value.source_id == product.source_id)
        .where(value.parameter == kind[2], product.source_id.in_(sources))
    )  # fmt: skip
