"""ESO's data dictionaries of QC1 parameters (``ESO-DFS-DIC.UVES_QC``), read where installed.

A pipeline brings a dictionary of the parameters that its recipes write: name, type,
format, unit and meaning. The files are ESO's and stay where they are; without them the
catalogue of QC1 parameters is what ``qc.yaml`` says.

In a name a small letter at the end of a word stands for a number: ``QC OUTi RON`` is
``QC OUT1 RON``, ``QC OUT2 RON`` and so on. Recipes may leave the number out where there is
only one: the dictionary of UVES has ``QC REGi AVG``, its recipes write ``QC REG AVG``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from vltflow.core.errors import UnreadableFile

FOLDER_VARIABLE = "VLTFLOW_DICTIONARIES"
"""Environment variable with folders that hold dictionaries, separated by colons."""
_SHARES = ("cpl-plugins", "esopipes")
_ROOTS = (Path("/usr/share"), Path("/usr/local/share"), Path("/opt/share"))
_PLUGINS_VARIABLE = "ESOREX_PLUGIN_DIR"
_FIELDS = {
    "parameter name": "name",
    "class": "kind",
    "context": "context",
    "type": "type",
    "value format": "format",
    "unit": "unit",
    "comment field": "comment",
    "comment format": "comment",
    "comment": "comment",
    "description": "description",
}
# Some lines of genuine dictionaries have lost their colon.
_FIELD = re.compile(rf"({'|'.join(_FIELDS)})\s*(?::|\s{{3}})\s*(.*)", re.IGNORECASE)
_INDEX = re.compile(r"(?<=[A-Z0-9_])[a-z]\b")


@dataclass(frozen=True, slots=True)
class DictionaryEntry:
    """One parameter of a dictionary."""

    name: str
    """As it is written there: ``QC OUTi RON``."""
    kind: str = ""
    """``header|qc-log``: where it is written."""
    context: str = ""
    type: str = ""
    """``double``, ``int``, ``string``, ``logical``."""
    format: str = ""
    """As C prints it: ``%.3f``."""
    unit: str = ""
    comment: str = ""
    description: str = ""

    @property
    def numbered(self) -> bool:
        """Whether letters in its name stand for numbers."""
        return _INDEX.search(self.name) is not None

    @property
    def meaning(self) -> str:
        """Its description, else its comment."""
        return self.description or self.comment


@dataclass(frozen=True)
class Dictionary:
    """All parameters of a dictionary file."""

    path: str
    entries: tuple[DictionaryEntry, ...]
    mistakes: tuple[str, ...] = ()
    """Lines that are none of a dictionary."""

    @property
    def scope(self) -> str:
        """Instrument in the file's name: ``UVES``."""
        return Path(self.path).name.partition("ESO-DFS-DIC.")[2].removesuffix("_QC")

    def describe(self, name: str) -> DictionaryEntry | None:
        """Entry of a real parameter, such as ``QC OUT1 RON``; None if it is not in here.

        An entry without index letters stands before one with them.
        """
        if name not in self._described:
            fitting = (entry for pattern, entry in self._patterns if pattern.fullmatch(name))
            self._described[name] = self._plain.get(name) or next(fitting, None)
        return self._described[name]

    @cached_property
    def _described(self) -> dict[str, DictionaryEntry | None]:
        """Answers of `describe` so far: hundreds of patterns are asked for each."""
        return {}

    @cached_property
    def _plain(self) -> dict[str, DictionaryEntry]:
        return {entry.name: entry for entry in reversed(self.entries) if not entry.numbered}

    @cached_property
    def _patterns(self) -> list[tuple[re.Pattern[str], DictionaryEntry]]:
        return [(_pattern(entry.name), entry) for entry in self.entries if entry.numbered]


def parse(text: str, path: str = "") -> Dictionary:
    """Dictionary from the text of its file."""
    entries: list[dict[str, str]] = []
    mistakes: list[str] = []
    last = ""
    for number, line in enumerate(text.splitlines(), start=1):
        field = _FIELD.match(line)
        if field:
            last = key = _FIELDS[field.group(1).lower()]
            if key == "name":
                entries.append({})
            if entries:
                entries[-1][key] = field.group(2)
        elif line.startswith("#") or not line.strip():
            continue
        elif entries and last in {"description", "comment"}:
            entries[-1][last] = f"{entries[-1][last]} {line}"
        elif entries:
            mistakes.append(f"line {number}: no field of a dictionary: {line.strip()[:40]}")
    named = [_entry(fields) for fields in entries]
    return Dictionary(path, tuple(entry for entry in named if entry.name), tuple(mistakes))


def read(path: Path) -> Dictionary:
    """Dictionary from a file.

    Raises
    ------
    UnreadableFile
        If it cannot be read, or holds no parameter.
    """
    try:
        found = parse(path.read_text(encoding="latin-1"), str(path))
    except OSError as error:
        raise UnreadableFile(f"{path}: cannot be read ({error.strerror})") from error
    if not found.entries:
        raise UnreadableFile(f"{path}: no dictionary: it has no line `Parameter Name:`")
    return found


def find(pipeline: str) -> Path | None:
    """File of the installed QC1 dictionary of a pipeline such as ``uves``, of the newest version.

    It is looked for in the folders of VLTFLOW_DICTIONARIES, beside the plug-ins of
    ESOREX_PLUGIN_DIR, and where packages put it (``share/cpl-plugins``, ``share/esopipes``).
    """
    named = [Path(one) for one in os.environ.get(FOLDER_VARIABLE, "").split(":") if one]
    found = [path for folder in named for path in folder.glob("**/ESO-DFS-DIC.*_QC")]
    fitting = [path for path in found if pipeline.upper() in path.name.upper()]
    for folder in _shares():
        fitting += sorted(folder.glob(f"{pipeline}*/**/ESO-DFS-DIC.*_QC"), key=_version)[::-1]
    return fitting[0] if fitting else None


def installed(pipeline: str) -> Dictionary | None:
    """The installed QC1 dictionary of a pipeline; None if there is none that can be read."""
    path = find(pipeline)
    if path is None:
        return None
    try:
        return _read_once(path, path.stat().st_mtime_ns)
    except (UnreadableFile, OSError):
        return None


@cache
def _read_once(path: Path, _changed: int) -> Dictionary:
    return read(path)


def units(entries: Iterable[DictionaryEntry]) -> dict[str, str]:
    """Unit of each QC1 parameter whose name holds no index letters, by name, sorted."""
    found = {
        entry.name: entry.unit
        for entry in entries
        if entry.name.startswith("QC ") and not entry.numbered
    }
    return dict(sorted(found.items()))


def _shares() -> Iterator[Path]:
    beside = [Path(one) for one in os.environ.get(_PLUGINS_VARIABLE, "").split(":") if one]
    roots = [parent.parent / "share" for one in beside for parent in one.parents
             if parent.name.startswith("lib")]  # fmt: skip
    for root in (*roots, *_ROOTS):
        for share in _SHARES:
            if (root / share).is_dir():
                yield root / share


def _version(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", str(path))]


def _pattern(name: str) -> re.Pattern[str]:
    pieces = _INDEX.split(name)
    return re.compile(r"\d*".join(map(re.escape, pieces)))


def _entry(fields: Mapping[str, str]) -> DictionaryEntry:
    clean = {key: " ".join(value.split()) for key, value in fields.items()}
    return DictionaryEntry(**({"name": ""} | clean))
