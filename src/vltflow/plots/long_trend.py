"""A QC1 parameter over all time: a symbol for each setup, filled if measured here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from vltflow.plots import style
from vltflow.plots.draw import saved

_COLOURS = (style.SERIES, *style.MARKS)
_SYMBOLS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p")
MOST_SERIES = len(_SYMBOLS)
"""Kinds of values that one figure can tell apart."""
_MJD_OF_1970 = 40_587.0
"""Matplotlib counts days from 1970-01-01."""
_DATES = ("%Y", "%Y-%m", "%m-%d", "%H:%M", "%H:%M", "%S")
"""By the step of the ticks: years, months, days ..."""
_HEIGHT_IN, _LEGEND_ROW_IN = 3.0, 0.18


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a parameter."""

    mjd: float
    value: float
    imported: bool
    """Whether it was measured elsewhere: an open symbol."""


@dataclass(frozen=True, slots=True)
class Series:
    """Values that may be compared with each other: of one product category and setup."""

    label: str
    points: Sequence[Point]


def draw_series(
    title: str, unit: str, series: Sequence[Series], *, file_format: style.FileFormat = "svg"
) -> bytes:
    """The values of a parameter over time, as a picture.

    Parameters
    ----------
    title
        Name of the parameter.
    unit
        Unit of the values; empty if they have none.
    series
        At most `MOST_SERIES`.

    Raises
    ------
    ValueError
        If there are more.
    """
    if len(series) > MOST_SERIES:
        raise ValueError(f"{len(series)} series in one figure, at most {MOST_SERIES}")
    page = Figure()
    FigureCanvasAgg(page)
    axes = page.add_subplot()
    for number, one in enumerate(series):
        _plot(axes, one, _colour(number), _SYMBOLS[number])
    _dress(page, axes, title, unit, series)
    return saved(page, title, file_format, "")


def _colour(number: int) -> str:
    """Colours come again before symbols do: both together tell kinds apart."""
    return _COLOURS[number % len(_COLOURS)]


def _plot(axes: Axes, series: Series, colour: str, symbol: str) -> None:
    for imported in (True, False):
        points = [point for point in series.points if point.imported is imported]
        axes.plot(
            np.array([point.mjd - _MJD_OF_1970 for point in points], dtype=float),
            np.array([point.value for point in points], dtype=float),
            linestyle="none",
            marker=symbol,
            markersize=4.0,
            color=colour,
            markerfacecolor="none" if imported else colour,
        )


def _dress(page: Figure, axes: Axes, title: str, unit: str, series: Sequence[Series]) -> None:
    text: dict[str, Any] = {"color": style.INK, "parse_math": False}
    head: dict[str, Any] = {"ha": "left", "va": "top", "weight": "bold"}
    page.text(0.01, 0.99, title, fontsize=style.TEXT_POINTS + 1, **head, **text)
    axes.set_ylabel(f"{title} [{unit}]" if unit else title, fontsize=style.TEXT_POINTS, **text)
    locator = AutoDateLocator(maxticks=7)
    axes.xaxis_date()
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, formats=list(_DATES)))
    axes.xaxis.get_offset_text().set(fontsize=style.TEXT_POINTS - 1, color=style.INK)
    axes.ticklabel_format(axis="y", useOffset=False)
    axes.tick_params(colors=style.INK, labelsize=style.TEXT_POINTS - 1)
    for side, spine in axes.spines.items():
        spine.set_color(style.INK)
        spine.set_visible(side in {"left", "bottom"})
    axes.grid(color=style.INK, alpha=0.12, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.margins(y=0.12)
    _set_range(axes, [point.mjd for one in series for point in one.points])
    _arrange(page, _add_legend(page, series))


def _set_range(axes: Axes, times: Sequence[float]) -> None:
    """Some room at both ends: never less than half a month, so that days can be told."""
    first, last = min(times, default=0.0), max(times, default=0.0)
    room = max(0.04 * (last - first), 15.0)
    axes.set_xlim(first - room - _MJD_OF_1970, last + room - _MJD_OF_1970)


def _add_legend(page: Figure, series: Sequence[Series]) -> int:
    handles = [
        Line2D([], [], linestyle="none", marker=_SYMBOLS[number], color=_colour(number),
               label=one.label, markersize=4.0)
        for number, one in enumerate(series)
    ]  # fmt: skip
    if any(point.imported for one in series for point in one.points):
        open_symbol: dict[str, Any] = {
            "marker": "o",
            "markerfacecolor": "none",
            "color": style.UNSCORED,
        }
        handles.append(Line2D([], [], linestyle="none", label="open: imported", **open_symbol))
    look: dict[str, Any] = {
        "frameon": False,
        "fontsize": style.TEXT_POINTS - 1,
        "labelcolor": style.INK,
    }
    legend = page.legend(handles=handles, loc="lower left", ncols=1, borderaxespad=0.1, **look)
    for label in legend.get_texts():
        label.set_parse_math(False)
    return len(handles)


def _arrange(page: Figure, legend_rows: int) -> None:
    """Fixed margins, in inches, as of the figures of a report."""
    legend = _LEGEND_ROW_IN * legend_rows
    width, height = style.WIDTH_IN, _HEIGHT_IN + legend
    page.set_size_inches(width, height)
    page.subplots_adjust(
        left=0.85 / width, right=1 - 0.15 / width,
        bottom=(0.5 + legend) / height, top=1 - 0.35 / height,
    )  # fmt: skip
