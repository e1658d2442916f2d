"""Numbers of CONICA: the array in its read-out modes, cameras, filters."""

from __future__ import annotations

from types import MappingProxyType

from vltflow.simulate.infrared import Array

FULL = (1024, 1024)
SMALL = (512, 512)


def _array(conad: float, ron: float, full_well: float) -> Array:
    """The array in a mode; read noise and full well in ADU. Level and drift are ours."""
    return Array(
        "Aladdin3-InSb", 1, conad, ron * conad, dark_rate=0.1, full_well=full_well * conad,
        level=1.0, drift=1.0, port_offsets=0.3, response=0.03, loss=0.02, hot=2e-3, dead=2e-3,
    )  # fmt: skip


ARRAYS = MappingProxyType(
    {
        # NACO user manual, table of read-out modes.
        "Double_RdRstRd": _array(11.0, 4.2, 15_000.0),
        "FowlerNsamp": _array(12.1, 1.3, 9_200.0),
    }
)
MODES = MappingProxyType({"Double_RdRstRd": "HighDynamic", "FowlerNsamp": "HighSensitivity"})
"""Detector mode (DET MODE NAME) by read-out mode."""
READS = MappingProxyType({"Double_RdRstRd": 3, "FowlerNsamp": 4})
"""DET NCORRS by read-out mode; the numbers are ours."""
PIXEL_SCALE = MappingProxyType({"S13": 0.01326, "S27": 0.02715, "S54": 0.05437})
"""Arcsec by camera (NACO user manual)."""
SKY = MappingProxyType({"J": 20.0, "H": 130.0, "Ks": 110.0})
"""Sky with camera S27, electrons per second and pixel; ours."""
LAMP_COUNTS = 4000.0
"""Counts that the halogen lamp gives in a lamp flat."""
LAMP_CURRENT = 100
"""INS LAMP2 SET of a lamp that burns; 0 when it does not."""
LINEARITY_DITS = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 0.5)
"""The first once more at the end: ESO's recipe looks there whether the lamp was stable."""
LINEARITY_RATE = 2500.0
"""Counts per second of the lamp in a linearity template."""
