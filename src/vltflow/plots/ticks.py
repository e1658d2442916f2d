"""Ticks, grid and numbers of axes, drawn together.

Of matplotlib's own ticks each is five objects, which took most of the time of a page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.markers import TICKDOWN, TICKLEFT
from matplotlib.ticker import MaxNLocator, ScalarFormatter

from vltflow.plots import style

_TICK_POINTS, _PAD_POINTS = 3.5, 7.0
_GRID: dict[str, Any] = {"color": style.INK, "alpha": 0.12, "linewidth": 0.6, "zorder": 0.5}
_TEXT: dict[str, Any] = {
    "fontsize": style.TEXT_POINTS - 1, "color": style.INK, "parse_math": False,
}  # fmt: skip


def numbered(axes: Axes, *, x: int, y: int, grid: bool = True) -> None:
    """Give axes whose ranges are set at most `x` and `y` steps with their numbers, 0 for none."""
    for is_x, steps in ((True, x), (False, y)):
        axis = axes.xaxis if is_x else axes.yaxis
        axis.set_visible(False)
        if not steps:
            continue
        low, high = sorted(axis.get_view_interval())
        found = np.asarray(MaxNLocator(steps, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high))
        places = found[(found >= low) & (found <= high)].tolist()
        formatter = ScalarFormatter(useOffset=False, useMathText=False)
        formatter.set_powerlimits((-4, 6))
        formatter.set_axis(axis)
        words = formatter.format_ticks(places)
        marked(axes, places, words, is_x=is_x, grid=grid)
        if power := formatter.get_offset():
            look = {"ha": "right" if is_x else "left", "va": "bottom"} | _TEXT
            axes.text(float(is_x), 1.0, power, transform=axes.transAxes, **look)


def marked(
    axes: Axes,
    places: Sequence[float],
    words: Sequence[str],
    *,
    is_x: bool,
    grid: bool,
) -> None:
    """Ticks at places of one axis, (n,), each with its words."""
    (axes.xaxis if is_x else axes.yaxis).set_visible(False)
    beside = axes.get_xaxis_transform() if is_x else axes.get_yaxis_transform()
    text, va, ha = (axes.get_xaxis_text1_transform if is_x else axes.get_yaxis_text1_transform)(
        _PAD_POINTS
    )
    at = np.column_stack([places, np.zeros(len(places))])[:, :: 1 if is_x else -1]
    if grid:
        ends = np.stack([at, at + ((0, 1) if is_x else (1, 0))], axis=1)
        axes.add_collection(LineCollection(list(ends), transform=beside, **_GRID), autolim=False)
    axes.plot(
        *at.T, linestyle="none", marker=TICKDOWN if is_x else TICKLEFT, markersize=_TICK_POINTS,
        markeredgewidth=0.8, color=style.INK, transform=beside, clip_on=False, zorder=2.01,
        scalex=False, scaley=False,
    )  # fmt: skip
    for (across, up), word in zip(at, words, strict=True):
        axes.text(across, up, word, transform=text, va=va, ha=ha, **_TEXT)
