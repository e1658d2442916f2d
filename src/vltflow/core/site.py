"""A site: the folder in which an installation keeps its configuration, records and files."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
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
"""
_KEYS = {"store": {"database": str, "vault": str}, "process": {"cores": int, "memory_mb": int}}


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
            path.write_text(_TEMPLATE.format(cores=cores, memory_mb=memory_mb), encoding="utf-8")
        (folder / "work").mkdir(exist_ok=True)
    except OSError as error:
        raise UserError(f"no site can be made in {folder}: {error.strerror}") from error
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
    path = folder / FILE_NAME
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}") from error
    values = _checked(path, content)
    database = values["database"]
    if database.startswith("sqlite:///") and not database.startswith("sqlite:////"):
        database = f"sqlite:///{folder / database.removeprefix('sqlite:///')}"
    vault = values["vault"]
    return Site(
        folder=folder,
        database=database,
        vault=vault if "://" in vault else str(folder / vault),
        cores=values["cores"],
        memory_mb=values["memory_mb"],
    )


def _checked(path: Path, content: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for section, keys in _KEYS.items():
        given = content.pop(section, {})
        for key, kind in keys.items():
            if key not in given:
                raise ConfigurationError(f"{path}: [{section}] {key} is missing")
            value = given.pop(key)
            wrong = not isinstance(value, kind) or (kind is int and value < 1)
            if wrong:
                wanted = "a text" if kind is str else "a whole number from 1 on"
                raise ConfigurationError(f"{path}: [{section}] {key} = {value!r} is not {wanted}")
            values[key] = value
        if given:
            allowed = ", ".join(keys)
            raise ConfigurationError(
                f"{path}: [{section}] has unknown {', '.join(given)}", hint=f"Allowed: {allowed}"
            )
    if content:
        raise ConfigurationError(
            f"{path}: unknown section {', '.join(content)}", hint=f"Allowed: {', '.join(_KEYS)}"
        )
    return values
