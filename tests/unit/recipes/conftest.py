"""Synthetic raw frames with their truth, made here: no other part of the house has a hand in."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import numpy as np
import pytest

from vltflow.recipes import Chip, MasterImage, RecipeInputs, find_recipe


@dataclass(frozen=True)
class ArraySource:
    name: str
    data: np.ndarray
    header: dict = field(default_factory=dict)

    @property
    def shape(self):
        return self.data.shape

    def rows(self, start, stop):
        return self.data[start:stop]


@dataclass(frozen=True)
class Detector:
    """Truth of a small chip, raw orientation without prescan and overscan."""

    chip: Chip
    level: float
    noise: float
    pattern: np.ndarray
    response: np.ndarray
    hot: np.ndarray
    """Dark current of each pixel, ADU per hour."""

    def expose(self, light, *, seed, exptime=0.0, drift=0.0, cosmics=0):
        """Raw frame of `light` ADU per pixel before pixel response."""
        rng = np.random.default_rng(seed)
        chip = self.chip
        electrons = (light * self.response + self.hot * exptime / 3600) * chip.conad
        signal = rng.poisson(np.broadcast_to(electrons, self.pattern.shape)) / chip.conad
        rows, columns = self.pattern.shape
        if cosmics:
            signal[rng.integers(0, rows, cosmics), rng.integers(0, columns, cosmics)] += 900
        full = np.full((rows, columns + chip.prescan + chip.overscan), self.level + drift)
        full[:, chip.prescan : chip.prescan + columns] += signal + self.pattern
        full += rng.normal(0, self.noise, full.shape)
        header = {
            "EXPTIME": exptime,
            "MJD-OBS": 57080.5 + seed / 1440,
            "ESO DET WIN1 BINX": chip.binning[0],
            "ESO DET WIN1 BINY": chip.binning[1],
        }
        return ArraySource(f"frame{seed}", np.rint(full).clip(0, 65535).astype("u2"), header)

    def biases(self, count=5, *, drift=0.0, seed=0):
        return tuple(self.expose(0, seed=seed + i, drift=drift * i) for i in range(count))

    def turned(self, raw):
        turned = np.rot90(raw, self.chip.quarter_turns)
        return turned[:, ::-1] if self.chip.mirrored else turned


def make_detector(name, binning, *, rows=300, columns=256, seed=7):
    rng = np.random.default_rng(seed)
    over = 50 // binning[0]
    turns, mirrored, output = {"BLUE": (3, False, 1), "REDL": (1, True, 4)}[name]
    chip = Chip(
        name, output, over, over, binning, 1.84 if name == "BLUE" else 1.42,
        3.8, 60000.0, turns, mirrored,
    )  # fmt: skip
    x = np.arange(columns) / columns
    hot = np.full((rows, columns), 6.0 * binning[0] * binning[1])
    where = rng.integers(0, rows * columns, 60)
    hot.flat[where] += rng.exponential(3000, 60) + 400
    return Detector(
        chip=chip,
        level=151.37 if name == "BLUE" else 203.81,
        noise=2.07,
        pattern=0.4 * np.sin(6 * x)[None, :] + 0.3 * np.cos(np.arange(rows) / 40)[:, None],
        response=1 + 0.01 * rng.normal(size=(rows, columns)),
        hot=hot,
    )


CASES = [("BLUE", (1, 1)), ("BLUE", (2, 2)), ("REDL", (1, 1)), ("REDL", (2, 2))]


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}_{case[1][0]}x{case[1][1]}")
def detector(request):
    return make_detector(*request.param)


@pytest.fixture
def blue():
    return make_detector("BLUE", (1, 1))


def run(name, frames, chip, *, masters=None, **parameters):
    recipe = find_recipe(name)
    return recipe.process(
        RecipeInputs(tuple(frames), masters or {}, chip), recipe.parameters(**parameters)
    ).products


def as_master(product):
    """What the runner reads back from a product's file."""
    cards = {**product.header, **{f"ESO {key}": value for key, value in product.qc.items()}}
    return MasterImage(product.data, product.variance, product.quality, cards, product.role)


@pytest.fixture
def kit():
    return SimpleNamespace(
        run=run, as_master=as_master, ArraySource=ArraySource, replace=replace,
        make_detector=make_detector,
    )  # fmt: skip
