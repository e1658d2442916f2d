"""The Earth's motion, against a computation of its own and ESO's numbers of real exposures."""

from __future__ import annotations

import erfa
import numpy as np
import pytest
from astropy.coordinates import EarthLocation, SkyCoord
from astropy.io import fits
from astropy.time import Time
from astropy.utils import iers

from vltflow.algorithms.velocity import (
    LIGHT_KMS,
    Site,
    shifted,
    ut1_minus_utc,
    velocity_correction,
)

PARANAL = Site(-70.4048, -24.6272, 2648.0)
AU_PER_DAY = 149_597_870.7 / 86_400.0
RELATIVITY = 0.0047
"""km/s: transverse Doppler effect and the Sun's and the Earth's gravity, which astropy knows."""


def of_first_order(ra, dec, mjd, site):
    """Earth's velocity of ERFA's ephemeris, and the site's by the Earth's rotation."""
    time = Time(mjd, format="mjd", scale="utc")
    tt = time.tt.mjd
    _, earth = erfa.epv00(2_400_000.5, tt)
    x, y, _ = erfa.gd2gc(1, np.radians(site.longitude), np.radians(site.latitude), site.height)
    turn = erfa.gst06a(2_400_000.5, mjd, 2_400_000.5, tt)
    place = np.array([np.cos(turn) * x - np.sin(turn) * y, np.sin(turn) * x + np.cos(turn) * y])
    spin = 7.292115e-5 * np.array([-place[1], place[0], 0.0]) / 1000.0
    velocity = earth["v"] * AU_PER_DAY + erfa.pnm06a(2_400_000.5, tt).T @ spin
    a, d = np.radians([ra, dec])
    return velocity @ np.array([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)])


@pytest.mark.parametrize("mjd", [51_600.1, 55_328.2, 57_080.3, 60_500.05])
@pytest.mark.parametrize(("ra", "dec"), [(206.1, -10.6), (12.0, -80.0), (90.0, 23.4)])
def test_motion_agrees_with_an_independent_computation_within_a_metre_per_second(ra, dec, mjd):
    ours = velocity_correction(ra, dec, mjd, PARANAL)
    assert ours - RELATIVITY == pytest.approx(of_first_order(ra, dec, mjd, PARANAL), abs=0.001)
    helio = velocity_correction(ra, dec, mjd, PARANAL, "heliocentric")
    assert 0.0 < abs(ours - helio) < 0.02


@pytest.mark.parametrize("mjd", [51_600.1, 57_203.9999, 60_500.05])  # the second: a leap second
@pytest.mark.parametrize("kind", ["barycentric", "heliocentric"])
def test_motion_is_astropys_within_two_millimetres_per_second(mjd, kind):
    place = EarthLocation.from_geodetic(PARANAL.longitude, PARANAL.latitude, PARANAL.height)
    target, time = SkyCoord(206.1, -10.6, unit="deg"), Time(mjd, format="mjd", scale="utc")
    with iers.conf.set_temp("auto_download", value=False):
        theirs = target.radial_velocity_correction(kind, obstime=time, location=place)
    ours = velocity_correction(206.1, -10.6, mjd, PARANAL, kind)
    assert ours == pytest.approx(theirs.to_value("km/s"), abs=2e-6)


def test_the_earths_rotation_outside_its_table_is_that_of_the_nearest_day():
    assert ut1_minus_utc(30_000.0) == ut1_minus_utc(37_665.0) == pytest.approx(0.0326338)
    assert ut1_minus_utc(90_000.0) == ut1_minus_utc(80_000.0)


def test_numbers_that_are_no_place_or_time_are_refused():
    with pytest.raises(ValueError, match="no velocity"):
        velocity_correction(float("nan"), 0.0, 57_000.0, PARANAL)
    with pytest.raises(ValueError, match="no velocity"):
        velocity_correction(10.0, 95.0, 57_000.0, PARANAL)


def test_corrections_have_the_sign_and_size_of_esos(real_data):
    files = sorted((real_data / "uves" / "HE1341-1020").glob("fxb_*"))
    assert files
    for file in files:
        header = fits.getheader(file, 1)
        keys = ("GEOLON", "GEOLAT", "GEOELEV")
        site = Site(*(header[f"ESO TEL {key}"] for key in keys))
        middle = header["MJD-OBS"] + header["EXPTIME"] / 172_800.0
        ours = velocity_correction(header["RA"], header["DEC"], middle, site)
        # ESO's algorithm is older; it differs by up to 39 m/s, half a tenth of a pixel.
        assert ours == pytest.approx(header["ESO QC VRAD BARYCOR"], abs=0.045)


def test_a_star_at_rest_with_the_barycentre_is_brought_back_to_its_wavelength():
    wave = np.array([3303.0, 5889.95, 10_000.0])
    moved = shifted(wave, 20.0)
    assert (moved > wave).all()
    np.testing.assert_allclose(moved / wave - 1, 20.0 / LIGHT_KMS, rtol=1e-4)
    back = shifted(moved, -20.0 / (1 + 20.0 / LIGHT_KMS))
    np.testing.assert_allclose(back, wave, rtol=1e-12)
