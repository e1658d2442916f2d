#!/usr/bin/env python3
"""Extract the open tables in ``src/vltflow/instruments/data`` from PypeIt's distributions.

    pip download --no-deps pypeit==2.0.1
    pip download --no-deps --no-binary pypeit pypeit==1.8.0
    python tools/extract_pypeit_tables.py FOLDER

FOLDER holds the wheel of 2.0.1 (lamp lines, extinction) and the source archive of 1.8.0 (standard
stars, which later releases do not carry). Their licence is BSD 3-Clause; see README.md beside the
tables.
"""

from __future__ import annotations

import argparse
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

DATA = Path(__file__).parents[1] / "src" / "vltflow" / "instruments" / "data"
WHEEL, SDIST = "pypeit-2.0.1-py3-none-any.whl", "pypeit-1.8.0.tar.gz"
FAINTEST_LINE = 60.0
BLUEST, REDDEST = 3000.0, 11000.0
STAR_BIN = 5.0
"""Angstrom; the tables have 0.1, far finer than a flux calibration uses."""
STARS = ("EG274", "Feige110", "GD71", "GD153", "LTT3218", "LTT7987")

Read = Callable[[str], str]


def lamp_lines(wheel: Read) -> str:
    """Th and Ar lines of the NIST data base with an intensity of 60 or more."""
    rows = []
    for line in wheel("pypeit/data/arc_lines/lists/ThAr_lines.dat").splitlines()[2:]:
        ion, wave, _, _, amplitude, source = (field.strip() for field in line.strip("|").split("|"))
        known = ion.startswith(("Th", "Ar")) and source.startswith("NIST")
        inside = BLUEST <= float(wave) <= REDDEST
        if known and inside and float(amplitude) >= FAINTEST_LINE:
            rows.append(f"{wave},{ion.replace(' ', '')},{amplitude}")
    title = "ThAr emission lines: vacuum wavelength [Angstrom], ion, relative intensity."
    return _table(title, "wave_vac,ion,intensity", rows)


def extinction(wheel: Read) -> str:
    """Extinction curve of Paranal."""
    text = wheel("pypeit/data/extinction/paranalextinct.dat")
    rows = [",".join(line.split()) for line in text.splitlines() if line and line[0] != "#"]
    title = "Atmospheric extinction of Paranal: wavelength [Angstrom], mag per airmass."
    return _table(title, "wave,extinction", rows)


def standard_stars(sdist: Read) -> dict[str, str]:
    """Fluxes of six stars in bins of 5 Angstrom, and where the stars are."""
    folder = "pypeit-1.8.0/pypeit/data/standards/xshooter"
    edges = np.arange(BLUEST, REDDEST + STAR_BIN, STAR_BIN)
    columns = [0.5 * (edges[:-1] + edges[1:])]
    for star in STARS:
        wave, flux = np.loadtxt(sdist(f"{folder}/f{star}.dat").splitlines(), unpack=True)
        number = np.histogram(wave, edges)[0]
        columns.append(np.histogram(wave, edges, weights=flux)[0] / number)
    rows = [
        ",".join([f"{row[0]:.1f}", *(f"{x:.5e}" for x in row[1:])]) for row in np.transpose(columns)
    ]
    title = "Flux of standard stars [erg/s/cm2/Angstrom] against wavelength [Angstrom]."
    places = [
        f"{name},{_degrees(ra) * 15.0:.5f},{_degrees(dec):.5f},{magnitude},{kind}"
        for _, name, ra, dec, magnitude, kind in (
            line.split()
            for line in sdist(f"{folder}/xshooter_info.txt").splitlines()
            if line.startswith("f")
        )
    ]
    where = "Standard stars: name, right ascension and declination [degree, J2000], V, type."
    return {
        "standard_fluxes.csv": _table(title, ",".join(["wave", *STARS]), rows),
        "standard_stars.csv": _table(where, "name,ra,dec,magnitude,type", places),
    }


def _degrees(text: str) -> float:
    first, minutes, seconds = text.split(":")
    value = abs(float(first)) + float(minutes) / 60.0 + float(seconds) / 3600.0
    return -value if first.startswith("-") else value


def _table(title: str, names: str, rows: list[str]) -> str:
    return "\n".join([f"# {title} See README.md.", names, *rows]) + "\n"


def main(arguments: list[str]) -> None:
    """Write all tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help=f"folder with {WHEEL} and {SDIST}")
    folder = parser.parse_args(arguments).folder
    with zipfile.ZipFile(folder / WHEEL) as wheel, tarfile.open(folder / SDIST) as sdist:

        def from_wheel(name: str) -> str:
            return wheel.read(name).decode("utf-8")

        def from_sdist(name: str) -> str:
            member = sdist.extractfile(name)
            if member is None:
                raise FileNotFoundError(f"{SDIST} has no file {name}")
            return member.read().decode("utf-8")

        tables = {
            "thar_lines.csv": lamp_lines(from_wheel),
            "paranal_extinction.csv": extinction(from_wheel),
            **standard_stars(from_sdist),
        }
    for name, text in tables.items():
        (DATA / name).write_text(text, encoding="ascii")
        sys.stdout.write(f"{name}: {len(text.splitlines()) - 2} rows\n")


if __name__ == "__main__":
    main(sys.argv[1:])
