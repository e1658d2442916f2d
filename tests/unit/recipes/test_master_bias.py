from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from vltflow.algorithms import Quality
from vltflow.core.errors import AlgorithmFailure, UnprocessableData
from vltflow.recipes import RecipeInputs, find_recipe
from vltflow.recipes.detector import frames as module

BIAS = "detector.master_bias"


def test_level_and_read_noise_are_those_put_in(detector, kit):
    (product,) = kit.run(BIAS, detector.biases(), detector.chip)
    out = f"QC OUT{detector.chip.output}"
    assert product.qc["QC BIAS MASTER MEAN"] == pytest.approx(
        detector.level + detector.pattern.mean(), abs=0.1
    )
    assert product.qc[f"{out} RON RAW"] == pytest.approx(detector.noise, rel=0.03)
    assert product.qc[f"{out} RONAVG"] == pytest.approx(
        detector.noise * detector.chip.conad, rel=0.03
    )
    assert product.qc[f"{out} OVSC MEAN"] == pytest.approx(detector.level, abs=0.1)


def test_every_pixel_has_its_level_and_an_honest_error(detector, kit):
    (product,) = kit.run(BIAS, detector.biases(), detector.chip)
    truth = detector.turned(detector.level + detector.pattern)
    assert product.data.shape == truth.shape
    pull = (product.data - truth) / np.sqrt(product.variance)
    assert pull.std() == pytest.approx(1, abs=0.05)
    assert abs(pull.mean()) < 0.05


@pytest.mark.parametrize("count", [3, 4, 7, 10])
@pytest.mark.parametrize(
    "how",
    [
        {"stack_method": "median"},
        {"stack_method": "mean"},
        {"stack_method": "mean", "reject_minmax": 1},
    ],
    ids=["median", "clipped mean", "minmax mean"],
)
def test_errors_are_honest_for_any_number_of_frames(blue, kit, count, how):
    (product,) = kit.run(BIAS, blue.biases(count), blue.chip, **how)
    pull = (product.data - blue.turned(blue.level + blue.pattern)) / np.sqrt(product.variance)
    assert pull.std() == pytest.approx(1, abs=0.05)


def test_drift_between_frames_is_taken_out_by_the_overscan(blue, kit):
    (still,) = kit.run(BIAS, blue.biases(), blue.chip)
    (drifting,) = kit.run(BIAS, blue.biases(drift=3.0), blue.chip)
    assert drifting.qc["QC OUT1 OVSC RANGE"] == pytest.approx(12, abs=0.1)
    assert drifting.qc["QC BIAS MASTER MEAN"] == pytest.approx(
        still.qc["QC BIAS MASTER MEAN"] + 6, abs=0.1
    )
    assert drifting.qc["QC OUT1 RON RAW"] == pytest.approx(blue.noise, rel=0.03)
    assert drifting.data.std() == pytest.approx(still.data.std(), rel=0.03)


def test_structure_is_that_of_the_chip(blue, kit):
    (product,) = kit.run(BIAS, blue.biases(9), blue.chip)
    truth = blue.turned(blue.pattern)
    assert product.qc["QC OUT1 STRUCTX"] == pytest.approx(truth.mean(axis=0).std(), abs=0.02)
    assert product.qc["QC OUT1 STRUCTY"] == pytest.approx(truth.mean(axis=1).std(), abs=0.02)
    shown = {figure.name: figure for figure in product.figures}
    assert shown["x_profile"].y.std(ddof=1) == pytest.approx(product.qc["QC OUT1 STRUCTX"])


def test_one_frame_of_high_noise_does_not_hide(blue, kit):
    loud = dataclasses.replace(blue, noise=8.0).expose(0, seed=77)
    (product,) = kit.run(BIAS, (*blue.biases(4), loud), blue.chip)
    assert product.qc["QC OUT1 RONRMS"] > 1.0


def test_a_trap_column_is_flagged_and_nothing_else(blue, kit):
    pattern = blue.pattern.copy()
    pattern[:, 40] += 40
    bad = dataclasses.replace(blue, pattern=pattern)
    (product,) = kit.run(BIAS, bad.biases(), bad.chip)
    flagged = bad.turned(np.arange(pattern.shape[1])[None, :] == 40 + 0 * pattern)
    flags = (product.quality & int(Quality.BIAS_DEFECT)) > 0
    assert np.array_equal(flags, flagged)
    assert product.qc["QC BIAS MASTER NBADPIX"] == pattern.shape[0]


def test_a_saturated_frame_is_left_out_pixel_by_pixel(blue, kit):
    frames = list(blue.biases())
    frames[2].data[100:110, 100:120] = 65535
    (product,) = kit.run(BIAS, frames, blue.chip)
    saturated = (product.quality & int(Quality.SATURATED)) > 0
    assert saturated.sum() == 200
    assert abs(product.data[saturated].mean() - blue.level) < 1
    assert product.variance[saturated].min() > product.variance[~saturated].max()


@pytest.mark.slow
def test_float_frames_with_holes_are_stacked(blue, kit):
    frames = [kit.replace(frame, data=frame.data.astype("f4")) for frame in blue.biases()]
    frames[0].data[5, 60:70] = np.nan
    for frame in frames:
        frame.data[7, 80] = np.nan
    (product,) = kit.run(BIAS, frames, blue.chip)
    assert np.isnan(product.data).sum() == 1
    assert ((product.quality & int(Quality.NO_DATA)) > 0).sum() == 1
    assert product.qc["QC OUT1 RON RAW"] == pytest.approx(blue.noise, rel=0.03)


def test_all_saturated_frames_fail_with_numbers(blue, kit):
    frames = [kit.replace(frame, data=np.full_like(frame.data, 65535)) for frame in blue.biases()]
    with pytest.raises(AlgorithmFailure, match="no valid pixel"):
        kit.run(BIAS, frames, blue.chip)


def test_too_few_frames_are_refused(blue, kit):
    with pytest.raises(UnprocessableData, match="at least 3 frames of a chip, got 2"):
        kit.run(BIAS, blue.biases(2), blue.chip)


def test_a_frame_of_another_size_is_named(blue, kit):
    frames = list(blue.biases())
    frames[3] = kit.replace(frames[3], data=frames[3].data[:-1])
    with pytest.raises(UnprocessableData, match="frame3 has 299 x 356"):
        kit.run(BIAS, frames, blue.chip)


def test_a_frame_of_another_binning_is_named(blue, kit):
    frames = list(blue.biases())
    frames[1].header["ESO DET WIN1 BINX"] = 2
    with pytest.raises(UnprocessableData, match="frame1: ESO DET WIN1 BINX is 2"):
        kit.run(BIAS, frames, blue.chip)


def test_the_result_does_not_depend_on_threads_or_blocks(blue, kit, monkeypatch):
    recipe = find_recipe(BIAS)
    one = recipe.process(RecipeInputs(blue.biases(), {}, blue.chip, 1), recipe.parameters())
    monkeypatch.setattr(module, "BLOCK_BUDGET", 1)
    many = recipe.process(RecipeInputs(blue.biases(), {}, blue.chip, 4), recipe.parameters())
    for field in ("data", "variance", "quality"):
        assert np.array_equal(getattr(one.products[0], field), getattr(many.products[0], field))
    assert one.products[0].qc == pytest.approx(many.products[0].qc)


def test_minmax_rejection_needs_a_mean(kit, blue):
    with pytest.raises(ValueError, match="stack_method to mean"):
        kit.run(BIAS, blue.biases(), blue.chip, reject_minmax=1)


@pytest.mark.parametrize("offset", [-32768.0, 32768.0])
def test_a_frame_with_a_wrong_bzero_is_refused_by_name(blue, kit, offset):
    frames = blue.biases()
    odd = dataclasses.replace(frames[2], data=frames[2].data.astype(np.float32) + offset)
    with pytest.raises(UnprocessableData, match=rf"^{odd.name}: its level is .* BZERO"):
        kit.run(BIAS, [*frames[:2], odd, *frames[3:]], blue.chip)
