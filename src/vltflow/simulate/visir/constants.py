"""Numbers of VISIR: arrays, filters, the calibration unit."""

from __future__ import annotations

from types import MappingProxyType

from vltflow.simulate.infrared import Array

FULL = (256, 256)


def _array(name: str) -> Array:
    """A DRS array with large capacity; well and noise are ours, of the order of the manual's."""
    return Array(
        name, 1, conad=280.0, ron=1800.0, dark_rate=2e4, full_well=1.8e7, level=0.0, drift=3.0,
        port_offsets=0.15, response=0.03, loss=0.03, hot=3e-3, dead=3e-3,
    )  # fmt: skip


ARRAYS = MappingProxyType(
    {"imager": _array("DRS_SiAs_256x256"), "spectrometer": _array("DRS_SiAs_256x256_spectro")}
)
CHOP_CYCLES = 4
"""Cycles of the chopping secondary mirror in one exposure."""

BLACK_BODY = (20.0, 10.0, 0.0, -10.0, -20.0, -30.0)
"""Temperature of the calibration unit in the frames of a flat, Celsius (ESO's VISIR QC pages)."""
WAVELENGTH = MappingProxyType({"PAH1": 8.59, "SIC": 11.85, "N_SW_2": 8.85})
"""Central wavelength by filter, micrometres (VISIR user manual)."""
READOUT = MappingProxyType({"imager": "Imager_syncABAB", "spectrometer": "Spectro_syncABAB"})
