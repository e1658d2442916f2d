from __future__ import annotations

import numpy as np
import pytest

from vltflow.algorithms import pixel_response

RNG = np.random.default_rng(11)
SHAPE = (60, 400)
BLAZE = np.sinc((np.arange(SHAPE[1]) / SHAPE[1] - 0.5) * 1.2)[None, :] ** 2 * np.ones(SHAPE)


def measure(flat, variance=None, **changes):
    settings = {"half_width": 15, "minimum_snr": 50.0, "threads": 2} | changes
    variance = np.full(flat.shape, 1.0) if variance is None else variance
    return pixel_response(flat.astype("f4"), variance.astype("f4"), **settings)


def test_response_and_light_are_told_apart():
    truth = 1 + 0.02 * RNG.normal(size=SHAPE)
    result = measure(20000 * BLAZE * truth)
    assert result.measured.mean() > 0.95
    assert (result.response / truth)[result.measured].std() < 0.006
    assert (result.smooth / (20000 * BLAZE))[result.measured].std() < 0.006


def test_a_single_deviating_pixel_keeps_its_full_deviation():
    flat = np.full(SHAPE, 10000.0)
    flat[20, 100] *= 1.1
    flat[30, 200] *= 0.2
    result = measure(flat)
    assert result.response[20, 100] == pytest.approx(1.1, abs=1e-3)
    assert result.response[30, 200] == pytest.approx(0.2, abs=1e-3)
    assert result.response[30, 199] == pytest.approx(1.0, abs=1e-3)


def test_gaps_and_edges_do_not_bend_the_light():
    flat = 20000 * BLAZE
    flat[:, 150:158] = np.nan
    flat[:, 170] = 0
    result = measure(flat)
    near = result.measured[:, 140:180] & (np.arange(140, 180) != 170)[None, :]
    assert np.allclose(result.response[:, 140:180][near], 1, atol=2e-3)
    assert not result.measured[:, 150:158].any()


def test_dark_pixels_and_order_edges_are_not_measured():
    profile = np.zeros(SHAPE[0])
    profile[20:40] = 1
    result = measure(20000 * BLAZE * profile[:, None])
    assert not result.measured[:20].any()
    assert result.measured[22:38].mean() > 0.9
    assert (result.response[~result.measured] == 1).all()
    assert (result.variance[~result.measured] == 0).all()


def test_errors_are_honest():
    light = 5000 * BLAZE
    flat = RNG.normal(light, np.sqrt(light))
    result = measure(flat, light)
    pull = ((result.response - 1) / np.sqrt(np.maximum(result.variance, 1e-12)))[result.measured]
    assert pull.std() == pytest.approx(1, abs=0.05)


def test_the_answer_does_not_depend_on_threads():
    flat = 20000 * BLAZE * (1 + 0.02 * RNG.normal(size=SHAPE))
    one, four = measure(flat, threads=1), measure(flat, threads=4)
    assert np.array_equal(one.response, four.response)


def test_a_bad_column_along_the_dispersion_is_seen():
    truth = np.ones(SHAPE)
    truth[30, 120:] = 0.3
    result = measure(20000 * BLAZE * truth)
    inside = slice(150, 380)
    assert np.allclose(result.response[30, inside], 0.3, atol=0.01)
    assert np.allclose(result.response[[29, 31], inside], 1, atol=0.01)
    assert result.measured[28:33, inside].all()


def dust(depth, radius, row=30, column=200):
    y, x = np.ogrid[: SHAPE[0], : SHAPE[1]]
    return 1 - depth * np.exp(-0.5 * ((y - row) ** 2 + (x - column) ** 2) / radius**2)


@pytest.mark.parametrize(("depth", "radius"), [(0.15, 1.5), (0.3, 3.0), (0.4, 3.0)])
def test_dust_does_not_draw_the_light_around_it_to_itself(depth, radius):
    rng = np.random.default_rng(5)
    truth = (1 + 0.01 * rng.normal(size=SHAPE)) * dust(depth, radius)
    light = 20000 * BLAZE
    result = measure(rng.normal(light * truth, np.sqrt(light)), light)
    near = np.s_[20:41, 170:231]
    assert result.measured[near].all()
    pull = (result.response - truth)[near] / np.sqrt(result.variance[near])
    assert pull.std() < 1.25


def test_dust_is_measured_where_other_pixels_are_too_faint_for_it():
    light = np.full(SHAPE, 6400.0)  # a signal to noise ratio of 80
    truth = dust(0.3, 2.0)
    flat = np.random.default_rng(6).normal(light * truth, 80.0)
    result = measure(flat, light, minimum_snr=100.0)
    shade = truth < 0.8
    assert result.measured[shade].all()
    assert result.response[shade] == pytest.approx(truth[shade], abs=0.08)
    assert not result.measured[:, :150].any()
