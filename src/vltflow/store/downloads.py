"""Who took which science product, and how often."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, distinct, func, insert, select

from vltflow.core.time import night_range
from vltflow.records import Download
from vltflow.store.rows import chunks, values_of
from vltflow.store.science_schema import download, science_product


@dataclass(frozen=True, slots=True)
class DownloadCount:
    """Downloads in numbers."""

    files: int = 0
    """Times that a file was taken."""
    distinct: int = 0
    """Different files among them."""
    latest: str = ""
    """UT of the latest."""


class Downloads:
    """Each time that a file was taken; a list of its own, as nothing else changes by it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, one: Download) -> None:
        """Note that a file was taken."""
        self._connection.execute(insert(download), values_of(one))

    def find(self, science_id: str) -> list[Download]:
        """Each time that a file of a version was taken, in their order."""
        columns = [column for column in download.c if column.name != "number"]
        statement = select(*columns).where(download.c.science_id == science_id)
        rows = self._connection.execute(statement.order_by(download.c.number))
        return [Download(**row) for row in rows.mappings()]

    def of_products(self, science_ids: Collection[str]) -> dict[str, DownloadCount]:
        """Numbers of each version that was taken at all."""
        return {
            row.science_id: DownloadCount(row.files, row.different, row.latest)
            for chunk in chunks(science_ids)
            for row in self._connection.execute(
                select(download.c.science_id, *_NUMBERS)
                .where(download.c.science_id.in_(chunk))
                .group_by(download.c.science_id)
            )
        }

    def of_blocks(self, blocks: Collection[str]) -> DownloadCount:
        """Numbers of all versions of the products of some ABs together."""
        found = DownloadCount()
        for chunk in chunks(blocks):
            row = self._connection.execute(
                select(*_NUMBERS)
                .join(science_product, science_product.c.science_id == download.c.science_id)
                .where(science_product.c.block.in_(chunk))
            ).one()
            found = DownloadCount(
                found.files + row.files,
                found.distinct + row.different,
                max(found.latest, row.latest or ""),
            )
        return found

    def by_month(self, instrument: str, year: int) -> dict[str, DownloadCount]:
        """Numbers of the science products of a year's nights, by month (``2010-10``)."""
        product = science_product.c
        month = func.substr(product.night, 1, 7).label("month")
        first, last = night_range(f"{year}-01-01")[0], night_range(f"{year}-12-31")[1]
        statement = (
            select(month, *_NUMBERS)
            .join(science_product, product.science_id == download.c.science_id)
            .where(product.instrument == instrument, product.mjd_obs.between(first, last))
            .group_by(month)
        )
        return {
            row.month: DownloadCount(row.files, row.different, row.latest)
            for row in self._connection.execute(statement)
        }


_NUMBERS = (
    func.count().label("files"),
    func.count(distinct(download.c.file_id)).label("different"),
    func.max(download.c.time).label("latest"),
)
