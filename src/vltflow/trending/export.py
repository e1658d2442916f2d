"""QC1 values as files for other programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from vltflow.core.errors import UserError
from vltflow.core.time import iso_from_mjd
from vltflow.store.trends import Measured

EXPORTS = {
    "csv": "text/csv; charset=utf-8",
    "vot": "application/x-votable+xml",
    "parquet": "application/vnd.apache.parquet",
}
"""Formats by the ending of their files, with their media types."""
_REAL = frozenset({"mjd", "value", "low", "high"})
_COLUMNS = ("mjd", "date_obs", "value", "low", "high", "score", "setup", "ab", "product", "origin")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def formats() -> tuple[str, ...]:
    """Endings of the files that can be written here."""
    return tuple(one for one in EXPORTS if one != "parquet" or find_spec("pyarrow"))


def exported(rows: Sequence[Measured], ending: str, *, name: str, unit: str) -> bytes:
    """Values as a file.

    Parameters
    ----------
    ending
        One of `EXPORTS`.
    name, unit
        Of the parameter.

    Raises
    ------
    UserError
        If there is no such format, or its library is not installed.
    """
    if ending not in formats():
        hint = f"One of {', '.join(formats())}"
        if ending in EXPORTS:
            hint = "Parquet needs `pip install vltflow[parquet]` where the server runs"
        raise UserError(f"no format {ending[:20]!r}", hint=hint)
    table = [_row(one) for one in rows]
    if ending == "csv":
        return _csv(table)
    writer = _votable if ending == "vot" else _parquet
    return writer(_columns(table), name, unit)


def _row(one: Measured) -> tuple[Any, ...]:
    time = iso_from_mjd(one.mjd)
    product = one.record if one.block else ""
    return (
        one.mjd, time, one.value, one.low, one.high, str(one.colour), one.setup, one.block,
        product, one.origin,
    )  # fmt: skip


def _csv(table: Sequence[tuple[Any, ...]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows([_harmless(cell) for cell in row] for row in table)
    return out.getvalue().encode()


def _harmless(cell: Any) -> Any:
    """Texts that a spreadsheet would take for a formula get a quote before: headers are hostile."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def _columns(table: Sequence[tuple[Any, ...]]) -> dict[str, list[Any]]:
    columns = list(zip(*table, strict=True)) or [()] * len(_COLUMNS)
    return {name: list(values) for name, values in zip(_COLUMNS, columns, strict=True)}


def _votable(columns: dict[str, list[Any]], name: str, unit: str) -> bytes:
    # Imported here: slow to import, and few pages need it.
    import numpy as np  # noqa: PLC0415
    from astropy.io.votable import from_table  # noqa: PLC0415
    from astropy.table import Table  # noqa: PLC0415

    content = Table()
    for column, values in columns.items():
        if column in _REAL:
            numbers = [np.nan if value is None else value for value in values]
            content[column] = np.array(numbers, dtype=float)
        else:
            content[column] = np.array(values, dtype="U" if values else "U1")
    content["value"].description = f"{name} [{unit}]" if unit else name
    out = io.BytesIO()
    from_table(content).to_xml(out)
    return out.getvalue()


def _parquet(columns: dict[str, list[Any]], name: str, unit: str) -> bytes:
    import pyarrow as pa  # noqa: PLC0415 - an extra, which few need
    from pyarrow import parquet  # noqa: PLC0415

    about = {"value": {"description": name, "unit": unit}}
    fields = [
        pa.field(one, pa.float64() if one in _REAL else pa.string(), metadata=about.get(one))
        for one in columns
    ]
    out = io.BytesIO()
    parquet.write_table(pa.table(columns, schema=pa.schema(fields)), out, compression="zstd")
    return out.getvalue()
