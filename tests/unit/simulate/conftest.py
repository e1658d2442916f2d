"""A small simulated day, made once for all tests of the simulator."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vltflow.simulate import SimulatedDay, simulate_day

NIGHT = "2015-02-26"


@pytest.fixture(scope="session")
def small_day(tmp_path_factory: pytest.TempPathFactory) -> SimulatedDay:
    """The night of 2015-02-26 with small detectors, without defects."""
    return simulate_day("uves", NIGHT, tmp_path_factory.mktemp("day"), small=True)


@pytest.fixture(scope="session")
def truths(small_day: SimulatedDay) -> dict[str, dict]:
    """Truth of every frame, by the frame's name."""
    return {path.name.removesuffix(".fits"): load_truth(path) for path in small_day.files}


def load_truth(path: Path) -> dict:
    return json.loads(path.with_name(path.name.replace(".fits", ".truth.json")).read_text())
