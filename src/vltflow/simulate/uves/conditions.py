"""Weather, sky and targets over Paranal: smooth, deterministic functions of time."""

from __future__ import annotations

import math

from vltflow.instruments import data
from vltflow.simulate.sky import (
    Pointing,
    Target,
    pointing,
    pressure,
    seeing,
    sidereal_time,
)

__all__ = [
    "Pointing",
    "Target",
    "format_drift",
    "lamp_output",
    "pointing",
    "pressure",
    "science_target",
    "seeing",
    "sidereal_time",
    "standard_star",
    "standards",
    "temperature",
]


def standards() -> tuple[Target, ...]:
    """The standard stars whose fluxes are known (X-shooter's model spectra)."""
    return tuple(
        Target(star.name, star.ra, star.dec, star.magnitude, 0.0) for star in data.standard_stars()
    )


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


def temperature(mjd: float) -> float:
    """Temperature of the spectrograph, Celsius: seasons, weather, day and night."""
    return (
        12.4
        + 2.6 * math.cos(2.0 * math.pi * (mjd - 51_575.0) / 365.25)
        + 0.9 * math.sin(2.0 * math.pi * mjd / 11.3)
        + 0.15 * math.sin(2.0 * math.pi * mjd)
    )


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
