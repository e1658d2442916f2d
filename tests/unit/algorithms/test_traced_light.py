"""Peaks, surfaces, windows and air, on light whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import erf

from vltflow.algorithms.air import air_from_vacuum, vacuum_from_air
from vltflow.algorithms.column_fit import Noise
from vltflow.algorithms.peaks import find_peaks
from vltflow.algorithms.slit import slit_image
from vltflow.algorithms.source import best_shape, find_source
from vltflow.algorithms.surface import fit_surface
from vltflow.algorithms.windows import mean_spectra

UNIT = ((0.0, 1.0), (0.0, 1.0))


def test_sodium_has_its_known_wavelengths_in_air_and_vacuum():
    vacuum = np.array([5891.583, 5897.558])  # NIST
    np.testing.assert_allclose(air_from_vacuum(vacuum), [5889.951, 5895.924], atol=0.002)
    np.testing.assert_allclose(vacuum_from_air(air_from_vacuum(vacuum)), vacuum, rtol=1e-12)


def test_errors_of_peaks_are_honest():
    rng = np.random.default_rng(3)
    centres = np.arange(20, 9980, 20) + rng.uniform(-0.5, 0.5, 498)
    x = np.arange(10_000)
    profile = np.full(10_000, 50.0)
    for centre in centres:
        profile += 400 * np.exp(-0.5 * ((x - centre) / 1.4) ** 2)
    found = find_peaks(rng.poisson(profile).astype(float), profile, fwhm=3.0, threshold=8)
    assert len(found) == len(centres)
    pull = (found["x"] - centres) / found["sigma_x"]
    assert pull.std() == pytest.approx(1.0, abs=0.1)
    assert abs(pull.mean()) < 0.15
    assert np.median(found["fwhm"]) == pytest.approx(1.4 * 2.3548, rel=0.02)


def test_a_flat_profile_has_no_peaks():
    rng = np.random.default_rng(5)
    noise = rng.normal(100, 3, 20_000)
    assert len(find_peaks(noise, np.full(20_000, 9.0), fwhm=3.0, threshold=8)) == 0


def test_outliers_do_not_bend_a_surface():
    rng = np.random.default_rng(7)
    x, y = rng.uniform(0, 0.8, 400), rng.uniform(0, 1, 400)
    values = 3 + x - 2 * y + x * y + rng.normal(0, 0.01, 400)
    values[::20] += 1.0
    fit = fit_surface(
        x, y, values, intervals=UNIT, degrees=(3, 2), kappa=4, sigma=np.full(400, 0.01)
    )
    assert not fit.used[::20].any()
    grid = np.linspace(0, 0.8, 9)
    truth = 3 + grid - 2 * 0.5 + grid * 0.5
    np.testing.assert_allclose(fit.surface(grid, 0.5), truth, atol=0.01)
    assert fit.rms == pytest.approx(0.01, rel=0.1)


def test_too_few_points_fix_no_surface():
    with pytest.raises(ValueError, match="3 points do not fix"):
        fit_surface(np.ones(3), np.arange(3), np.ones(3), intervals=UNIT, degrees=(2, 2))


def test_a_window_counts_parts_of_pixels():
    image = np.repeat(np.arange(20.0)[:, None], 3, axis=1)
    centres = np.array([[10.0, 10.25, 0.2]])
    spectra, variances = mean_spectra(
        image, np.ones_like(image), centres - 1.0, height=2.5, offsets=np.array([1.0])
    )
    spectra, variances = spectra[0], variances[0]
    np.testing.assert_allclose(spectra[0, :2], [10.0, (0.5 * 9 + 10 + 11) / 2.5])
    assert np.isnan(spectra[0, 2])
    # Two whole pixels, or one of them and two parts: the noise falls with the square.
    np.testing.assert_allclose(variances[0, 0], (1 + 2 * 0.75**2) / 2.5**2)


def test_a_saturated_window_gives_no_value():
    image = np.ones((9, 2))
    image[4, 1] = 60_000
    spectra, _ = mean_spectra(
        image, image, np.full((1, 2), 4.0), height=3.0, offsets=np.zeros(1), saturation=50_000.0
    )
    assert np.isfinite(spectra[0, 0, 0])
    assert np.isnan(spectra[0, 0, 1])


def test_cosmic_rays_in_a_few_stretches_do_not_decide_the_shape():
    """Chi square of a Gaussian's stretches; a cosmic ray drops out of two for wide wings only."""
    tried = np.array([0.0, 0.125, 0.25, 0.375, 0.5])
    depth = np.random.default_rng(3).uniform(50.0, 400.0, (6, 10))
    fits = np.zeros((5, 6, 10), [("chi2", "f8")])
    fits["chi2"] = 2000.0 + depth * tried[:, None, None] ** 2
    assert best_shape(fits) < 0.02
    fits["chi2"][2:, 1, 9] -= 700.0
    fits["chi2"][3:, 4, 3] -= 700.0
    assert best_shape(fits) < 0.02


@pytest.mark.parametrize("level", [10.0, 200.0])
def test_noise_of_a_faint_gaussian_image_is_not_taken_for_wings(level):
    columns, rows, sigma = np.arange(2000), np.arange(200.0)[:, None], 1.2
    centre = 20.0 + 40.0 * np.arange(5)[:, None] + 0.002 * columns
    rng, image = np.random.default_rng(2), np.zeros((200, 2000))
    light = level * np.abs(np.sin(columns / 400.0)) * (1.0 + 0.1 * np.sin(columns / 5.0))
    for middle in centre:
        edges = [erf((rows - middle + side) / (sigma * 2**0.5)) for side in (-0.5, 0.5)]
        image += 0.5 * light * (edges[1] - edges[0])
    image = (rng.poisson(image) + rng.normal(0.0, 3.0, image.shape)).astype("f4")
    even = np.zeros_like(centre)
    slit = slit_image(centre, even, even, length=32.0, margin=1.0, rows=200)
    bad = np.zeros(image.shape, "u1")
    found = find_source(image, bad, slit, Noise(3.0, 1.0), np.arange(5), fwhm=2.5)
    assert found.inverse_beta < 0.05
    assert np.median(found.width) == pytest.approx(2.3548 * sigma, rel=0.02)
