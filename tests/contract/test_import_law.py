"""The law of imports, as declared in pyproject.toml."""

import subprocess
import sys
from pathlib import Path

LINT = "import sys, importlinter.cli as linter; sys.exit(linter.lint_imports(no_cache=True))"


def test_every_import_keeps_to_the_floors() -> None:
    # In a process of its own: the linter switches off all loggers that are there.
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", LINT], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
