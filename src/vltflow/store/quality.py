"""QC1 values, scores, reports and verdicts in the registry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from math import inf, nan
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    Connection,
    Table,
    bindparam,
    delete,
    exists,
    insert,
    select,
    text,
)

from vltflow.core.errors import Conflict
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
from vltflow.store.health_schema import is_hidden
from vltflow.store.history import History
from vltflow.store.rows import chunks, insert_or_ignore, insert_rows, values_of
from vltflow.store.setups import Setups


class Quality:
    """What was measured, how it was judged and by whom."""

    def __init__(
        self, connection: Connection, events: Events, setups: Setups, history: History
    ) -> None:
        self._connection = connection
        self._events = events
        self._setups = setups
        self._history = history

    def declare(self, parameters: Sequence[QcParameter]) -> None:
        """Bring the catalogue of QC1 parameters up to date."""
        table = schema.qc_parameter
        known = {
            one for name in {p.instrument for p in parameters} for one in self.parameters(name)
        }
        changed = {(one.instrument, one.name): one for one in parameters if one not in known}
        if not changed:
            return
        same = (table.c.instrument == bindparam("of")) & (table.c.name == bindparam("key"))
        keys = [{"of": instrument, "key": name} for instrument, name in changed]
        self._connection.execute(delete(table).where(same), keys)
        insert_rows(self._connection, table, (values_of(one) for one in changed.values()))
        self._events.add_many(
            "qc_parameter",
            [(one.name, f"{one.instrument}: {one.description}") for one in changed.values()],
        )

    def parameters(self, instrument: str) -> list[QcParameter]:
        """Catalogue of an instrument's QC1 parameters, by name."""
        table = schema.qc_parameter
        statement = select(table).where(table.c.instrument == instrument).order_by(table.c.name)
        return [QcParameter(**row) for row in self._connection.execute(statement).mappings()]

    def add_values(self, values: Sequence[QcValue]) -> None:
        """Register QC1 values; what is registered already stays as it is.

        NaN stands for a value that could not be measured; it comes back as NaN.

        Raises
        ------
        Conflict
            If an AB or product of them is not registered.
        """
        setups = self._setups_of({value.block for value in values})
        rows = [
            values_of(value, without=("setup",)) | {"setup_number": setups[value.block]}
            for value in values
        ]
        if rows:
            self._connection.execute(insert_or_ignore(self._connection, schema.qc_value), rows)
        numbers = Counter((value.block, value.category) for value in values)
        self._events.add_many(
            "block",
            [(block, f"{number} QC1 values of {of}") for (block, of), number in numbers.items()],
        )

    def values(  # noqa: PLR0913 - filters, each of which may be left out
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
        """QC1 values by AB, instrument, parameter, category, setup or closed MJD range, by time."""
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
            conditions.append(table.setup_number.in_(self._setups.numbers(label=setup)))
        if mjd is not None:
            conditions.append(table.mjd.between(*mjd))
        statement = select(schema.qc_value).where(*conditions)
        ordered = statement.order_by(table.mjd, table.block, table.category, table.parameter)
        found = self._connection.execute(ordered.limit(limit)).mappings()
        return [self._value(dict(row)) for row in found]

    def history(self, value: QcValue, window: int) -> list[float]:
        """The last `window` certified values of a value's kind before it, oldest first.

        Of its kind is: same instrument, product category, parameter and setup, from
        another AB, or from a historical product that was imported for thresholds.
        Values that could not be measured, and hidden ones, are left out.
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
                table.setup_number.in_(self._setups.numbers(label=value.setup)),
                table.mjd < value.mjd,
                table.block != value.block,
                table.value > -inf,
                table.value < inf,
                product.state == ProductState.CERTIFIED,
                ~is_hidden(table.product_id, table.parameter),
            )
            .order_by(table.mjd.desc(), table.number.desc())
            .limit(window)
        )
        own = [(row.mjd, row.value) for row in self._connection.execute(statement)][::-1]
        # Sorting is stable and by time alone: values of one moment keep their order.
        both = sorted([*self._history.trend(value, window), *own], key=itemgetter(0))
        return both[-window:]

    def set_scores(self, block: str, revision: int, scores: Sequence[Score]) -> None:
        """Write the scores of an AB anew."""
        self.set_all_scores({(block, revision): scores})

    def set_all_scores(self, scores: Mapping[tuple[str, int], Sequence[Score]]) -> None:
        """Write the scores of ABs, by name and revision, anew."""
        self._forget(schema.score, scores)
        rows = (values_of(score) for several in scores.values() for score in several)
        insert_rows(self._connection, schema.score, rows)
        changes = [(block, f"scored {_counts(several)}") for (block, _), several in scores.items()]
        self._events.add_many("block", changes)

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
            for row in self._connection.execute(statement).mappings():
                score = Score(**dict(row) | {"colour": Colour(row["colour"])})
                result.setdefault(score.block, []).append(score)
        return result

    def scores_of(self, block: str, revision: int) -> list[Score]:
        """Scores of one revision of an AB, by product and parameter."""
        table = schema.score.c
        statement = select(schema.score).where(table.block == block, table.revision == revision)
        ordered = statement.order_by(table.category, table.parameter)
        return [
            Score(**dict(row) | {"colour": Colour(row["colour"])})
            for row in self._connection.execute(ordered).mappings()
        ]

    def unscored(self, instrument: str) -> list[str]:
        """ABs with products whose present revision has no QC report yet, by time."""
        # Decided is only what has a report: an index knows those without a decision.
        return self._ended(instrument, text(f"({schema.UNDECIDED})"), ~_has(schema.report))

    def undecided(
        self, instrument: str | None = None, *, only: Collection[str] | None = None
    ) -> list[str]:
        """ABs with a QC report about whose present revision nothing was decided yet, by time."""
        # A verdict about the present revision is its decision: an index knows those without one.
        open_ones = text(f"({schema.UNDECIDED})")
        conditions = [open_ones, _has(schema.report), ~_has(schema.verdict)]
        if only is None:
            return self._ended(instrument, *conditions)
        name = schema.block.c.name
        return [
            found
            for chunk in chunks(only)
            for found in self._ended(instrument, name.in_(chunk), *conditions)
        ]

    def set_report(
        self,
        block: str,
        revision: int,
        file_id: str,
        created: str,
        *,
        elapsed_s: float | None = None,
    ) -> None:
        """Note which vault file is the QC report of an AB, and how long quality control took."""
        self.set_reports({(block, revision): (file_id, elapsed_s)}, created)

    def set_reports(
        self, reports: Mapping[tuple[str, int], tuple[str, float | None]], created: str
    ) -> None:
        """Note vault file and seconds of the QC reports of ABs, by name and revision."""
        self._forget(schema.report, reports)
        rows = (
            {
                "block": block,
                "revision": revision,
                "file_id": file_id,
                "created": created,
                "elapsed_s": elapsed_s,
            }
            for (block, revision), (file_id, elapsed_s) in reports.items()
        )
        insert_rows(self._connection, schema.report, rows)
        changes = [(block, f"QC report {told[0][:12]}") for (block, _), told in reports.items()]
        self._events.add_many("block", changes)

    def set_comparison(self, block: str, revision: int, file_id: str, created: str) -> None:
        """Note which vault file compares two runners on an AB."""
        table = schema.comparison
        same = (table.c.block == block) & (table.c.revision == revision)
        self._connection.execute(delete(table).where(same))
        self._connection.execute(
            insert(table).values(block=block, revision=revision, file_id=file_id, created=created)
        )
        self._events.add("block", block, f"runners compared {file_id[:12]}")

    def compared(self, blocks: Collection[str]) -> dict[str, int]:
        """Latest revision of each AB of which two runners were compared."""
        table = schema.comparison.c
        statement = select(table.block, table.revision).order_by(table.revision)
        return {
            row.block: row.revision
            for chunk in chunks(blocks)
            for row in self._connection.execute(statement.where(table.block.in_(chunk)))
        }

    def comparisons(self, blocks: Collection[str]) -> dict[str, str]:
        """Vault file of the latest comparison of two runners on each AB that has one."""
        return self._latest_files(schema.comparison, blocks)

    def reports(self, blocks: Collection[str]) -> dict[str, str]:
        """Vault file of the QC report of each AB's latest revision that has one.

        Empty: the AB was scored, and its page is drawn when somebody looks.
        """
        return self._latest_files(schema.report, blocks)

    def _latest_files(self, source: Table, blocks: Collection[str]) -> dict[str, str]:
        table = source.c
        statement = select(table.block, table.file_id).order_by(table.revision)
        return {
            row.block: row.file_id
            for chunk in chunks(blocks)
            for row in self._connection.execute(statement.where(table.block.in_(chunk)))
        }

    def add_verdict(self, verdict: Verdict) -> None:
        """Register a decision; earlier ones stay."""
        self.add_verdicts([verdict])

    def add_verdicts(self, verdicts: Sequence[Verdict]) -> None:
        """Register decisions; earlier ones stay."""
        insert_rows(self._connection, schema.verdict, map(values_of, verdicts))
        changes = [(one.block, f"{one.decision}: {one.comment}") for one in verdicts]
        self._events.add_many("verdict", changes)

    def verdicts(self, blocks: Iterable[str]) -> dict[str, list[Verdict]]:
        """Decisions about ABs, oldest first."""
        result: dict[str, list[Verdict]] = {}
        table = schema.verdict.c
        columns = [column for column in table if column is not table.number]
        for chunk in chunks(blocks):
            statement = select(*columns).where(table.block.in_(chunk)).order_by(table.number)
            for row in self._connection.execute(statement).mappings():
                verdict = Verdict(**dict(row) | {"decision": Decision(row["decision"])})
                result.setdefault(verdict.block, []).append(verdict)
        return result

    def _ended(self, instrument: str | None, *conditions: Any) -> list[str]:
        table = schema.block.c
        with_products = table.state.in_([BlockState.SUCCEEDED, BlockState.PARTIAL])
        statement = select(table.name).where(with_products, *conditions)
        if instrument is not None:
            statement = statement.where(table.instrument == instrument)
        return list(self._connection.scalars(statement.order_by(table.mjd_mid, table.name)))

    def _forget(self, table: Table, revisions: Iterable[tuple[str, int]]) -> None:
        """Delete the rows of revisions of ABs."""
        same = (table.c.block == bindparam("of")) & (table.c.revision == bindparam("number"))
        rows = [{"of": block, "number": revision} for block, revision in revisions]
        if rows:
            self._connection.execute(delete(table).where(same), rows)

    def _setups_of(self, blocks: Iterable[str]) -> dict[str, int]:
        table = schema.block.c
        found: dict[str, int] = {}
        for chunk in chunks(blocks):
            statement = select(table.name, table.setup_number).where(table.name.in_(chunk))
            numbers = {row.name: row.setup_number for row in self._connection.execute(statement)}
            if missing := set(chunk) - set(numbers):
                raise Conflict(f"QC1 values of unknown AB {', '.join(sorted(missing))}")
            found |= numbers
        return found

    def _value(self, values: dict[str, Any]) -> QcValue:
        del values["number"]
        setup, _ = self._setups.value(values.pop("setup_number"))
        measured = nan if values["value"] is None else values["value"]
        return QcValue(**values | {"value": measured}, setup=setup)


def _counts(scores: Sequence[Score]) -> str:
    red = sum(score.colour is Colour.RED for score in scores)
    return f"({red}/{sum(score.colour is not Colour.GREY for score in scores)})"


def _has(table: Table) -> Any:
    block = schema.block.c
    same = (table.c.block == block.name) & (table.c.revision == block.revision)
    return exists().where(same)
