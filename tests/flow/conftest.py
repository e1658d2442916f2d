"""A simulated day and what the house makes of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vltflow.cli.app import run as run_command
from vltflow.simulate import SimulatedDay, simulate_day

NIGHT = "2015-02-26"
TEN_DEFECTS = (
    "missing-frame",
    "lamp-off",
    "saturated-flat",
    "wrong-binning",
    "high-read-noise",
    "bias-jump",
    "truncated-file",
    "duplicate-file",
    "wrong-header-value",
    "zero-length-file",
)
OPTICAL = ("uves_cal_predict", "uves_cal_orderpos", "uves_cal_wavecal", "uves_cal_response")

Command = Callable[..., Any]


@pytest.fixture(scope="session")
def small_day(tmp_path_factory: pytest.TempPathFactory) -> SimulatedDay:
    """Raw frames of a whole small day, with their truth."""
    return simulate_day("uves", NIGHT, tmp_path_factory.mktemp("raw"), small=True)


@pytest.fixture(scope="session")
def defect_day(tmp_path_factory: pytest.TempPathFactory) -> SimulatedDay:
    """The same day with ten different defects."""
    out = tmp_path_factory.mktemp("defects")
    return simulate_day("uves", NIGHT, out, small=True, defects=TEN_DEFECTS)


@pytest.fixture(scope="session")
def processed_defects(defect_day: SimulatedDay, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site that has gone through the day of defects as far as it goes."""
    site = make_site(tmp_path_factory.mktemp("site of defects") / "site")
    assert run_command(["ingest", str(defect_day.folder), "--site", str(site)]) == 1
    assert run_command(["night", NIGHT, "--instrument", "UVES", "--site", str(site)]) == 1
    return site


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run `vltflow` as a user would; gives the parsed output of --json, else the text."""

    def run(*arguments: str, code: int = 0) -> Any:
        capsys.readouterr()
        ended = run_command(list(arguments))
        printed = capsys.readouterr()
        assert ended == code, printed.err + printed.out
        return json.loads(printed.out) if "--json" in arguments else printed.out + printed.err

    return run


def make_site(folder: Path) -> Path:
    """A site with two cores and little memory; ESO's optical recipes know no small detectors."""
    assert run_command(["init", str(folder), "--cores", "2", "--memory-mb", "4000"]) == 0
    with (folder / "vltflow.toml").open("a") as file:
        file.write("[runners.UVES]\n" + "".join(f'{name} = "none"\n' for name in OPTICAL))
    return folder


@pytest.fixture
def empty_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new site, the site of all commands of the test."""
    site = make_site(tmp_path / "site")
    monkeypatch.setenv("VLTFLOW_SITE", str(site))
    return site


@pytest.fixture(scope="session")
def processed_site(small_day: SimulatedDay, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site that has processed the small day."""
    site = make_site(tmp_path_factory.mktemp("processed") / "site")
    assert run_command(["ingest", str(small_day.folder), "--site", str(site)]) == 0
    assert run_command(["night", NIGHT, "--instrument", "UVES", "--site", str(site)]) == 0
    return site


@pytest.fixture
def finished_site(processed_site: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The processed site, for tests that only look at it."""
    monkeypatch.setenv("VLTFLOW_SITE", str(processed_site))
    return processed_site


@pytest.fixture
def site_copy(processed_site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the processed site, for tests that change it."""
    copy = tmp_path / "copy"
    shutil.copytree(processed_site, copy)
    monkeypatch.setenv("VLTFLOW_SITE", str(copy))
    return copy
