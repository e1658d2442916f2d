"""What a science exposure looks at: the object in the slit, and the sky around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from vltflow.simulate.sky import Target


@dataclass(frozen=True, slots=True)
class Source:
    """An object and the sky, chosen; what is not chosen follows from the night."""

    shape: Literal["point", "extended"] = "point"
    """An extended source fills the slit."""
    spectrum: Literal["quasar", "emission"] = "quasar"
    """A continuum with absorption lines, or the lines of a nebula without a continuum."""
    target: Target | None = None
    """Where and how bright; the night's own quasar, if none."""
    observation: str = ""
    """Name of the observation block: the same name, the same OBS ID on all nights."""
    snr: float = 0.0
    """Wanted signal to noise per pixel of an optimal extraction, at the brightest pixel of the
    middle order or of a nebula's brightest line; of an extended source in one pixel of the
    detector; 0 leaves the target's magnitude."""
    seeing: float = 0.0
    """Arcsec FWHM; that of the night, if 0."""
    beta: float = 0.0
    """Exponent of a Moffat image; a Gaussian, if 0."""
    position: float = 0.4
    """Arcsec above the slit's centre, at the middle of the chip."""
    refraction: float = 0.0
    """Arcsec along the slit by which the image moves over the wavelengths of the chip."""
    gradient: float = 0.5
    """Of an extended source: relative change of its brightness from end to end of the slit."""
    telluric: bool = False
    """Absorption by oxygen and water vapour of the air."""
    sky: Literal["dark", "moon", "twilight"] = "dark"
