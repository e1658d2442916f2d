"""The number of threads changes no bit of a result."""

from __future__ import annotations

import numpy as np
import pytest

from vltflow.algorithms import summarise
from vltflow.algorithms.background import subtract_surface
from vltflow.algorithms.flat_statistics import illumination
from vltflow.algorithms.surface import Surface

THREADS = (2, 3, 5)


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(7).normal(1000, 30, (331, 257)).astype(np.float32)


def test_profiles_and_mean_of_an_image(image):
    one = summarise(image, centre=1000, reach=200, threads=1)
    for threads in THREADS:
        several = summarise(image, centre=1000, reach=200, threads=threads)
        assert several.mean == one.mean
        assert all(
            np.array_equal(getattr(several, name), getattr(one, name))
            for name in ("x_profile", "y_profile")
        )


def test_light_of_a_flat(image):
    variance = np.abs(image)
    one = illumination(image, variance, minimum_snr=10, threads=1)
    for threads in THREADS:
        assert illumination(image, variance, minimum_snr=10, threads=threads) == one


def test_light_between_orders_taken_out(image):
    coefficients = np.random.default_rng(8).normal(10, 3, (5, 4))
    surface = Surface((0.0, 256.0), (0.0, 330.0), coefficients)
    one = image.copy()
    subtract_surface(one, surface, threads=1)
    for threads in THREADS:
        several = image.copy()
        subtract_surface(several, surface, threads=threads)
        assert np.array_equal(several, one)
