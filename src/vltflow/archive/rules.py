"""When masters hold: each where it is the nearest in time, within the reach of its category."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from vltflow.core.errors import ValidityOverlap
from vltflow.instruments import Instrument
from vltflow.records import Master

SAME_MOMENT_DAYS = 1e-3 / 86_400.0
"""Masters closer than one millisecond, the resolution of ESO's time stamps, are of one moment."""

_REACH_WITHOUT_NEEDS = 1.0
"""Days, for an instrument of which nothing needs a master."""


def validity(masters: Sequence[Master], reach: float) -> list[Master]:
    """Masters of one category and setup with the range in which each holds, by time.

    A master holds from the middle between it and its earlier neighbour to the middle
    between it and its later neighbour, at most `reach` days to each side. So the one
    that is valid is always the nearest in time, as association chooses it; exactly in
    the middle between two it is the earlier, and at `reach` days it still holds. Ranges
    are half-open and never overlap, and depend on the set of masters only, not on the
    order in which they came.

    Raises
    ------
    ValidityOverlap
        If two are of the same moment: neither is nearer.
    """
    if not masters:
        return []
    ordered = sorted(masters, key=lambda master: master.mjd)
    for earlier, later in pairwise(ordered):
        if same_moment(earlier, later):
            raise ValidityOverlap(
                f"{earlier.name} and {later.name} are masters of the same moment "
                f"(MJD {earlier.mjd:.8f}) and setup",
                hint="Revoke one of them",
            )
    borders = [_border(earlier.mjd, later.mjd) for earlier, later in pairwise(ordered)]
    starts = [-math.inf, *borders]
    ends = [*borders, math.inf]
    return [
        replace(
            master,
            valid_from=max(start, master.mjd - reach),
            valid_to=min(end, math.nextafter(master.mjd + reach, math.inf)),
        )
        for master, start, end in zip(ordered, starts, ends, strict=True)
    ]


def _border(earlier: float, later: float) -> float:
    """First moment that is nearer to the later of two: the middle itself belongs to the earlier."""
    middle = (earlier + later) / 2
    nearer = middle - earlier > later - middle  # where no number lies exactly in the middle
    return middle if nearer else math.nextafter(middle, math.inf)


def same_moment(one: Master, other: Master) -> bool:
    """Whether neither of two masters can be nearer in time than the other."""
    return abs(one.mjd - other.mjd) < SAME_MOMENT_DAYS


def reach_days(instrument: Instrument, category: str) -> float:
    """Longest distance in time, days, over which any raw type takes a master of a category.

    A category that no raw type takes reaches as far as any master of the instrument.
    """
    reaches: dict[str, float] = {}
    for raw_type in instrument.raw_types.values():
        for need in raw_type.masters:
            farthest = max(level.days for level in need.levels)
            reaches[need.category] = max(reaches.get(need.category, 0.0), farthest)
    return reaches.get(category, max(reaches.values(), default=_REACH_WITHOUT_NEEDS))


def is_master(instrument: Instrument, raw_type: str, category: str) -> bool:
    """Whether a product of a raw type calibrates others once it is certified."""
    product = instrument.products_of(raw_type).get(category)
    return product is not None and product.master


def master_categories(instrument: Instrument) -> set[str]:
    """Categories of all products that are masters for at least one raw type that makes them."""
    return {
        category
        for raw_type in instrument.raw_types
        for category, product in instrument.products_of(raw_type).items()
        if product.master
    }
