"""Weather, sky and targets over Paranal: smooth, deterministic functions of time."""

from __future__ import annotations

import math
from dataclasses import dataclass

from vltflow.instruments import data

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
    redshift: float = 0.0


def standards() -> tuple[Target, ...]:
    """The standard stars whose fluxes are known (X-shooter's model spectra)."""
    return tuple(
        Target(star.name, star.ra, star.dec, star.magnitude) for star in data.standard_stars()
    )


def sidereal_time(mjd: float) -> float:
    """Mean sidereal time at Paranal in degrees (Meeus, Astronomical Algorithms, eq. 12.4)."""
    return (280.46061837 + 360.98564736629 * (mjd - 51_544.5) + LONGITUDE) % 360.0


def standard_star(mjd: float) -> Target:
    """The standard star closest to the meridian."""
    sidereal = sidereal_time(mjd)
    return min(standards(), key=lambda star: abs((star.ra - sidereal + 180.0) % 360.0 - 180.0))


def science_target(mjd: float) -> Target:
    """A quasar that culminates about now; the same field for some days."""
    number = int(mjd) // 4 % 90
    ra = (round(sidereal_time(mjd) / 10.0) * 10.0 + 0.37 * number) % 360.0
    dec = -45.0 + number * 0.5
    hours, minutes = int(ra / 15.0), int(ra / 15.0 % 1.0 * 60.0)
    name = f"QSO-J{hours:02d}{minutes:02d}{int(dec):+03d}{int(abs(dec) % 1 * 60):02d}"
    return Target(name, round(ra, 5), dec, 16.0 + number % 7 * 0.2, 2.0 + number % 11 * 0.08)


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


def temperature(mjd: float) -> float:
    """Temperature of the spectrograph, Celsius: seasons, weather, day and night."""
    return (
        12.4
        + 2.6 * math.cos(2.0 * math.pi * (mjd - 51_575.0) / 365.25)
        + 0.9 * math.sin(2.0 * math.pi * mjd / 11.3)
        + 0.15 * math.sin(2.0 * math.pi * mjd)
    )


def pressure(mjd: float) -> float:
    """Air pressure, hPa."""
    return 743.2 + 1.1 * math.sin(2.0 * math.pi * mjd / 17.0) + 0.4 * math.sin(4.0 * math.pi * mjd)


def seeing(mjd: float) -> float:
    """Image quality, arcsec FWHM: 0.6 to 1.2."""
    return 0.9 + 0.2 * math.sin(2.0 * math.pi * mjd / 3.7) + 0.1 * math.sin(40.0 * mjd)


def lamp_output(lamp: str, mjd: float) -> float:
    """Relative output of a lamp: it ages over two years, and drifts by 2 %."""
    age = (mjd / 730.0 + len(lamp) * 0.37) % 1.0
    return 1.08 - 0.16 * age + 0.02 * math.sin(2.0 * math.pi * mjd / 23.0)


def format_drift(arm: str, mjd: float) -> tuple[float, float]:
    """Shift of the echelle format along x and y in pixels, by temperature and pressure."""
    dt, dp = temperature(mjd) - 12.4, pressure(mjd) - 743.0
    return (
        (0.35 * dt - 0.05 * dp, -0.45 * dt) if arm == "blue" else (0.28 * dt - 0.05 * dp, 0.3 * dt)
    )
