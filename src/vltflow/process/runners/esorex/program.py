"""Which esorex there is, and which of ESO's pipelines it can load."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from vltflow.core.errors import RunnerMissing

PROGRAM_VARIABLE = "VLTFLOW_ESOREX"
"""Environment variable with the path of another esorex than the one on the PATH."""
PLUGINS_VARIABLE = "ESOREX_PLUGIN_DIR"
"""ESO's own: folders with plug-ins, separated by colons."""

_VERSION = re.compile(r"version (\d+(?:\.\d+)+)")
_FOLDERS = re.compile(r"^\s*recipe-dir\s*:\s*(\S+)", re.MULTILINE)
_PLUGIN = re.compile(r"(.+)-(\d[\w.+]*)")
_SECONDS = 60


@dataclass(frozen=True, slots=True)
class PlugIn:
    """One of ESO's pipelines as esorex loads it."""

    name: str
    """``uves``."""
    version: str
    """``6.1.8``."""
    folder: Path
    """Folder with the libraries of its recipes."""

    @property
    def recipes(self) -> frozenset[str]:
        """Names of its recipes."""
        return frozenset(library.stem for library in self.folder.glob("*.so"))


@dataclass(frozen=True, slots=True)
class Esorex:
    """The program and its plug-ins."""

    path: Path
    version: str
    plugins: tuple[PlugIn, ...]
    """By name; of each the newest version."""

    def plugin_of(self, recipe: str, *, package: str = "") -> PlugIn:
        """Plug-in that brings a recipe.

        Raises
        ------
        RunnerMissing
            If none does; `package` is the one to install.
        """
        for plugin in self.plugins:
            if recipe in plugin.recipes:
                return plugin
        known = ", ".join(f"{one.name} {one.version}" for one in self.plugins) or "none"
        raise RunnerMissing(
            f"no plug-in of {self.path} has the recipe {recipe}; there are: {known}",
            hint=install_hint(package or "cpl-plugin-<instrument>"),
        )


def find_esorex() -> Esorex:
    """The esorex that the environment names, or the first on the PATH, with its plug-ins.

    Raises
    ------
    RunnerMissing
        If there is none, or it cannot be started.
    """
    wanted = os.environ.get(PROGRAM_VARIABLE, "esorex")
    found = shutil.which(wanted)
    if found is None:
        raise RunnerMissing(f"no program {wanted} was found", hint=install_hint("esorex"))
    return _examined(found, os.environ.get(PLUGINS_VARIABLE, ""))


def install_hint(*packages: str) -> str:
    """How to install ESO's programs."""
    return (
        f"On Debian 12: apt install {' '.join(packages)}. Elsewhere see www.eso.org/pipelines. "
        f"{PROGRAM_VARIABLE} and {PLUGINS_VARIABLE} name other places"
    )


@cache
def _examined(program: str, _plugins: str) -> Esorex:
    """Version and plug-ins; asked once a process and environment."""
    argv = [str(Path(program).absolute()), "--log-level=off", "--params"]
    try:
        # It would write a log where it runs even if it has nothing to say.
        with tempfile.TemporaryDirectory() as folder:
            said = subprocess.run(
                argv, capture_output=True, text=True, timeout=_SECONDS, check=False, cwd=folder
            ).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RunnerMissing(
            f"{program} cannot be started: {error}", hint=install_hint("esorex")
        ) from error
    version, folders = _VERSION.search(said), _FOLDERS.search(said)
    if version is None or folders is None:
        raise RunnerMissing(
            f"{program} does not answer as esorex does", hint=f"Set {PROGRAM_VARIABLE}"
        )
    plugins: dict[str, PlugIn] = {}
    for root in folders.group(1).split(":"):
        for plugin in _plugins_in(Path(root)):
            if plugin.name not in plugins or _newer(plugin, plugins[plugin.name]):
                plugins[plugin.name] = plugin
    return Esorex(Path(program), version.group(1), tuple(plugins[name] for name in sorted(plugins)))


def _plugins_in(root: Path) -> list[PlugIn]:
    """Plug-ins below a folder, or the one that the folder itself is."""
    candidates = [root, *(sorted(root.iterdir()) if root.is_dir() else ())]
    found = ((folder, _PLUGIN.fullmatch(folder.name)) for folder in candidates)
    return [
        PlugIn(match.group(1), match.group(2), folder)
        for folder, match in found
        if match is not None and folder.is_dir()
    ]


def _newer(one: PlugIn, other: PlugIn) -> bool:
    def numbers(plugin: PlugIn) -> list[int]:
        return [int(number) for number in re.findall(r"\d+", plugin.version)]

    return numbers(one) > numbers(other)
