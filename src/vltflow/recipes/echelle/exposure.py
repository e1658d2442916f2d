"""When and from where an exposure looked at what, and how fast the Earth moved towards it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

from vltflow.algorithms.velocity import Site, velocity_correction
from vltflow.recipes.declaration import Parameters

if TYPE_CHECKING:
    from collections.abc import Mapping

_DAY = 86_400.0


class ExposureParameters(Parameters):
    """Dotted keywords; of several, parted by ``|``, the first that the header has counts."""

    longitude: str = Field(
        default="TEL.GEOLON", description="Keywords of the longitude, east positive [deg]."
    )
    latitude: str = Field(default="TEL.GEOLAT", description="Keywords of the latitude [deg].")
    height: str = Field(default="TEL.GEOELEV", description="Keywords of the height [m].")
    airmass_start: str = Field(
        default="TEL.AIRM.START", description="Keywords of the airmass at the start [no unit]."
    )
    airmass_end: str = Field(
        default="TEL.AIRM.END", description="Keywords of the airmass at the end [no unit]."
    )
    exposure_centre: str = Field(
        default="",
        description="Keywords of the time to which the Earth's motion is computed, as a share of "
        "the exposure; its middle if none is named or given [ratio].",
    )


@dataclass(frozen=True, slots=True)
class Velocity:
    """Corrections to be added to measured velocities, km/s; NaN where unknown."""

    barycentric: float
    heliocentric: float
    problem: str = ""
    """Why they are unknown."""


def number_of(header: Mapping[str, Any], names: str) -> float:
    """Value of the first of some dotted keywords that a header has; NaN if it is no number.

    Parameters
    ----------
    names
        Parted by ``|``; short ones such as ``RA`` are taken as they are.
    """
    for name in filter(None, (one.strip() for one in names.split("|"))):
        key = "ESO " + name.replace(".", " ") if "." in name else name
        value = header.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        if value is not None:
            return math.nan
    return math.nan


def velocity_of(header: Mapping[str, Any], parameters: ExposureParameters) -> Velocity:
    """Velocity correction of an exposure; a header that does not tell it is no reason to stop."""
    share = number_of(header, parameters.exposure_centre)
    share = share if 0.0 <= share <= 1.0 else 0.5
    wanted = {
        "RA": "RA", "DEC": "DEC", "MJD-OBS": "MJD-OBS", "EXPTIME": "EXPTIME",
        "longitude": parameters.longitude, "latitude": parameters.latitude,
        "height": parameters.height,
    }  # fmt: skip
    values = {what: number_of(header, names) for what, names in wanted.items()}
    unknown = [what for what, value in values.items() if not math.isfinite(value)]
    if unknown:
        return Velocity(math.nan, math.nan, f"the header has no {', '.join(unknown)}")
    site = Site(values["longitude"], values["latitude"], values["height"])
    mjd = values["MJD-OBS"] + share * values["EXPTIME"] / _DAY
    try:
        barycentric = velocity_correction(values["RA"], values["DEC"], mjd, site)
        heliocentric = velocity_correction(
            values["RA"], values["DEC"], mjd, site, kind="heliocentric"
        )
    except ValueError as error:
        return Velocity(math.nan, math.nan, str(error))
    return Velocity(barycentric, heliocentric)


def airmass_of(header: Mapping[str, Any], parameters: ExposureParameters) -> float:
    """Mean of the airmasses at both ends of an exposure; NaN if one is unknown or below 1."""
    both = [
        number_of(header, names) for names in (parameters.airmass_start, parameters.airmass_end)
    ]
    return 0.5 * sum(both) if min(both) >= 1.0 else math.nan
