"""Trend of a QC1 parameter: certified values before it, its limits, the value itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from vltflow.plots import style

_WIDTH, _HEIGHT, _MARGIN = 160.0, 44.0, 5.0


@dataclass(frozen=True, slots=True)
class Trend:
    """What a trend figure shows."""

    label: str
    """What it says to those who do not see it."""
    history: Sequence[tuple[float, float]]
    """MJD and value of earlier certified measurements, by time."""
    mjd: float
    value: float | None
    """The value that is judged; None when there is none."""
    low: float | None
    high: float | None
    colour: str
    """``green``, ``red`` or ``grey``."""


def draw_trend(trend: Trend) -> bytes:
    """A small SVG: dots over time, limits as a band, the judged value large.

    A good value is a filled circle, a bad one a cross, one without score an open
    circle: the shape says what the colour says. Undefined values are left out.
    """
    points = [point for point in trend.history if math.isfinite(point[1])]
    judged = trend.value if trend.value is not None and math.isfinite(trend.value) else None
    values = [value for _, value in points] + ([] if judged is None else [judged])
    limits = [limit for limit in (trend.low, trend.high) if limit is not None]
    down = _Scale([*values, *limits], _HEIGHT - _MARGIN, _MARGIN)
    across = _Scale([mjd for mjd, _ in points] + [trend.mjd], _MARGIN, _WIDTH - _MARGIN)
    if not points:
        across.fixed = _WIDTH / 2
    parts = [
        _band(trend, down),
        *(_dot(across(mjd), down(value), 1.6, style.SERIES) for mjd, value in points),
    ]
    if judged is not None:
        parts.append(_judged(across(trend.mjd), down(judged), trend.colour))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" '
        f'role="img"><title>{escape(trend.label)}</title>{"".join(parts)}</svg>'
    ).encode()


class _Scale:
    """Straight map from the range of some numbers to a range on the page."""

    def __init__(self, numbers: Sequence[float], start: float, stop: float) -> None:
        self._low = min(numbers, default=0.0)
        self._span = max(numbers, default=0.0) - self._low
        self._start, self._stop = start, stop
        self.fixed: float | None = None if self._span > 0 else (start + stop) / 2

    def __call__(self, number: float) -> float:
        if self.fixed is not None:
            return self.fixed
        return self._start + (number - self._low) / self._span * (self._stop - self._start)


def _band(trend: Trend, down: _Scale) -> str:
    if trend.low is None and trend.high is None:
        return ""
    top = 0.0 if trend.high is None else down(trend.high)
    bottom = _HEIGHT if trend.low is None else down(trend.low)
    lines = "".join(
        f'<path d="M0 {down(limit):.1f}H{_WIDTH:g}" stroke="{style.BAND}" stroke-dasharray="4 3"/>'
        for limit in (trend.low, trend.high)
        if limit is not None
    )
    return (
        f'<rect x="0" y="{top:.1f}" width="{_WIDTH:g}" height="{max(0.0, bottom - top):.1f}" '
        f'fill="{style.BAND}" fill-opacity="0.14"/>{lines}'
    )


def _dot(x: float, y: float, radius: float, colour: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" fill="{colour}"/>'


def _judged(x: float, y: float, colour: str) -> str:
    if colour == "green":
        return _dot(x, y, 3.4, style.GOOD)
    if colour == "red":
        cross = f"M{x - 3.2:.1f} {y - 3.2:.1f}l6.4 6.4m0 -6.4l-6.4 6.4"
        return f'<path d="{cross}" stroke="{style.BAD}" stroke-width="2.2" fill="none"/>'
    ring = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2" fill="none"'
    return f'{ring} stroke="{style.UNSCORED}" stroke-width="1.8"/>'
