"""Versions of all software that has a part in a product: other versions may give other bits."""

from __future__ import annotations

import hashlib
import platform
import re
import subprocess
import sys
import tempfile
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import vltflow
from vltflow.process.executors.interface import JobSpec

_LIBRARIES = ("numpy", "numba", "llvmlite", "scipy", "astropy")
_FLOORS = ("algorithms", "recipes", "fits", "process")
"""Folders of our own code that has a part in the bytes of a product."""
_NAMED = re.compile(r"([A-Z][A-Z ]+?(?: \([a-z ]+\))?) = (\S+?)(?:,|$)", re.MULTILINE)
_ESOREX = re.compile(r"version (\d+(?:\.\d+)+)")
_SECONDS = 60


def versions_of(spec: JobSpec) -> dict[str, str]:
    """Versions by name of what runs a job in this process; asked once a kind of job."""
    if spec.runner == "native":
        return _native()
    if spec.runner != "esorex":
        return _machine()
    task = spec.payload
    return _machine() | _esorex(task["program"]) | {"recipe": task["version"]}


@cache
def _native() -> dict[str, str]:
    found = {"vltflow": vltflow.__version__, "vltflow code": _code(), **_machine()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # pragma: no cover - all of them are required
            continue
    return found | {"python": platform.python_version()}


@cache
def _code() -> str:
    """Hash of our own sources: a version alone does not tell two working copies apart."""
    digest = hashlib.sha256()
    root = Path(vltflow.__file__).parent
    for floor in _FLOORS:
        for path in sorted((root / floor).rglob("*.py")):
            digest.update(f"{path.relative_to(root)}\n".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@cache
def _machine() -> dict[str, str]:
    return {"system": f"{platform.system()} {platform.machine()}", "cpu": _cpu()}


def _cpu() -> str:
    """The processor: kernels are compiled for it, and vector units round sums differently."""
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


@cache
def _esorex(program: str) -> dict[str, str]:
    """Version of esorex and of the libraries that it says it uses."""
    with tempfile.TemporaryDirectory() as folder:  # it may leave a log where it runs
        try:
            said = subprocess.run(
                [program, "--log-level=off", "--version"], capture_output=True, text=True,
                timeout=_SECONDS, check=False, cwd=folder,
            ).stdout  # fmt: skip
        except (OSError, subprocess.TimeoutExpired):
            return {}
    found = _ESOREX.search(said)
    names = {name.strip().lower(): number for name, number in _NAMED.findall(said)}
    return {"esorex": found.group(1) if found else "unknown"} | names
