"""Compiled kernels are kept on disk, and follow their sources."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vltflow.algorithms import compiled

CALLER = """
import sys
from package.compiled import compiled
from package.called import step

@compiled
def moved(value):
    return value + step()

print(moved(1.0), sum(moved.stats.cache_hits.values()))
"""
CALLED = """
from package.compiled import compiled

@compiled
def step():
    return {step}
"""


@pytest.mark.slow
def test_a_change_of_the_kernel_that_is_called_is_seen(tmp_path: Path) -> None:
    package, kept = tmp_path / "package", tmp_path / "kept"
    package.mkdir()
    shutil.copy(compiled.__file__, package)
    (package / "caller.py").write_text(CALLER)
    environment = os.environ | {"NUMBA_CACHE_DIR": str(kept), "PYTHONPATH": str(tmp_path)}

    def said_with(step: float) -> str:
        (package / "called.py").write_text(CALLED.format(step=step))
        return subprocess.run(
            [sys.executable, "-B", "-m", "package.caller"],
            capture_output=True, text=True, check=True, env=environment,
        ).stdout.strip()  # fmt: skip

    assert said_with(1.0) == "2.0 0"
    assert said_with(1.0) == "2.0 1"
    before = set(kept.rglob("*.nbc"))
    assert said_with(2.0) == "3.0 0"
    after = set(kept.rglob("*.nbc"))
    assert len(after) == len(before) > 0
    assert not after & before
