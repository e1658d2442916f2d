"""Write the arc lines of GIRAFFE's LINE_CATALOG from the list of thorium and argon lines.

Lines within the spectrograph's range, in standard air and nanometres. NIST states argon on
another scale than thorium: in hollow-cathode lamps it is about eight times weaker.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

PACKAGE = Path(__file__).parents[1] / "src" / "vltflow"
SOURCE = PACKAGE / "instruments" / "data" / "thar_lines.csv"
TARGET = PACKAGE / "instruments" / "giraffe" / "data" / "thar_lines.csv"
FIRST, LAST = 360.0, 960.0
"""Nanometres."""
ARGON = 0.12


def air_from_vacuum(wave: np.ndarray) -> np.ndarray:
    """Wavelength in standard air, Angstrom; Ciddor 1996, Applied Optics 35, 1566, two terms."""
    s2 = (1e4 / wave) ** 2
    index = 1.0 + 0.0000834254 + 0.02406147 / (130.0 - s2) + 0.00015998 / (38.9 - s2)
    return wave / index


def main() -> None:
    """Write the file."""
    rows = [row.split(",") for row in SOURCE.read_text("ascii").splitlines()[2:]]
    wave = air_from_vacuum(np.array([float(row[0]) for row in rows])) / 10.0
    lines = [
        f"{w:.5f},{ion},{float(intensity) * (ARGON if ion.startswith('Ar') else 1.0):.0f}"
        for w, (_, ion, intensity) in zip(wave, rows, strict=True)
        if FIRST <= w <= LAST
    ]
    head = "# Arc lines: wavelength in standard air [nm], ion, relative intensity. See README.md."
    TARGET.write_text("\n".join([head, "wave_air,ion,intensity", *lines]) + "\n", "ascii")


if __name__ == "__main__":
    main()
