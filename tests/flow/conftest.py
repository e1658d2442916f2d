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
    "missing-frame", "lamp-off", "saturated-flat", "wrong-binning", "high-read-noise", "bias-jump",
    "truncated-file", "duplicate-file", "wrong-header-value", "zero-length-file",
)

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


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """Run `vltflow` as a user would; gives the parsed output of --json, else the text."""
    monkeypatch.setenv("VLTFLOW_SITE", str(tmp_path / "site"))

    def run(*arguments: str, code: int = 0) -> Any:
        capsys.readouterr()
        ended = run_command(list(arguments))
        printed = capsys.readouterr()
        assert ended == code, printed.err + printed.out
        return json.loads(printed.out) if "--json" in arguments else printed.out + printed.err

    run("init", str(tmp_path / "site"), "--cores", "2", "--memory-mb", "4000")
    return run


@pytest.fixture(scope="session")
def finished_site(small_day: SimulatedDay, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site that has processed the small day; tests that change it take `site_copy`."""
    site = tmp_path_factory.mktemp("finished") / "site"
    for arguments in (["init", str(site), "--cores", "2", "--memory-mb", "4000"],
                      ["ingest", str(small_day.folder), "--site", str(site)],
                      ["night", NIGHT, "--instrument", "UVES", "--site", str(site)]):
        assert run_command(arguments) == 0
    return site


@pytest.fixture
def site_copy(finished_site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A private copy of the finished site, set as the site of all commands."""
    copy = tmp_path / "copy"
    shutil.copytree(finished_site, copy)
    monkeypatch.setenv("VLTFLOW_SITE", str(copy))
    return copy
