"""What a worker loads is held by each of them: it must not grow unnoticed."""

import json
import subprocess
import sys

from vltflow.recipes import recipes

ALLOWED = {
    *("vltflow", "numpy", "numba", "llvmlite", "pydantic", "pydantic_core", "psutil"),
    *("annotated_types", "typing_extensions", "typing_inspection"),
    *("scipy", "scipy.version", "yaml", "cython_runtime"),  # numba looks for them
    *("erfa", "astropy_iers_data"),  # where the Earth moves
}
NEED_SCIPY = {"echelle.format_check", "echelle.response"}
LOADED = """
import json, sys
known = set(sys.modules)
import vltflow.process.worker
from vltflow.algorithms.compiled import load_compiler
from vltflow.recipes import find_recipe
load_compiler()
for name in sys.argv[1:]:
    find_recipe(name)
found = {".".join(module.split(".")[: 2 if module.startswith("scipy.") else 1])
         for module in set(sys.modules) - known}
print(json.dumps(sorted(found - sys.stdlib_module_names)))
"""


def test_workers_load_no_library_that_their_recipes_do_without() -> None:
    names = [recipe.name for recipe in recipes() if recipe.name not in NEED_SCIPY]
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *names], capture_output=True, text=True, check=True
    )
    loaded = {
        name for name in json.loads(done.stdout) if "_" not in {name[0], name.split(".")[-1][0]}
    }
    assert loaded - ALLOWED == set()
