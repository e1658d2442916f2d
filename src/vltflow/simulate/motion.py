"""How the Earth moves: what it does to the wavelengths of a source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astropy.coordinates import EarthLocation, SkyCoord
from astropy.time import Time
from astropy.utils import iers

from vltflow.simulate.sky import LATITUDE, LONGITUDE

if TYPE_CHECKING:
    from vltflow.simulate.sky import Target

SPEED_OF_LIGHT = 299_792.458
"""km/s."""
_HEIGHT = 2648.0
"""Metres above the sea, of Unit Telescope 2."""


def barycentric_correction(target: Target, mjd: float) -> float:
    """Velocity in km/s to be *added* to a measured one, ESO's sign (QC VRAD BARYCOR).

    Positive where the Earth moves towards the target: lines are then seen shifted to the blue,
    at (wavelength in the barycentre's frame) / (1 + correction / c). Wright & Eastman 2014,
    PASP 126, 838, as astropy has it.

    Parameters
    ----------
    mjd
        Middle of the exposure, UTC.
    """
    place = EarthLocation.from_geodetic(LONGITUDE, LATITUDE, _HEIGHT)
    sky = SkyCoord(target.ra, target.dec, unit="deg")
    # Nothing is fetched from the network, whatever the date.
    with iers.conf.set_temp("auto_download", False):
        speed = sky.radial_velocity_correction(
            "barycentric", obstime=Time(mjd, format="mjd"), location=place
        )
    return float(speed.to_value("km/s"))
