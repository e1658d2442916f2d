from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vltflow.algorithms import Quality, StackRule, combine_block, mean_variance, median_variance


def rule(**changes):
    settings = {
        "mean": False, "low": 5.0, "high": 5.0, "iterations": 5, "trimmed": 0,
        "read_noise": 2.0, "conad": 2.0, "saturation": 60000.0,
    }  # fmt: skip
    return StackRule(**(settings | changes))


def combine(frames, the_rule, *, offsets=None, scales=None, **more):
    shape = frames.shape[1:]
    out = (np.empty(shape, "f4"), np.empty(shape, "f4"), np.zeros(shape, "u1"))
    count = len(frames)
    combine_block(
        frames,
        the_rule,
        offsets=np.zeros(count) if offsets is None else offsets,
        scales=np.ones(count) if scales is None else scales,
        out=out,
        **more,
    )
    return out


def reference(values, the_rule, scales):
    """The same for one pixel, the slow way; values are corrected already."""
    values = np.sort(values[np.isfinite(values)])
    if not len(values):
        return np.nan, 0
    centre = np.median(values)
    if not the_rule.mean:
        return centre, len(values)
    level = max(centre / scales.mean(), 0)
    sigma = np.sqrt((the_rule.read_noise**2 + level / the_rule.conad) * (scales**2).mean())
    cut = min(the_rule.trimmed, (len(values) - 1) // 2)
    kept = values[cut : len(values) - cut]
    for _ in range(the_rule.iterations):
        inside = kept[
            (kept >= centre - the_rule.low * sigma) & (kept <= centre + the_rule.high * sigma)
        ]
        if len(inside) in (0, len(kept)):
            break
        kept, centre = inside, inside.mean()
    return kept.mean(), len(kept)


@pytest.mark.slow
@given(
    count=st.integers(1, 12),
    mean=st.booleans(),
    trimmed=st.integers(0, 3),
    seed=st.integers(0, 2**32 - 1),
    unsigned=st.booleans(),
    width=st.integers(1, 140),
)
@settings(max_examples=80, deadline=None)
def test_every_pixel_is_what_the_slow_way_gives(count, mean, trimmed, seed, unsigned, width):
    rng = np.random.default_rng(seed)
    frames = np.rint(rng.normal(300, 18, (count, 3, width)))
    frames[rng.random(frames.shape) < 0.1] += 900
    offsets, scales = rng.normal(100, 3, count), rng.uniform(0.9, 1.1, count)
    frames = frames.astype("u2" if unsigned else "f4")
    if not unsigned:
        frames[rng.random(frames.shape) < 0.2] = np.nan
    the_rule = rule(mean=mean, trimmed=trimmed if mean else 0)
    data, variance, quality = combine(frames, the_rule, offsets=offsets, scales=scales)
    corrected = (frames.astype(float) - offsets[:, None, None]) * scales[:, None, None]
    for place in np.ndindex(*data.shape):
        value, used = reference(corrected[(slice(None), *place)], the_rule, scales)
        assert data[place] == pytest.approx(value, rel=1e-5, nan_ok=True)
        assert (used == 0) == bool(quality[place] & Quality.NO_DATA)
        assert np.isnan(variance[place]) == (used == 0)


@given(count=st.integers(1, 80), seed=st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_medians_are_numpys_for_any_number_of_frames(count, seed):
    frames = np.random.default_rng(seed).normal(0, 100, (count, 2, 70)).astype("f4")
    data, _, _ = combine(frames, rule(conad=np.inf))
    assert np.allclose(data, np.median(frames, axis=0), rtol=1e-6, atol=1e-4)


def test_variance_is_that_of_read_and_photon_noise():
    frames = np.full((4, 1, 3), 500, "u2")
    _, variance, _ = combine(frames, rule(mean=True), offsets=np.full(4, 100.0))
    assert variance == pytest.approx((2.0**2 + 400 / 2.0) / 4, rel=1e-5)
    _, variance, _ = combine(frames, rule(), offsets=np.full(4, 100.0), scales=np.full(4, 0.5))
    expected = (2.0**2 + 400 / 2.0) * 0.25 * median_variance(4)
    assert variance == pytest.approx(expected, rel=1e-5)


def test_background_is_subtracted_with_its_variance():
    frames = np.full((3, 2, 2), 50, "u2")
    background = np.array([[1, 2], [3, np.nan]], "f4")
    data, variance, quality = combine(
        frames,
        rule(mean=True, conad=np.inf),
        background=background,
        background_variance=np.full((2, 2), 0.5, "f4"),
    )
    assert data[0].tolist() == [49, 48]
    assert variance[0] == pytest.approx(4 / 3 + 0.5, rel=1e-6)
    assert quality[1, 1] == Quality.NO_DATA
    assert np.isnan(data[1, 1])


def test_a_cosmic_ray_in_one_of_three_frames_is_rejected():
    frames = np.full((3, 1, 2), 100, "u2")
    frames[1, 0, 0] = 2000
    data, variance, quality = combine(frames, rule(mean=True, conad=np.inf))
    assert data.tolist() == [[100, 100]]
    assert quality.tolist() == [[int(Quality.REJECTED), 0]]
    assert variance[0, 0] == pytest.approx(1.5 * variance[0, 1])


def test_two_values_that_contradict_each_other_stay_and_are_flagged():
    frames = np.array([[[100]], [[2000]]], "u2")
    data, _, quality = combine(frames, rule(mean=True, conad=np.inf))
    assert data[0, 0] == 1050
    assert quality[0, 0] == Quality.REJECTED


def test_saturated_values_are_left_out_and_flagged():
    frames = np.array([[[100, 65000]], [[65000, 65000]], [[102, 65000]]], "u2")
    data, _, quality = combine(frames, rule())
    assert data[0, 0] == 101
    assert np.isnan(data[0, 1])
    assert quality.tolist() == [[int(Quality.SATURATED), int(Quality.SATURATED | Quality.NO_DATA)]]


def test_outputs_may_be_turned_views_and_keep_their_flags():
    frames = np.arange(3 * 4 * 130, dtype="u2").reshape(3, 4, 130)
    straight = combine(frames, rule())
    turned = [np.zeros((130, 4), kind) for kind in ("f4", "f4", "u1")]
    turned[2] += 32
    out = tuple(plane.T[:, ::-1] for plane in turned)
    combine_block(frames, rule(), offsets=np.zeros(3), scales=np.ones(3), out=out)
    assert np.array_equal(out[0], straight[0])
    assert np.array_equal(out[2], straight[2] | 32)


@pytest.mark.parametrize(("count", "known"), [(1, 1.0), (2, 0.5), (3, 0.4487), (5, 0.2868)])
def test_variance_of_medians_is_the_tabulated_one(count, known):
    assert median_variance(count) == pytest.approx(known, abs=1e-4)


@pytest.mark.parametrize("count", [4, 9, 30, 31, 44])
def test_variance_of_medians_is_that_of_random_numbers(count):
    values = np.random.default_rng(count).normal(size=(100_000, count))
    assert median_variance(count) == pytest.approx(np.median(values, axis=1).var(), rel=0.015)


@pytest.mark.parametrize(("count", "trimmed"), [(5, 1), (12, 3), (40, 6)])
def test_variance_of_trimmed_means_is_that_of_random_numbers(count, trimmed):
    values = np.sort(np.random.default_rng(count).normal(size=(100_000, count)), axis=1)
    kept = values[:, trimmed : count - trimmed].mean(axis=1)
    assert mean_variance(count, trimmed) == pytest.approx(kept.var(), rel=0.015)


def test_trimming_everything_away_is_an_error():
    with pytest.raises(ValueError, match="too few"):
        mean_variance(4, 2)
