"""How fast a place on Earth moves towards a target."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import erfa
import numpy as np
from astropy_iers_data import IERS_B_FILE

from vltflow.algorithms.air import air_from_vacuum, vacuum_from_air

LIGHT_KMS = 299_792.458
"""Speed of light, km/s."""
_GM_SUN, _GM_EARTH = 1.3271244e20, 3.986004e14
"""Mass times constant of gravity, m3/s2 (IAU 2015 resolution B3)."""
_MJD, _UT1 = 4, 7
"""Columns of the table of the Earth's rotation."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where a telescope stands."""

    longitude: float
    """Degrees, east positive."""
    latitude: float
    """Degrees, north positive."""
    height: float
    """Metres above the ellipsoid."""


def velocity_correction(
    ra: float,
    dec: float,
    mjd: float,
    site: Site,
    kind: Literal["barycentric", "heliocentric"] = "barycentric",
) -> float:
    """What has to be added to a velocity measured on Earth, km/s; positive while approaching.

    Parameters
    ----------
    ra, dec
        Target, degrees, ICRS (FK5 of 2000 differs by less than 0.1 arcsec: 0.02 m/s).
    mjd
        Middle of the exposure, UTC.

    Raises
    ------
    ValueError
        If a number is not finite or no coordinate.

    Notes
    -----
    Wright & Eastman 2014, PASP 126, 838, equation 28: gravity of Sun and Earth included, Shapiro
    delay and the target's motion left out; the heliocentric one is the velocity's part along the
    line of sight. Ephemeris, precession and nutation are ERFA's, as in astropy's
    `radial_velocity_correction`, which agrees to 2 mm/s: polar motion, Jupiter's and the
    Moon's gravity are left out.
    """
    numbers = (ra, dec, mjd, site.longitude, site.latitude, site.height)
    if not (np.all(np.isfinite(numbers)) and abs(dec) <= 90.0 and abs(site.latitude) <= 90.0):
        raise ValueError(f"no velocity of RA {ra}, DEC {dec} at MJD {mjd} from {site}")
    terrestrial = erfa.taitt(*erfa.utctai(erfa.DJM0, mjd))
    heliocentric, barycentric = erfa.epv00(*terrestrial)
    place = _observatory(site, mjd, terrestrial)
    earth = barycentric if kind == "barycentric" else heliocentric
    velocity = earth["v"] * (erfa.DAU / erfa.DAYSEC) + place["v"]
    towards = velocity @ erfa.s2c(np.radians(ra), np.radians(dec))
    if kind == "heliocentric":
        return float(towards) / 1e3
    to_sun = heliocentric["p"] * erfa.DAU + place["p"]
    potential = _GM_SUN / np.linalg.norm(to_sun) + _GM_EARTH / np.linalg.norm(place["p"])
    slowed = (1.0 - potential / erfa.CMPS**2) * np.sqrt(1.0 - velocity @ velocity / erfa.CMPS**2)
    return float((1.0 + towards / erfa.CMPS) / slowed - 1.0) * LIGHT_KMS


def _observatory(site: Site, mjd: float, terrestrial: tuple[float, float]) -> np.ndarray:
    """Place (m) and velocity (m/s) of a site, seen from the Earth's centre, axes of the ICRS."""
    turned = erfa.era00(*erfa.utcut1(erfa.DJM0, mjd, ut1_minus_utc(mjd)))
    along, across = np.radians(site.longitude), np.radians(site.latitude)
    place = erfa.pvtob(along, across, site.height, 0.0, 0.0, 0.0, turned)
    return np.asarray(erfa.trxpv(erfa.c2i06a(*terrestrial), place))


def ut1_minus_utc(mjd: float) -> float:
    """UT1 - UTC, s: of IERS EOP 20 C04, as astropy brings it; of its nearest day beyond its ends.

    The table has a row a day, all of one length: two of them are read.
    """
    with Path(IERS_B_FILE).open("rb") as table:
        while (row := table.readline()).startswith(b"#"):
            pass
        size = len(row)
        start = table.tell() - size
        last = (table.seek(0, 2) - start) // size - 1
        day = min(max(mjd - float(row.split()[_MJD]), 0.0), float(last))
        number = min(int(day), last - 1)
        table.seek(start + size * number)
        before, after = (float(table.read(size).split()[_UT1]) for _ in range(2))
    change = after - before
    # A leap second between the two is no rotation.
    return before + (day - number) * (change - round(change))


def shifted(wave: np.ndarray, velocity: float) -> np.ndarray:
    """Wavelengths in air as an observer at rest would have measured them.

    Parameters
    ----------
    wave
        Measured, in air, Angstrom.
    velocity
        Correction to be added to velocities, km/s. The shift is done in vacuum, where it is
        one factor.
    """
    return air_from_vacuum(vacuum_from_air(wave) * (1.0 + velocity / LIGHT_KMS))
