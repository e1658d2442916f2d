"""Open tables that instrument definitions and the simulator share; sources in README.md.

``tools/extract_pypeit_tables.py`` wrote them. Wavelengths are in Angstrom.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np

__all__ = ["LampLines", "StandardStar", "paranal_extinction", "standard_stars", "thorium_argon"]


@dataclass(frozen=True)
class LampLines:
    """Emission lines of a lamp; arrays of one length, ascending in wavelength."""

    wave_vac: np.ndarray
    """Wavelength in vacuum, Angstrom."""
    intensity: np.ndarray
    """Relative, as in the data base: thorium and argon are not on one scale."""
    argon: np.ndarray
    """Whether the line is one of argon; the others are thorium's."""


@dataclass(frozen=True)
class StandardStar:
    """A spectrophotometric standard star."""

    name: str
    ra: float
    """Degrees, J2000."""
    dec: float
    magnitude: float
    """V."""
    kind: str
    """Spectral type: ``DA``."""
    wave: np.ndarray
    """Centres of bins of 5 Angstrom, Angstrom."""
    flux: np.ndarray
    """Mean flux in each bin, erg/s/cm2/Angstrom."""


@lru_cache(maxsize=1)
def thorium_argon() -> LampLines:
    """Lines of a ThAr hollow-cathode lamp from 3000 to 11000 Angstrom."""
    rows = _rows("thar_lines.csv")
    return LampLines(
        wave_vac=np.array([float(row[0]) for row in rows]),
        intensity=np.array([float(row[2]) for row in rows]),
        argon=np.array([row[1].startswith("Ar") for row in rows]),
    )


@lru_cache(maxsize=1)
def paranal_extinction() -> tuple[np.ndarray, np.ndarray]:
    """Wavelength (Angstrom) and extinction (mag per airmass) over Paranal."""
    rows = np.array(_rows("paranal_extinction.csv"), dtype=float)
    return rows[:, 0], rows[:, 1]


@lru_cache(maxsize=1)
def standard_stars() -> tuple[StandardStar, ...]:
    """Six hot standard stars of the southern sky, with their fluxes."""
    fluxes = np.array(_rows("standard_fluxes.csv"), dtype=float)
    names = _lines("standard_fluxes.csv")[1].split(",")
    return tuple(
        StandardStar(
            name,
            float(ra),
            float(dec),
            float(magnitude),
            kind,
            wave=fluxes[:, 0],
            flux=fluxes[:, names.index(name)],
        )
        for name, ra, dec, magnitude, kind in _rows("standard_stars.csv")
    )


def _rows(name: str) -> list[list[str]]:
    """Fields of each row; two lines of title and names stand before."""
    return [line.split(",") for line in _lines(name)[2:]]


def _lines(name: str) -> list[str]:
    return (resources.files(__name__) / name).read_text("ascii").splitlines()
