from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from vltflow.algorithms import Quality
from vltflow.core.errors import AlgorithmFailure, UnprocessableData

FLAT = "detector.master_flat"
EXPTIME = 20.0


def orders(shape, *, height, tilt=0.08, peak=22000.0):
    """Light in product orientation: slightly tilted orders with a blaze, dark in between."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(float)
    phase = (y - tilt * x) % (2 * height)
    edge = 1.2
    profile = 1 / (1 + np.exp(-(height / 2 - np.abs(phase - height)) / edge * 2))
    blaze = np.sinc((x / shape[1] - 0.45) * 0.9) ** 2
    return 30 + peak * blaze * profile


def back(detector, product):
    """Product to raw orientation, written out here."""
    image = product[:, ::-1] if detector.chip.mirrored else product
    return np.rot90(image, -detector.chip.quarter_turns)


@pytest.fixture
def scene(detector):
    shape = detector.turned(detector.pattern).shape
    light = orders(shape, height=32 // detector.chip.binning[1])
    quiet = dataclasses.replace(detector, hot=0 * detector.hot)
    return quiet, light


@pytest.fixture
def bias(detector, kit):
    (product,) = kit.run("detector.master_bias", detector.biases(7), detector.chip)
    return {"MASTER_BIAS": kit.as_master(product)}


def expose(quiet, light, *, count=5, flicker=0.02):
    raw = back(quiet, light)
    return [
        quiet.expose(raw * (1 + flicker * (i - 2)), seed=100 + i, exptime=EXPTIME, drift=1.5 * i)
        for i in range(count)
    ]


def test_pixel_response_is_that_put_in(scene, bias, kit):
    quiet, light = scene
    flat, response = kit.run(FLAT, expose(quiet, light), quiet.chip, masters=bias)
    measured = (response.quality & int(Quality.UNMEASURED)) == 0
    truth = quiet.turned(quiet.response)
    assert measured.mean() > 0.15
    error = (response.data / truth)[measured] - 1
    assert error.std() < 0.01
    assert abs(error.mean()) < 0.001
    assert flat.qc["QC FLAT RESP RMS"] == pytest.approx(100 * quiet.response.std(), rel=0.15)
    assert (response.data[~measured] == 1).all()


def test_response_errors_are_honest(scene, bias, kit):
    quiet, light = scene
    even = dataclasses.replace(quiet, response=np.ones_like(quiet.response))
    _, response = kit.run(FLAT, expose(even, light), quiet.chip, masters=bias)
    measured = (response.quality & int(Quality.UNMEASURED)) == 0
    pull = ((response.data - 1) / np.sqrt(np.maximum(response.variance, 1e-12)))[measured]
    assert pull.std() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("method", ["mean", "median"])
def test_flat_has_the_lamp_light_and_honest_errors(scene, bias, kit, method):
    quiet, light = scene
    frames = expose(quiet, light)
    flat, _ = kit.run(FLAT, frames, quiet.chip, masters=bias, stack_method=method)
    truth = light * quiet.turned(quiet.response) / EXPTIME
    pull = (flat.data - truth) / np.sqrt(flat.variance)
    assert pull.std() == pytest.approx(1, abs=0.05)
    assert flat.header["BUNIT"] == "ADU/s"
    assert flat.qc["QC LAMP RMS"] == pytest.approx(100 * 0.02 * np.std([-2, -1, 0, 1, 2]), abs=0.1)


def test_dead_pixels_are_flagged(blue, kit):
    response = blue.response.copy()
    response[150, 120:123] = 0.1
    response[160, 130] = 2.0
    chip = dataclasses.replace(blue, response=response, hot=0 * blue.hot)
    light = np.full(blue.turned(response).shape, 15000.0)
    (bias,) = kit.run("detector.master_bias", blue.biases(), blue.chip)
    flat, _ = kit.run(
        FLAT, expose(chip, light), chip.chip, masters={"MASTER_BIAS": kit.as_master(bias)}
    )
    dead = chip.turned(response < 0.5)
    assert np.array_equal((flat.quality & int(Quality.DEAD)) > 0, dead)
    assert ((flat.quality & int(Quality.HOT)) > 0)[chip.turned(response > 1.5)].all()
    assert flat.qc["QC FLAT NBADPIX"] == 4


def test_a_frame_without_light_is_left_out_and_counted(scene, bias, kit):
    quiet, light = scene
    frames = expose(quiet, light)
    frames[1] = quiet.expose(0, seed=500, exptime=EXPTIME)
    flat, _ = kit.run(FLAT, frames, quiet.chip, masters=bias)
    assert flat.qc["QC FLAT NREJ"] == 1
    truth = light * quiet.turned(quiet.response) / EXPTIME
    assert np.median(flat.data / truth) == pytest.approx(1, abs=0.02)


def test_no_light_at_all_fails_with_numbers(scene, bias, kit):
    quiet, light = scene
    with pytest.raises(AlgorithmFailure, match="light") as failure:
        kit.run(FLAT, expose(quiet, 0 * light), quiet.chip, masters=bias)
    assert failure.value.numbers


def test_saturated_flats_are_shown_by_their_numbers(scene, bias, kit):
    quiet, light = scene
    flat, _ = kit.run(FLAT, expose(quiet, 4 * light), quiet.chip, masters=bias)
    assert flat.qc[f"QC OUT{quiet.chip.output} NSAT RAW"] > 0.05 * light.size
    assert (flat.quality & int(Quality.SATURATED)).any()


def test_all_saturated_flats_fail(scene, bias, kit):
    quiet, light = scene
    with pytest.raises(AlgorithmFailure, match="usable light"):
        kit.run(FLAT, expose(quiet, 1e6 + 0 * light), quiet.chip, masters=bias)


def test_a_dark_is_scaled_to_the_exposure_time(blue, kit):
    (bias,) = kit.run("detector.master_bias", blue.biases(9), blue.chip)
    master = kit.as_master(bias)
    glow = dataclasses.replace(blue, hot=np.full_like(blue.hot, 36000.0))
    darks = [glow.expose(0, seed=20 + i, exptime=360.0) for i in range(5)]
    (dark,) = kit.run("detector.master_dark", darks, blue.chip, masters={"MASTER_BIAS": master})
    light = np.full(blue.turned(blue.hot).shape, 5000.0)
    flats = expose(glow, light, flicker=0)
    masters = {"MASTER_BIAS": master, "MASTER_DARK": kit.as_master(dark)}
    flat, _ = kit.run(FLAT, flats, blue.chip, masters=masters)
    assert flat.data.mean() * EXPTIME == pytest.approx(5000, rel=0.001)
    flat, _ = kit.run(FLAT, flats, blue.chip, masters={"MASTER_BIAS": master})
    assert flat.data.mean() * EXPTIME == pytest.approx(5200, rel=0.001)


def test_a_dark_without_exposure_time_is_refused(blue, kit):
    (bias,) = kit.run("detector.master_bias", blue.biases(), blue.chip)
    master = kit.as_master(bias)
    flats = [blue.expose(5000, seed=i, exptime=5.0) for i in range(3)]
    dark = dataclasses.replace(master, header={})
    with pytest.raises(UnprocessableData, match="EXPTIME is None"):
        kit.run(FLAT, flats, blue.chip, masters={"MASTER_BIAS": master, "MASTER_DARK": dark})
