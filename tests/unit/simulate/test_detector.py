"""CCD physics against what theory says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from vltflow.simulate import detector
from vltflow.simulate.detector import Chip, Layout

CHIP = Chip("test chip", "test", 1, 400, 600, 40, 40, 2.0, 4.0, 200.0, 3.0, 90_000.0, 0.05)
LAYOUT = Layout(CHIP, 1, 400, 600, 40, 40, 1.0)


def test_a_bias_has_the_level_and_the_noise_that_were_asked_for() -> None:
    raw = detector.read_out(np.random.default_rng(1), None, LAYOUT, level=200.3, ron=4.0)
    maps = detector.chip_maps(LAYOUT)
    clean = raw[:, 40:440] - maps.bias_structure(LAYOUT)
    assert clean.mean() == pytest.approx(200.3, abs=5 * 2.02 / np.sqrt(clean.size))
    # the converter's rounding adds 1/12 to the variance
    assert clean.std() == pytest.approx(np.sqrt(4.0 + 1 / 12), rel=0.01)


@pytest.mark.parametrize("mean", [0.3, 4.0, 24.0, 26.0, 400.0, 30_000.0])
def test_electrons_follow_poisson(mean: float) -> None:
    expected = np.full((600, 400), mean, dtype=np.float32)
    quiet = replace(LAYOUT, chip=replace(CHIP, cosmics=0.0))
    drawn, hits = detector.collect(np.random.default_rng(2), expected, quiet, 10.0)
    assert hits == 0
    assert drawn.mean(dtype=float) == pytest.approx(mean, abs=5 * np.sqrt(mean / drawn.size))
    assert drawn.var(dtype=float) == pytest.approx(mean, rel=0.02)
    assert np.all(drawn == np.floor(drawn))


def test_bleeding_keeps_the_charge_and_stays_in_the_column() -> None:
    image = np.zeros((600, 400), dtype=np.float32)
    image[300, 7] = 10 * CHIP.full_well
    detector._bleed(image, CHIP.full_well)
    assert image.sum(dtype=float) == pytest.approx(10 * CHIP.full_well, rel=1e-4)
    assert image.max() == CHIP.full_well
    assert np.flatnonzero(image.sum(axis=0)).tolist() == [7]
    assert 8 <= np.count_nonzero(image[:, 7]) <= 12


def test_counts_end_at_the_converter_s_limit() -> None:
    electrons = np.full((600, 400), 300_000.0, dtype=np.float32)
    raw = detector.read_out(np.random.default_rng(1), electrons, LAYOUT, level=200.0, ron=4.0)
    assert np.all(raw[:, 40:440] == 65_535)
    assert raw[:, :40].max() < 300


def test_the_pattern_of_a_chip_is_its_own_and_never_changes() -> None:
    one = detector.chip_maps(LAYOUT)
    detector.chip_maps.cache_clear()
    again = detector.chip_maps(LAYOUT)
    other = detector.chip_maps(replace(LAYOUT, chip=replace(CHIP, name="another")))
    assert np.array_equal(one.response, again.response)
    assert not np.array_equal(one.response, other.response)
    assert one.response.mean() == pytest.approx(1.0, abs=1e-6)
    assert np.median(np.abs(one.response - 1.0)) == pytest.approx(0.00674, rel=0.03)


def test_binning_adds_dark_current_and_averages_the_response() -> None:
    binned = Layout(CHIP, 2, 200, 300, 20, 20, 2.0)
    one, two = detector.chip_maps(LAYOUT), detector.chip_maps(binned)
    assert np.median(two.dark_rate) == pytest.approx(4 * np.median(one.dark_rate))
    assert two.response[5, 9] == pytest.approx(one.response[10:12, 18:20].mean(), rel=1e-6)


def test_the_bias_level_drifts_smoothly() -> None:
    nights = 57_000.0 + np.arange(0.0, 400.0, 0.25)
    level = np.array([detector.bias_level(CHIP, mjd, 1) for mjd in nights])
    assert np.ptp(level) > 3.0
    assert np.abs(np.diff(level)).max() < 0.4


def test_cosmic_rays_come_at_their_rate() -> None:
    image = np.zeros((600, 400), dtype=np.float32)
    hits = detector.cosmic_rays(np.random.default_rng(3), image, LAYOUT, 4000.0)
    assert hits == pytest.approx(200, abs=5 * np.sqrt(200))
    assert np.count_nonzero(image) >= hits * 0.9
