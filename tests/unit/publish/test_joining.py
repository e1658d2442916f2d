"""Spectra of several chips become one."""

import numpy as np
import pytest

from vltflow.core.errors import UnprocessableData
from vltflow.fits import NO_VALUE, ReducedSpectrum
from vltflow.fits.header import Header
from vltflow.publish.joining import joined


def chip(start, size=100, step=0.1, level=10.0, *, sky=True, absolute=False):
    wave = start + step * np.arange(size)
    flux, error = np.full(size, level), np.full(size, 1.0)
    return ReducedSpectrum(
        wave=wave, flux=flux, error=error, quality=np.zeros(size, np.int32),
        sky=np.full(size, 3.0) if sky else None,
        calibrated=(flux * 1e-16, error * 1e-16) if absolute else None, header=Header({}),
    )  # fmt: skip


def test_chips_stand_side_by_side_in_wavelength_whatever_their_order():
    spectrum = joined([chip(5000.0, level=20.0), chip(4000.0)])
    assert spectrum.wave.size == 200
    assert spectrum.flux.tolist() == [10.0] * 100 + [20.0] * 100


def test_where_chips_overlap_each_gives_its_half():
    spectrum = joined([chip(4000.0), chip(4005.0, level=20.0)])
    assert (np.diff(spectrum.wave) > 0).all()
    border = spectrum.wave[np.argmax(spectrum.flux > 15)]
    assert border == pytest.approx(4007.5, abs=0.15)


def test_empty_ends_are_cut():
    one = chip(4000.0)
    one.flux[:5], one.error[:5] = np.nan, np.nan
    assert joined([one]).wave[0] == pytest.approx(4000.5)


def test_a_response_for_all_chips_makes_the_flux_absolute():
    spectrum = joined([chip(4000.0, absolute=True), chip(5000.0, absolute=True)])
    assert spectrum.flux[0] == pytest.approx(1e-15)
    assert spectrum.flux_unit.startswith("erg")
    names = [column.name for column in spectrum.extra]
    assert names == ["FLUX_REDUCED", "ERR_REDUCED", "BGFLUX_REDUCED", "SNR"]


def test_bins_that_the_response_does_not_reach_are_flagged():
    one = chip(6400.0, absolute=True)
    one.calibrated[0][90:], one.calibrated[1][90:] = np.nan, np.nan
    spectrum = joined([one])
    assert spectrum.quality.tolist() == [0] * 90 + [NO_VALUE] * 10
    assert np.isfinite(spectrum.extra[0].values).all()


def test_a_response_for_one_chip_only_leaves_the_flux_of_the_detector():
    spectrum = joined([chip(4000.0, absolute=True), chip(5000.0)])
    assert (spectrum.flux_unit, spectrum.flux[0]) == ("adu", 10.0)


def test_a_chip_without_sky_is_told():
    spectrum = joined([chip(4000.0), chip(5000.0, sky=False)])
    assert not spectrum.is_net
    sky = next(one.values for one in spectrum.extra if one.name == "BGFLUX_REDUCED")
    assert np.isnan(sky).tolist() == [False] * 100 + [True] * 100


def test_a_spectrum_without_any_value_is_refused():
    one = chip(4000.0)
    one.flux[:], one.error[:] = np.nan, np.nan
    with pytest.raises(UnprocessableData, match="no value"):
        joined([one])
