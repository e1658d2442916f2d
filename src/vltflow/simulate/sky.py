"""The sky over Paranal: where things are, and weather, as smooth functions of time."""

from __future__ import annotations

import math
from dataclasses import dataclass

LATITUDE, LONGITUDE = -24.6272, -70.4048
"""Degrees, of Unit Telescope 2."""


@dataclass(frozen=True, slots=True)
class Target:
    """Something to point at."""

    name: str
    ra: float
    """Degrees, J2000."""
    dec: float
    magnitude: float
    """V."""
    parameter: float
    """Temperature in kelvin of a star, redshift of a quasar."""


def sidereal_time(mjd: float) -> float:
    """Mean sidereal time at Paranal in degrees (Meeus, Astronomical Algorithms, eq. 12.4)."""
    return (280.46061837 + 360.98564736629 * (mjd - 51_544.5) + LONGITUDE) % 360.0


@dataclass(frozen=True, slots=True)
class Pointing:
    """Where the telescope looks. Degrees."""

    altitude: float
    azimuth: float
    """South is 0, west is 90."""
    airmass: float
    parallactic: float


def pointing(target: Target, mjd: float) -> Pointing:
    """Direction of a target; airmass by the secant, good to 1 % where UVES observes."""
    hour_angle = math.radians((sidereal_time(mjd) - target.ra + 180.0) % 360.0 - 180.0)
    dec, lat = math.radians(target.dec), math.radians(LATITUDE)
    sine = math.sin(lat) * math.sin(dec) + math.cos(lat) * math.cos(dec) * math.cos(hour_angle)
    altitude = math.asin(sine)
    azimuth = math.atan2(
        math.sin(hour_angle), math.cos(hour_angle) * math.sin(lat) - math.tan(dec) * math.cos(lat)
    )
    parallactic = math.atan2(
        math.sin(hour_angle), math.tan(lat) * math.cos(dec) - math.sin(dec) * math.cos(hour_angle)
    )
    return Pointing(
        math.degrees(altitude),
        math.degrees(azimuth) % 360.0,
        1.0 / max(sine, 0.2),
        math.degrees(parallactic),
    )


def pressure(mjd: float) -> float:
    """Air pressure, hPa."""
    return 743.2 + 1.1 * math.sin(2.0 * math.pi * mjd / 17.0) + 0.4 * math.sin(4.0 * math.pi * mjd)


def seeing(mjd: float) -> float:
    """Image quality, arcsec FWHM: 0.6 to 1.2."""
    return 0.9 + 0.2 * math.sin(2.0 * math.pi * mjd / 3.7) + 0.1 * math.sin(40.0 * mjd)
