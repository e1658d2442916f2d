"""Lines of MUSE's arc lamps and the extinction over Paranal, as kept in ``data``."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

LAMPS = {"Ne": 3, "Xe": 4, "HgCd": 5}
"""Number in the header (INS LAMPn, INS SHUTn) of each arc lamp of the calibration unit."""


@dataclass(frozen=True, slots=True)
class Line:
    """An emission line of a lamp."""

    wave_vac: float
    """Angstrom."""
    lamp: str
    ion: str
    intensity: float
    """Relative, of one source for most lines: rough."""


@cache
def arc_lines() -> tuple[Line, ...]:
    """Lines of all lamps, by wavelength; source and licence: ``data/README.md``."""
    return tuple(
        Line(float(row["wave_vac"]), row["lamp"], row["ion"], float(row["intensity"]))
        for row in _rows("arc_lines.csv")
    )


@cache
def paranal_extinction() -> tuple[tuple[float, float], ...]:
    """Wavelength (Angstrom) and extinction (mag per airmass): Patat et al. 2011, A&A 527, A91."""
    return tuple(
        (float(row["wave"]), float(row["extinction"])) for row in _rows("paranal_extinction.csv")
    )


def _rows(name: str) -> list[dict[str, str]]:
    folder = resources.files("vltflow.instruments.muse") / "data"
    text = (folder / name).read_text("ascii")
    return list(csv.DictReader(text.splitlines()[1:]))
