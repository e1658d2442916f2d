"""The slit's image, from lines whose displacement along the slit is known."""

from __future__ import annotations

import numpy as np
import pytest

from vltflow.algorithms.identify import Lines
from vltflow.recipes.echelle.arc import Arc
from vltflow.recipes.echelle.tilt import measure_slit_image, without_tilt

WIDTH, FWHM, CURVATURE = 2000, 3.3, 1e-4
OFFSETS = np.array([-8.0, 0.0, 8.0])
ORDERS = np.arange(99, 109)


def arc_of(offsets):
    """Lines of one order each in windows of a slit that is tilted and bent."""
    rng = np.random.default_rng(1)
    x = np.sort(np.arange(20.0, WIDTH - 20, 25) + rng.uniform(-3, 3, (len(ORDERS), 79)), axis=1)
    pixels = np.arange(WIDTH)[:, None]
    spectra = np.empty((len(offsets), len(ORDERS), WIDTH))
    for window, offset in enumerate(offsets):
        for row, places in enumerate(x):
            at = places + (0.02 + 1e-5 * places) * offset + CURVATURE * offset**2
            shape = np.exp(-0.5 * ((pixels - at) / (FWHM / 2.3548)) ** 2)
            spectra[window, row] = 1000.0 * shape.sum(axis=1)
    variances = np.full_like(spectra, 100.0)
    spectra += rng.normal(0, 10.0, spectra.shape)
    ones = np.ones(x.size)
    lines = Lines(x.ravel(), 0.02 * ones, np.repeat(ORDERS, x.shape[1]), ones)
    expected = np.full((len(ORDERS), WIDTH), FWHM)
    centres = 30.0 * np.arange(len(ORDERS))
    return Arc(lines, FWHM * ones, x.size, ORDERS, centres, spectra, variances, offsets, expected)


def test_a_tilt_that_changes_along_x_is_found_in_all_orders():
    slit = measure_slit_image(arc_of(OFFSETS)).renumbered(1)
    x = np.linspace(20, WIDTH - 20, 5)[:, None]
    found = slit.tilt(x, np.arange(100.0, 110))
    np.testing.assert_allclose(found, np.tile(0.02 + 1e-5 * x, 10), atol=1e-3)
    # The noise of one line is four times the curvature; 790 lines tell its mean.
    assert slit.curvature(x, 104.0).mean() == pytest.approx(CURVATURE, abs=4e-5)
    assert slit.rms < 3e-3


def test_lines_are_moved_to_the_middle_of_the_slit_and_made_as_narrow_as_there():
    arc = arc_of(OFFSETS)
    straight = without_tilt(arc, measure_slit_image(arc))
    moved = straight.lines.x - arc.lines.x
    assert moved.mean() == pytest.approx(-CURVATURE * arc.height**2 / 12.0, rel=0.2)
    assert (straight.fwhm < arc.fwhm).all()
    assert np.ptp(straight.fwhm) > 0.0


def test_one_window_tells_no_tilt():
    slit = measure_slit_image(arc_of(np.zeros(1)))
    assert slit.median == 0.0
    assert np.isnan(slit.rms)
