"""Extraction of one straight trace, painted here."""

from __future__ import annotations

import numpy as np
import pytest

from vltflow.algorithms.extraction import Detector, Rules, extract
from vltflow.algorithms.profile_table import contrast, model_table, slit_table, tells_profile
from vltflow.algorithms.slit import slit_image
from vltflow.algorithms.source import collapsed

ROWS, COLUMNS, MIDDLE = 45, 200, 22
SKY, NOISE, SIGMA = 4.0, 2.5, 1.0


def light_of(spectrum, hit=(), tilt=0.0):
    """Light, its errors and quality of a source on even sky; `hit`: row, column, charge."""
    rng = np.random.default_rng(2)
    profile = np.exp(-0.5 * ((np.arange(ROWS) - MIDDLE) / SIGMA) ** 2)
    image = rng.poisson(spectrum[None, :] * (profile / profile.sum())[:, None] + SKY)
    image = (image + rng.normal(0, NOISE, image.shape)).astype("f4")
    for row, column, charge in hit:
        image[row, column] += charge
    centre = np.full((1, COLUMNS), float(MIDDLE))
    even = np.zeros_like(centre)
    slit = slit_image(centre, even + tilt, even, length=32.0, margin=1.0, rows=ROWS)
    width = np.full((1, 17), 2.3548 * SIGMA)
    detector = Detector(
        image, np.zeros(image.shape, "u1"), None, np.full(centre.shape, NOISE**2), 1.0
    )
    return extract(detector, slit, model_table(slit, even, width, 0.0), Rules())


def test_a_column_whose_core_was_hit_has_no_value_and_does_not_bend_its_neighbours():
    hit = [(row, 100, 6000.0 + 700 * row) for row in range(MIDDLE - 2, MIDDLE + 3)]
    found = light_of(np.full(COLUMNS, 500.0), hit, tilt=0.04)
    pulls = (found.flux[0] - 500) / np.sqrt(found.variance[0])
    assert np.isnan(found.flux[0, 100])
    assert np.nanmax(np.abs(pulls)) < 4.5
    assert np.isfinite(pulls).sum() == COLUMNS - 1


@pytest.mark.parametrize("hit", [(), [(12, 100, 9000.0)]])
def test_an_emission_line_of_one_column_is_kept(hit):
    spectrum = np.full(COLUMNS, 500.0)
    spectrum[100] = 20_000.0
    found = light_of(spectrum, hit)
    assert found.flux[0, 100] == pytest.approx(20_000, abs=5 * found.variance[0, 100] ** 0.5)


@pytest.mark.parametrize("light", [0.0, 0.02, 10.0])
def test_a_slit_without_light_has_no_profile(light):
    """Brighter at one end; what noise over nearly nothing would give is not even at all."""
    for seed in range(4):
        rng = np.random.default_rng(seed)
        lit = light * (1.0 + 0.5 * (np.arange(ROWS) - MIDDLE) / MIDDLE)
        image = rng.poisson(np.repeat(lit[:, None], 2000, axis=1)) + rng.normal(
            0.0, NOISE, (ROWS, 2000)
        )
        centre = np.full((1, 2000), float(MIDDLE))
        even = np.zeros_like(centre)
        slit = slit_image(centre, even, even, length=32.0, margin=1.0, rows=ROWS)
        distance, level, error = collapsed(image.astype("f4"), np.zeros(image.shape, "u1"), slit)
        seen = tells_profile(level, error, ratio=4.0)
        table = slit_table(slit, np.where(seen[:, None], level, np.nan), distance)
        assert seen[0] == (light > 1.0)
        assert contrast(table, 12.0) == pytest.approx(0.15 if seen[0] else 0.0, abs=0.03)
