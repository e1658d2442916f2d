"""The first row of a binary table, column by column: FITS standard 4.0, section 7.3.

Spectra are kept so: one row, each cell a whole array. The other rows are not read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from vltflow.core.errors import InvalidHeader
from vltflow.fits.header import Header
from vltflow.fits.scanner import Unit
from vltflow.fits.streams import open_stream

_FORM = re.compile(r" *(\d*)([LXBIJKAEDCMPQ])")
_BITS = {
    "L": 8, "X": 1, "B": 8, "I": 16, "J": 32, "K": 64, "A": 8,
    "E": 32, "D": 64, "C": 64, "M": 128, "P": 64, "Q": 128,
}  # fmt: skip
_DTYPES = {"B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"}
_MOST_COLUMNS = 999


@dataclass(frozen=True, slots=True)
class Column:
    """One column as TTYPEn and TFORMn declare it."""

    number: int
    """From 1."""
    name: str
    """TTYPEn; empty if there is none."""
    code: str
    """Letter of TFORMn: ``D`` double, ``E`` float, ``J`` integer, ``P`` or ``Q`` variable ..."""
    repeat: int
    """Elements of a cell."""
    offset: int
    """Bytes from the begin of the row."""

    @property
    def is_numeric(self) -> bool:
        """Whether a cell is an array of real numbers of fixed length."""
        return self.code in _DTYPES


def table_columns(header: Header, where: str) -> tuple[Column, ...]:
    """Columns of a binary table, in their order.

    Parameters
    ----------
    header : Header
        Of the table.
    where : str
        File and HDU, for the message.

    Raises
    ------
    InvalidHeader
        If TFIELDS or a TFORMn is absent or impossible.
    """
    fields = header.get("TFIELDS")
    if isinstance(fields, bool) or not isinstance(fields, int) or not 0 <= fields <= _MOST_COLUMNS:
        raise InvalidHeader(f"{where}: TFIELDS is {fields!r}, so the columns are unknown")
    columns, offset = [], 0
    for number in range(1, fields + 1):
        form = header.get(f"TFORM{number}")
        match = _FORM.match(form) if isinstance(form, str) else None
        if match is None:
            raise InvalidHeader(f"{where}: TFORM{number} is {form!r}, which is no column format")
        repeat = int(match[1] or 1)
        name = header.get(f"TTYPE{number}")
        shown = name.strip() if isinstance(name, str) else ""
        columns.append(Column(number, shown, match[2], repeat, offset))
        offset += -(-repeat * _BITS[match[2]] // 8)
    return tuple(columns)


def first_row(
    path: str | os.PathLike[str], unit: Unit, wanted: Collection[str] | None = None
) -> dict[str, np.ndarray]:
    """Numeric cells of the first row, by column name.

    Parameters
    ----------
    path : str or path-like
        Plain file, or one packed as a whole.
    unit : Unit
        The table's HDU.
    wanted : collection of str, optional
        Names of columns; all that are numeric if not given.

    Returns
    -------
    dict of str to ndarray
        1-D arrays in this machine's byte order, TSCALn and TZEROn applied; columns that are
        not there, or not numeric, are left out.

    Raises
    ------
    InvalidHeader
        If the columns do not fit into the declared row.
    UnreadableFile
        If the file cannot be read.
    """
    where = os.fspath(path)
    columns = table_columns(unit.header, where)
    chosen = [
        column
        for column in columns
        if column.is_numeric and (wanted is None or column.name in wanted)
    ]
    width = unit.header.get("NAXIS1")
    cells = {}
    with open_stream(path) as (stream, _):
        for column in chosen:
            dtype = np.dtype(_DTYPES[column.code])
            end = column.offset + column.repeat * dtype.itemsize
            if not isinstance(width, int) or end > min(width, unit.data_length):
                raise InvalidHeader(
                    f"{where}: column {column.name} ends at byte {end:,} of a row, "
                    f"NAXIS1 is {width!r}, the data have {unit.data_length:,} bytes"
                )
            stream.seek(unit.data_start + column.offset)
            stored = np.frombuffer(stream.read(end - column.offset), dtype)
            cells[column.name] = physical(stored, unit.header, column.number)
    return cells


def physical(stored: np.ndarray, header: Header, number: int) -> np.ndarray:
    """Values of a column in this machine's byte order, TSCALn and TZEROn applied."""
    native = stored.astype(stored.dtype.newbyteorder("="))
    scale, zero = header.get(f"TSCAL{number}", 1), header.get(f"TZERO{number}", 0)
    if (scale, zero) == (1, 0) or not all(isinstance(one, int | float) for one in (scale, zero)):
        return native
    return native * float(scale) + float(zero)
