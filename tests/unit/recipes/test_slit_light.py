"""Light of an exposure after its masters: what the master dark takes away, and what it brings."""

from __future__ import annotations

import numpy as np
import pytest

from vltflow.algorithms import Quality
from vltflow.recipes import RecipeInputs
from vltflow.recipes.echelle.slit_light import slit_light

HOURS = 2.0
WITHOUT_DARKS_NOISE = 3.45
"""ADU: read-out and master bias 2.3, photons of the 12 ADU of dark current 2.6."""


@pytest.fixture
def dark_exposure(blue, kit):
    """Hot pixels of the chip in product orientation, and an exposure twice as long as its darks."""
    bias = kit.as_master(kit.run("detector.master_bias", blue.biases(), blue.chip)[0])
    frames = [blue.expose(0, seed=50 + i, exptime=3600.0) for i in range(3)]
    masters = {"MASTER_BIAS": bias}
    dark = kit.run("detector.master_dark", frames, blue.chip, masters=masters)[0]
    masters["MASTER_DARK"] = kit.as_master(dark)
    frame = blue.expose(0, seed=90, exptime=3600.0 * HOURS)
    return blue.turned(blue.hot), slit_light(RecipeInputs((frame,), masters, blue.chip))


def test_the_noise_of_a_few_darks_does_not_enter_the_exposure(dark_exposure):
    hot, light = dark_exposure
    good = light.data[(light.quality == 0) & (hot < 100.0)]
    assert np.median(good) == pytest.approx(0.0, abs=0.15)
    assert light.noise == pytest.approx(WITHOUT_DARKS_NOISE, rel=0.05)
    assert np.std(good) == pytest.approx(light.noise, rel=0.05)


def test_warm_pixels_lose_their_dark_current_or_are_flagged(dark_exposure):
    hot, light = dark_exposure
    warm = hot > 100.0
    flagged = (light.quality & np.uint8(Quality.HOT)) != 0
    left = np.where(flagged, 0.0, light.data)[warm] / (HOURS * hot[warm])
    assert np.median(np.abs(left)) < 0.05
    assert np.abs(left).max() < 0.3


def test_a_pixel_of_unknown_response_may_differ_as_much_as_the_others_do(blue, kit):
    even = 1.0 + 0.004 * np.random.default_rng(1).normal(size=blue.response.shape)
    quiet = kit.replace(blue, response=even, hot=0.0 * blue.hot)
    # Half of the chip is too dark for its response to be measured.
    light = np.where(np.arange(even.shape[0])[:, None] < 150, 20_000.0, 20.0)
    masters = {
        "MASTER_BIAS": kit.as_master(kit.run("detector.master_bias", quiet.biases(), quiet.chip)[0])
    }
    flats = [quiet.expose(light * np.ones_like(even), seed=n, exptime=20.0) for n in range(5)]
    response = kit.run("detector.master_flat", flats, quiet.chip, masters=masters)[1]
    masters["PIXEL_RESPONSE"] = kit.as_master(response)
    found = slit_light(RecipeInputs((quiet.expose(0, seed=90),), masters, quiet.chip))
    unknown = (response.quality & np.uint8(Quality.UNMEASURED)) != 0
    assert unknown.mean() > 0.4
    assert np.sqrt(found.response_variance[unknown]) == pytest.approx(0.004, rel=0.1)
