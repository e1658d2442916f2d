"""Write the reference pages that follow from the code: commands, errors, validator rules.

``python tools/write_reference.py`` rewrites them; a test fails while they differ.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import typer.main

from vltflow.cli.app import app
from vltflow.core import errors
from vltflow.publish.rules import Rule
from vltflow.publish.standard import RULES

RULE_FAMILIES = {
    "F": "the file",
    "K": "which keywords",
    "G": "values in every science product",
    "S": "headers of spectra",
    "D": "arrays of spectra and cubes",
    "C": "cubes",
    "I": "images",
    "B": "batches of files",
}
FOLDER = Path(__file__).parents[1] / "docs" / "reference"


def commands() -> str:
    """Page of all commands with arguments and options."""
    root = typer.main.get_command(app)
    lines = ["# Commands", "", _text(root.help), ""]
    for path, command in _leaves(root, "vltflow"):
        lines += [f"## {path}", "", _text(command.help), ""]
        rows = [_row(parameter) for parameter in command.params if parameter.name != "help"]
        if rows:
            lines += ["| argument or option | meaning |", "|---|---|", *rows, ""]
    return "\n".join(lines).rstrip() + "\n"


def errors_page() -> str:
    """Page of the error tree."""
    tree = inspect.cleandoc(errors.__doc__ or "").split("::", 1)[1]
    drawing, _, rest = tree.partition("\n\nEvery message")
    drawn = inspect.cleandoc(drawing)
    return f"# Errors\n\n```text\n{drawn}\n```\n\nEvery message{rest}\n"


def rules_page() -> str:
    """Page of all rules of the validator."""
    lines = [
        "# Rules of the validator",
        "",
        "What `vltflow validate` checks. Numbers are stable. An error: the archive would refuse",
        "the file; a warning: a value cannot mean what it says; a note: a recommendation, or",
        "something that was not checked.",
        "",
    ]
    for letter, title in RULE_FAMILIES.items():
        rows = [_rule_row(one) for one in RULES if one.number.startswith(letter)]
        head = "| rule | severity | of | what | source |"
        lines += [f"## {letter}: {title}", "", head, "|---|---|---|---|---|", *rows, ""]
    return "\n".join(lines).rstrip() + "\n"


def _rule_row(one: Rule) -> str:
    what = f"**{one.title}.** {one.details}".strip().replace("|", r"\|")
    of = "all files" if one.of == ("*",) else " ".join(name.rstrip(".") for name in one.of)
    return f"| {one.number} | {one.severity} | {of} | {what} | {one.source} |"


def _leaves(command: Any, path: str) -> list[tuple[str, Any]]:
    if not hasattr(command, "list_commands"):
        return [(path, command)]
    names = command.list_commands(None)
    children = ((name, command.resolve_command(None, [name])[1]) for name in names)
    return [leaf for name, child in children for leaf in _leaves(child, f"{path} {name}")]


def _row(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        name = parameter.metavar or parameter.name.upper()
    else:
        name = ", ".join(parameter.opts)
    meaning = _text(getattr(parameter, "help", "") or "").replace("|", r"\|")
    return f"| `{name}` | {meaning} |"


def _text(text: str | None) -> str:
    return (
        inspect.cleandoc(text or "").replace("\n\n", "\0").replace("\n", " ").replace("\0", "\n\n")
    )


PAGES = {"commands.md": commands, "errors.md": errors_page, "validator-rules.md": rules_page}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
