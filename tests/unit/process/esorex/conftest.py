"""ESO's esorex, and a stand-in that answers like it but breaks when it should work."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vltflow.core.site import Site, create_site
from vltflow.instruments import Instrument, load
from vltflow.process.runners.esorex import Esorex
from vltflow.simulate import SimulatedDay, simulate_day

NIGHT = "2015-02-26"


@pytest.fixture(scope="session")
def biases(tmp_path_factory: pytest.TempPathFactory) -> SimulatedDay:
    """Small biases of both arms and binnings."""
    out = tmp_path_factory.mktemp("biases")
    return simulate_day("uves", NIGHT, out, small=True, raw_types=["BIAS_BLUE", "BIAS_RED"])


@pytest.fixture
def eso_uves(esorex: Esorex) -> Instrument:
    """UVES with all recipes by esorex that it can execute."""
    assert esorex
    return load("UVES").run_by("esorex")


@pytest.fixture
def roomy_site(tmp_path: Path) -> Site:
    """A site with the memory that ESO's recipes declare."""
    return create_site(tmp_path / "site", cores=2, memory_mb=4000)


@pytest.fixture
def broken(
    esorex: Esorex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], None]]:
    """Put a stand-in for esorex on the way that describes recipes truly and runs them badly."""

    def _broken(deed: str) -> None:
        script = tmp_path / "bin" / "esorex"
        script.parent.mkdir()
        script.write_text(
            "#!/bin/bash\n"
            'case "$*" in *--products-sof*) ;; '
            f'*) exec {esorex.path} "$@";; esac\n'
            f"{deed}\n"
        )
        script.chmod(script.stat().st_mode | stat.S_IEXEC)
        monkeypatch.setenv("VLTFLOW_ESOREX", str(script))

    yield _broken
    shutil.rmtree(tmp_path / "bin", ignore_errors=True)
