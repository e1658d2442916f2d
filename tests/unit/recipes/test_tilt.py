"""The slit's tilt, from lines whose displacement is known."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from vltflow.algorithms.identify import Lines
from vltflow.algorithms.surface import Surface
from vltflow.recipes.echelle.tilt import measure_tilt

WIDTH = 2000
OFFSETS = np.array([-8.0, 0.0, 8.0])
SOLUTION = SimpleNamespace(
    fit=SimpleNamespace(surface=Surface((0.0, WIDTH - 1.0), (99.5, 109.5), np.zeros((1, 1)))),
    vote=SimpleNamespace(orders=1),
)
"""What the tilt needs to know of a solution: its range, and that orders were off by one."""


def lines_at(offset, *, seed):
    rng = np.random.default_rng(1)
    order = np.repeat(np.arange(99, 109), 40)
    x = rng.uniform(10, WIDTH - 10, len(order))
    tilt = 0.02 + 1e-5 * x
    noise = np.random.default_rng(seed).normal(0, 0.03, len(order))
    ones = np.ones(len(order))
    return Lines(x + offset * tilt + noise, 0.03 * ones, order, ones)


def test_a_tilt_that_changes_along_x_is_found_in_all_orders():
    windows = tuple(lines_at(offset, seed=n) for n, offset in enumerate(OFFSETS))
    tilt = measure_tilt(windows, OFFSETS, SOLUTION, WIDTH)
    x = np.linspace(0, WIDTH - 1, 5)[:, None]
    found = tilt.surface(x, np.arange(100.0, 110))
    np.testing.assert_allclose(found, np.tile(0.02 + 1e-5 * x, 10), atol=1e-3)
    assert tilt.rms == pytest.approx(0.03 * np.sqrt(2) / 16, rel=0.15)


def test_one_window_tells_no_tilt():
    tilt = measure_tilt((lines_at(0, seed=0),), np.zeros(1), SOLUTION, WIDTH)
    assert tilt.median == 0.0
    assert np.isnan(tilt.rms)
