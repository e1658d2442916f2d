"""Surfaces over (x, order) as binary tables: what one recipe writes, the next one reads.

Pixels in files are counted from 1, as FITS does; in arrays from 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vltflow.algorithms.surface import Surface
from vltflow.core.errors import UnprocessableData
from vltflow.recipes.declaration import TableData
from vltflow.recipes.echelle.eso_layout import native_line_table

if TYPE_CHECKING:
    from vltflow.recipes.declaration import MasterTable

_LIMITED = np.dtype([("DEGX", "i4"), ("DEGORDER", "i4"), ("COEFF", "f8"), ("LIMITS", "f8", (4,))])
"""Limits: smallest and largest x, smallest and largest order, which are mapped to -1 ... 1."""


def surface_table(name: str, surface: Surface, *, pixels: bool = False) -> TableData:
    """Table of the Chebyshev coefficients of a surface over (x, order).

    Parameters
    ----------
    name
        EXTNAME.
    surface
        Over x counted from 0.
    pixels
        Whether its values are pixels counted from 0, to be counted from 1 in the file.
    """
    coefficients = surface.coefficients.copy()
    coefficients[0, 0] += 1.0 if pixels else 0.0
    rows = np.empty(coefficients.size, _LIMITED)
    rows["DEGX"], rows["DEGORDER"] = (index.ravel() for index in np.indices(coefficients.shape))
    rows["COEFF"] = coefficients.ravel()
    rows["LIMITS"] = (surface.first[0] + 1.0, surface.first[1] + 1.0, *surface.second)
    return TableData(name, rows, {})


def read_surface(master: MasterTable, name: str, *, pixels: bool = False) -> Surface:
    """The surface of a table of coefficients; inverse of `surface_table`.

    Line tables of ESO's recipes are read as if they were native ones.

    Raises
    ------
    UnprocessableData
        There is no such table, or it lacks a column.
    """
    master = native_line_table(master)
    rows = master.tables.get(name)
    wanted = set(_LIMITED.names or ())
    if rows is None or not wanted <= set(rows.dtype.names or ()) or not len(rows):
        raise UnprocessableData(
            f"{master.name} has no table {name} with the columns {', '.join(sorted(wanted))}",
            hint="It is no table of this pipeline's native recipes, nor of ESO's.",
        )
    shape = (int(rows["DEGX"].max()) + 1, int(rows["DEGORDER"].max()) + 1)
    coefficients = np.zeros(shape)
    coefficients[rows["DEGX"], rows["DEGORDER"]] = rows["COEFF"]
    coefficients[0, 0] -= 1.0 if pixels else 0.0
    low, high, first, last = (float(value) for value in rows["LIMITS"][0])
    return Surface((low - 1.0, high - 1.0), (first, last), coefficients)
