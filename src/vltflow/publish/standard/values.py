"""Values of keywords as rules want them: of the right type, or not at all."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from vltflow.fits import FitsValue, Header


def number(header: Header, keyword: str) -> float | None:
    """Value of a keyword that holds a real number; None if it is missing or something else.

    So rules may leave what is no number to those that say so: K101 to K405, and K901.
    """
    value = header.get(keyword)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def text(header: Header, keyword: str) -> str | None:
    """Value of a keyword that holds text, without blanks around it; None if it does not."""
    value = header.get(keyword)
    return value.strip() if isinstance(value, str) else None


def numbered(header: Header, stem: str) -> Mapping[int, FitsValue]:
    """Values of ``PROV1``, ``PROV2`` ... by number, in order; those with leading zeros too."""
    pattern = re.compile(rf"{re.escape(stem)}(\d+)")
    found = {
        int(match[1]): value for key, value in header.items() if (match := pattern.fullmatch(key))
    }
    return dict(sorted(found.items()))
