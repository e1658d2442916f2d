"""How fast a place on Earth moves towards a target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from vltflow.algorithms.air import air_from_vacuum, vacuum_from_air

LIGHT_KMS = 299_792.458
"""Speed of light, km/s."""


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
    astropy's `SkyCoord.radial_velocity_correction` (Wright & Eastman 2014, PASP 126, 838, first
    order in v/c) with its built-in ephemeris. Nothing is fetched: UT1 - UTC comes from the
    table that astropy brings and is 0 beyond its end, which costs 0.03 m/s a second.
    """
    numbers = (ra, dec, mjd, site.longitude, site.latitude, site.height)
    if not (np.all(np.isfinite(numbers)) and abs(dec) <= 90.0 and abs(site.latitude) <= 90.0):
        raise ValueError(f"no velocity of RA {ra}, DEC {dec} at MJD {mjd} from {site}")
    # slow to load, and few recipes need it
    from astropy import units as u  # noqa: PLC0415
    from astropy.coordinates import EarthLocation, SkyCoord  # noqa: PLC0415
    from astropy.time import Time  # noqa: PLC0415
    from astropy.utils import iers  # noqa: PLC0415

    place = EarthLocation.from_geodetic(
        site.longitude * u.deg, site.latitude * u.deg, site.height * u.m
    )
    target = SkyCoord(ra * u.deg, dec * u.deg, frame="icrs")
    offline = iers.conf.set_temp("auto_download", value=False)
    any_age = iers.conf.set_temp("auto_max_age", None)
    with offline, any_age, iers.conf.set_temp("iers_degraded_accuracy", "ignore"):
        correction = target.radial_velocity_correction(
            kind, obstime=Time(mjd, format="mjd", scale="utc"), location=place
        )
    return float(correction.to_value(u.km / u.s))


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
