"""The picture of statistical process QC."""

from dataclasses import replace

import numpy as np
import pytest

from vltflow.plots import style
from vltflow.plots.science import ModePoints, draw_statistics


def mode(label="BLUE 1x1", size=40, scale=1.0, seed=3):
    chance = np.random.default_rng(seed)
    electrons = 10 ** chance.uniform(2, 5, size)
    return ModePoints(
        label=label, electrons=electrons, snr=scale * np.sqrt(electrons) * 0.9,
        ratio=chance.normal(1.0, 0.05, size), days=chance.uniform(0, 0.5, size),
        celsius=chance.normal(0, 0.3, size), scale=scale, anomalous=np.arange(size) == 3,
    )  # fmt: skip


def test_equal_points_give_equal_pictures():
    pictures = [draw_statistics("UVES", [mode()], file_format="svg") for _ in range(2)]
    assert pictures[0] == pictures[1]


def test_each_mode_is_named_with_its_number_and_law():
    text = draw_statistics("UVES", [mode(), mode("REDL", 5, 0.8)], file_format="svg").decode()
    assert "BLUE 1x1: 40, SNR = 1 sqrt(N)" in text
    assert "REDL: 5, SNR = 0.8 sqrt(N)" in text


def test_a_mode_without_a_law_and_no_mode_at_all_are_drawn():
    one = replace(mode("REDU", 2), scale=float("nan"))
    text = draw_statistics("UVES", [one], file_format="svg").decode()
    assert "REDU: 2" in text
    assert "sqrt" not in text
    assert draw_statistics("UVES", []).startswith(b"\x89PNG")


@pytest.mark.slow
def test_a_month_of_many_spectra_is_a_small_picture_that_keeps_its_anomalies():
    month = replace(mode(size=30_000), anomalous=np.arange(30_000) % 10_000 == 3)
    three = replace(mode(size=3), anomalous=np.ones(3, dtype=bool))
    drawn, few, rings = (
        draw_statistics("UVES", [one], file_format="svg") for one in (month, mode(size=3000), three)
    )
    assert len(drawn) < 3 * len(few)
    assert drawn.count(style.BAD.encode()) == rings.count(style.BAD.encode())
