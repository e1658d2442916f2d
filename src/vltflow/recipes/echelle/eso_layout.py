"""Tables of ESO's echelle recipes (UVES pipeline 4 to 6) in the layout of the native ones.

A polynomial is a table of ORDER1, ORDER2, COEFF. Its first six rows are the shifts and the scales
of the value and of the two variables; the powers follow. Order tables number the orders from 1
upwards along y, line tables absolutely; pixels count from 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.polynomial import polynomial

from vltflow.algorithms.surface import Interval, Surface, fit_surface, through
from vltflow.core.errors import UnprocessableData

if TYPE_CHECKING:
    from vltflow.recipes.declaration import MasterTable

_SHIFTS = 6
"""Rows before the powers."""
_LEAST = 40
"""Lines needed for a tilt."""


@dataclass(frozen=True)
class _Polynomial:
    """Value over (x, order): shift + scale * polynomial of the shifted and scaled variables."""

    shift: tuple[float, float, float]
    scale: tuple[float, float, float]
    powers: np.ndarray

    def __call__(self, x: np.ndarray, order: np.ndarray) -> np.ndarray:
        u = (x - self.shift[1]) / self.scale[1]
        v = (order - self.shift[2]) / self.scale[2]
        u, v = np.broadcast_arrays(u, v)
        return np.asarray(self.shift[0] + self.scale[0] * polynomial.polyval2d(u, v, self.powers))


def _polynomial(rows: np.ndarray, name: str) -> _Polynomial:
    if len(rows) <= _SHIFTS or not {"Order1", "Order2", "Coeff"} <= set(rows.dtype.names or ()):
        raise UnprocessableData(
            f"{name}: a polynomial has no rows Order1, Order2, Coeff",
            hint="The table is damaged, or of a pipeline that writes another layout.",
        )
    first, rest = rows["Coeff"][:_SHIFTS], rows[_SHIFTS:]
    powers = np.zeros((int(rest["Order1"].max()) + 1, int(rest["Order2"].max()) + 1))
    powers[rest["Order1"], rest["Order2"]] = rest["Coeff"]
    shift, scale = (tuple(float(value) for value in part) for part in (first[:3], first[3:]))
    return _Polynomial(shift, scale, _needed(powers))  # type: ignore[arg-type]


def _needed(powers: np.ndarray) -> np.ndarray:
    """Without the rows and columns of zeros behind."""
    rows, columns = (np.flatnonzero(np.any(powers != 0.0, axis=axis)) for axis in (1, 0))
    return powers[: rows[-1] + 1, : columns[-1] + 1] if len(rows) else powers[:1, :1]


def _surface(
    series: Callable[[np.ndarray, np.ndarray], np.ndarray],
    intervals: tuple[Interval, Interval],
    degrees: tuple[int, int],
) -> Surface:
    """The same polynomial over pixels counted from 0."""
    return through(lambda x, order: series(x + 1.0, order), intervals, degrees)


def is_order_table(master: MasterTable) -> bool:
    """Whether a master is an order table in ESO's layout."""
    return "ORDER_POL" in master.tables and "ORDER_TAB" in master.tables


def orders_and_trace(
    master: MasterTable, place: Callable[[np.ndarray, np.ndarray], np.ndarray], width: int
) -> tuple[np.ndarray, Surface]:
    """Absolute orders and y(x, order), pixels from 0, of an order table in ESO's layout.

    Parameters
    ----------
    master
        Its table.
    place
        Rough y of (x, absolute order), NaN beyond the orders that it knows. The numbers are
        those that fit best; the arc may change them by up to two.
    width
        Columns of the chip.

    Raises
    ------
    UnprocessableData
        If the table holds no polynomial, or no order is anywhere near one of the model.
    """
    relative = np.unique(master.tables["ORDER_TAB"]["Order"]).astype(float)
    series = _polynomial(master.tables["ORDER_POL"], master.name)
    limits = (0.0, width - 1.0), (relative[0] - 0.5, relative[-1] + 0.5)
    degrees = series.powers.shape[0] - 1, series.powers.shape[1] - 1
    # Chebyshev polynomials over numbers that run the other way: y grows, orders fall.
    middle = 0.5 * (width - 1.0)
    y = series(np.full(len(relative), middle + 1.0), relative) - 1.0
    total = _total(y, relative, place, middle, master.name)
    intervals = limits[0], (total - relative[-1] - 0.5, total - relative[0] + 0.5)
    trace = _surface(lambda x, order: series(x, total - order) - 1.0, intervals, degrees)
    return np.sort(total - relative).astype(int), trace


def _total(
    y: np.ndarray,
    relative: np.ndarray,
    place: Callable[[np.ndarray, np.ndarray], np.ndarray],
    middle: float,
    name: str,
) -> float:
    """Sum of relative and absolute numbers."""
    best = (np.inf, 0.0)
    for total in np.arange(1.0, 400.0):
        miss = y - place(np.full(len(y), middle), total - relative)
        known = np.isfinite(miss)
        if known.sum() > 0.5 * len(y):
            best = min(best, (float(np.median(np.abs(miss[known]))), float(total)))
    if not np.isfinite(best[0]):
        raise UnprocessableData(
            f"{name}: its orders are not those of the rough model",
            hint="The order table belongs to another setting or chip.",
        )
    return best[1]


def native_line_table(master: MasterTable) -> MasterTable:
    """LINE_TABLE in the native layout; the same if it is in it already.

    The wavelengths are those of the middle window. Where there are several windows and their
    distances from the middle are known, the tilt is that of the outer ones against each other.

    Raises
    ------
    UnprocessableData
        If a polynomial is damaged.
    """
    from vltflow.recipes.echelle.surfaces import surface_table  # noqa: PLC0415 - it reads by us

    windows = _windows(master)
    if not windows:
        return master
    middle = list(windows)[len(windows) // 2]
    series = _polynomial(_part(master, windows[middle]), master.name)
    lines = {window: _lines(_rows(master, names)) for window, names in windows.items()}
    order = lines[middle]["ORDER"].astype(float)
    intervals = (0.0, float(lines[middle]["X"].max())), (order.min() - 0.5, order.max() + 0.5)
    degrees = series.powers.shape[0] - 1, series.powers.shape[1] - 1
    tables = (
        surface_table("MLAMBDA_AIR", _surface(series, intervals, degrees)),
        surface_table("TILT", _tilt(lines, _offsets(master, windows), intervals)),
        surface_table("CURVATURE", Surface(*intervals, np.zeros((1, 1)))),
    )
    found = {"LINES": lines[middle], **{one.name: one.rows for one in tables}}
    return replace(master, tables=found)


def _windows(master: MasterTable) -> dict[str, list[str]]:
    """Names of the tables of each window along the slit, windows and tables in the file's order.

    Pipeline 6 writes both into EXTNAME, pipeline 4 has none: HISTORY tells it in both.
    """
    found: dict[str, list[str]] = {}
    for name, rows in master.tables.items():
        window = _told(master, name, "WINDOW")
        if window and {"Coeff", "WaveC"} & set(rows.dtype.names or ()):
            found.setdefault(window, []).append(name)
    return found


def _told(master: MasterTable, name: str, word: str) -> str:
    """What stands behind a word in the HISTORY of a table; nothing if it is not there."""
    told = (line.split() for line in master.history.get(name, ()))
    return next((one[1] for one in told if len(one) == 2 and one[0] == word), "")


def _part(master: MasterTable, names: list[str]) -> np.ndarray:
    """The polynomial of a window: m * wavelength comes before its inverse."""
    found = [name for name in names if "Coeff" in (master.tables[name].dtype.names or ())]
    if not found:
        raise UnprocessableData(f"{master.name}: a window has no polynomial")
    return master.tables[found[0]]


def _rows(master: MasterTable, names: list[str]) -> np.ndarray:
    """The lines of a window."""
    for name in names:
        if "WaveC" in (master.tables[name].dtype.names or ()):
            return master.tables[name]
    raise UnprocessableData(f"{master.name}: a window has no table of its lines")


def _offsets(master: MasterTable, windows: dict[str, list[str]]) -> dict[str, float]:
    """Distance of each window from the slit's middle, pixels, where it is told."""
    told = {window: _told(master, names[0], "OFFSET") for window, names in windows.items()}
    return {window: float(offset) for window, offset in told.items() if offset}


def _tilt(
    lines: dict[str, np.ndarray], offsets: dict[str, float], intervals: tuple[Interval, Interval]
) -> Surface:
    """From places of the lines that both outer windows used in their solutions."""
    flat = Surface(*intervals, np.zeros((1, 1)))
    if len(offsets) < 2:
        return flat
    outer = min(offsets, key=offsets.__getitem__), max(offsets, key=offsets.__getitem__)
    low, high = (lines[one][lines[one]["USED"] > 0] for one in outer)
    # A line may be in two orders: both together name it.
    keys = [1e5 * one["ORDER"] + one["IDENT"] for one in (low, high)]
    _, first, second = np.intersect1d(*keys, return_indices=True)
    if len(first) < _LEAST:
        return flat
    moved = high["X"][second] - low["X"][first]
    return fit_surface(
        low["X"][first] - 1.0, low["ORDER"][first].astype(float),
        moved / (offsets[outer[1]] - offsets[outer[0]]),
        intervals=intervals, degrees=(3, 2), kappa=3.5,
    ).surface  # fmt: skip


def _lines(rows: np.ndarray) -> np.ndarray:
    names = ("X", "XERR", "ORDER", "PEAK", "WAVEC", "IDENT", "USED")
    theirs = ("X", "dX", "Order", "Peak", "WaveC", "Ident", "NLinSol")
    kinds = [(name, "i4" if name in ("ORDER", "USED") else "f8") for name in names]
    lines = np.zeros(len(rows), kinds)
    for name, column in zip(names, theirs, strict=True):
        lines[name] = rows[column] > 0 if name == "USED" else rows[column]
    return lines
