"""A site: the folder in which an installation keeps its configuration, records and files."""

from __future__ import annotations

import os
import tomllib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vltflow.core.errors import ConfigurationError, UserError

FILE_NAME = "vltflow.toml"
_TEMPLATE = """\
# A vltflow site. Paths are relative to this file.

[store]
# SQLite by default; a server by URL: "postgresql+psycopg://user@host/name"
database = "sqlite:///registry.sqlite"
# Folder or fsspec URL ("s3://bucket/prefix") that keeps products, reports and logs.
vault = "vault"

[process]
# What all jobs together may use on this machine.
cores = {cores}
memory_mb = {memory_mb}

# Which runner executes the recipes: "native" or "esorex" (ESO's own pipeline), for all recipes
# of an instrument that it can execute, or recipe by recipe ("both" compares the two,
# "none" switches it off).
# [runners]
# UVES = "esorex"
# GIRAFFE = {{ gimasterbias = "native" }}

# Instrument definitions of this site, beside the installed ones: folders of YAML files.
# [instruments]
# HAWKI = "instruments/hawki"
"""
_KEYS: dict[str, dict[str, type]] = {
    "store": {"database": str, "vault": str},
    "process": {"cores": int, "memory_mb": int},
}


@dataclass(frozen=True, slots=True)
class Site:
    """Where a site lies and what it may use."""

    folder: Path
    database: str
    """SQLAlchemy URL."""
    vault: str
    """Folder or fsspec URL."""
    cores: int
    memory_mb: int
    runners: Mapping[str, str | Mapping[str, str]] = field(default_factory=dict)
    """By instrument: the runner of its recipes, or runners by recipe."""
    instruments: Mapping[str, Path] = field(default_factory=dict)
    """Folders with the site's own instrument definitions, by name."""

    @property
    def work(self) -> Path:
        """Folder of the working directories of jobs, one each, removed when collected."""
        return self.folder / "work"


def create_site(folder: Path, *, cores: int, memory_mb: int) -> Site:
    """Make a folder a site; an existing configuration is left as it is.

    Raises
    ------
    UserError
        If the folder cannot be written.
    """
    folder = folder.resolve()
    path = folder / FILE_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _write_whole(path, _TEMPLATE.format(cores=cores, memory_mb=memory_mb))
        (folder / "work").mkdir(exist_ok=True)
    except OSError as error:
        raise UserError(
            f"no site can be made in {folder}: {error.strerror}",
            hint="Make it writable, or link (ln -s) frames of a read-only folder into a new one",
        ) from error
    return load_site(folder)


def find_site(given: Path | None) -> Site:
    """Site from a folder given by the user, else VLTFLOW_SITE, else the current folder.

    Raises
    ------
    UserError
        If that folder is no site.
    """
    folder = given or Path(os.environ.get("VLTFLOW_SITE", "."))
    if not (folder / FILE_NAME).is_file():
        raise UserError(
            f"{folder.resolve()} is no site: it has no {FILE_NAME}",
            hint="Make one with `vltflow init FOLDER`, or name one with --site or VLTFLOW_SITE",
        )
    return load_site(folder.resolve())


def load_site(folder: Path) -> Site:
    """Site from its configuration file.

    Raises
    ------
    ConfigurationError
        Names the file, the key and what is allowed.
    """
    path = folder.resolve() / FILE_NAME
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}") from error
    values = _checked(path, content)
    return Site(
        folder=path.parent,
        database=_absolute_url(path, values["database"]),
        vault=values["vault"] if "://" in values["vault"] else str(path.parent / values["vault"]),
        cores=values["cores"],
        memory_mb=values["memory_mb"],
        runners=_runners(path, content.get("runners", {})),
        instruments=_folders(path, content.get("instruments", {})),
    )


def _runners(path: Path, given: Any) -> dict[str, str | Mapping[str, str]]:
    found = _section(path, "runners", given)
    for name, runner in found.items():
        choices = runner if isinstance(runner, dict) else {"": runner}
        for recipe, choice in choices.items():
            _value(" ".join(filter(None, (f"{path}: [runners]", name, recipe))), choice, str)
    return {name.upper(): runner for name, runner in found.items()}


def _folders(path: Path, given: Any) -> dict[str, Path]:
    found = _section(path, "instruments", given)
    for name, folder in found.items():
        _value(f"{path}: [instruments] {name}", folder, str)
    return {name.upper(): path.parent / folder for name, folder in found.items()}


def _section(path: Path, name: str, given: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise ConfigurationError(f"{path}: {name} is no section; write [{name}]")
    return given


def _absolute_url(path: Path, url: str) -> str:
    driver, separator, place = url.partition(":///")
    if not driver.startswith("sqlite"):
        return url
    if not separator or place in {"", ":memory:"}:
        raise ConfigurationError(
            f"{path}: [store] database = {url!r} names no file", hint="Use sqlite:///PATH"
        )
    if "?" in str(path.parent):
        raise ConfigurationError(
            f"{path}: no SQLite URL can name a folder with '?'", hint="Rename the folder"
        )
    return f"{driver}:///{path.parent / place}"


def _write_whole(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with temporary.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _checked(path: Path, content: dict[str, Any]) -> dict[str, Any]:
    allowed = (*_KEYS, "runners", "instruments")
    if unknown := sorted(set(content) - set(allowed)):
        raise ConfigurationError(
            f"{path}: unknown section {', '.join(unknown)}", hint=f"Allowed: {', '.join(allowed)}"
        )
    values: dict[str, Any] = {}
    for section, keys in _KEYS.items():
        given = _section(path, section, content.get(section, {}))
        if unknown := sorted(set(given) - set(keys)):
            raise ConfigurationError(
                f"{path}: [{section}] has unknown {', '.join(unknown)}",
                hint=f"Allowed: {', '.join(keys)}",
            )
        for key, kind in keys.items():
            if key not in given:
                raise ConfigurationError(f"{path}: [{section}] {key} is missing")
            values[key] = _value(f"{path}: [{section}] {key}", given[key], kind)
    return values


def _value(place: str, value: Any, kind: type) -> Any:
    # `type` and not `isinstance`: in Python true is a whole number, for people it is none.
    fitting = type(value) is kind
    if not fitting or value == "" or (kind is int and int(value) < 1):
        wanted = "a text" if kind is str else "a whole number from 1 on"
        raise ConfigurationError(f"{place} = {value!r} is not {wanted}")
    return value
