"""Fetch the scripts and styles of others that the web serves, and verify what came.

Needs `npm` with its registry; run by hand when a version changes. What it writes is committed,
so that a site needs neither npm nor any other host.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

TARGET = Path(__file__).parents[1] / "src" / "vltflow" / "web" / "static" / "vendor"


@dataclass(frozen=True)
class Package:
    """A package of npm at one version, and what we take of it."""

    name: str
    version: str
    integrity: str
    """As npm knows it: SHA-512 of the archive, base64."""
    files: dict[str, str]
    """Name here, by path in the package."""


PACKAGES = (
    Package(
        "htmx.org",
        "2.0.8",
        "sha512-fm297iru0iWsNJlBrjvtN7V9zjaxd+69Oqjh4F/Vq9Wwi2kFisLcrLCiv5oBX0KLfOX/zG8AUo9ROMU5XUB44Q==",
        {"dist/htmx.min.js": "htmx.js", "LICENSE": "htmx.LICENSE"},
    ),
    Package(
        "uplot",
        "1.6.32",
        "sha512-KIMVnG68zvu5XXUbC4LQEPnhwOxBuLyW1AHtpm6IKTXImkbLgkMy+jabjLgSLMasNuGGzQm/ep3tOkyTxpiQIw==",
        {
            "dist/uPlot.iife.min.js": "uplot.js",
            "dist/uPlot.min.css": "uplot.css",
            "LICENSE": "uplot.LICENSE",
        },
    ),
)


def fetch(package: Package, folder: Path) -> None:
    """Put the files of a package into the folder of vendored files."""
    subprocess.run(
        ["npm", "pack", "--silent", f"{package.name}@{package.version}"], cwd=folder, check=True
    )
    archive = folder / f"{package.name}-{package.version}.tgz"
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if f"sha512-{digest}" != package.integrity:
        raise SystemExit(f"{archive.name} is not what was recorded: sha512-{digest}")
    with tarfile.open(archive) as content:
        for source, target in package.files.items():
            member = content.extractfile(f"package/{source}")
            if member is None:
                raise SystemExit(f"{archive.name} has no {source}")
            with member, (TARGET / target).open("wb") as sink:
                shutil.copyfileobj(member, sink)
            print(f"{package.name} {package.version}: {target}")


def main() -> None:
    """Fetch all packages."""
    TARGET.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for package in PACKAGES:
            fetch(package, Path(folder))


if __name__ == "__main__":
    main()
