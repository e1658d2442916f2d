"""Extract the lines of MUSE's arc lamps and Paranal's extinction from a wheel of PypeIt.

``pip download --no-deps pypeit==2.0.1``, then ``python tools/extract_arc_lines.py WHEEL FOLDER``
with ``src/vltflow/instruments/muse/data`` as the folder.
The licence of PypeIt stands in the README beside the results.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

LAMPS = {"Ne": ("NeI",), "Xe": ("XeI",), "HgCd": ("HgI", "CdI")}
"""Ions in each lamp of the calibration unit."""
RANGE = (4400.0, 10_000.0)
"""Angstrom; MUSE sees 4600 to 9350 (nominal and extended mode)."""
LISTS = "pypeit/data/arc_lines/lists/{}_lines.dat"
EXTINCTION = "pypeit/data/extinction/paranalextinct.dat"
SOURCE = "# From PypeIt 2.0.1 (BSD 3-Clause) by tools/extract_arc_lines.py; see README.md.\n"


def lines(wheel: zipfile.ZipFile) -> list[tuple[float, str, str, float]]:
    """Vacuum wavelength, lamp, ion and intensity of each line, ascending."""
    found = []
    for lamp, ions in LAMPS.items():
        for ion in ions:
            text = wheel.read(LISTS.format(ion)).decode()
            rows = [row.split("|") for row in text.splitlines() if row.startswith("| " + ion)]
            found += [(float(row[2]), lamp, ion, float(row[5])) for row in rows]
    return sorted(row for row in found if RANGE[0] <= row[0] <= RANGE[1])


def extinction(wheel: zipfile.ZipFile) -> list[tuple[float, float]]:
    """Wavelength (Angstrom) and extinction (mag/airmass)."""
    text = wheel.read(EXTINCTION).decode()
    rows = [row.split() for row in text.splitlines() if row.strip() and not row.startswith("#")]
    return [(float(row[0]), float(row[1])) for row in rows]


def main(wheel_path: str, folder: str) -> None:
    """Write ``arc_lines.csv`` and ``paranal_extinction.csv``."""
    with zipfile.ZipFile(wheel_path) as wheel:
        arcs = [f"{wave:.4f},{lamp},{ion},{flux:g}\n" for wave, lamp, ion, flux in lines(wheel)]
        curve = [f"{wave:g},{mag:g}\n" for wave, mag in extinction(wheel)]
    header = "wave_vac,lamp,ion,intensity\n"
    (Path(folder) / "arc_lines.csv").write_text(SOURCE + header + "".join(arcs), "ascii")
    header = "wave,extinction\n"
    (Path(folder) / "paranal_extinction.csv").write_text(SOURCE + header + "".join(curve), "ascii")


if __name__ == "__main__":
    main(*sys.argv[1:])
