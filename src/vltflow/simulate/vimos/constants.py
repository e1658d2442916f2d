"""VIMOS in numbers: chips, windows, filters, grisms.

Sources: VIMOS User Manual (ESO, VLT-MAN-ESO-14610-3509) for the layout, the windows and the
optics; the names of the chips are those that ESO's pipeline 4.1.7 knows, in its order. Gains and
read noise are typical of headers after the change of detectors in 2010; levels and dark currents
are ours.
"""

from __future__ import annotations

from types import MappingProxyType

from vltflow.simulate.detector import Chip


def _chip(quadrant: int, name: str, conad: float, ron: float, level: float, dark: float) -> Chip:
    return Chip(
        name=name, label=f"q{quadrant}", index=quadrant, columns=2048, rows=4096, prescan=50,
        overscan=50, conad=conad, ron=ron, bias_level=level, dark_rate=dark,
        full_well=170_000.0, cosmics=0.22,
    )  # fmt: skip


CHIPS = MappingProxyType(
    {
        "q1": _chip(1, "BRIAN", 1.70, 3.9, 203.0, 3.2),
        "q2": _chip(2, "Keith", 1.88, 4.2, 191.0, 2.7),
        "q3": _chip(3, "Tom", 1.78, 4.1, 219.0, 4.1),
        "q4": _chip(4, "DAVID", 1.66, 3.8, 208.0, 3.6),
    }
)
"""By arm: one chip in each quadrant."""
ROWS = MappingProxyType({"IMG": 2440, "MOS": 4096, "IFU": 4096})
"""Rows that are read out: images use the middle of the chip, spectra all of it."""
PIXEL_SCALE = 0.205
"""Arcsec per pixel."""
FILTER = ("ESO-1054", "R_SPECIAL")
"""ID and name of the filter of the imaging frames."""
GRISMS = MappingProxyType({"MOS": ("MR", "GG475"), "IFU": ("HR_blue", "FREE")})
"""Name of the grism and of the filter that sorts its orders, by mode."""
LINES = MappingProxyType(
    # He, Ne and Ar, Angstrom in air: NIST Atomic Spectra Database, rounded.
    {
        3888.6: 300.0, 4471.5: 100.0, 5015.7: 100.0, 5875.6: 500.0, 6402.2: 900.0,
        6678.2: 300.0, 6965.4: 400.0, 7032.4: 700.0, 7065.2: 300.0, 7635.1: 900.0,
        7948.2: 500.0, 8115.3: 900.0, 8424.6: 800.0, 9122.9: 700.0,
    }
)  # fmt: skip
"""Wavelength and relative intensity of the arc lamps' lines."""
DISPERSION = MappingProxyType({"MOS": (7350.0, 2.6), "IFU": (5100.0, 0.52)})
"""Wavelength at the middle row and Angstrom per pixel, by mode."""
