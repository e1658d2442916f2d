"""QC1 values, scores, reports and verdicts in the registry."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Table, delete, exists, insert, select

from vltflow.records import (
    BlockState,
    Colour,
    Decision,
    ProductState,
    QcParameter,
    QcValue,
    Score,
    Verdict,
)
from vltflow.store import schema
from vltflow.store.events import Events
from vltflow.store.rows import Setups, chunks, insert_or_ignore, values_of


class Quality:
    """What was measured, how it was judged and by whom."""

    def __init__(self, connection: Connection, events: Events, setups: Setups) -> None:
        self._connection = connection
        self._events = events
        self._setups = setups

    def declare(self, parameters: Sequence[QcParameter]) -> None:
        """Bring the catalogue of QC1 parameters up to date."""
        table = schema.qc_parameter
        for parameter in parameters:
            same = (table.c.instrument == parameter.instrument) & (table.c.name == parameter.name)
            self._connection.execute(delete(table).where(same))
        if parameters:
            self._connection.execute(insert(table), [values_of(one) for one in parameters])

    def parameters(self, instrument: str) -> list[QcParameter]:
        """Catalogue of an instrument's QC1 parameters, by name."""
        table = schema.qc_parameter
        statement = select(table).where(table.c.instrument == instrument).order_by(table.c.name)
        rows = self._connection.execute(statement)
        return [QcParameter(**row._mapping) for row in rows]  # noqa: SLF001 - public by name only

    def add_values(self, values: Sequence[QcValue]) -> None:
        """Register QC1 values; what is registered already stays as it is."""
        if values:
            rows = [
                values_of(value, without=("setup",))
                | {"setup_number": self._setup_of_block(value.block)}
                for value in values
            ]
            self._connection.execute(insert_or_ignore(self._connection, schema.qc_value), rows)

    def values(
        self,
        *,
        block: str | None = None,
        instrument: str | None = None,
        parameter: str | None = None,
        category: str | None = None,
        setup: str | None = None,
        mjd: tuple[float, float] | None = None,
        limit: int | None = None,
    ) -> list[QcValue]:
        """QC1 values by AB, instrument, parameter, product category, setup or MJD range, by time."""
        table = schema.qc_value.c
        conditions: list[Any] = [
            column == value
            for column, value in (
                (table.block, block),
                (table.instrument, instrument),
                (table.parameter, parameter),
                (table.category, category),
            )
            if value is not None
        ]
        if setup is not None:
            conditions.append(table.setup_number.in_(self._setups.numbers(setup)))
        if mjd is not None:
            conditions.append(table.mjd.between(*mjd))
        statement = select(schema.qc_value).where(*conditions)
        ordered = statement.order_by(table.mjd, table.block, table.category, table.parameter)
        result = []
        for row in self._connection.execute(ordered.limit(limit)):
            values = dict(row._mapping)  # noqa: SLF001 - public by name only
            del values["number"]
            label, _ = self._setups.value(values.pop("setup_number"))
            result.append(QcValue(**values, setup=label))
        return result

    def history(self, value: QcValue, window: int) -> list[float]:
        """The last `window` certified values of a value's kind before it, oldest first.

        Of its kind is: same instrument, product category, parameter and setup, from
        another AB.
        """
        return [number for _, number in self.trend(value, window)]

    def trend(self, value: QcValue, window: int) -> list[tuple[float, float]]:
        """MJD and value of what `history` gives."""
        table, product = schema.qc_value.c, schema.product.c
        statement = (
            select(table.mjd, table.value)
            .join(schema.product, product.product_id == table.product_id)
            .where(
                table.instrument == value.instrument,
                table.category == value.category,
                table.parameter == value.parameter,
                table.setup_number.in_(self._setups.numbers(value.setup)),
                table.mjd < value.mjd,
                table.block != value.block,
                product.state == ProductState.CERTIFIED,
            )
            .order_by(table.mjd.desc())
            .limit(window)
        )
        return [(row.mjd, row.value) for row in self._connection.execute(statement)][::-1]

    def set_scores(self, block: str, revision: int, scores: Sequence[Score]) -> None:
        """Write the scores of an AB anew."""
        table = schema.score
        same = (table.c.block == block) & (table.c.revision == revision)
        self._connection.execute(delete(table).where(same))
        if scores:
            self._connection.execute(insert(table), [values_of(score) for score in scores])
        red = sum(score.colour is Colour.RED for score in scores)
        scored = sum(score.colour is not Colour.GREY for score in scores)
        self._events.add("block", block, f"scored ({red}/{scored})")

    def scores(self, blocks: Iterable[str]) -> dict[str, list[Score]]:
        """Scores of the latest revision of ABs."""
        table, block = schema.score.c, schema.block.c
        result: dict[str, list[Score]] = {}
        for chunk in chunks(blocks):
            statement = (
                select(schema.score)
                .join(
                    schema.block, (block.name == table.block) & (block.revision == table.revision)
                )
                .where(table.block.in_(chunk))
                .order_by(table.block, table.category, table.parameter)
            )
            for row in self._connection.execute(statement):
                values = dict(row._mapping)  # noqa: SLF001 - public by name only
                values["colour"] = Colour(values["colour"])
                result.setdefault(row.block, []).append(Score(**values))
        return result

    def unscored(self, instrument: str) -> list[str]:
        """ABs with products whose present revision has no QC report yet, by time."""
        return self._ended(instrument, ~self._has(schema.report))

    def undecided(self, instrument: str | None = None, *, only: str | None = None) -> list[str]:
        """ABs with a QC report about whose present revision nothing was decided yet, by time."""
        conditions = [self._has(schema.report), ~self._has(schema.verdict)]
        if only is not None:
            conditions.append(schema.block.c.name == only)
        return self._ended(instrument, *conditions)

    def set_report(self, block: str, revision: int, file_id: str, created: str) -> None:
        """Note which vault file is the QC report of an AB."""
        table = schema.report
        same = (table.c.block == block) & (table.c.revision == revision)
        self._connection.execute(delete(table).where(same))
        self._connection.execute(
            insert(table).values(block=block, revision=revision, file_id=file_id, created=created)
        )
        self._events.add("block", block, f"QC report {file_id[:12]}")

    def reports(self, blocks: Collection[str]) -> dict[str, str]:
        """Vault file of the QC report of each AB's latest revision that has one."""
        table = schema.report.c
        statement = select(table.block, table.file_id).where(table.block.in_(list(blocks)))
        return {
            row.block: row.file_id
            for row in self._connection.execute(statement.order_by(table.revision))
        }

    def add_verdict(self, verdict: Verdict) -> None:
        """Register a decision; earlier ones stay."""
        self._connection.execute(insert(schema.verdict), values_of(verdict))
        self._events.add("verdict", verdict.block, f"{verdict.decision}: {verdict.comment}")

    def verdicts(self, blocks: Iterable[str]) -> dict[str, list[Verdict]]:
        """Decisions about ABs, oldest first."""
        result: dict[str, list[Verdict]] = {}
        table = schema.verdict
        for chunk in chunks(blocks):
            statement = select(table).where(table.c.block.in_(chunk)).order_by(table.c.number)
            for row in self._connection.execute(statement):
                values = dict(row._mapping)  # noqa: SLF001 - public by name only
                del values["number"]
                values["decision"] = Decision(values["decision"])
                result.setdefault(row.block, []).append(Verdict(**values))
        return result

    def _ended(self, instrument: str | None, *conditions: Any) -> list[str]:
        table = schema.block.c
        with_products = table.state.in_([BlockState.SUCCEEDED, BlockState.PARTIAL])
        statement = select(table.name).where(with_products, *conditions)
        if instrument is not None:
            statement = statement.where(table.instrument == instrument)
        return list(self._connection.scalars(statement.order_by(table.mjd_mid, table.name)))

    @staticmethod
    def _has(table: Table) -> Any:
        block = schema.block.c
        same = (table.c.block == block.name) & (table.c.revision == block.revision)
        return exists().where(same)

    def _setup_of_block(self, block: str) -> int:
        statement = select(schema.block.c.setup_number).where(schema.block.c.name == block)
        number: int = self._connection.execute(statement).scalar_one()
        return number
