"""What a recipe of ESO declares, harvested from esorex itself and kept by plug-in version."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from vltflow.core.errors import ConfigurationError, MissingCalibration, RunnerMissing
from vltflow.fits import write_bytes
from vltflow.process.runners.esorex.program import Esorex, PlugIn

_SECONDS = 60
_FRAME = re.compile(r"^\s{2,}(\S+)\s+(raw|calib)\s+([Y.])\s+(\d+)?\s*(.*)$")
_INPUTS = re.compile(r"Input frames for raw frame tag \"(\S+)\":")
_TYPES: dict[str, Any] = {
    "bool": bool, "int": int, "double": float, "float": float, "string": str,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ParameterMetadata:
    """One parameter of a recipe."""

    name: str
    """As on the command line: ``extract.method``."""
    kind: str
    """``bool``, ``int``, ``double`` or ``string``."""
    default: bool | float | str
    description: str
    choices: tuple[Any, ...] = ()
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class InputMetadata:
    """One kind of frame that a recipe takes."""

    raw: str
    """Tag of the raw frames of the processing mode that it belongs to."""
    tag: str
    required: bool
    maximum: int | None
    """None: any number."""
    description: str


@dataclass(frozen=True, slots=True)
class RecipeMetadata:
    """A recipe with its parameters and, where it declares them, its inputs."""

    name: str
    plugin: str
    version: str
    """Of the plug-in."""
    folder: str
    parameters: tuple[ParameterMetadata, ...]
    inputs: tuple[InputMetadata, ...]
    """Empty for recipes that say it in prose only: then only the recipe itself can check."""

    def resolved(self, given: Mapping[str, Any], *, where: str) -> dict[str, Any]:
        """All parameters with the values given or their defaults, checked.

        Parameters
        ----------
        given
            Values by name.
        where
            For messages: the file that gives them.

        Raises
        ------
        ConfigurationError
            If a parameter is unknown, or a value is of another type or out of range.
        """
        known = {one.name: one for one in self.parameters}
        if unknown := sorted(set(given) - set(known)):
            raise ConfigurationError(
                f"{where}: {self.name} of {self.plugin} {self.version} has no parameter "
                + ", ".join(unknown),
                hint=f"Allowed: {', '.join(known)}",
            )
        values = {name: one.default for name, one in known.items()}
        return values | {name: _checked(known[name], given[name], where) for name in given}

    def check_inputs(self, tags: Iterable[str]) -> None:
        """Refuse a set of files that the recipe could not work on.

        Raises
        ------
        MissingCalibration
            Names what is missing or too many.
        """
        counts = Counter(tags)
        modes = {one.raw for one in self.inputs}
        for mode in sorted(modes & set(counts)):
            declared = [one for one in self.inputs if one.raw == mode]
            missing = [one.tag for one in declared if one.required and not counts[one.tag]]
            if missing:
                raise MissingCalibration(
                    f"{self.name} needs {', '.join(missing)} beside its {mode}",
                    hint="Declare it among masters or statics of the raw type in association.yaml",
                )
            for one in declared:
                if one.maximum is not None and counts[one.tag] > one.maximum:
                    raise ConfigurationError(
                        f"{self.name} takes {one.maximum} {one.tag} at most, "
                        f"it would get {counts[one.tag]}"
                    )


def recipe_metadata(esorex: Esorex, recipe: str, *, package: str = "") -> RecipeMetadata:
    """What a recipe declares: from the cache, or from esorex.

    Parameters
    ----------
    esorex
        The program.
    recipe
        Name: ``uves_cal_mbias``.
    package
        Debian package to name in the message if the recipe is not there.

    Raises
    ------
    RunnerMissing
        If no plug-in has the recipe, or esorex cannot load it.
    """
    return _metadata(esorex, recipe, esorex.plugin_of(recipe, package=package))


@cache
def _metadata(esorex: Esorex, recipe: str, plugin: PlugIn) -> RecipeMetadata:
    library = plugin.folder / f"{recipe}.so"
    stamp = f"{esorex.version} {library} {library.stat().st_mtime_ns}"
    kept = _cache_folder() / f"{plugin.name}-{plugin.version}" / f"{recipe}.json"
    try:
        content = json.loads(kept.read_text(encoding="utf-8"))
        if content.pop("stamp") == stamp:
            return _from_json(content)
    except (OSError, ValueError, TypeError, KeyError):
        pass  # absent, or of another version of this program: asked anew
    found = _harvested(esorex, recipe, plugin)
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(kept, json.dumps({"stamp": stamp, **asdict(found)}).encode())
    except OSError:
        pass  # a cache that cannot be kept costs a tenth of a second a recipe
    return found


def _cache_folder() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "vltflow" / "recipes"


def _from_json(content: dict[str, Any]) -> RecipeMetadata:
    parameters = [
        ParameterMetadata(**(one | {"choices": tuple(one["choices"])}))
        for one in content.pop("parameters")
    ]
    inputs = [InputMetadata(**one) for one in content.pop("inputs")]
    return RecipeMetadata(**content, parameters=tuple(parameters), inputs=tuple(inputs))


def _harvested(esorex: Esorex, recipe: str, plugin: PlugIn) -> RecipeMetadata:
    with tempfile.TemporaryDirectory() as folder:
        page = _ask(esorex, plugin, ["--man-page", recipe], folder)
        _ask(esorex, plugin, ["--create-config=parameters.json", recipe], folder)
        try:
            text = (Path(folder) / "parameters.json").read_text(encoding="utf-8", errors="replace")
            described = json.loads(text)
        except (OSError, ValueError) as error:
            raise RunnerMissing(
                f"{esorex.path} cannot describe {recipe} of {plugin.folder}: {error}",
                hint="Install the plug-in anew",
            ) from error
    return RecipeMetadata(
        name=recipe,
        plugin=plugin.name,
        version=plugin.version,
        folder=str(plugin.folder),
        parameters=tuple(map(_parameter, described)),
        inputs=tuple(inputs_of_page(page)),
    )


def _ask(esorex: Esorex, plugin: PlugIn, arguments: list[str], folder: str) -> str:
    argv = [str(esorex.path), f"--recipe-dir={plugin.folder}", "--log-dir=.", *arguments]
    return subprocess.run(
        argv, cwd=folder, env=os.environ | {"HOME": folder}, capture_output=True,
        encoding="utf-8", errors="replace", timeout=_SECONDS, check=False,
    ).stdout  # fmt: skip


def _parameter(described: Mapping[str, Any]) -> ParameterMetadata:
    return ParameterMetadata(
        name=described["display_name"],
        kind=described["valtype"],
        default=described["value"],
        description=described["description"],
        choices=tuple(described.get("valenum", ())),
        minimum=described.get("valmin"),
        maximum=described.get("valmax"),
    )


def inputs_of_page(page: str) -> Iterable[InputMetadata]:
    """Input frames in the tables of a manual page; recipes without such tables give none."""
    raw = ""
    for line in page.splitlines():
        if title := _INPUTS.search(line):
            raw = title.group(1)
        elif "Product frames" in line:
            raw = ""
        elif raw and (row := _FRAME.match(line)):
            tag, _, required, number, description = row.groups()
            yield InputMetadata(
                raw, tag, required == "Y", int(number) if number else None, description.strip()
            )


def _checked(parameter: ParameterMetadata, value: Any, where: str) -> Any:
    wanted = _TYPES.get(parameter.kind, str)
    place = f"{where}: {parameter.name} = {value!r}"
    if wanted is float and type(value) is int:
        value = float(value)
    if type(value) is not wanted:  # true is no whole number here
        raise ConfigurationError(f"{place} is no {parameter.kind}")
    if parameter.choices and not _is_among(value, parameter.choices):
        allowed = ", ".join(map(str, parameter.choices))
        raise ConfigurationError(place, hint=f"Allowed: {allowed}")
    low = float("-inf") if parameter.minimum is None else parameter.minimum
    high = float("inf") if parameter.maximum is None else parameter.maximum
    if wanted in {int, float} and not low <= float(value) <= high:
        raise ConfigurationError(f"{place} is not within {low:g} .. {high:g}")
    return value


def _is_among(value: Any, choices: tuple[Any, ...]) -> bool:
    return value in choices or (isinstance(value, str) and value.upper() in map(str.upper, choices))
