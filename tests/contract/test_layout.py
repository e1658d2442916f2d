"""The listing of folders is the architecture; documents say the same as the code."""

import ast
import importlib
import re
from pathlib import Path

import pytest

from vltflow.flow import ROOMS

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "vltflow"
MODULES = sorted(PACKAGE.rglob("*.py"))
LONGEST_MODULE = 400
LONGEST_FUNCTION = 60
KERNELS = {"_decode"}
"""Compiled loops that would lose their speed or their sense in pieces; the list may only shrink."""


@pytest.mark.parametrize("room", ROOMS)
def test_each_room_has_its_entry_its_rules_and_its_page(room: str) -> None:
    assert (PACKAGE / room / "run.py").is_file()
    assert (PACKAGE / room / "rules.py").is_file()
    assert (ROOT / "docs" / "rooms" / f"{room}.md").is_file()


def test_architecture_names_every_folder() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    folders = [path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()]
    assert [name for name in folders if f"`{name}/`" not in text] == []


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_modules_and_functions_stay_short(module: Path) -> None:
    text = module.read_text()
    assert sum(bool(line.strip()) for line in text.splitlines()) <= LONGEST_MODULE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.name not in KERNELS | {
            "upgrade",
            "downgrade",
        }:
            assert node.end_lineno - node.lineno < LONGEST_FUNCTION, node.name


@pytest.mark.parametrize(
    "package", sorted({path.parent for path in MODULES}), ids=lambda path: path.name
)
def test_public_names_are_sorted_and_exist(package: Path) -> None:
    name = ".".join(("vltflow", *package.relative_to(PACKAGE).parts))
    module = importlib.import_module(name)
    public = getattr(module, "__all__", [])
    assert sorted(public) == sorted(set(public))
    assert [one for one in public if not hasattr(module, one)] == []


def test_no_file_of_the_house_outside_its_own_places_names_an_instrument() -> None:
    names = {path.parent.name for path in PACKAGE.glob("instruments/*/instrument.yaml")}
    instrument = re.compile("|".join(sorted(names)), re.IGNORECASE)
    guilty = []
    for module in MODULES:
        if module.relative_to(PACKAGE).parts[0] in {"instruments", "simulate"}:
            continue
        tree = ast.parse(module.read_text())
        docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            text = node.id if isinstance(node, ast.Name) else getattr(node, "value", None)
            if isinstance(text, str) and id(node) not in docs and instrument.search(text):
                guilty.append(f"{module.name}:{node.lineno}: {text[:60]}")
    assert [line for line in guilty if not _is_help(line)] == []


def _is_help(line: str) -> bool:
    """Help texts may show an example."""
    return line.split(": ", 1)[1].count(" ") > 2
