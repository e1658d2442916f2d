"""What the documents say is true."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def _reference():
    spec = importlib.util.spec_from_file_location(
        "reference", ROOT / "tools" / "write_reference.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["commands.md", "errors.md", "validator-rules.md"])
def test_reference_pages_follow_from_the_code(name: str) -> None:
    written = (DOCS / "reference" / name).read_text()
    assert written == _reference().PAGES[name](), "run tools/write_reference.py"


def test_every_page_is_in_a_table_of_contents() -> None:
    listed = set(re.findall(r"^([\w/-]+)$", (DOCS / "index.md").read_text(), re.MULTILINE))
    pages = {
        str(page.relative_to(DOCS).with_suffix(""))
        for page in DOCS.rglob("*.md")
        if "_build" not in page.parts
    }
    assert pages - {"index"} == listed


@pytest.mark.slow
def test_the_commands_of_the_first_night_work_as_they_are_printed(tmp_path: Path) -> None:
    text = (DOCS / "howto" / "first-night.md").read_text()
    for line in re.findall(r"^\$ (.+)$", text, re.MULTILINE):
        words = shlex.split(line)
        program = [sys.executable, "-m", "vltflow", *words[1:]]
        ended = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, f"{line}\n{ended.stderr}"


def test_every_command_in_the_how_tos_exists() -> None:
    known = set(
        re.findall(r"^## (.+)$", (DOCS / "reference" / "commands.md").read_text(), re.MULTILINE)
    )
    for page in (DOCS / "howto").glob("*.md"):
        for words in re.findall(r"vltflow ([a-z-]+(?: [a-z-]+)?)", page.read_text()):
            one, _, two = words.partition(" ")
            assert {f"vltflow {one}", f"vltflow {one} {two}"} & known, f"{page.name}: {words}"
