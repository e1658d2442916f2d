"""Column types that hold, give and order the same values on SQLite and on PostgreSQL."""

from __future__ import annotations

import math
import operator
from typing import Any, SupportsFloat, SupportsIndex

from sqlalchemy import BigInteger, Dialect, Double, Integer, String
from sqlalchemy.types import TypeDecorator, TypeEngine


class Real(TypeDecorator[float]):
    """Double precision; NaN is NULL on both backends, as SQLite has no NaN.

    Takes numpy's numbers too: ``sqlite3`` alone would keep some of them as bytes.
    """

    impl = Double
    cache_ok = True

    def process_bind_param(self, value: SupportsFloat | None, dialect: Dialect) -> float | None:
        """Value for the database."""
        del dialect
        if value is None:
            return None
        number = float(value)
        return None if math.isnan(number) else number


class Whole(TypeDecorator[int]):
    """Integer of 64 bits on both backends, numpy's integers included."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Type of the backend: SQLite numbers rows by itself only where it reads INTEGER."""
        return dialect.type_descriptor(Integer() if dialect.name == "sqlite" else BigInteger())

    def process_bind_param(self, value: SupportsIndex | None, dialect: Dialect) -> int | None:
        """Value for the database."""
        del dialect
        return None if value is None else operator.index(value)


Text = String().with_variant(String(collation="C"), "postgresql")
"""Text that is compared and sorted by code point, as SQLite does, in any locale."""
