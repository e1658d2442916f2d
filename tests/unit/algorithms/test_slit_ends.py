"""Dark rows at the ends of a slit, as the sky shows them, and what must not be taken for them."""

from __future__ import annotations

import numpy as np
import pytest

from vltflow.algorithms.slit_ends import dark_ends

DISTANCE = np.arange(-16.0, 17.0)
WIDTH = 5.0


def light(place, *, sky, peak, dark=0, beta=2.5):
    """Ten traces: a Moffat source on a sky, rows of the lower end dark."""
    alpha = WIDTH / (2.0 * np.sqrt(2.0 ** (1.0 / beta) - 1.0))
    level = sky + peak * (1.0 + ((DISTANCE - place) / alpha) ** 2) ** -beta
    level[:dark] -= sky
    noise = np.random.default_rng(1)
    error = np.full((10, len(DISTANCE)), 0.3)
    return level + noise.normal(0.0, error), error


@pytest.mark.parametrize("place", [0.0, 6.0])
@pytest.mark.parametrize("dark", [0, 3, 8])
def test_rows_without_sky_are_counted(place, dark):
    assert dark_ends(DISTANCE, *light(place, sky=10.0, peak=40.0, dark=dark), place, WIDTH) == dark


def test_without_a_source_the_sky_tells_as_well():
    assert dark_ends(DISTANCE, *light(0.0, sky=10.0, peak=0.0, dark=4), 0.0, 0.0) == 4


@pytest.mark.parametrize(("sky", "peak"), [(0.2, 10.0), (4.0, 2000.0), (10.0, 5000.0)])
def test_wings_of_a_bright_source_and_noise_are_no_sky(sky, peak):
    level, error = light(0.0, sky=sky, peak=peak)
    assert not dark_ends(DISTANCE, level, error, 0.0, WIDTH) > 0


def test_rows_that_no_trace_has_do_not_count():
    level, error = light(0.0, sky=10.0, peak=40.0, dark=5)
    level[:, :3] = np.nan
    assert dark_ends(DISTANCE, level, error, 0.0, WIDTH) == 2


def test_a_source_that_fills_the_slit_leaves_no_sky_to_tell():
    assert np.isnan(dark_ends(DISTANCE, *light(0.0, sky=10.0, peak=40.0), 0.0, 20.0))
