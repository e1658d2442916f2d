"""Spectra and line lists."""

from __future__ import annotations

import numpy as np
import pytest

from vltflow.simulate import light
from vltflow.simulate.image import add_lines, paint, point_profile, scattered_light, slit_profile


# NIST Atomic Spectra Database: vacuum and air wavelengths of the same lines.
@pytest.mark.parametrize(
    ("vacuum", "air"), [(3720.4925, 3719.4347), (5578.888, 5577.339), (6967.352, 6965.4307)]
)
def test_air_wavelengths_agree_with_the_tables(vacuum: float, air: float) -> None:
    assert float(light.air_from_vacuum(np.array(vacuum))) == pytest.approx(air, abs=0.002)


def test_the_line_list_is_sorted_and_covers_the_detectors() -> None:
    lines = light.thorium_argon()
    assert np.all(np.diff(lines.wave_vac) >= 0)
    assert len(lines.wave_vac) > 8000
    assert lines.wave_vac[0] < 3040
    assert lines.wave_vac[-1] > 10_600
    assert lines.intensity.min() > 0


def test_an_emission_line_keeps_its_flux_and_place() -> None:
    spectrum = np.zeros(200)
    add_lines(spectrum, np.array([100.3]), np.array([5000.0]), 3.2)
    pixels = np.arange(200.0)
    centre = (spectrum * pixels).sum() / spectrum.sum()
    width = np.sqrt((spectrum * (pixels - centre) ** 2).sum() / spectrum.sum())
    assert spectrum.sum() == pytest.approx(5000.0, rel=1e-5)
    assert centre == pytest.approx(100.3, abs=1e-3)
    assert width * 2.3548 == pytest.approx(np.hypot(3.2, 2.3548 / np.sqrt(12)), rel=1e-2)


def test_a_point_source_keeps_its_flux_across_the_order() -> None:
    image = np.zeros((50, 80), dtype=np.float32)
    trace = np.linspace(35.2, 44.9, 50)[None, :]
    paint(image, trace, np.full((1, 50), 1000.0), point_profile(4.0))
    assert image.sum(axis=1) == pytest.approx(np.full(50, 1000.0), rel=2e-3)
    centre = (image * np.arange(80)).sum(axis=1) / image.sum(axis=1)
    assert centre == pytest.approx(trace[0], abs=0.02)


def test_a_slit_is_as_long_as_asked() -> None:
    image = np.zeros((1, 80), dtype=np.float32)
    paint(image, np.array([[40.0]]), np.array([[100.0]]), slit_profile(32.5))
    assert image.sum() == pytest.approx(3250.0, rel=1e-3)
    assert image[0, 30:50] == pytest.approx(np.full(20, 100.0), rel=1e-3)


def test_the_halo_holds_its_share_of_the_light() -> None:
    image = np.zeros((376, 256), dtype=np.float32)
    image[:, 100:140] = 1000.0
    halo = scattered_light(image, 0.015)
    assert halo.sum() == pytest.approx(0.015 * image.sum(), rel=0.05)
    assert halo[:, 120].mean() > halo[:, 250].mean() > 0


def test_absorption_makes_a_quasar_darker_but_never_negative() -> None:
    wave = np.linspace(3300.0, 4500.0, 20_000).reshape(4, 5000)
    flux = light.quasar(wave, magnitude=17.0, redshift=2.2, seed=3)
    assert flux.min() >= 0
    assert flux.min() < 0.2 * np.median(flux)
    assert np.array_equal(flux, light.quasar(wave, magnitude=17.0, redshift=2.2, seed=3))
