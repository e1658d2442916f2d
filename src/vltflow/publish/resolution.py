"""SPEC_RES: the resolving power that the lamp's lines had, through the slit of the science."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Resolution:
    """Resolving power of a wavelength solution that an exposure was reduced with."""

    measured: float
    """Of the lamp's lines."""
    lamp: float
    """Slit of the lamp's exposure [arcsec]; 0: not told."""
    slit: float
    """Slit of the science exposure [arcsec]; 0: not told."""

    @property
    def is_of_this_slit(self) -> bool:
        """Whether nothing tells that the lamp had another slit."""
        return min(self.lamp, self.slit) <= 0 or math.isclose(self.lamp, self.slit, abs_tol=0.01)

    def through_slit(self, optics: float | None) -> float:
        """As it is where the slit of the science is lit evenly.

        Images of slit and optics add in quadrature, as widths of Gaussians do: a line is as wide
        as ``sqrt(slit**2 + optics**2)``.

        Parameters
        ----------
        optics
            Width of the slit whose image is as wide as what the optics make of a point [arcsec];
            None: not known, the value stays as measured.
        """
        if optics is None or self.is_of_this_slit:
            return self.measured
        return self.measured * math.hypot(self.lamp, optics) / math.hypot(self.slit, optics)


def resolving_power(found: Sequence[Resolution], optics: float | None) -> float:
    """SPEC_RES of several chips and exposures: the median."""
    return float(f"{median(one.through_slit(optics) for one in found):.6g}")


def scaling(found: Sequence[Resolution]) -> str:
    """What was scaled, for people: ``arc 0.6 arcsec, science 1 arcsec``; empty: nothing."""
    texts = [
        f"arc {one.lamp:g} arcsec, science {one.slit:g} arcsec"
        for one in found
        if not one.is_of_this_slit
    ]
    return "; ".join(dict.fromkeys(texts))
