"""QC figures drawn: each kind of arrays in the house style, as SVG or PNG."""

from __future__ import annotations

import io
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import (
    FuncFormatter,
    LogLocator,
    MaxNLocator,
    NullFormatter,
    NullLocator,
    ScalarFormatter,
)
from PIL import Image

from vltflow.plots import style
from vltflow.plots.decimate import decimate_line, merge_bins, shrink_image
from vltflow.plots.svg import finished
from vltflow.records import QcFigure

_LINE_BINS = 500
"""Parts of a line; more than the 400 or so pixels that it spans on a page."""
_HISTOGRAM_BINS = 250
_IMAGE_SIDE = 300
_LOGARITHMIC_FROM = 1000.0
"""Ratio of counts from which a linear axis would hide the tails."""
_SQUARE_UNTIL = 4.0
"""Images longer than this do not keep square pixels."""
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_IMAGE_HEIGHTS_IN = (0.9, 3.6)
_PNG_LEVEL = 4
"""Of zlib: 6, its default, makes files 2 % smaller."""


def draw(figure: QcFigure, *, file_format: style.FileFormat = "svg", prefix: str = "") -> bytes:
    """A QC figure as a picture; equal arrays give equal bytes.

    Uses no global state, so that threads may draw side by side.

    Parameters
    ----------
    figure
        Title, arrays, axis labels with units, marked values. The x of an image is empty,
        or the number of detector pixels that one of its pixels spans along each axis.
    file_format
        ``svg``: may stand in a page, text in the page's colour; ``png``: on white.
    prefix
        Begin of the identifiers inside an SVG; different for the pictures of one page.
    """
    page = Figure()
    FigureCanvasAgg(page)
    axes = page.add_subplot()
    x, y = np.asarray(figure.x, dtype=float), np.asarray(figure.y, dtype=float)
    if not np.isfinite(y).any():
        _say_undefined(axes, y)
    elif figure.kind == "image":
        _image(axes, y, figure.marks, pixel=float(x[0]) if x.size == 1 else 1.0)
    elif figure.kind == "histogram":
        _histogram(axes, x, y, figure.marks)
    else:
        _line(axes, x, y, figure.marks)
    _dress(page, axes, figure)
    return saved(page, figure.title, file_format, prefix)


def _line(axes: Axes, x: np.ndarray, y: np.ndarray, marks: dict[str, float]) -> None:
    few = y.size <= 60
    shown_x, shown_y = decimate_line(x, y, _LINE_BINS)
    point: dict[str, Any] = {"marker": "o", "markersize": 3.0} if few else {}
    axes.plot(shown_x, shown_y, color=style.SERIES, linewidth=0.9, **point)
    for name, value, look in _looks(marks):
        axes.axhline(value, label=name, **look)


def _histogram(axes: Axes, edges: np.ndarray, counts: np.ndarray, marks: dict[str, float]) -> None:
    edges, counts = merge_bins(edges, counts, _HISTOGRAM_BINS)
    positive = counts[counts > 0]
    logarithmic = positive.size > 0 and positive.max() > _LOGARITHMIC_FROM * positive.min()
    base = 0.5 if logarithmic else 0.0
    axes.stairs(
        np.maximum(counts, base),
        edges,
        baseline=base,
        fill=True,
        color=style.SERIES,
        alpha=0.35,
        linewidth=0,
    )
    axes.stairs(np.maximum(counts, base), edges, baseline=base, color=style.SERIES, linewidth=0.9)
    if logarithmic:
        axes.set_yscale("log")
        axes.set_ylim(bottom=base)
        axes.yaxis.set_major_locator(LogLocator(numticks=6))
        axes.yaxis.set_major_formatter(FuncFormatter(_power_of_ten))
        axes.yaxis.set_minor_locator(NullLocator())
    for name, value, look in _looks(marks):
        axes.axvline(value, label=name, **look)


def _image(axes: Axes, image: np.ndarray, marks: dict[str, float], *, pixel: float) -> None:
    shown = np.ma.masked_invalid(shrink_image(image, _IMAGE_SIDE))
    low, high = np.percentile(shown.compressed(), (0.5, 99.5))
    rows, columns = image.shape
    colours = mpl.colormaps[style.IMAGE_MAP].with_extremes(bad=style.IMAGE_UNDEFINED)
    drawn = axes.imshow(
        shown,
        origin="lower",
        cmap=colours,
        vmin=low,
        vmax=high if high > low else low + 1.0,
        interpolation="none",
        aspect="equal" if max(rows / columns, columns / rows) <= _SQUARE_UNTIL else "auto",
        # FITS counts pixels from 1
        extent=(0.5, columns * pixel + 0.5, 0.5, rows * pixel + 0.5),
    )
    beyond = "both" if shown.max() > high and shown.min() < low else "neither"
    bar = axes.figure.colorbar(drawn, cax=axes.inset_axes((1.03, 0, 0.05, 1)), extend=beyond)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=style.INK, labelsize=style.TEXT_POINTS - 1)
    bar.formatter = _plain_numbers()
    for name, value, look in _looks(marks):
        shown_on_bar = low <= value <= high
        if shown_on_bar:
            bar.ax.axhline(value, **look)
        # The colour bar has no legend of its own; what is not on it has no line there either.
        axes.plot([], [], label=name, **look | ({} if shown_on_bar else {"linestyle": "none"}))


def _looks(marks: dict[str, float]) -> list[tuple[str, float, dict[str, Any]]]:
    looks = []
    for number, (name, value) in enumerate(marks.items()):
        turn = number % len(style.MARKS)
        look = {"color": style.MARKS[turn], "linestyle": style.DASHES[turn], "linewidth": 1.2}
        if np.isfinite(value):
            looks.append((f"{name}: {value:.5g}", value, look))
    return looks


def _say_undefined(axes: Axes, y: np.ndarray) -> None:
    words = "no defined values" if y.size else "no values"
    axes.text(
        0.5, 0.5, words, transform=axes.transAxes, ha="center", color=style.INK, parse_math=False
    )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(NullLocator())
        axis.set_major_formatter(NullFormatter())


def _dress(page: Figure, axes: Axes, figure: QcFigure) -> None:
    size: dict[str, Any] = {"color": style.INK, "parse_math": False}
    title: dict[str, Any] = {
        "ha": "left",
        "va": "top",
        "fontsize": style.TEXT_POINTS + 1,
        "weight": "bold",
    }
    page.text(0.01, 0.99, figure.title, **title, **size)
    axes.set_xlabel(figure.x_label, fontsize=style.TEXT_POINTS, **size)
    axes.set_ylabel(figure.y_label, fontsize=style.TEXT_POINTS, **size)
    axes.tick_params(colors=style.INK, labelsize=style.TEXT_POINTS - 1)
    for side, spine in axes.spines.items():
        spine.set_color(style.INK)
        spine.set_visible(figure.kind == "image" or side in {"left", "bottom"})
    for axis in (axes.xaxis, axes.yaxis):
        if isinstance(axis.get_major_formatter(), ScalarFormatter):
            axis.set_major_formatter(_plain_numbers())
            axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
            axis.get_offset_text().set(fontsize=style.TEXT_POINTS - 1, color=style.INK)
    if figure.kind != "image":
        axes.grid(color=style.INK, alpha=0.12, linewidth=0.6)
        axes.set_axisbelow(True)
    _arrange(page, figure, legend_rows=_add_legend(page, axes))


def _add_legend(page: Figure, axes: Axes) -> int:
    handles, names = axes.get_legend_handles_labels()
    if not handles:
        return 0
    columns = 2 if max(len(name) for name in names) < 30 else 1
    look = {"frameon": False, "fontsize": style.TEXT_POINTS - 1, "labelcolor": style.INK}
    legend = page.legend(loc="lower left", ncols=columns, borderaxespad=0.1, **look)
    for text in legend.get_texts():
        text.set_parse_math(False)
    return -(-len(names) // columns)


def _arrange(page: Figure, figure: QcFigure, *, legend_rows: int) -> None:
    """Fixed margins, in inches: figures of a page line up, and nothing is measured twice."""
    left, right, top = 0.72, 0.15, 0.32
    bottom = 0.48 + 0.17 * legend_rows
    inner = 1.9 - 0.17 * legend_rows
    if figure.kind == "image":
        right = 0.75
        rows, columns = np.shape(figure.y)
        as_wide = (style.WIDTH_IN - left - right) * rows / max(columns, 1)
        inner = float(np.clip(as_wide, *_IMAGE_HEIGHTS_IN))
    width, height = style.WIDTH_IN, top + inner + bottom
    page.set_size_inches(width, height)
    page.subplots_adjust(
        left=left / width, right=1 - right / width, bottom=bottom / height, top=1 - top / height
    )


def saved(page: Figure, title: str, file_format: str, prefix: str) -> bytes:
    """Bytes of a drawn page, PNG or SVG; equal pages give equal bytes."""
    if file_format == "png":
        return _png(page)
    for patch in (page.patch, *(axes.patch for axes in page.axes)):
        patch.set_alpha(0.0)
    sink = io.BytesIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    page.savefig(sink, format="svg", metadata=nothing)
    return finished(sink.getvalue().decode(), label=title, prefix=prefix).encode()


def _png(page: Figure) -> bytes:
    """The page on paper: without transparency and packed less hard, in two thirds of the time."""
    sink = io.BytesIO()
    page.set(dpi=style.PNG_DPI, facecolor=style.PAPER)
    canvas = FigureCanvasAgg(page)
    canvas.draw()
    pixels = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    pixels.save(sink, "PNG", compress_level=_PNG_LEVEL)
    return sink.getvalue()


def _plain_numbers() -> ScalarFormatter:
    """Tick labels without an offset that a reader would have to add, and without TeX."""
    formatter = ScalarFormatter(useOffset=False, useMathText=False)
    formatter.set_powerlimits((-4, 6))
    return formatter


def _power_of_ten(value: float, _position: int) -> str:
    power = round(float(np.log10(value)))
    return str(10**power) if 0 <= power <= 3 else "10" + str(power).translate(_SUPERSCRIPTS)
