"""Numbers of HAWK-I: arrays, filters, sizes."""

from __future__ import annotations

from vltflow.simulate.infrared import Array

FULL = (2048, 2048)
SMALL = (256, 256)
SMALL_FLAT = (1792, 1792)
"""Smallest array that ESO's recipe for twilight flats accepts."""
SMALL_REST = (64, 64)

FLAT_DIT = 1.6762
"""Shortest integration, s; that of twilight flats."""


def _array(number: int, chip: str, conad: float) -> Array:
    # HAWK-I user manual: 5 to 12 e- by read-out mode, 0.01 to 0.015 e-/s, linear to 1 % up to
    # 60 ke-; the level and its drift are ours.
    return Array(
        chip, number, conad, ron=10.0, dark_rate=0.012, full_well=1.1e5, level=12.0,
        drift=1.5, port_offsets=0.4, response=0.02, loss=0.02, hot=1e-3, dead=5e-4,
    )  # fmt: skip


ARRAYS = (
    # Electrons per ADU: HAWK-I user manual, section on detectors. Extensions 3 and 4 hold
    # arrays 4 and 3.
    _array(1, "ESO-Hawaii2RG-66", 1.705),
    _array(2, "ESO-Hawaii2RG-78", 1.870),
    _array(4, "ESO-Hawaii2RG-88", 2.110),
    _array(3, "ESO-Hawaii2RG-79", 1.735),
)

SKY = {"Y": 150.0, "J": 350.0, "H": 2200.0, "Ks": 1900.0}
"""Sky by filter, electrons per second and pixel; ours, of the order of the manual's."""
WHEELS = {"Y": ("Y", "OPEN"), "J": ("J", "OPEN"), "H": ("H", "OPEN"), "Ks": ("OPEN", "Ks")}
"""Names on both filter wheels by filter."""
BLANK = ("OPEN", "BLANK")
PIXEL_SCALE = 0.1064
"""Arcsec."""
LINEARITY_DITS = (2.0, 4.0, 6.0, 8.0, 12.0, 16.0)
LAMP = 1900.0
"""Dome lamp, electrons per second and pixel."""
