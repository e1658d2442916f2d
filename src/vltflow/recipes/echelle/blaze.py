"""The blaze of all orders as a table: what the flat makes, extraction reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vltflow.core.errors import UnprocessableData
from vltflow.recipes.declaration import TableData

if TYPE_CHECKING:
    from vltflow.recipes.declaration import RecipeInputs

ROLE = "BLAZE"


def blaze_table(orders: np.ndarray, blaze: np.ndarray, error: np.ndarray) -> TableData:
    """Table of the blaze: one row an order, one element a column of the chip.

    Parameters
    ----------
    orders
        Shape (orders,).
    blaze, error
        Relative lamp light and its error, shape (orders, columns); NaN unknown.
    """
    width = blaze.shape[1]
    rows = np.empty(
        len(orders), [("ORDER", "i4"), ("BLAZE", "f4", (width,)), ("BLAZE_ERR", "f4", (width,))]
    )
    rows["ORDER"], rows["BLAZE"], rows["BLAZE_ERR"] = orders, blaze, error
    return TableData(ROLE, rows, {})


def blaze_of(inputs: RecipeInputs, orders: np.ndarray, columns: int) -> np.ndarray:
    """Blaze of the orders asked for, (orders, columns); NaN where the table does not know it.

    Raises
    ------
    UnprocessableData
        The table has no blaze, or that of another binning.
    """
    return _values(inputs, orders, columns, "BLAZE")


def blaze_error_of(inputs: RecipeInputs, orders: np.ndarray, columns: int) -> np.ndarray:
    """Error of the blaze, as `blaze_of`; NaN where the table, of an earlier version, has none."""
    return _values(inputs, orders, columns, "BLAZE_ERR")


def _values(inputs: RecipeInputs, orders: np.ndarray, columns: int, name: str) -> np.ndarray:
    values = np.full((len(orders), columns), np.nan)
    if ROLE not in inputs.tables:
        return values
    master = inputs.tables[ROLE]
    rows = master.tables.get(ROLE)
    names = set(() if rows is None else rows.dtype.names or ())
    if rows is None or not {"ORDER", "BLAZE"} <= names:
        raise UnprocessableData(
            f"{master.name or ROLE} has no table {ROLE} with the columns ORDER and BLAZE",
            hint="It was not made by this pipeline's echelle.order_flat.",
        )
    if name not in names:
        return values
    if rows[name].shape[1:] != (columns,):
        raise UnprocessableData(
            f"{master.name or ROLE} has {rows[name].shape[1:]} columns, the frame {columns}",
            hint="The flat was taken with another binning.",
        )
    known = {int(order): number for number, order in enumerate(rows["ORDER"])}
    for row, order in zip(values, orders, strict=True):
        if int(order) in known:
            row[:] = rows[name][known[int(order)]]
    return values
