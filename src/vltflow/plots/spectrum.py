"""Preview of a spectrum: all of it, parts of it, its signal to noise and its quality flags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from vltflow.plots import style
from vltflow.plots.decimate import decimate_line
from vltflow.plots.draw import saved
from vltflow.plots.ticks import marked, numbered

WIDTH_IN = 9.0
_ROW_IN = {"whole": 2.3, "zooms": 1.9, "snr": 1.3}
_FLAG_IN = 0.16
_LEFT_IN, _RIGHT_IN, _TOP_IN, _BOTTOM_IN, _GAP_IN = 0.85, 0.2, 0.42, 0.5, 0.55
_CHARACTER_IN = 0.08
"""Room for a character of a flag's name beside its line."""
_LABEL_IN = 0.65
_LINE_BINS = 900
_ZOOMS = 3
_ZOOM_SHARE = 1 / 120
"""Width of a part, as share of the whole range."""
_FEWEST_IN_ZOOM = 60
_NARROW = 0.5
"""Share of the page below which axes have room for few numbers."""
_PERCENTILES = (0.3, 99.7)
_SNR_BINS = 120
_GAP_STEPS = 20.0
"""Distance of neighbours, in usual ones, from which there is a gap between them."""
_MOST_FLAGS = 16


@dataclass(frozen=True, slots=True)
class SpectrumPreview:
    """Arrays of a spectrum, (n,) each, and the words beside them."""

    title: str
    wave: np.ndarray
    flux: np.ndarray
    error: np.ndarray
    """NaN where unknown."""
    quality: np.ndarray
    """0 good, else a sum of powers of two."""
    wave_label: str
    """With its unit."""
    flux_label: str
    flag_names: Sequence[tuple[int, str]] = ()
    """Powers of two and what they mean."""


def draw_preview(
    shown: SpectrumPreview, *, file_format: style.FileFormat = "png", prefix: str = ""
) -> bytes:
    """Preview as a picture; equal arrays give equal bytes.

    Rows from above: the whole spectrum with its error and, in another colour, flagged
    elements; three parts of it, each hundredth of the range; signal to noise, as the median
    of neighbouring elements; one line a flag that is set anywhere. The range of the flux is
    that of most elements: what is outside does not squeeze the rest.

    Parameters
    ----------
    shown : SpectrumPreview
        What is drawn.
    file_format
        ``png``, on white; ``svg``, in the colour of the page's text.
    prefix
        Begin of the identifiers inside an SVG; different for the pictures of one page.
    """
    page = Figure()
    FigureCanvasAgg(page)
    flags = _flags(shown)
    names = [_with_share(shown, *flag) for flag in flags]
    places = _Places(page, names)
    whole = places.row("whole")
    _line(whole, shown, slice(None))
    _mark_parts(whole, shown, parts := _parts(shown))
    for place, part in zip(places.thirds(), parts, strict=True):
        _line(place, shown, part)
    _ratio(places.row("snr"), shown)
    _flag_lines(places.row("flags"), shown, flags, names)
    _label(page, shown)
    return saved(page, shown.title, file_format, prefix)


class _Places:
    """Rows of axes, from the top of the page downwards, with fixed sizes in inches."""

    def __init__(self, page: Figure, flags: Sequence[str]) -> None:
        self._page = page
        self._left = max(_LEFT_IN, 0.2 + _CHARACTER_IN * max(map(len, flags), default=0))
        self._width = WIDTH_IN - self._left - _RIGHT_IN
        self._heights = _ROW_IN | {"flags": _FLAG_IN * max(len(flags), 1) + 0.1}
        self._height = _TOP_IN + _BOTTOM_IN + sum(self._heights.values()) + 3 * _GAP_IN
        self._top = self._height - _TOP_IN
        page.set_size_inches(WIDTH_IN, self._height)

    def row(self, name: str) -> Axes:
        """The next row, over the whole width."""
        return self._axes(self._left, self._width, self._next(name))

    def thirds(self) -> list[Axes]:
        """The next row, in parts side by side."""
        height = self._next("zooms")
        width = (self._width - (_ZOOMS - 1) * _GAP_IN) / _ZOOMS
        lefts = [self._left + number * (width + _GAP_IN) for number in range(_ZOOMS)]
        return [self._axes(left, width, height) for left in lefts]

    def _next(self, name: str) -> tuple[float, float]:
        height = self._heights[name]
        self._top -= height
        bottom = self._top
        self._top -= _GAP_IN
        return bottom, height

    def _axes(self, left: float, width: float, vertical: tuple[float, float]) -> Axes:
        bottom, height = vertical
        whole = (WIDTH_IN, self._height)
        place = (left / whole[0], bottom / whole[1], width / whole[0], height / whole[1])
        axes = self._page.add_axes(place)
        for side, spine in axes.spines.items():
            spine.set_color(style.INK)
            spine.set_visible(side in {"left", "bottom"})
        return axes


def _parts(shown: SpectrumPreview) -> list[slice]:
    """Parts in the first, second and last third of the spectrum: where most elements are good."""
    size = shown.wave.size
    length = min(size, max(_FEWEST_IN_ZOOM, int(size * _ZOOM_SHARE)))
    good = np.concatenate(([0], np.cumsum(_defined(shown))))
    parts = []
    for third in range(_ZOOMS):
        first, last = third * size // _ZOOMS, (third + 1) * size // _ZOOMS - length
        start, stop = np.clip((first, max(first, last)), 0, size - length)
        starts = np.arange(start, stop + 1)
        counts = good[starts + length] - good[starts]
        # Of all with as many good elements, the one in the middle.
        best = starts[counts == counts.max()]
        begin = int(best[best.size // 2])
        parts.append(slice(begin, begin + length))
    return parts


def _defined(shown: SpectrumPreview) -> np.ndarray:
    """Where there is a value and no flag."""
    return np.asarray(np.isfinite(shown.flux) & (shown.quality == 0) & ~_filled(shown))


def _filled(shown: SpectrumPreview) -> np.ndarray:
    """Where zeros stand for no value, as recipes and the standard have it."""
    return np.asarray((shown.flux == 0) & ~(shown.error > 0))


def _curve(axes: Axes, wave: np.ndarray, values: np.ndarray, **looks: Any) -> None:
    """A line that is not drawn over gaps between chips."""
    steps = np.diff(wave)
    gaps = np.flatnonzero(steps > _GAP_STEPS * np.median(steps)) + 1
    for piece in np.split(np.arange(wave.size), gaps):
        bins = max(1, round(_LINE_BINS * piece.size / wave.size))
        axes.plot(*decimate_line(wave[piece], values[piece], bins), **looks)


def _line(axes: Axes, shown: SpectrumPreview, part: slice) -> None:
    wave, error = shown.wave[part], shown.error[part]
    flux = np.where(_filled(shown), np.nan, shown.flux)[part]
    good = shown.quality[part] == 0
    few = wave.size <= 2 * _LINE_BINS
    if few and np.isfinite(error).any():
        band: dict[str, Any] = {"color": style.BAND, "alpha": 0.3, "linewidth": 0, "step": "mid"}
        axes.fill_between(wave, flux - error, flux + error, **band)
    looks: dict[str, Any] = {"linewidth": 0.8, "drawstyle": "steps-mid" if few else "default"}
    _curve(axes, wave, np.where(good, flux, np.nan), color=style.SERIES, zorder=3, **looks)
    if not good.all():
        beside = good & np.concatenate((good[1:], [True])) & np.concatenate(([True], good[:-1]))
        bad = np.where(beside, np.nan, flux)
        _curve(axes, wave, bad, color=style.BAD, alpha=0.7, zorder=2, **looks)
    if not few and np.isfinite(error).any():
        _curve(axes, wave, error, color=style.BAND, linewidth=0.6)
    axes.set_xlim(wave[0], wave[-1])
    _limit(axes, flux, error, good)
    _plain(axes)


def _limit(axes: Axes, flux: np.ndarray, error: np.ndarray, good: np.ndarray) -> None:
    """Range of most good elements, with some room."""
    values = flux[good & np.isfinite(flux)]
    values = values if values.size else flux[np.isfinite(flux)]
    if not values.size:
        _say(axes, "no defined values")
        return
    low, high = np.percentile(values, _PERCENTILES)
    known = error[good & np.isfinite(error)]
    noise = float(np.median(known)) if known.size else 0.0
    room = max(0.12 * (high - low), 1.5 * noise) or abs(high) or 1.0
    axes.set_ylim(min(low - room, 0.0) if low < room else low - room, high + room)


def _say(axes: Axes, words: str) -> None:
    look: dict[str, Any] = {"ha": "center", "va": "center", "color": style.INK}
    axes.text(0.5, 0.5, words, transform=axes.transAxes, fontsize=style.TEXT_POINTS, **look)


def _plain(axes: Axes) -> None:
    narrow = axes.get_position().width < _NARROW
    numbered(axes, x=3 if narrow else 6, y=5)


def _mark_parts(axes: Axes, shown: SpectrumPreview, parts: Sequence[slice]) -> None:
    for part in parts:
        ends = shown.wave[part.start], shown.wave[part.stop - 1]
        axes.axvspan(*ends, color=style.INK, alpha=0.12, linewidth=0)


def _ratio(axes: Axes, shown: SpectrumPreview) -> None:
    """Median signal to noise of the good elements of neighbouring groups."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(_defined(shown) & (shown.error > 0), shown.flux / shown.error, np.nan)
    # Equal in wavelength: nothing is drawn over the gap between two chips.
    edges = np.linspace(shown.wave[0], shown.wave[-1], min(_SNR_BINS, ratio.size) + 1)
    groups = np.split(ratio, np.searchsorted(shown.wave, edges[1:-1]))
    known = [group[np.isfinite(group)] for group in groups]
    medians = np.array([np.median(one) if one.size else np.nan for one in known])
    axes.set_xlim(shown.wave[0], shown.wave[-1])
    if np.isfinite(medians).any():
        axes.stairs(medians, edges, baseline=None, color=style.SERIES, linewidth=1.2)
        axes.set_ylim(bottom=min(0.0, float(np.nanmin(medians))))
    else:
        _say(axes, "no errors are given")
    numbered(axes, x=6, y=5 if np.isfinite(medians).any() else 0)


def _flags(shown: SpectrumPreview) -> list[tuple[int, str]]:
    """Flags that are set anywhere, lowest first, with their names."""
    names = dict(shown.flag_names)
    every = int(np.bitwise_or.reduce(shown.quality.astype(np.int64))) if shown.wave.size else 0
    bits = [1 << bit for bit in range(63) if every >> bit & 1]
    return [(bit, names.get(bit, f"flag {bit}")) for bit in bits[:_MOST_FLAGS]]


def _flag_lines(
    axes: Axes, shown: SpectrumPreview, flags: Sequence[tuple[int, str]], names: Sequence[str]
) -> None:
    axes.set_xlim(shown.wave[0], shown.wave[-1])
    axes.set_ylim(len(flags) - 0.5 if flags else 0.5, -0.5)
    marked(axes, range(len(flags)), names, is_x=False, grid=False)
    half = float(np.median(np.diff(shown.wave))) / 2
    # No mark thinner than what a page can show.
    half = max(half, (shown.wave[-1] - shown.wave[0]) / 1500)
    for row, (bit, _) in enumerate(flags):
        spans = _runs((shown.quality.astype(np.int64) & bit) != 0)
        bars = [(shown.wave[a] - half, shown.wave[b - 1] - shown.wave[a] + 2 * half)
                for a, b in spans]  # fmt: skip
        axes.broken_barh(bars, (row - 0.35, 0.7), color=style.BAD, linewidth=0)
    if not flags:
        _say(axes, "no flags: all elements are good")
    numbered(axes, x=6, y=0, grid=False)


def _with_share(shown: SpectrumPreview, bit: int, name: str) -> str:
    share = float(((shown.quality.astype(np.int64) & bit) != 0).mean())
    return f"{name}: {share:.1%}"


def _runs(flagged: np.ndarray) -> np.ndarray:
    """Begins and ends, (k, 2), of the runs of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flagged.astype(np.int8), [0]))))
    return edges.reshape(-1, 2)


def _label(page: Figure, shown: SpectrumPreview) -> None:
    words: dict[str, Any] = {"color": style.INK, "parse_math": False}
    head: dict[str, Any] = {"ha": "left", "va": "top", "weight": "bold"}
    page.text(0.01, 0.99, shown.title, fontsize=style.TEXT_POINTS + 1, **head, **words)
    whole, first, *_, ratio, flags = page.axes
    for above, below, label in ((whole, first, shown.flux_label), (ratio, ratio, "SNR")):
        place = below.get_position()
        across, up = place.x0 - _LABEL_IN / WIDTH_IN, (place.y0 + above.get_position().y1) / 2
        look: dict[str, Any] = {"rotation": 90, "ha": "right", "va": "center"}
        page.text(across, up, label, fontsize=style.TEXT_POINTS, **look, **words)
    place = flags.get_position()
    across, up = (place.x0 + place.x1) / 2, place.y0 - 0.3 / page.get_figheight()
    look = {"ha": "center", "va": "top"}
    page.text(across, up, shown.wave_label, fontsize=style.TEXT_POINTS, **look, **words)
