"""GIRAFFE in numbers that only the simulator needs: detector, lamps, slits.

Sources: instruments/giraffe/README.md. Gain and read noise are those of the CCD Carreras in
the read-out mode Normal (ESO QC page on GIRAFFE read noise: 2.25 e-/ADU, 4.2 e-).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from vltflow.instruments.giraffe.spectrograph import COLUMNS, ROWS
from vltflow.simulate.detector import Chip

CARRERAS = Chip(
    name="Carreras", label="carreras", index=1, columns=COLUMNS, rows=ROWS, prescan=50, overscan=50,
    conad=2.25, ron=4.2, bias_level=196.0, dark_rate=1.6, full_well=160_000.0, cosmics=0.18,
)  # fmt: skip
"""Level, dark current, full well and rate of cosmic rays: ours, of the usual size."""
THROUGHPUT = ((370.0, 420.0, 500.0, 600.0, 700.0, 800.0, 900.0, 950.0),
              (0.02, 0.045, 0.07, 0.09, 0.085, 0.06, 0.03, 0.015))  # fmt: skip
"""Fibres, spectrograph and detector together: nm and share; ours, of the usual size."""
TELESCOPE_AREA_CM2 = 5.03e5
"""8.2 m primary less the obscuration of M2."""
FIBRE_ARCSEC = 1.2
"""Diameter of a Medusa fibre on the sky (FLAMES user manual)."""
SCATTERED = 0.01
"""Share of the light that ends in a smooth halo."""
FLAT_PEAK_ADU = 16_000.0
"""In the middle of a fibre: a mean of 4900 ADU, as ESO's health checks show for L543.1."""


@dataclass(frozen=True, slots=True)
class Exposures:
    """Exposure times of a setting, seconds; ours."""

    flat: float
    arc: float
    line: float
    """Electrons of an arc line of intensity 1 in one fibre, summed over its image."""


EXPOSURES = MappingProxyType(
    {"H525.8B": Exposures(110.0, 240.0, 120.0), "L543.1": Exposures(25.0, 60.0, 40.0)}
)
SLITS = MappingProxyType({"Medusa1": 1, "Medusa2": 2})
"""Slot of the slit carriage; also the plate of the fibre positioner."""
