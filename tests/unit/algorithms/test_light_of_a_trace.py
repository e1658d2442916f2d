"""Extraction of one straight trace, painted here."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import erf

from vltflow.algorithms.extraction import Detector, Rules, extract
from vltflow.algorithms.profile_table import contrast, model_table, slit_table, tells_profile
from vltflow.algorithms.quality import Quality
from vltflow.algorithms.slit import slit_image
from vltflow.algorithms.source import collapsed

ROWS, COLUMNS, MIDDLE = 45, 200, 22
SKY, NOISE, SIGMA = 4.0, 2.5, 1.0
RULES = Rules()


def light_of(spectrum, hit=(), tilt=0.0, width=SIGMA, rules=RULES, ends=(0, COLUMNS)):
    """Light, its errors and quality of a source on even sky; `hit`: row, column, charge.

    `width` is what the profile's is taken for, `ends` where the trace begins and stops.
    """
    rng = np.random.default_rng(4)
    profile = np.diff(erf((np.arange(ROWS + 1) - 0.5 - MIDDLE) / (SIGMA * np.sqrt(2.0))))
    image = rng.poisson(spectrum[None, :] * (profile / profile.sum())[:, None] + SKY)
    image = (image + rng.normal(0, NOISE, image.shape)).astype("f4")
    for row, column, charge in hit:
        image[row, column] += charge
    centre = np.full((1, COLUMNS), float(MIDDLE))
    even = np.zeros_like(centre)
    slit = slit_image(centre, even + tilt, even, length=32.0, margin=1.0, rows=ROWS)
    slit.low[:, : ends[0]] = slit.low[:, ends[1] :] = np.nan
    fwhm = np.full((1, 17), 2.3548 * width)
    detector = Detector(
        image, np.zeros(image.shape, "u1"), None, np.full(centre.shape, NOISE**2), 1.0
    )
    return extract(detector, slit, model_table(slit, even, fwhm, 0.0), rules)


def test_a_column_whose_core_was_hit_has_no_value_and_does_not_bend_its_neighbours():
    hit = [(row, 100, 6000.0 + 700 * row) for row in range(MIDDLE - 2, MIDDLE + 3)]
    found = light_of(np.full(COLUMNS, 500.0), hit, tilt=0.04)
    pulls = (found.flux[0] - 500) / np.sqrt(found.variance[0])
    assert np.isnan(found.flux[0, 100])
    assert found.quality[0, 100] == Quality.REJECTED | Quality.NO_DATA
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


def pulls_of(found, spectrum):
    return (found.flux[0] - spectrum) / np.sqrt(found.variance[0])


def test_a_cosmic_ray_fainter_than_a_wrong_profile_might_be_is_found():
    """Below 5 % of the light; the profile is right, as the columns beside tell."""
    hit = [(MIDDLE, 100, 1600.0), (MIDDLE + 1, 100, 500.0)]
    found = light_of(np.full(COLUMNS, 70_000.0), hit)
    assert np.abs(pulls_of(found, 70_000.0)).max() < 4.5
    assert found.quality[0, 100] == Quality.REJECTED
    assert (found.quality != 0).sum() == 1


@pytest.mark.parametrize("level", [70_000.0, 700_000.0])
def test_a_profile_that_is_not_quite_right_is_no_cosmic_ray(level):
    spectrum = np.full(COLUMNS, level)
    spectrum[99:102] *= (1.2, 1.5, 1.2)
    found = light_of(spectrum, width=1.01 * SIGMA)
    assert (found.quality == 0).all()


def test_tilted_slits_do_not_sharpen_the_noise_of_the_sky():
    """What is taken out for half a pixel of tilt is the sky's bend, not its noise."""
    rules = Rules(weights="sum")
    found = light_of(np.full(COLUMNS, 10.0), tilt=0.04, rules=rules)
    light = 10.0 + SKY * np.nanmedian((found.flux[0] - 10.0) / SKY)
    assert np.nanstd(pulls_of(found, light)) == pytest.approx(1.0, abs=0.1)


def test_a_trace_that_begins_within_the_chip_is_right_from_its_first_column_on():
    spectrum = np.full(COLUMNS, 50_000.0)
    found = light_of(spectrum, tilt=0.2, ends=(60, 140))
    assert np.isfinite(found.flux[0]).sum() == 80
    assert np.nanmax(np.abs(pulls_of(found, spectrum))) < 4.5
    assert (found.quality[0, 60:140] == 0).all()


def test_light_of_the_next_slit_is_not_counted_where_slits_overlap():
    """Two crowded traces and a free one, twice as bright at one end; light falls along x."""
    x = np.arange(1000)
    centre = 25.0 + np.array([0.0, 29.5, 80.0])[:, None] - 0.001 * x * np.array([[0], [1], [0]])
    light = np.array([50.0, 80.0, 60.0])[:, None] * np.exp(-x / 700.0)
    image, rows = np.zeros((125, 1000)), np.arange(125.0)[:, None]
    for middle, one in zip(centre, light, strict=True):
        at = rows - middle
        blurred = 0.5 * (erf((at + 16.0) / 0.8) - erf((at - 16.0) / 0.8))
        image += one * (1.0 + at / 48.0) * blurred
    image = np.random.default_rng(3).poisson(image).astype("f4")
    bad, even = np.zeros(image.shape, "u1"), np.zeros_like(centre)
    slit, whole = (
        slit_image(centre, even, even, length=32.0, margin=margin, rows=125)
        for margin in (2.0, -2.0)
    )
    distance, level, _ = collapsed(image, bad, whole)
    detector = Detector(image, bad, None, np.full(centre.shape, 0.01), 1.0)
    rules = Rules(weights="sum", sky_terms=0, tolerance=0.4)
    found = extract(detector, slit, slit_table(whole, level, distance), rules, whole=whole)
    assert np.median(found.flux / light, axis=1) == pytest.approx(32.0, rel=0.003)
    pulls = (found.flux - 32.0 * light) / np.sqrt(found.variance)
    assert pulls.std(axis=1) == pytest.approx(1.0, abs=0.1)


def test_no_cosmic_ray_hides_where_the_rim_of_a_tilted_slit_begins():
    columns, rows = np.arange(800), np.arange(250.0)[:, None]
    centre = 30.0 + 0.2 * columns[None, :]
    image = 100.0 * 0.5 * (erf((rows - centre + 16.0) / 0.8) - erf((rows - centre - 16.0) / 0.8))
    image = np.random.default_rng(5).poisson(image).astype("f4")
    even = np.zeros_like(centre)
    slit, whole = (
        slit_image(centre, even + 0.2, even, length=32.0, margin=margin, rows=250)
        for margin in (2.0, -2.0)
    )
    for n, column in enumerate(range(20, 780, 10)):
        image[round(centre[0, column] - 16.0 + n % 6), column] += 3000.0
    distance, level, _ = collapsed(image, np.zeros(image.shape, "u1"), whole)
    detector = Detector(image, np.zeros(image.shape, "u1"), None, np.full(centre.shape, 0.01), 1.0)
    rules = Rules(weights="sum", sky_terms=0, tolerance=0.25)
    found = extract(detector, slit, slit_table(whole, level, distance), rules, whole=whole)
    assert np.nanmax(np.abs(pulls_of(found, 3200.0))) < 5.0


def test_a_trace_that_tells_no_profile_has_that_of_its_neighbours():
    """Without it a constant could not be told from slices that are as even."""
    distance = np.arange(-18.0, 19.0)
    level = np.repeat([1.0 + np.cos(distance)], 5, axis=0)
    level[3:] = np.nan
    even = np.zeros((5, 10))
    slit = slit_image(even + 99.0 * np.arange(5)[:, None], even, even, length=32.0, margin=-2.0,
                      rows=500)  # fmt: skip
    values = slit_table(slit, level, distance).values
    np.testing.assert_allclose(values[3:], values[[0, 0]])


def test_a_tilted_slit_does_not_smear_sharp_lines():
    """Lines of two pixels; half a pixel of tilt at most is left in single rows."""
    x, at = np.arange(COLUMNS), np.arange(ROWS)[:, None] - MIDDLE

    def spectrum(x):
        return 500.0 + 9000.0 * np.exp(-0.5 * ((x % 19.3 - 9.6) / 0.85) ** 2)

    image = spectrum(x - 0.04 * at) * 0.5 * (erf((at + 16.0) / 0.8) - erf((at - 16.0) / 0.8))
    image = np.random.default_rng(6).poisson(image).astype("f4")
    centre = np.full((1, COLUMNS), float(MIDDLE))
    even, bad = np.zeros_like(centre), np.zeros(image.shape, "u1")
    slit, whole = (
        slit_image(centre, even + 0.04, even, length=32.0, margin=margin, rows=ROWS)
        for margin in (1.0, -1.0)
    )
    detector = Detector(image, bad, None, np.full(centre.shape, 0.01), 1.0)
    rules = Rules(weights="sum", sky_terms=0, tolerance=0.25)
    table = slit_table(whole, np.ones((1, 33)), np.arange(-16.0, 17.0))
    found = extract(detector, slit, table, rules, whole=whole).flux[0]
    lines = (spectrum(x) > 5000.0) & (x > 10) & (x < COLUMNS - 10)
    assert np.mean(found[lines] / spectrum(x[lines])) == pytest.approx(32.0, rel=0.01)


@pytest.mark.parametrize("gradient", [-0.2, 0.2])
def test_sky_lines_on_an_uneven_nebula_are_where_they_should_be(gradient):
    """The sum's one profile is that of the nebula, 20 % brighter at an end; the lines are even."""
    x, at = np.arange(1000.0), np.arange(ROWS)[:, None] - MIDDLE - 0.3

    def spectrum(x):
        return 450.0 + 1500.0 * np.exp(-0.5 * ((x % 97.3 - 48.6) / 1.0) ** 2)

    lit = 0.5 * (erf((at + 16.0) / 0.8) - erf((at - 16.0) / 0.8))
    image = (spectrum(x - 0.03 * at) + 450.0 * gradient * at / 16.0) * lit
    image = np.random.default_rng(6).poisson(image).astype("f4")
    centre = np.full((1, 1000), MIDDLE + 0.3)
    even, bad = np.zeros_like(centre), np.zeros(image.shape, "u1")
    slit, whole = (
        slit_image(centre, even + 0.03, even, length=32.0, margin=margin, rows=ROWS)
        for margin in (2.0, -2.0)
    )
    distance, level, _ = collapsed(image, bad, whole)
    detector = Detector(image, bad, None, np.full(centre.shape, 4.0), 1.0)
    rules = Rules(weights="sum", sky_terms=0, tolerance=0.6)
    found = extract(detector, slit, slit_table(whole, level, distance), rules, whole=whole)
    assert np.isfinite(found.flux[0, 5:-5]).all()
    light = 32.0 * spectrum(x)
    slope = np.gradient(light)
    lines = np.abs(slope) > 0.05 * slope.max()
    off = (found.flux[0] - light)[lines]
    assert abs(slope[lines] @ off) / (slope[lines] @ slope[lines]) < 0.015
    assert found.flux[0, lines].sum() == pytest.approx(light[lines].sum(), rel=0.005)
