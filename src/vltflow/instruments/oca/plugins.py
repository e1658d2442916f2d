"""What the plug-ins of a pipeline tell of their products.

Rule files seldom say which recipe makes what. A plug-in says it in two ways: the manual
page inside it has a table of products, or at least the categories stand in it as texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

_TEXT = re.compile(rb"[\x09\x0a\x20-\x7e]{4,}")
_CATEGORY = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*")
_TABLES = (
    re.compile(r"Product frames[^\n]*:\n+[^\n]*\n *-{4}[^\n]*\n((?: *[A-Z][^\n]*\n)+)"),
    re.compile(r"Output files:\s*DO category:[^\n]*\n((?:\s*[A-Z][A-Z0-9_]+ [^\n]*\n)+)"),
    re.compile(
        r"PRO CATG'? with (?:a value of|values)[^\n]*\n"
        r"((?:(?:[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?: [^\n]*)?|[A-Z][A-Z0-9_]+(?: or)?|or[^\n]*)\n)+)"
    ),
)
_SHORT = 4


@dataclass(frozen=True, slots=True)
class Plugin:
    """A recipe's plug-in."""

    products: tuple[str, ...] = ()
    """Categories in its table of products."""
    mentioned: frozenset[str] = frozenset()
    """All texts in it that could be categories."""


def read_plugins(recipes: Iterable[str], folder: Path | None) -> dict[str, Plugin]:
    """Plug-ins of recipes, as far as they lie in a folder and can be read."""
    found: dict[str, Plugin] = {}
    for recipe in recipes if folder is not None else ():
        path = Path(folder or "") / f"{recipe}.so"
        if path.is_file():
            found[recipe] = read_plugin(path)
    return found


def read_plugin(path: Path) -> Plugin:
    """What a plug-in tells of its products.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    texts = [text.decode("ascii") for text in _TEXT.findall(path.read_bytes())]
    listed = [
        row.split()[0]
        for text in texts
        for table in _TABLES
        for rows in table.findall(f"{text}\n")
        for row in rows.splitlines()
        if row.strip() and not row.startswith("or")
    ]
    mentioned = {text for text in texts if _CATEGORY.fullmatch(text)}
    return Plugin(tuple(dict.fromkeys(listed)), frozenset(mentioned))


def sole_makers(
    wanted: Iterable[str], inputs: Mapping[str, Iterable[str]], plugins: Mapping[str, Plugin]
) -> dict[str, str]:
    """The recipe of each category that can only come from it: it alone names it unasked.

    A guess: of the recipes whose plug-ins mention the category and whose actions do not
    select it, there must be exactly one; and because a plug-in also names what it could
    take, the recipe must be named after the category, or take no calibration at all.

    Parameters
    ----------
    wanted
        Categories.
    inputs
        Categories that the action of each recipe selects.
    plugins
        By recipe.
    """
    found: dict[str, str] = {}
    for category in wanted:
        candidates = [
            recipe
            for recipe, plugin in plugins.items()
            if not plugin.products
            and category in plugin.mentioned
            and category not in inputs.get(recipe, ())
        ]
        if len(candidates) == 1 and (
            not inputs.get(candidates[0]) or _named_after(candidates[0], category)
        ):
            found[category] = candidates[0]
    return found


def _named_after(recipe: str, category: str) -> bool:
    """Whether a word of the category stands in the recipe's name: BIAS in gimasterbias."""
    words = [word for word in category.split("_") if len(word) >= _SHORT and word != "MASTER"]
    return any(word.lower() in recipe.lower() for word in words)
