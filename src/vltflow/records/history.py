"""QC1 values that others measured: of products whose ABs and jobs are not in the store."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HistoricalProduct:
    """A product of another time or place, of which only the header's QC1 values were imported."""

    source_id: str
    """SHA-256 of what makes it: instrument, category, time, pipeline and all QC1 values."""
    instrument: str
    raw_type: str
    """Raw type of the definition that makes products of its category."""
    setup: str
    """Label of its setup, as of a block of that raw type."""
    setup_keys: str
    """Canonical JSON of the keyword values of that setup; null for absent ones."""
    category: str
    """PRO CATG."""
    name: str
    """Name of the product: of its file, or the key in a collection of headers."""
    night: str
    mjd: float
    pipeline: str
    """PRO REC1 PIPE ID: ``uves/4.7.8``; empty if its header says none."""
    recipe: str
    """PRO REC1 ID; empty if its header says none."""
    origin: str
    """File that it was imported from."""
    imported: str
    """UT time, ISO 8601."""
    for_thresholds: bool = False
    """Whether running thresholds may look back on its values: only if a person said so."""


@dataclass(frozen=True, slots=True)
class HistoricalValue:
    """A QC1 value of a historical product."""

    source: HistoricalProduct
    parameter: str
    value: float
    unit: str
