from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from vltflow.algorithms import Quality
from vltflow.core.errors import UnprocessableData

DARK = "detector.master_dark"


@pytest.fixture
def made(detector, kit):
    (bias,) = kit.run("detector.master_bias", detector.biases(7), detector.chip)
    darks = [detector.expose(0, seed=50 + i, exptime=3600.0, drift=4.0 * i) for i in range(5)]
    (dark,) = kit.run(DARK, darks, detector.chip, masters={"MASTER_BIAS": kit.as_master(bias)})
    return dark


def test_dark_current_is_that_put_in(detector, made):
    truth = float(np.median(detector.hot))
    assert made.qc["QC DARK CURRENT"] == pytest.approx(truth, rel=0.05)
    assert made.qc["QC DARK CURRENT ELEC"] == pytest.approx(truth * detector.chip.conad, rel=0.05)


def test_hot_pixels_are_flagged_and_few_others(detector, made):
    hot = detector.turned(detector.hot > np.median(detector.hot) + 100)
    flags = (made.quality & int(Quality.HOT)) > 0
    assert flags[hot].all()
    assert flags[~hot].sum() <= 2
    assert made.qc["QC NHOTPIX"] == flags.sum()


def test_errors_are_honest(detector, made):
    normal = detector.turned(detector.hot == np.median(detector.hot))
    pull = ((made.data - np.median(detector.hot)) / np.sqrt(made.variance))[normal]
    assert pull.std() == pytest.approx(1, abs=0.05)


def test_cosmic_rays_leave_no_trace(blue, kit):
    (bias,) = kit.run("detector.master_bias", blue.biases(7), blue.chip)
    masters = {"MASTER_BIAS": kit.as_master(bias)}
    darks = [blue.expose(0, seed=9 + i, exptime=3600.0, cosmics=400) for i in range(5)]
    for method in ("median", "mean"):
        (dark,) = kit.run(DARK, darks, blue.chip, masters=masters, stack_method=method)
        normal = blue.turned(blue.hot == np.median(blue.hot))
        assert dark.data[normal].max() < 60
        rejected = ((dark.quality & int(Quality.REJECTED)) > 0)[normal]
        assert rejected.sum() == pytest.approx(2000, rel=0.05)
        pull = ((dark.data - np.median(blue.hot)) / np.sqrt(dark.variance))[normal]
        assert pull.std() == pytest.approx(1, abs=0.05)


def test_another_exposure_time_is_refused(blue, kit):
    (bias,) = kit.run("detector.master_bias", blue.biases(), blue.chip)
    darks = [blue.expose(0, seed=i, exptime=t) for i, t in enumerate((600.0, 600.0, 700.0))]
    with pytest.raises(UnprocessableData, match="frame2 was exposed for 700 s"):
        kit.run(DARK, darks, blue.chip, masters={"MASTER_BIAS": kit.as_master(bias)})


def test_a_dark_needs_a_bias_of_its_size(blue, kit):
    darks = [blue.expose(0, seed=i, exptime=600.0) for i in range(3)]
    with pytest.raises(UnprocessableData, match="no MASTER_BIAS was given"):
        kit.run(DARK, darks, blue.chip)
    (bias,) = kit.run("detector.master_bias", blue.biases(), blue.chip)
    small = dataclasses.replace(kit.as_master(bias), data=bias.data[1:])
    with pytest.raises(UnprocessableData, match="another binning or chip"):
        kit.run(DARK, darks, blue.chip, masters={"MASTER_BIAS": small})


def test_an_exposure_of_zero_seconds_is_no_dark(blue, kit):
    (bias,) = kit.run("detector.master_bias", blue.biases(), blue.chip)
    with pytest.raises(UnprocessableData, match="a dark needs more"):
        kit.run(DARK, blue.biases(), blue.chip, masters={"MASTER_BIAS": kit.as_master(bias)})
