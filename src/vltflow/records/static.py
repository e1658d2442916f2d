"""Static calibrations: tables and images that no night makes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class StaticState(StrEnum):
    """State of a static calibration."""

    VALID = "VALID"
    """May be used within its range."""
    SUPERSEDED = "SUPERSEDED"
    """A later file of the same name took its place; the file is kept."""
    WITHDRAWN = "WITHDRAWN"
    """A person said that it must not be used any more; the file is kept."""


@dataclass(frozen=True, slots=True)
class StaticCalibration:
    """A static calibration of the collection, with where it comes from and when it holds."""

    static_id: str
    instrument: str
    category: str
    """PRO CATG: ``LINE_REFER_TABLE``."""
    name: str
    """File name."""
    file_id: str
    """SHA-256 of the file: its address in the vault."""
    size: int
    keys: str
    """Canonical JSON of the keyword values by dotted name that a setup must share."""
    builder: str
    """``module:function`` that built it; empty for a file that was added."""
    origin: str
    """Package, catalogue, paper or calibration kit."""
    licence: str
    valid_from: float
    """MJD, inclusive."""
    valid_to: float
    """MJD, exclusive."""
    added: str
    """UT time, ISO 8601."""
    state: StaticState = StaticState.VALID
