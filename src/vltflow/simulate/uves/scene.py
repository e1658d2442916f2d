"""The light in UVES: lamps, stars and sky through slit and echelle onto a chip."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import erf

from vltflow.simulate import conditions, light
from vltflow.simulate.echelle import EchelleFormat, Grid, echelle_format
from vltflow.simulate.image import (
    Profile,
    Scene,
    SlitBend,
    add_lines,
    fibre_profile,
    paint,
    point_profile,
    scattered_light,
    slit_profile,
)
from vltflow.simulate.uves import constants
from vltflow.simulate.uves.drift import format_drift
from vltflow.simulate.uves.header import target_of, template_start

if TYPE_CHECKING:
    from collections.abc import Callable

    from vltflow.simulate.detector import Layout
    from vltflow.simulate.plan import PlannedFrame

_SCATTERED = 0.015
_FLAT_PEAK_ADU = {"flat": 26_000.0, "order": 15_000.0, "fibres": 18_000.0}
_ARC_RATE = 0.45
"""Electrons per second, unbinned pixel along the slit and unit of line intensity."""
_FIBRES = np.arange(-3.5, 4.0)
"""Eight fibres, in units of their distance."""


@dataclass(frozen=True)
class _Light:
    """What the parts of a scene need to know."""

    frame: PlannedFrame
    layout: Layout
    format: EchelleFormat
    mjd: float

    @property
    def arm(self) -> str:
        return self.frame.template.setup.arm

    @property
    def arcsec(self) -> float:
        """Arcsec per pixel of the frame, across the orders."""
        return constants.PIXEL_SCALE[self.arm] * self.layout.step / self.layout.zoom

    @property
    def efficiency(self) -> np.ndarray:
        """Blaze times throughput, (n_order, n_x)."""
        table = constants.THROUGHPUT[self.arm]
        return self.format.blaze * np.interp(self.format.wave_vac, *table, left=0.0, right=0.0)

    @property
    def bend(self) -> SlitBend:
        return SlitBend(self.format.tilt, self.format.curvature)

    def line_fwhm(self, order: int) -> float:
        """Pixels: slit image and optics; at least what a pixel grid can show."""
        power = constants.resolving_power(self.frame.template.setup.slit_width)
        middle = self.format.wave_vac.shape[1] // 2
        width = self.format.wave_vac[order, middle] / power / self.format.dispersion[order, middle]
        return float(max(width, 1.5))


def scene(frame: PlannedFrame, layout: Layout) -> Scene:
    """Expected electrons of one exposure of the template on one chip."""
    mjd = template_start(frame)
    setup = frame.template.setup
    drift = format_drift(setup.arm, mjd)
    fmt = _format(setup.arm, setup.wavelength, layout, drift)
    lit = _Light(frame, layout, fmt, mjd)
    image = np.zeros((layout.rows, layout.columns), dtype=np.float32)
    truth, spectra = _PAINTERS[frame.template.kind](lit, image)
    image += scattered_light(image, _SCATTERED)
    arrays = {
        "orders": fmt.orders,
        "x": np.arange(layout.rows)[:: _every(layout)] + 1.0,
        "y": fmt.trace[:, :: _every(layout)] + 1.0,
        "wave_air": light.air_from_vacuum(fmt.wave_vac[:, :: _every(layout)]),
        "tilt": fmt.tilt[:, :: _every(layout)],
        "curvature": fmt.curvature[:, :: _every(layout)],
        **spectra,
    }
    truth = {
        "central_wavelength_nm": setup.wavelength,
        "drift_x_pixel": round(drift[0], 4),
        "drift_y_pixel": round(drift[1], 4),
        "scattered_fraction": _SCATTERED,
        **truth,
    }
    return Scene(_raw_orientation(setup.arm, image), truth, arrays)


def _raw_orientation(arm: str, image: np.ndarray) -> np.ndarray:
    """From (x, y) of ESO's rotated frame to rows and columns as they are read out.

    In both arms rows run against x. Columns run along y in the blue arm, and against y in the
    red one, whose beam meets one mirror more. Verified with ESO's recipe uves_cal_predict.
    """
    return np.ascontiguousarray(image[::-1] if arm == "blue" else image[::-1, ::-1])


def _every(layout: Layout) -> int:
    return 8 if layout.rows > 1000 else 1


@lru_cache(maxsize=4)
def _format(
    arm: str, wavelength: float, layout: Layout, drift: tuple[float, float]
) -> EchelleFormat:
    grid = Grid(layout.rows, layout.columns, layout.step, layout.zoom, middle=1024.5)
    return echelle_format(
        constants.SPECTROGRAPHS[arm],
        constants.DISPERSERS[constants.SETTINGS[wavelength].disperser],
        constants.PLACES[layout.chip.label],
        wavelength,
        grid,
        slit=constants.SLITS[arm],
        refraction=constants.REFRACTION,
        drift=drift,
    )


def _slit(lit: _Light, *, blur: float = 0.6) -> Profile:
    return slit_profile(lit.frame.template.setup.slit_length / lit.arcsec, blur)


_Painted = tuple[dict[str, float | str], dict[str, np.ndarray]]


def _lamp_shape(lit: _Light) -> Callable[[np.ndarray], np.ndarray]:
    if lit.frame.template.lamp == "deuterium":
        return light.deuterium_lamp
    return light.halogen_lamp


def _continuum(lit: _Light, peak_adu: float) -> tuple[np.ndarray, float]:
    """Lamp spectrum (n_order, n_x) in electrons; its maximum over the setting is the peak."""
    template = lit.frame.template
    setup, shape = template.setup, _lamp_shape(lit)
    table = constants.THROUGHPUT[lit.arm]
    grid = setup.wavelength * np.linspace(8.3, 11.8, 200)
    highest = float(np.max(np.interp(grid, *table, left=0.0, right=0.0) * shape(grid) * grid))
    nominal = {"order": 38.3, "fibres": 30.0}.get(
        template.kind, constants.SETTINGS[setup.wavelength].flat_exptime
    )
    if template.lamp == "deuterium":
        nominal = 80.0
    output = conditions.lamp_output(template.lamp, lit.mjd)
    exposure = template.exptime / nominal * setup.binning**2 * output
    level = peak_adu * lit.layout.chip.conad * exposure
    wave = lit.format.wave_vac
    # The lamp has so many photons an Angstrom; wide pixels get more of them.
    width = lit.format.dispersion / lit.format.dispersion.mean()
    return lit.efficiency * shape(wave) * wave * width / highest * level, output


def _paint_flat(lit: _Light, image: np.ndarray) -> _Painted:
    kind = lit.frame.template.kind
    spectrum, output = _continuum(lit, _FLAT_PEAK_ADU[kind])
    if kind == "fibres":
        distance = 5.6 * lit.layout.zoom / lit.layout.step
        profile = fibre_profile(_FIBRES * distance, 0.75 * distance)
    elif kind == "order":
        profile = point_profile(2.6 * max(1.0 / lit.layout.step, 0.8))
        profile = Profile(profile.values / profile.values.max())
    else:
        profile = _slit(lit)
    paint(image, lit.format.trace, spectrum, profile, lit.bend)
    return {"lamp": lit.frame.template.lamp, "lamp_level": round(output, 6)}, {
        "spectrum": spectrum.astype(np.float32)
    }


def _paint_arc(lit: _Light, image: np.ndarray) -> _Painted:
    template = lit.frame.template
    output = conditions.lamp_output("thar", lit.mjd)
    rate = _ARC_RATE * output * template.exptime * template.setup.binning
    rate *= template.setup.slit_width / 0.8
    spectrum = _line_spectrum(lit, light.thorium_argon(), rate)
    short = template.kind == "format"
    profile = point_profile(2.6 * max(1.0 / lit.layout.step, 0.8)) if short else _slit(lit)
    if short:
        profile = Profile(profile.values / profile.values.max())
    paint(image, lit.format.trace, spectrum, profile, lit.bend)
    return {"lamp": "thar", "lamp_level": round(output, 6)}, {"spectrum": spectrum.astype("f4")}


def _line_spectrum(lit: _Light, lines: light.LineList, rate: float) -> np.ndarray:
    """Electrons (n_order, n_x) of emission lines of the given intensities."""
    wave = lit.format.wave_vac
    spectrum, grid = np.zeros(wave.shape), np.arange(wave.shape[1])
    relative = lit.efficiency / max(constants.THROUGHPUT[lit.arm][1])
    for row in range(len(wave)):
        inside = (lines.wave_vac > wave[row, 0]) & (lines.wave_vac < wave[row, -1])
        centres = np.interp(lines.wave_vac[inside], wave[row], grid)
        flux = rate * lines.intensity[inside] * np.interp(centres, grid, relative[row])
        add_lines(spectrum[row], centres, flux, lit.line_fwhm(row))
    return spectrum


def _paint_star(lit: _Light, image: np.ndarray) -> _Painted:
    """A point source and the sky in the slit."""
    template, target = lit.frame.template, target_of(lit.frame)
    if target is None:
        raise ValueError(f"template {template.tpl_id} has no target to paint")
    wave = lit.format.wave_vac
    star = template.kind == "standard"
    seed = int(target.ra * 1000)
    if star:
        flux = light.standard_star(wave, target.name)
    else:
        flux = light.quasar(wave, magnitude=target.magnitude, redshift=target.parameter, seed=seed)
    mid = lit.mjd + template.exptime / 172_800.0
    airmass = conditions.pointing(target, mid).airmass
    seeing = conditions.seeing(lit.mjd)
    passed = float(_through_slit(template.setup.slit_width, seeing))
    photons = light.photon_rate(flux, wave, constants.TELESCOPE_AREA_CM2)
    photons *= 10.0 ** (-0.4 * airmass * light.paranal_extinction(wave))
    per_pixel = lit.efficiency * lit.format.dispersion * template.exptime
    electrons = photons * per_pixel * passed
    sky = _sky(lit, per_pixel)
    length = template.setup.slit_length / lit.arcsec
    offset = 0.4 / lit.arcsec
    paint(
        image,
        lit.format.trace,
        electrons,
        point_profile(seeing / lit.arcsec, offset, length=length),
        lit.bend,
    )
    paint(image, lit.format.trace, sky, _slit(lit), lit.bend)
    truth: dict[str, float | str] = {
        "target": target.name,
        "spectrum": "standard star" if star else "quasar",
        "magnitude_v": target.magnitude,
        "airmass": round(airmass, 4),
        "seeing_arcsec": round(seeing, 3),
        "slit_transmission": round(passed, 4),
        "object_offset_pixel": round(offset, 3),
    }
    arrays = {
        "flux": flux.astype(np.float32),
        "object": electrons.astype(np.float32),
        "sky": sky.astype(np.float32),
    }
    if not star:
        truth["redshift"] = target.parameter
        arrays["absorption_lines"] = light.absorption_lines(target.parameter, seed)
    return truth, arrays


def _through_slit(width: float, seeing: float) -> np.ndarray:
    """Share of a Gaussian image that passes the slit."""
    sigma = seeing / 2.3548
    return erf(width / (2.0 * np.sqrt(2.0) * sigma))


def _sky(lit: _Light, per_pixel: np.ndarray) -> np.ndarray:
    """Electrons (n_order, n_x) per pixel along the slit."""
    setup = lit.frame.template.setup
    area = setup.slit_width * lit.arcsec
    wave = lit.format.wave_vac
    continuum = light.photon_rate(
        light.sky_continuum(wave) * area, wave, constants.TELESCOPE_AREA_CM2
    )
    # One Rayleigh is 1e6 / 4 pi photons per s, cm2 and sr; a square arcsec is 2.35e-11 sr.
    rayleigh = 1e6 / (4.0 * np.pi) * 2.3504e-11 * area * constants.TELESCOPE_AREA_CM2
    rate = rayleigh * lit.frame.template.exptime * max(constants.THROUGHPUT[lit.arm][1])
    return continuum * per_pixel + _line_spectrum(lit, light.SKY_LINES, rate)


_PAINTERS: dict[str, Callable[[_Light, np.ndarray], _Painted]] = {
    "flat": _paint_flat,
    "order": _paint_flat,
    "fibres": _paint_flat,
    "format": _paint_arc,
    "arc": _paint_arc,
    "standard": _paint_star,
    "science": _paint_star,
}
