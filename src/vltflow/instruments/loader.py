"""Instrument definitions, read from YAML and checked as a whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import entry_points
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import BaseModel, ValidationError

from vltflow.core.errors import ConfigurationError, UnknownName
from vltflow.core.site import FILE_NAME, Site
from vltflow.instruments.health import HealthFile
from vltflow.instruments.idp import IdpFile
from vltflow.instruments.model import (
    ClassificationFile,
    Instrument,
    InstrumentFile,
    RecipesFile,
)
from vltflow.instruments.quality import QcFile, ScoresFile
from vltflow.instruments.raw_types import AssociationFile
from vltflow.instruments.statics import StaticsFile

GROUP = "vltflow.instruments"
FILES: dict[str, tuple[str, type[BaseModel]]] = {
    "header": ("instrument.yaml", InstrumentFile),
    "classification": ("classification.yaml", ClassificationFile),
    "association": ("association.yaml", AssociationFile),
    "recipes": ("recipes.yaml", RecipesFile),
    "statics": ("statics.yaml", StaticsFile),
    "qc": ("qc.yaml", QcFile),
    "scores": ("scores.yaml", ScoresFile),
    "idp": ("idp.yaml", IdpFile),
}

_OPTIONAL = frozenset({"statics", "idp"})
HEALTH = "health.yaml"
"""Optional, and not in `FILES`: what people look at changes no context (see `health`)."""


def available(site: Site | None = None) -> list[str]:
    """Names of the definitions that are installed, ours and others', or belong to the site."""
    return sorted({*_installed(), *(site.instruments if site else ())})


def load(name: str, site: Site | None = None) -> Instrument:
    """Definition of an instrument: the site's own, else the installed one, with its runners.

    Raises
    ------
    UnknownName
        If there is no definition of this name.
    ConfigurationError
        If a file of it breaks the schema, or the site chooses a runner that it does not have, or
        one that cannot read what another makes for it.
    """
    name = name.upper()
    if site is not None and name in site.instruments:
        instrument = _from_folder(site.instruments[name])
    else:
        instrument = _from_package(name, tuple(available(site)))
    choice = site.runners.get(name) if site is not None else None
    if site is None or choice is None:
        return instrument
    instrument = instrument.run_by(choice)
    for recipe, other in _unreadable(instrument.recipes):
        raise ConfigurationError(
            f"{site.folder / FILE_NAME}: [runners] {name}: {recipe} by esorex cannot read what "
            f"{other} by {instrument.recipes.recipes[other].runner} makes",
            hint=f'Choose {other} = "esorex", or {recipe} = "native"',
        )
    return instrument


def _unreadable(file: RecipesFile) -> Iterator[tuple[str, str]]:
    """Recipes of ESO's runner, each with one whose products it needs in another layout."""
    for name, entry in file.recipes.items():
        if entry.runner in {"esorex", "both"} and entry.esorex is not None:
            for other in entry.esorex.reads:
                if file.recipes[other].executed_by == "native":
                    yield name, other


@cache
def _installed() -> dict[str, Traversable]:
    """Folders of definitions by name: each entry point names a package that holds some."""
    packages = (files(point.value) for point in entry_points(group=GROUP))
    folders = [folder for package in packages for folder in (package, *package.iterdir())]
    return {
        folder.name.upper(): folder
        for folder in folders
        if folder.is_dir() and folder.joinpath("instrument.yaml").is_file()
    }


@cache
def _from_folder(folder: Path) -> Instrument:
    return load_folder(folder)


@cache
def _from_package(name: str, known: tuple[str, ...]) -> Instrument:
    found = _installed()
    if name not in found:
        raise UnknownName(f"no instrument {name!r}", hint=f"Installed: {', '.join(known)}")
    with as_file(found[name]) as folder:
        return load_folder(Path(folder))


def load_folder(folder: Path) -> Instrument:
    """Definition from a folder of YAML files.

    Raises
    ------
    ConfigurationError
        Names file, key, value and what is allowed.
    """
    texts = {}
    for part, (file_name, _) in FILES.items():
        path = folder / file_name
        if part not in _OPTIONAL or path.exists():
            texts[file_name] = _read(path)
    instrument = load_texts(texts, folder)
    path = folder / HEALTH
    return _with_health(instrument, path, _read(path)) if path.exists() else instrument


def load_texts(texts: Mapping[str, str], folder: Path) -> Instrument:
    """Definition from the texts of its files; `folder` is named in messages.

    Raises
    ------
    ConfigurationError
        Names file, key, value and what is allowed.
    """
    digest = hashlib.sha256()
    parts: dict[str, Any] = {}
    for part, (file_name, model) in FILES.items():
        text = texts.get(file_name, "{}" if part in _OPTIONAL else "")
        if file_name in texts:  # so a kind of file that comes later changes no hash of before
            digest.update(f"{file_name}\n{text}\n".encode())
        parts[part] = _validated(folder / file_name, text, model)
    instrument = Instrument(
        **parts, context=digest.hexdigest()[:16], folder=str(folder), texts=dict(texts)
    )
    mistakes = list(_dangling_names(instrument))
    if mistakes:
        raise ConfigurationError(f"{folder}: " + "; ".join(mistakes))
    return instrument


def _with_health(instrument: Instrument, path: Path, text: str) -> Instrument:
    health = cast("HealthFile", _validated(path, text, HealthFile))
    known = {entry.name for entry in instrument.qc.parameters}
    made = {one for name in instrument.raw_types for one in instrument.products_of(name)}
    mistakes = [
        f"{report}: no {what} {name}"
        for report, one in health.series
        for what, name, names in (
            ("parameter", one.parameter, known), ("product", one.category, made)
        )
        if name not in names
    ]  # fmt: skip
    if mistakes:
        raise ConfigurationError(f"{path}: " + "; ".join(mistakes))
    return instrument.model_copy(update={"health": health})


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"{path}: cannot be read ({error.strerror})",
            hint="An instrument folder holds " + ", ".join(name for name, _ in FILES.values()),
        ) from error


# libyaml's reader takes a tenth of the time, where it is installed.
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _UniqueKeys(_SafeLoader):  # type: ignore[misc]
    """YAML reader that refuses a key written twice, which plain YAML silently overrides."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> Any:  # noqa: FBT001, FBT002 - signature of the base class
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for position, key in enumerate(keys):
            if key in keys[:position]:
                message = f"key {key!r} stands twice"
                raise yaml.constructor.ConstructorError(None, None, message, node.start_mark)
        return super().construct_mapping(node, deep)


def _validated(path: Path, text: str, model: type[BaseModel]) -> BaseModel:
    try:
        content = yaml.load(text, Loader=_UniqueKeys)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path}: no valid YAML: {error}") from error
    try:
        return model.model_validate(content)
    except ValidationError as error:
        lines = [
            f"{'.'.join(str(step) for step in mistake['loc'])}: {mistake['msg']}"
            f" (given: {mistake['input']!r:.80})"
            for mistake in error.errors()
        ]
        raise ConfigurationError(f"{path}: " + "; ".join(lines)) from error


def _dangling_names(instrument: Instrument) -> Iterator[str]:
    raw_types, recipes = instrument.raw_types, instrument.recipes.recipes
    for rule in instrument.classification.rules:
        if rule.raw_type not in raw_types:
            yield f"classification.yaml: raw type {rule.raw_type} has no entry in association.yaml"
    for name, raw_type in raw_types.items():
        if raw_type.group != "none" and raw_type.recipe not in recipes:
            yield f"association.yaml: {name}: recipe {raw_type.recipe} is not in recipes.yaml"
        if raw_type.detector not in instrument.header.detectors:
            yield f"association.yaml: {name}: no detector {raw_type.detector} in instrument.yaml"
    yield from _unknown_masters(instrument)
    yield from _unknown_members(instrument)
    yield from _unknown_science(instrument)
    yield from _unknown_setup_keys(instrument)
    yield from _unknown_case_keys(instrument)
    yield from _unknown_reads(instrument.recipes)
    known = {entry.name for entry in instrument.qc.parameters}
    for threshold in instrument.scores.thresholds:
        if threshold.parameter not in known:
            yield f"scores.yaml: {threshold.parameter} is not in qc.yaml"


def _unknown_members(instrument: Instrument) -> Iterator[str]:
    raw_types = instrument.raw_types
    taken: dict[tuple[str, str], str] = {}
    for name, entry in raw_types.items():
        if entry.members is None:
            continue
        for source in entry.members.raw_types:
            where = f"association.yaml: {name}: member {source}"
            other = taken.setdefault((source, entry.members.by), name)
            if other != name:
                yield f"{where} is stacked by {entry.members.by} in {other} already"
            if source not in raw_types or raw_types[source].detector != entry.detector:
                yield f"{where} is no raw type of detector {entry.detector}"
            elif absent := sorted(set(entry.setup) - set(raw_types[source].setup)):
                yield f"{where}: {absent} not in its setup"
            elif not instrument.members_of(name)[source]:
                yield f"{where} makes no {entry.members.role}"


def _unknown_science(instrument: Instrument) -> Iterator[str]:
    idp = instrument.idp
    if idp.spectra and not (idp.keywords and idp.solution):
        yield "idp.yaml: spectra need keywords and solution"
    for entry in idp.spectra:
        for name in entry.raw_types:
            if name not in instrument.raw_types:
                yield f"idp.yaml: no raw type {name}"
                continue
            roles = {one.role for one in instrument.products_of(name).values()}
            wanted = {entry.role, entry.error, entry.sky, entry.orders, entry.orders_error}
            wanted |= {entry.cosmics, *(one.role for one in entry.ancillary)}
            if absent := sorted(wanted - roles - {""}):
                yield f"idp.yaml: {name} makes no {', '.join(absent)}"


def _unknown_setup_keys(instrument: Instrument) -> Iterator[str]:
    for name, raw_type in instrument.raw_types.items():
        for static in raw_type.statics:
            absent = sorted({*static.match, *static.when} - set(raw_type.setup))
            if absent:
                yield f"association.yaml: {name}: {static.category}: {absent} not in its setup"


def _unknown_case_keys(instrument: Instrument) -> Iterator[str]:
    for name, raw_type in instrument.raw_types.items():
        entry = instrument.recipes.recipes.get(raw_type.recipe)
        executions = (entry.native, entry.esorex) if entry else ()
        cases = [case for one in executions if one for case in one.cases]
        keys = {key for case in cases for key in case.when}
        keys |= {key for one in executions if one for key in one.takes}
        absent = sorted(keys - set(raw_type.setup))
        if absent:
            yield f"recipes.yaml: {raw_type.recipe}: {absent} not in the setup of {name}"


def _unknown_reads(file: RecipesFile) -> Iterator[str]:
    for name, entry in file.recipes.items():
        for execution in (entry.native, entry.esorex):
            absent = set(execution.reads if execution else ()) - set(file.recipes)
            if absent:
                yield f"recipes.yaml: {name}: reads: no recipe {', '.join(sorted(absent))}"


def _unknown_masters(instrument: Instrument) -> Iterator[str]:
    makers: dict[str, list[str]] = {}
    for name, entry in instrument.raw_types.items():
        usable = entry.group == "none" or entry.recipe in instrument.recipes.recipes
        if usable and entry.detector in instrument.header.detectors:
            for category in instrument.products_of(name):
                makers.setdefault(category, []).append(name)
                if "{" in category:
                    yield f"association.yaml: {name}: fill has no word for {category}"
    for name, raw_type in instrument.raw_types.items():
        for need in raw_type.masters:
            where = f"association.yaml: {name}: {need.category}"
            if need.category not in makers:
                yield f"association.yaml: {name}: no raw type makes {need.category}"
            keys = {key for level in need.levels for key in (level.match or need.match)}
            for owner in (name, *makers.get(need.category, ())):
                missing = sorted(keys - set(instrument.raw_types[owner].setup))
                if missing:
                    yield f"{where}: {missing} not in the setup of {owner}"
