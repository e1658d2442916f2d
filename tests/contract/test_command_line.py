"""The command line answers quickly: what it loads before it knows what is wanted."""

import json
import os
import subprocess
import sys

import pytest
import typer.main

from vltflow.cli.app import COMMANDS, app

PROGRAM = """
import json, sys
from vltflow.cli.app import run
code = run(sys.argv[1:])
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
sys.exit(code)
"""
LIGHT = (
    "ab", "certify", "completeness", "events", "explain", "health", "ingest", "init", "instruments",
    "masters", "products", "quarantine", "rebuild", "recipes", "statics", "status", "users",
    "validate",
)  # fmt: skip
HEAVY = {"astropy", "fastapi", "matplotlib", "numba", "numpy", "scipy", "sqlalchemy"}


def loaded_by(*arguments: str, **environment: str) -> tuple[str, set[str]]:
    """What `vltflow` prints, and the modules that it has imported."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        capture_output=True, text=True, check=False, env=os.environ | environment,
    )  # fmt: skip
    return done.stdout, set(json.loads(done.stderr.splitlines()[-1]))


def test_help_lists_all_commands_and_loads_none() -> None:
    said, loaded = loaded_by("--help")
    assert [name for name in COMMANDS if f" {name} " not in said] == []
    assert loaded & HEAVY == set()
    assert not [name for name in COMMANDS if f"vltflow.cli.{name}" in loaded]


def test_commands_that_read_the_store_load_no_pixel_library() -> None:
    modules = [f"vltflow.cli.{name}" for name in LIGHT]
    code = "import importlib, json, sys\n[importlib.import_module(name) for name in sys.argv[1:]]\n"
    done = subprocess.run(
        [sys.executable, "-c", code + "print(json.dumps(list(sys.modules)))", *modules],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert set(json.loads(done.stdout)) & (HEAVY - {"numpy", "sqlalchemy"}) == set()


def test_completion_of_a_command_loads_none() -> None:
    shell = {"_VLTFLOW_COMPLETE": "complete_bash", "COMP_WORDS": "vltflow ma", "COMP_CWORD": "1"}
    said, loaded = loaded_by(**shell)
    assert said.split() == ["masters"]
    assert loaded & HEAVY == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_listed_is_what_the_command_says_itself(name: str) -> None:
    _, command, _ = typer.main.get_command(app).resolve_command(None, [name])
    assert command.name == name
    assert " ".join(command.help.split()).startswith(COMMANDS[name].removesuffix("."))
