"""Static calibrations of UVES: what is in them, and that they are the same every time."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits

from vltflow.instruments import data, load
from vltflow.instruments.uves import statics
from vltflow.simulate import light

BUILDERS = {entry.category: entry.builder for entry in load("UVES").statics.statics}


def build(category, folder):
    path = folder / f"{category}.fits"
    getattr(statics, BUILDERS[category].split(":")[1])(path)
    return path


@pytest.mark.parametrize("category", BUILDERS)
def test_each_says_what_it_is_and_comes_out_the_same(category, tmp_path):
    first = build(category, tmp_path).read_bytes()
    assert fits.getheader(tmp_path / f"{category}.fits")["ESO PRO CATG"] == category
    assert build(category, tmp_path).read_bytes() == first


def test_every_static_calibration_that_a_raw_type_needs_can_be_built():
    uves = load("UVES")
    needs = {need.category for entry in uves.raw_types.values() for need in entry.statics}
    assert needs == set(BUILDERS)


def test_lines_are_those_of_the_atlas_in_air(tmp_path):
    wave = fits.getdata(build("LINE_REFER_TABLE", tmp_path), 1)["WAVE"]
    assert (np.diff(wave) > 0).all()
    # Lines of Palmer & Engleman (1983), air, that every ThAr atlas shows.
    for known in (4764.8646, 5067.9737, 6965.4307, 8115.3108):
        assert np.abs(wave - known).min() < 0.002


def test_air_is_that_of_another_formula():
    wave = np.linspace(3000.0, 11_000.0, 200)
    ratio = statics.air_from_vacuum(wave) / light.air_from_vacuum(wave)
    # A metre per second is 3e-9.
    assert np.abs(ratio - 1.0).max() < 5e-9


def test_extinction_rises_to_the_ultraviolet(tmp_path):
    table = fits.getdata(build("EXTCOEFF_TABLE", tmp_path), 1)
    assert table["LA_SILLA"][0] > 1.0
    assert np.interp(5500.0, table["LAMBDA"], table["LA_SILLA"]) == pytest.approx(0.13, abs=0.03)


def test_stars_have_the_flux_of_their_magnitude(tmp_path):
    table = fits.getdata(build("FLUX_STD_TABLE", tmp_path), 1)
    for star, row in zip(data.standard_stars(), table, strict=True):
        assert (row["OBJECT"], row["RA_DEG"], row["DEC_DEG"]) == (star.name, star.ra, star.dec)
        flux = np.interp(5500.0, row["LAMBDA"], row["F_LAMBDA"])
        assert flux == pytest.approx(light.flux_density(star.magnitude), rel=0.08)


def test_fit_points_avoid_stellar_lines_and_the_bands_of_the_air(tmp_path):
    with fits.open(build("RESP_FIT_POINTS_CATALOG", tmp_path)) as hdus:
        for row in hdus[1].data:
            points = 10.0 * hdus[int(row["ext_id"])].data["LAMBDA"]
            assert hdus[int(row["ext_id"])].name == row["name"].upper()
            assert np.abs(points - 4861.3).min() > 80.0
            assert not np.any((points > 7600.0) & (points < 7700.0))
