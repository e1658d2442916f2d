"""How values are written on pages."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

STATE_MARKS = {
    "PLANNED": ("○", "wait"),
    "BLOCKED": ("⊘", "warn"),
    "RUNNING": ("▶", "busy"),
    "SUCCEEDED": ("✓", "good"),
    "PARTIAL": ("◐", "warn"),
    "FAILED": ("✕", "bad"),
    "ABORTED": ("■", "warn"),
    "AUTO": ("✓", "good"),
    "ACCEPTED": ("✓", "good"),
    "REJECTED": ("✕", "bad"),
    "REVOKED": ("✕", "bad"),
    "CERTIFIED": ("✓", "good"),
    "CREATED": ("○", "wait"),
    "VALID": ("✓", "good"),
    "SUPERSEDED": ("↷", "wait"),
    "PUBLISHED": ("✓", "good"),
    "HIDDEN": ("↷", "wait"),
    "REAL": ("✓", "good"),
    "VIRTUAL": ("○", "wait"),
    "MISSING": ("✕", "bad"),
    "OK": ("✓", "good"),
    "NOK": ("◐", "warn"),
    "DONE": ("✓", "good"),
    "green": ("✓", "good"),
    "red": ("✕", "bad"),
    "grey": ("–", "wait"),
}
"""Sign and look of a state: the sign says what the colour says."""


def number(value: float | None, digits: int = 6) -> str:
    """A measured value; an en dash for none."""
    return "–" if value is None else f"{value:.{digits}g}"


def seconds(value: float | None) -> str:
    """A duration: ``0.4``, ``12``, ``3:05``; an en dash for none."""
    if value is None:
        return "–"
    if value < 10:
        return f"{value:.1f}"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes}:{rest:02d}" if minutes else f"{rest}"


def days(value: float) -> str:
    """A time that is left: ``2 d 3 h``, ``5 h``, ``12 min``; ``over`` if none is."""
    minutes = int(value * 1440)
    if minutes <= 0:
        return "over"
    if minutes < 60:
        return f"{minutes} min"
    whole, hours = divmod(minutes // 60, 24)
    return f"{whole} d {hours} h" if whole else f"{hours} h"


def size(count: int) -> str:
    """Bytes for people."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.3g} {unit}"
        amount /= 1000
    return f"{amount:.3g} TB"


def minute(time: str) -> str:
    """A UT time to the second: ``2015-02-27 10:46:39``."""
    return time[:19].replace("T", " ")


def segment(text: str) -> str:
    """A text as one part of an address."""
    return quote(text, safe=":")


def query(values: Mapping[str, Any]) -> str:
    """Question mark and values that are not empty; empty if all are."""
    given = {name: value for name, value in values.items() if value not in ("", None)}
    return f"?{urlencode(given)}" if given else ""


def anchor(text: str) -> str:
    """Identifier within a page for any text."""
    return "x" + hashlib.sha256(text.encode()).hexdigest()[:10]


def mark(state: str) -> str:
    """Sign of a state."""
    return STATE_MARKS.get(str(state), ("", ""))[0]


def look(state: str) -> str:
    """Class of a state's colour."""
    return STATE_MARKS.get(str(state), ("", ""))[1]


FILTERS = {
    "number": number,
    "seconds": seconds,
    "days": days,
    "size": size,
    "minute": minute,
    "segment": segment,
    "anchor": anchor,
    "mark": mark,
    "look": look,
}
