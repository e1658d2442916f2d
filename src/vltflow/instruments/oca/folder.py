"""A translated definition as the YAML files of an instrument folder.

The files are written for people: one rule a line where it fits, the line of the rule file
behind it, and what could not be said as comments at the head.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from vltflow.core.errors import UserError
from vltflow.instruments.oca.association import Entry, Need
from vltflow.instruments.oca.definition import Definition, Recipe
from vltflow.instruments.oca.when import DPR_CATG, When, both, possible

_WIDTH = 98
LEVELS = ((-1, 1), (0, 3), (1, 7), (2, 30), (3, 90))
"""Quality level and days on either side: rule files say nothing about time."""
COST = {"memory_mb": 2000, "wall_s": 1800}
"""What recipes may use: enough for one chip or IFU of any of ESO's pipelines."""
MANDATORY = (
    "INSTRUME", "MJD-OBS", "DPR.CATG", "DPR.TYPE", "DPR.TECH", "TPL.START", "TPL.NEXP", "TPL.EXPNO",
)  # fmt: skip
_WINDOW = (".NX", ".NY", ".STRX", ".STRY")
_LABEL_KEYS = 4
_DETECTOR = "DETECTOR"


def write_folder(
    found: Definition, folder: Path, *, source: str, units: Mapping[str, str] | None = None
) -> list[Path]:
    """Write a definition into a new or empty folder; gives its files.

    Parameters
    ----------
    source
        Name of the rule file, for the comments.
    units
        Unit of QC1 parameters by name.

    Raises
    ------
    UserError
        If there are files in the folder already, or it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UserError(
                f"{folder} is not empty", hint="Name a new folder: nothing is written over"
            )
        texts = files(found, source=source, units=units or {})
        for name, text in texts.items():
            folder.joinpath(name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{folder} cannot be written ({error.strerror})") from error
    return [folder / name for name in texts]


def files(found: Definition, *, source: str, units: Mapping[str, str]) -> dict[str, str]:
    """Text of each file by its name."""
    parts = {
        "instrument": _instrument(found),
        "classification": _classification(found),
        "association": _association(found),
        "recipes": _recipes(found),
        "qc": _qc(units),
        "scores": ["thresholds: []"],
    }
    return {
        f"{part}.yaml": "\n".join([*_head(found, part, source), *lines]) + "\n"
        for part, lines in parts.items()
    }


_TITLES = {
    "instrument": "What {name} is. Check prefix, INSTRUME, mandatory keywords and detectors.",
    "classification": "How raw frames of {name} are recognised: the first rule that holds.",
    "association": "How frames of {name} group, which recipe reduces them, what they need.\n"
    "Rules say nothing about time: the days of each level are a beginning.",
    "recipes": "Recipes of {name}, their parameters and products. Cores, memory and time are "
    "a beginning.",
    "qc": "QC1 parameters of {name}: names and units of ESO's dictionary. Numbered ones (OUTi)\n"
    "and all meanings are read from the installed dictionary; what is written here wins.",
    "scores": "Thresholds of {name}: none yet, so that nothing is certified by a rule.",
}


def _head(found: Definition, part: str, source: str) -> Iterator[str]:
    yield from (f"# {line}" for line in _TITLES[part].format(name=found.name).splitlines())
    yield f"# Translated from {_printable(source)}; numbers behind # are lines of it."
    notes = sorted(note for note in found.notes if note.file == part)
    if notes:
        yield "#"
        yield "# What could not be said, or is said otherwise:"
    for note in notes:
        yield from textwrap.wrap(
            _printable(str(note)), _WIDTH, initial_indent="#   ", subsequent_indent="#     ",
            break_long_words=False,
        )  # fmt: skip


def _printable(text: str) -> str:
    """Text without anything that would end a comment."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _instrument(found: Definition) -> Iterator[str]:
    yield from _mapping(
        {
            "name": found.name,
            "title": found.name,
            "prefix": (re.sub("[^A-Z]", "", found.name.upper()) + "XX")[:2],
            "instrume": [found.name],
        }
    )
    yield "mandatory:"
    yield from (f"  - {key}" for key in MANDATORY)
    if found.pipeline:
        package = f"cpl-plugin-{found.pipeline}"
        yield from _mapping({"pipeline": {"name": found.pipeline, "package": package}})
    yield from _derived(found)
    yield "detectors:"
    yield f"  {_DETECTOR}: [{{name: {_flow(found.name)}}}]"


def _derived(found: Definition) -> Iterator[str]:
    """Keywords that rules compute, as far as anything matches by them."""
    wanted = {key for setup in found.setups.values() for key in setup}
    derived = {key: whens for key, whens in found.classes.derived.items() if key in wanted}
    if derived:
        yield "derived:"
    for key, whens in derived.items():
        yield f"  - name: {_flow(key)}  # {found.classes.computed_in[key]}"
        yield "    cases:"
        yield from (f"      - {_flow({'when': when, 'value': True})}" for when in whens)
        yield f"      - {_flow({'when': {}, 'value': False})}"


# ---------------------------------------------------------------- classification


def _classification(found: Definition) -> Iterator[str]:
    yield "rules:" if found.classes.rules else "rules: []"
    for rule in found.classes.rules:
        # A tag is written wherever frames of the raw type have more than one.
        several = len(found.classes.tags[rule.name]) > 1
        tag = {"tag": rule.tag} if several or rule.tag != rule.name else {}
        entry = {"raw_type": rule.name, "when": rule.when} | tag
        line = f"  - {_flow(entry)}"
        if len(line) <= _WIDTH - 10:
            yield f"{line}  # {rule.line}"
            continue
        yield f"  - raw_type: {_flow(rule.name)}  # {rule.line}"
        yield from (f"    tag: {_flow(rule.tag)}" for _ in tag)
        yield "    when:"
        yield from (f"      {line}" for line in _mapping(rule.when))


# ---------------------------------------------------------------- association


def _association(found: Definition) -> Iterator[str]:
    yield "raw_types:" if found.entries else "raw_types: {}"
    for entry in found.entries:
        yield from (f"  {line}" for line in _raw_type(found, entry))


def _raw_type(found: Definition, entry: Entry) -> Iterator[str]:
    setup = found.setups[entry.raw_type]
    yield f"{_flow(entry.raw_type)}:" + (f"  # {entry.line}" if entry.line else "")
    content: dict[str, Any] = {"detector": _DETECTOR}
    if _is_science(found, entry.raw_type):
        content["kind"] = "science"
    content["group"] = entry.group
    if entry.minimum > 1:
        content["minimum"] = entry.minimum
    if entry.group != "none":
        content["recipe"] = found.recipes[entry.raw_type].name
    content["setup"] = list(setup)
    content["label"] = _label(setup)
    yield from (f"  {line}" for line in _mapping(content))
    masters = [need for need in entry.needs if need.category in found.makers]
    statics = [need for need in entry.needs if need.category not in found.makers]
    yield from _needs("masters", masters, [f"levels: {_levels()}"])
    yield from _needs("statics", statics, [])


def _needs(kind: str, needs: Sequence[Need], more: Sequence[str]) -> Iterator[str]:
    if needs:
        yield f"  {kind}:"
    for need in needs:
        yield f"    - category: {_flow(need.category)}  # {need.line}"
        content: dict[str, Any] = {}
        if need.tag != need.category:
            content["tag"] = need.tag
        if not need.required:
            content["required"] = False
        if need.match or kind == "masters":
            content["match"] = list(need.match)
        yield from (f"      {line}" for line in (*_mapping(content), *more))


def _is_science(found: Definition, raw_type: str) -> bool:
    whens = [rule.when for rule in found.classes.rules if rule.name == raw_type]
    return all(_categories(when) == {"SCIENCE"} for when in whens)


def _categories(when: When) -> set[str]:
    condition = when.get("DPR.CATG")
    if condition is None:
        return set(DPR_CATG)
    return {one for one in DPR_CATG if possible(both({"DPR.CATG": condition}, {"DPR.CATG": one}))}


def _label(setup: Sequence[str]) -> str:
    shown = [key for key in setup if not key.endswith(_WINDOW)][:_LABEL_KEYS]
    return "_".join(f"{{{key}}}" for key in shown) or "all"


def _levels() -> str:
    return _flow([{"level": level, "days": days} for level, days in LEVELS])


# ---------------------------------------------------------------- recipes, QC1 parameters


def _recipes(found: Definition) -> Iterator[str]:
    different = {recipe.name: recipe for recipe in found.recipes.values()}
    yield "recipes:" if different else "recipes: {}"
    for recipe in different.values():
        yield from (f"  {line}" for line in _recipe(recipe, _needed(found)))


def _needed(found: Definition) -> frozenset[str]:
    """Categories that any raw type needs."""
    return frozenset(need.category for entry in found.entries for need in entry.needs)


def _recipe(recipe: Recipe, needed: frozenset[str]) -> Iterator[str]:
    yield f"{_flow(recipe.name)}:  # {recipe.line}"
    yield from _mapping(
        {"title": recipe.name, "runner": "esorex" if recipe.products else "none"}, "  "
    )
    yield "  esorex:"
    yield f"    recipe: {_flow(recipe.recipe)}"
    yield from _mapping(COST, "    ")
    if recipe.parameters:
        yield "    parameters:"
        yield from _mapping(dict(recipe.parameters), "      ")
    yield "  products:" if recipe.products else "  products: []"
    # A recipe can make more than it is asked for: complete is what has all that others need.
    main = needed & set(recipe.products) or set(recipe.products[:1])
    for category in recipe.products:
        yield f"    - role: {_flow(category)}"
        yield f"      category: {_flow(category)}"
        yield f'      name: "{{prefix}}_{category}_{{date}}{{letter}}.fits"'
        yield from ("      master: false" for _ in {category} - needed)
        yield from ("      main: false" for _ in {category} - main)


def _qc(units: Mapping[str, str]) -> Iterator[str]:
    yield "parameters:" if units else "parameters: []"
    for name, unit in units.items():
        yield f"  - {_flow({'name': name, 'unit': unit, 'description': ''})}"


# ---------------------------------------------------------------- YAML


def _mapping(content: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """A mapping, one key a line; what is longer than a line is broken as lists can be."""
    for key, value in content.items():
        line = f"{indent}{_flow(key)}: {_flow(value)}"
        if (
            len(line) <= _WIDTH
            or not isinstance(value, list)
            or any(not isinstance(one, str) for one in value)
        ):
            yield line
            continue
        yield f"{indent}{_flow(key)}: ["
        yield from textwrap.wrap(
            ", ".join(map(_flow, value)) + ",", _WIDTH - len(indent) - 4,
            initial_indent=f"{indent}    ", subsequent_indent=f"{indent}    ",
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
        yield f"{indent}  ]"


def _flow(value: Any) -> str:
    """A value on one line, quoted only where YAML needs it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, str):
        style = None if _is_plain(value) else '"'
        return _dumped(value, style)
    return _dumped(value, None)


def _dumped(value: Any, style: str | None) -> str:
    text = yaml.safe_dump(value, default_style=style, width=10**9, allow_unicode=True)
    return str(text).removesuffix("...\n").strip()


def _is_plain(text: str) -> bool:
    if not text.isprintable() or set(text) & set("{}[],:#&*!|>'\"%@`\\") or text != text.strip():
        return False
    return bool(yaml.safe_load(text) == text) and not text.startswith(("-", "?"))
