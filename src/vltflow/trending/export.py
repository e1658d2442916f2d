"""QC1 values as files for other programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from vltflow.core.time import iso_from_mjd
from vltflow.store.trends import Measured

EXPORTS = {
    "csv": "text/csv; charset=utf-8",
    "vot": "application/x-votable+xml",
}
"""Formats by the ending of their files, with their media types."""
_COLUMNS = ("mjd", "date_obs", "value", "low", "high", "score", "setup", "ab", "product", "origin")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def exported(rows: Sequence[Measured], ending: str, *, name: str, unit: str) -> bytes:
    """Values as a file.

    Parameters
    ----------
    ending
        One of `EXPORTS`.
    name, unit
        Of the parameter.
    """
    table = [_row(one) for one in rows]
    return _votable(table, name, unit) if ending == "vot" else _csv(table)


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


def _votable(table: Sequence[tuple[Any, ...]], name: str, unit: str) -> bytes:
    # Imported here: slow to import, and few pages need it.
    import numpy as np  # noqa: PLC0415
    from astropy.io.votable import from_table  # noqa: PLC0415
    from astropy.table import Table  # noqa: PLC0415

    columns = list(zip(*table, strict=True)) or [()] * len(_COLUMNS)
    real = {"mjd", "value", "low", "high"}
    content = Table()
    for column, values in zip(_COLUMNS, columns, strict=True):
        if column in real:
            numbers = [np.nan if value is None else value for value in values]
            content[column] = np.array(numbers, dtype=float)
        else:
            content[column] = np.array(values, dtype="U" if values else "U1")
    content["value"].description = f"{name} [{unit}]" if unit else name
    out = io.BytesIO()
    from_table(content).to_xml(out)
    return out.getvalue()
