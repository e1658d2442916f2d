"""Whole binary tables, read and written without a library: FITS standard 4.0, section 7.3."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from vltflow.core.errors import InvalidHeader, UnreadableFile
from vltflow.fits.row import Column, physical, table_columns
from vltflow.fits.scanner import Unit, units
from vltflow.fits.streams import open_stream
from vltflow.fits.unpacked import is_compressed_image

if TYPE_CHECKING:
    from vltflow.fits.header import FitsValue

_DTYPES = {
    "L": "S1", "A": "S", "B": "u1", "I": ">i2", "J": ">i4", "K": ">i8",
    "E": ">f4", "D": ">f8", "C": ">c8", "M": ">c16",
}  # fmt: skip
_CODES = {
    "b1": "L", "u1": "B", "i2": "I", "i4": "J", "i8": "K",
    "f4": "E", "f8": "D", "c8": "C", "c16": "M",
}  # fmt: skip
_SHAPE = re.compile(r" *\( *(\d+(?: *, *\d+)*) *\) *")


@dataclass(frozen=True, slots=True)
class Table:
    """A binary table, to be written as an extension."""

    name: str
    """EXTNAME."""
    rows: np.ndarray
    """Structured array, shape (rows,): numbers, bool or text that FITS stores as they are."""
    units: Mapping[str, str] = field(default_factory=dict)
    """By column."""
    cards: Sequence[tuple[str, FitsValue]] = ()
    """Keywords in FITS form with their values; what describes the table is added."""


def read_tables(
    path: str | os.PathLike[str], only: Collection[str] | None = None
) -> dict[str, np.ndarray]:
    """Binary tables of a file by EXTNAME, else by their number in the file, in its order.

    Parameters
    ----------
    path
        A FITS file, perhaps packed.
    only
        Names of the tables that are wanted; None: all.

    Returns
    -------
    dict of str to ndarray
        Structured arrays, shape (rows,), in this machine's byte order; TSCALn and TZEROn are
        applied, texts are without trailing blanks. Columns of bits, of cells without an element
        and of arrays of variable length are left out.

    Raises
    ------
    InvalidHeader
        If the columns do not fit into the declared rows.
    UnreadableFile
        If the file cannot be read or is not whole.
    """
    plain = {
        str(unit.header.get("EXTNAME") or number): unit
        for number, unit in enumerate(units(path))
        if unit.header.get("XTENSION") == "BINTABLE" and not is_compressed_image(unit.header)
    }
    wanted = plain if only is None else {name: plain[name] for name in plain if name in only}
    with open_stream(path) as (stream, _):
        tables = {}
        for name, unit in wanted.items():
            stream.seek(unit.data_start)
            tables[name] = _rows(stream.read(unit.data_length), unit, f"{os.fspath(path)}[{name}]")
    return tables


def _rows(stored: bytes, unit: Unit, where: str) -> np.ndarray:
    columns = [one for one in table_columns(unit.header, where) if one.code in _DTYPES]
    columns = [one for one in columns if one.repeat and one.name]
    width, number = (int(unit.header[f"NAXIS{axis}"]) for axis in (1, 2))  # type: ignore[arg-type]
    if len(stored) < number * width:
        raise UnreadableFile(f"{where}: the file ends within the table", hint="Fetch it again")
    try:
        kinds = np.dtype(
            {
                "names": [one.name for one in columns],
                "formats": [_format(one) for one in columns],
                "offsets": [one.offset for one in columns],
                "itemsize": width,
            }
        )
    except ValueError as error:
        raise InvalidHeader(f"{where}: its columns are impossible ({error})") from error
    raw = np.frombuffer(stored, kinds, number)
    cells = {one.name: _cells(raw[one.name], unit, one) for one in columns}
    rows = np.empty(number, [(name, one.dtype, one.shape[1:]) for name, one in cells.items()])
    for name, values in cells.items():
        rows[name] = values
    return rows


def _format(column: Column) -> Any:
    if column.code == "A":
        return f"S{column.repeat}"
    shape = (column.repeat,) if column.repeat > 1 else ()
    return (_DTYPES[column.code], shape)


def _cells(stored: np.ndarray, unit: Unit, column: Column) -> np.ndarray:
    """Values of one column as the machine takes them."""
    if column.code == "A":
        return np.char.rstrip(np.char.decode(stored, "ascii", "replace"))
    if column.code == "L":
        return np.asarray(stored == b"T")
    values = physical(stored, unit.header, column.number)
    shape = _SHAPE.fullmatch(str(unit.header.get(f"TDIM{column.number}") or ""))
    if shape is None:
        return values
    return values.reshape(-1, *(int(part) for part in reversed(shape[1].split(","))))


def table_cards(table: Table) -> list[tuple[str, FitsValue, str]]:
    """All cards of a table's extension but its checksums, with comments.

    Raises
    ------
    KeyError
        If FITS has no such type of column.
    """
    kinds = stored_rows(table.rows[:0]).dtype
    cards: list[tuple[str, FitsValue, str]] = [
        ("XTENSION", "BINTABLE", "binary table extension"),
        ("BITPIX", 8, "array data type"),
        ("NAXIS", 2, "number of axes"),
        ("NAXIS1", kinds.itemsize, "bytes of a row"),
        ("NAXIS2", len(table.rows), "rows"),
        ("PCOUNT", 0, ""),
        ("GCOUNT", 1, ""),
        ("TFIELDS", len(kinds.names or ()), "columns"),
    ]
    for number, name in enumerate(kinds.names or (), start=1):
        base, shape = table.rows.dtype[name].base, kinds[name].shape
        code = "A" if base.kind in "US" else _CODES[base.str[1:]]
        count = math.prod(shape) * (kinds[name].base.itemsize if code == "A" else 1)
        cards += [(f"TTYPE{number}", name, ""), (f"TFORM{number}", f"{count}{code}", "")]
        if len(shape) > 1:
            axes = ",".join(str(length) for length in reversed(shape))
            cards.append((f"TDIM{number}", f"({axes})", ""))
        if name in table.units:
            cards.append((f"TUNIT{number}", table.units[name], ""))
    return [*cards, ("EXTNAME", table.name, ""), *((*one, "") for one in table.cards)]


def stored_rows(rows: np.ndarray) -> np.ndarray:
    """Rows as FITS stores them: packed, big-endian, texts in ASCII, truth as T and F."""
    kinds = [(name, _stored_kind(rows.dtype[name].base), rows.dtype[name].shape)
             for name in rows.dtype.names or ()]  # fmt: skip
    stored = np.empty(rows.shape, kinds)
    for name, kind, _ in kinds:
        truth = rows.dtype[name].base.kind == "b"
        stored[name] = np.where(rows[name], b"T", b"F") if truth else rows[name].astype(kind)
    return stored


def _stored_kind(kind: np.dtype[Any]) -> np.dtype[Any]:
    if kind.kind == "U":
        return np.dtype(f"S{kind.itemsize // 4}")
    return np.dtype("S1") if kind.kind == "b" else kind.newbyteorder(">")
