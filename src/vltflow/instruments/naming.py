"""Labels and file names from patterns of the instrument data.

A placeholder stands in braces: a word that the caller knows (``{chip}``) or a dotted
keyword, perhaps with alternatives, of which the first that has a value counts, and a
format: ``{INS.GRAT1.WLEN|INS.GRAT2.WLEN:g}``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from vltflow.core.errors import ConfigurationError

_PLACEHOLDER = re.compile(r"\{([^{}:]+)(?::([^{}]*))?\}")
_UNSAFE = re.compile(r"[^A-Za-z0-9._+-]+")
UNKNOWN = "NA"
"""What stands for a keyword without a value."""


def render(pattern: str, keys: Mapping[str, Any]) -> str:
    """Pattern with its placeholders filled from keyword values or words.

    Raises
    ------
    ConfigurationError
        If a format does not fit its value.
    """
    return _PLACEHOLDER.sub(lambda found: _value(found, keys, pattern), pattern)


def product_name(
    pattern: str, *, prefix: str, date: str, letter: str, chip: str, keys: Mapping[str, Any]
) -> str:
    """File name of a product, of letters, digits and ``._+-`` only.

    Parameters
    ----------
    pattern
        ``name`` of a product type: ``{prefix}_MBIA_{date}{letter}_{chip}.fits``.
    prefix
        Two letters of the instrument.
    date
        Night as yymmdd.
    letter
        Version within the night: ``A``.
    chip
        Name of the chip.
    keys
        Keyword values of the block's setup by dotted name.

    Raises
    ------
    ConfigurationError
        If a format does not fit its value.

    Examples
    --------
    >>> keys = {"DET.WIN1.BINX": 2}
    >>> pattern = "{prefix}_MBIA_{date}{letter}_{chip}_{DET.WIN1.BINX}.fits"
    >>> product_name(pattern, prefix="UV", date="150226", letter="A", chip="BLUE", keys=keys)
    'UV_MBIA_150226A_BLUE_2.fits'
    """
    words = {"prefix": prefix, "date": date, "letter": letter, "chip": chip}
    return _UNSAFE.sub("-", render(pattern, {**keys, **words}))


def _value(found: re.Match[str], keys: Mapping[str, Any], pattern: str) -> str:
    names, form = found.group(1).split("|"), found.group(2) or ""
    values = [keys[name] for name in names if keys.get(name) is not None]
    if not values:
        return UNKNOWN
    try:
        return format(values[0], form)
    except ValueError as error:
        raise ConfigurationError(
            f"pattern {pattern!r}: {names[0]} is {values[0]!r}, not fit for format {form!r}"
        ) from error
