"""Statistical process QC as a picture: every point one spectrum, a symbol and colour a mode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

from vltflow.plots import style
from vltflow.plots.decimate import one_a_cell
from vltflow.plots.draw import saved

_COLOURS = (style.SERIES, *style.MARKS)
_SYMBOLS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p")
_WIDTH_IN, _HEIGHT_IN, _LEGEND_ROW_IN = 10.0, 3.6, 0.2
_RANGE = (1.0, 1e6)
_CELLS = (150, 120)
"""Places of a plot where one point of a mode is as good as many: a third of a symbol each."""
_WIDE = 300.0
"""Ratio of the ends of an axis beyond which only powers of ten have room."""


@dataclass(frozen=True, slots=True)
class ModePoints:
    """Spectra of one mode: arrays (n,) each, NaN where nothing was measured."""

    label: str
    electrons: np.ndarray
    snr: np.ndarray
    ratio: np.ndarray
    """Measured over expected signal to noise."""
    days: np.ndarray
    celsius: np.ndarray
    scale: float
    """Of the photon noise law; NaN: there is none."""
    anomalous: np.ndarray
    """(n,) of bool."""


def draw_statistics(
    title: str,
    modes: Sequence[ModePoints],
    *,
    file_format: style.FileFormat = "png",
    prefix: str = "",
) -> bytes:
    """Three pictures side by side; equal arrays give equal bytes.

    Signal to noise against signal with the law of each mode, measured against expected
    signal to noise with the line of equality, and distances to the wavelength
    calibration in time and temperature. Anomalies have a ring.
    """
    rows = (len(modes) + 2) // 3
    height = _HEIGHT_IN + _LEGEND_ROW_IN * (rows + 2)
    page = Figure(figsize=(_WIDTH_IN, height))
    FigureCanvasAgg(page)
    law, equality, distance = page.subplots(1, 3)
    for axes in (law, equality):
        axes.set(xscale="log", yscale="log")
    for number, mode in enumerate(modes):
        look = {
            "linestyle": "none",
            "marker": _SYMBOLS[number % len(_SYMBOLS)],
            "color": _COLOURS[number % len(_COLOURS)],
            "markersize": 4.0,
        }
        _points(law, mode.electrons, mode.snr, mode, look)
        _points(equality, mode.snr, mode.snr * mode.ratio, mode, look)
        _points(distance, mode.days, mode.celsius, mode, look)
        _law(law, mode, str(look["color"]))
    low, high = _limits(modes)
    if not modes:
        law.plot(_RANGE, _RANGE, linestyle="none")  # logarithms need something positive
    equality.plot([low, high], [low, high], color=style.UNSCORED, linewidth=1.0)
    _dress(law, "electrons in a bin", "signal to noise")
    _dress(equality, "SNR of the error bars", "SNR of the scatter")
    _dress(distance, "days to the calibration", "degrees C to it")
    _legend(page, modes, title, height)
    return saved(page, title, file_format, prefix)


def _points(
    axes: Axes, x: np.ndarray, y: np.ndarray, mode: ModePoints, look: dict[str, Any]
) -> None:
    ring = mode.anomalous
    shown = _thinned(x, y, logarithmic=axes.get_xscale() == "log") | ring
    axes.plot(x[shown], y[shown], **look)
    axes.plot(
        x[ring], y[ring], linestyle="none", marker="o", markersize=11.0,
        markerfacecolor="none", markeredgecolor=style.BAD, markeredgewidth=1.2,
    )  # fmt: skip


def _thinned(x: np.ndarray, y: np.ndarray, *, logarithmic: bool) -> np.ndarray:
    """Which points draw the same picture, (n,) of bool: a month may have thousands."""
    with np.errstate(divide="ignore", invalid="ignore"):
        places = (np.log10(x), np.log10(y)) if logarithmic else (x, y)
    defined = np.flatnonzero(np.isfinite(places[0]) & np.isfinite(places[1]))
    shown = np.zeros(x.size, dtype=bool)
    shown[defined[one_a_cell(places[0][defined], places[1][defined], _CELLS)]] = True
    return shown


def _law(axes: Axes, mode: ModePoints, colour: str) -> None:
    told = mode.electrons[np.isfinite(mode.electrons) & (mode.electrons > 0)]
    if not np.isfinite(mode.scale) or not told.size:
        return
    x = np.geomspace(told.min() / 1.5, told.max() * 1.5, 50)
    axes.plot(x, mode.scale * np.sqrt(x), color=colour, linewidth=1.0)


def _limits(modes: Sequence[ModePoints]) -> tuple[float, float]:
    known = np.concatenate([mode.snr for mode in modes]) if modes else np.array([])
    known = known[np.isfinite(known) & (known > 0)]
    return (known.min() / 1.5, known.max() * 1.5) if known.size else _RANGE


def _dress(axes: Axes, x_label: str, y_label: str) -> None:
    if axes.get_xscale() == "log":
        for axis in (axes.xaxis, axes.yaxis):
            low, high = axis.get_view_interval()
            wide = high > _WIDE * low
            axis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0)))
            axis.set_major_formatter(FormatStrFormatter("%g"))
            axis.set_minor_formatter(NullFormatter())
    text: dict[str, Any] = {"color": style.INK, "fontsize": style.TEXT_POINTS}
    axes.set_xlabel(x_label, **text)
    axes.set_ylabel(y_label, **text)
    axes.tick_params(which="both", colors=style.INK, labelsize=style.TEXT_POINTS - 1)
    for side, spine in axes.spines.items():
        spine.set_color(style.INK)
        spine.set_visible(side in {"left", "bottom"})
    axes.grid(color=style.INK, alpha=0.12, linewidth=0.6)
    axes.set_axisbelow(True)


def _legend(page: Figure, modes: Sequence[ModePoints], title: str, height: float) -> None:
    text: dict[str, Any] = {"color": style.INK, "parse_math": False}
    page.text(
        0.01, 0.99, title, fontsize=style.TEXT_POINTS + 1, weight="bold", ha="left", va="top",
        **text,
    )  # fmt: skip
    handles = [
        Line2D(
            [], [], linestyle="none", marker=_SYMBOLS[number % len(_SYMBOLS)],
            color=_COLOURS[number % len(_COLOURS)], markersize=4.0,
            label=_label(mode),
        )
        for number, mode in enumerate(modes)
    ]  # fmt: skip
    if handles:
        page.legend(
            handles=handles, loc="lower left", ncol=3, frameon=False, labelcolor=style.INK,
            fontsize=style.TEXT_POINTS - 1, bbox_to_anchor=(0.01, 0.0),
        )  # fmt: skip
    rows = (len(modes) + 2) // 3
    bottom = (0.55 + _LEGEND_ROW_IN * rows) / height
    page.subplots_adjust(left=0.07, right=0.99, top=1 - 0.35 / height, bottom=bottom, wspace=0.28)


def _label(mode: ModePoints) -> str:
    law = f", SNR = {mode.scale:.3g} sqrt(N)" if np.isfinite(mode.scale) else ""
    return f"{mode.label}: {mode.snr.size}{law}"
