"""Setups: the keyword values that frames of one block share, as label and canonical text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from vltflow.instruments.naming import render
from vltflow.instruments.raw_types import RawType


def setup_of(entry: RawType, values: Sequence[Any]) -> tuple[str, str]:
    """Label for people and canonical JSON of a setup; null for absent keywords.

    Parameters
    ----------
    entry
        Raw type with the keywords of its setup.
    values
        Their values, in the order of `entry.setup`; None for absent ones.
    """
    keys = {name: _canonical(value) for name, value in zip(entry.setup, values, strict=True)}
    text = json.dumps(keys, sort_keys=True, separators=(",", ":"))
    return render(entry.label, keys), text


def _canonical(value: Any) -> Any:
    """Whole numbers are written without a point: 390 and 390.0 are one setup."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value.rstrip() if isinstance(value, str) else value
