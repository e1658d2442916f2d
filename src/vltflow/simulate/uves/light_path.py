"""The way of light through UVES to the pixels of one chip, for all that is painted there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from vltflow.simulate.echelle import EchelleFormat, Grid, echelle_format
from vltflow.simulate.image import Placement, Profile, SlitBend, add_lines, paint, slit_profile
from vltflow.simulate.uves import constants

if TYPE_CHECKING:
    from vltflow.simulate.detector import Layout
    from vltflow.simulate.light import LineList
    from vltflow.simulate.plan import PlannedFrame

_FINE, _RIM = 4, 10
"""Samples of spectra per pixel, and pixels before and after the chip: a tilted slit needs both."""


@dataclass(frozen=True)
class LightPath:
    """A frame, the chip, and where its light goes. Spectra are sampled as `fine` is."""

    frame: PlannedFrame
    layout: Layout
    fine: EchelleFormat
    """Orders, sampled more finely than pixels."""
    format: EchelleFormat
    """The same at the pixels' centres."""
    mjd: float

    @property
    def arm(self) -> str:
        """``blue`` or ``red``."""
        return self.frame.template.setup.arm

    @property
    def arcsec(self) -> float:
        """Arcsec per pixel of the frame, across the orders."""
        return constants.PIXEL_SCALE[self.arm] * self.layout.step / self.layout.zoom

    @property
    def efficiency(self) -> np.ndarray:
        """Blaze times throughput, (n_order, n_sample)."""
        table = constants.THROUGHPUT[self.arm]
        return self.fine.blaze * np.interp(self.fine.wave_vac, *table, left=0.0, right=0.0)

    def line_fwhm(self, order: int) -> float:
        """Pixels: slit image and optics; at least what a pixel grid can show."""
        power = constants.resolving_power(self.frame.template.setup.slit_width)
        middle = self.format.wave_vac.shape[1] // 2
        width = self.format.wave_vac[order, middle] / power / self.format.dispersion[order, middle]
        return float(max(width, 1.5))

    def on_pixels(self, spectrum: np.ndarray) -> np.ndarray:
        """A spectrum at the pixels' centres, (n_order, n_x)."""
        return spectrum[:, _grid(self.layout).pixels()]

    def evenly_lit(self, *, blur: float = 0.6) -> Profile:
        """The slit as a lamp or the sky fills it."""
        return slit_profile(self.frame.template.setup.slit_length / self.arcsec, blur)

    def paint(
        self,
        image: np.ndarray,
        spectrum: np.ndarray,
        profile: Profile,
        place: Placement | None = None,
    ) -> None:
        """Add a spectrum (electrons per pixel along x) to the image of the chip, (x, y)."""
        bend = SlitBend(self.format.tilt, self.format.curvature)
        paint(
            image, self.format.trace, spectrum, profile, bend, place=place, sampling=(_FINE, _RIM)
        )

    def line_spectrum(self, lines: LineList, rate: float) -> np.ndarray:
        """Electrons (n_order, n_sample) of emission lines of the given intensities."""
        wave = self.fine.wave_vac
        spectrum, grid = np.zeros(wave.shape), np.arange(wave.shape[1])
        relative = self.efficiency / max(constants.THROUGHPUT[self.arm][1])
        for row in range(len(wave)):
            inside = (lines.wave_vac > wave[row, 0]) & (lines.wave_vac < wave[row, -1])
            centres = np.interp(lines.wave_vac[inside], wave[row], grid)
            flux = rate * lines.intensity[inside] * np.interp(centres, grid, relative[row])
            add_lines(spectrum[row], centres, flux, self.line_fwhm(row) * _FINE, _FINE)
        return spectrum

    def sharpness(self, order: int) -> float:
        """Sigma of a line in samples of the spectrum."""
        return self.line_fwhm(order) * _FINE / 2.3548


def light_path(
    frame: PlannedFrame, layout: Layout, drift: tuple[float, float], mjd: float
) -> LightPath:
    """The light path of a frame's setup, its format moved by `drift` (unbinned pixels)."""
    setup = frame.template.setup
    fine = _sampled(setup.arm, setup.wavelength, layout, drift)
    return LightPath(frame, layout, fine, fine.on_pixels(_grid(layout)), mjd)


def format_on_pixels(
    arm: str, wavelength: float, layout: Layout, drift: tuple[float, float]
) -> EchelleFormat:
    """The orders of a setting at the pixels' centres."""
    return _sampled(arm, wavelength, layout, drift).on_pixels(_grid(layout))


def _grid(layout: Layout) -> Grid:
    return Grid(
        layout.rows, layout.columns, layout.step, layout.zoom, middle=1024.5,
        origin=layout.origin, fine=_FINE, rim=_RIM,
    )  # fmt: skip


@lru_cache(maxsize=4)
def _sampled(
    arm: str, wavelength: float, layout: Layout, drift: tuple[float, float]
) -> EchelleFormat:
    return echelle_format(
        constants.SPECTROGRAPHS[arm],
        constants.DISPERSERS[constants.SETTINGS[wavelength].disperser],
        constants.PLACES[layout.chip.label],
        wavelength,
        _grid(layout),
        slit=constants.SLITS[arm],
        refraction=constants.REFRACTION,
        drift=drift,
    )
