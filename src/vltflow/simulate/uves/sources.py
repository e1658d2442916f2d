"""Stars, quasars, nebulae and the sky in the slit of UVES."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.special import erf

from vltflow.simulate import conditions, light
from vltflow.simulate.image import Placement, Profile, moffat_profile, point_profile, sloped_profile
from vltflow.simulate.motion import SPEED_OF_LIGHT, barycentric_correction
from vltflow.simulate.source import Source
from vltflow.simulate.uves import constants
from vltflow.simulate.uves.header import target_of

if TYPE_CHECKING:
    from vltflow.simulate.conditions import Target
    from vltflow.simulate.uves.light_path import LightPath

Painted = tuple[dict[str, float | str], dict[str, np.ndarray]]
SKY_FACTORS = {"dark": 1.0, "moon": 15.0, "twilight": 3000.0}
"""Brightness of the sky's continuum over the dark one: a full moon, the sun 9 degrees down."""

_SATURATED = 4.0
"""Peak of a saturated object, in full wells."""


def paint_source(lit: LightPath, image: np.ndarray) -> Painted:
    """The object of a science or standard-star exposure, and the sky."""
    template, target = lit.frame.template, target_of(lit.frame)
    if target is None:
        raise ValueError(f"template {template.tpl_id} has no target to paint")
    source = template.source or Source()
    airmass = conditions.pointing(target, _middle(lit)).airmass
    seeing = source.seeing or conditions.seeing(lit.mjd)
    correction = barycentric_correction(target, _middle(lit))
    rest = lit.fine.wave_vac * (1.0 + correction / SPEED_OF_LIGHT)
    flux, extra = _flux(lit, source, target, rest)
    passing = _passing(lit, source, airmass)
    share = 1.0 if source.shape == "extended" else _through_slit(lit, seeing)
    electrons = light.photon_rate(flux, lit.fine.wave_vac, constants.TELESCOPE_AREA_CM2)
    electrons *= passing * share
    if source.shape == "extended":  # its flux is that of a square arcsec
        electrons *= template.setup.slit_width * lit.arcsec
    brightness = "twilight" if template.fault == "twilight-sky" else source.sky
    sky = sky_spectrum(lit, brightness)
    profile, effective = _profile(lit, source, seeing)
    factor, background = _scale(lit, source, electrons, sky, effective)
    if template.fault == "no-object":
        factor = 0.0
    if template.fault == "saturated-object":
        full = lit.layout.chip.full_well * lit.layout.binning
        factor = _SATURATED * full / float(electrons.max() * profile.values.max())
    electrons, flux = electrons * factor, flux * factor
    shift = _placement(lit, source)
    lit.paint(image, electrons, profile, shift)
    lit.paint(image, sky, lit.evenly_lit())
    pixels = lit.on_pixels(electrons)
    arrays = {
        "flux": lit.on_pixels(flux).astype(np.float32),
        "object": pixels.astype(np.float32),
        "sky": lit.on_pixels(sky).astype(np.float32),
        "object_position": shift.shift.astype(np.float32),
        "snr": (pixels / np.sqrt(pixels + lit.on_pixels(background) + 1e-9)).astype(np.float32),
        "transmission": lit.on_pixels(_telluric(lit, source, airmass)).astype(np.float32),
        **extra,
    }
    truth: dict[str, float | str] = {
        "target": target.name,
        "spectrum": "standard star" if template.kind == "standard" else source.spectrum,
        "shape": source.shape,
        "magnitude_v": round(target.magnitude - 2.5 * np.log10(factor), 3) if factor else "none",
        "airmass": round(airmass, 4),
        "seeing_arcsec": round(seeing, 3),
        "slit_transmission": round(share, 4),
        "object_offset_pixel": round(source.position / lit.arcsec, 3),
        "sky_brightness": brightness,
        "barycentric_correction_kms": round(correction, 5),
    }
    if template.kind != "standard":
        truth["redshift"] = target.parameter
    return truth, arrays


def _middle(lit: LightPath) -> float:
    """MJD of the middle of the exposure."""
    return lit.mjd + lit.frame.template.exptime / 172_800.0


def _flux(
    lit: LightPath, source: Source, target: Target, rest: np.ndarray
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Flux above the air at wavelengths of the barycentre's frame, as the slit resolves it."""
    if lit.frame.template.kind == "standard":
        return light.standard_star(rest, target.name), {}
    seed = int(target.ra * 1000)
    extra = {}
    if source.spectrum == "emission":
        flux = light.nebula(rest, magnitude=target.magnitude, redshift=target.parameter % 0.01)
        extra["emission_lines"] = light.nebular_lines(target.parameter % 0.01)
    else:
        flux = light.quasar(rest, magnitude=target.magnitude, redshift=target.parameter, seed=seed)
        extra["absorption_lines"] = light.absorption_lines(target.parameter, seed)
    return _resolved(lit, flux), extra


def _resolved(lit: LightPath, spectrum: np.ndarray) -> np.ndarray:
    rows = [gaussian_filter1d(row, lit.sharpness(n)) for n, row in enumerate(spectrum)]
    return np.array(rows)


def _telluric(lit: LightPath, source: Source, airmass: float) -> np.ndarray:
    """Share of the light that the air's molecules let pass."""
    if not source.telluric:
        return np.ones_like(lit.fine.wave_vac)
    return _resolved(lit, light.telluric_transmission(lit.fine.wave_vac, airmass))


def _passing(lit: LightPath, source: Source, airmass: float) -> np.ndarray:
    """Electrons per photon and second and Angstrom above the air."""
    wave = lit.fine.wave_vac
    air = 10.0 ** (-0.4 * airmass * light.paranal_extinction(wave))
    exptime = lit.frame.template.exptime
    return lit.efficiency * lit.fine.dispersion * exptime * air * _telluric(lit, source, airmass)


def _through_slit(lit: LightPath, seeing: float) -> float:
    """Share of a Gaussian image that passes the slit; an image slicer takes three times as wide."""
    setup = lit.frame.template.setup
    slices = constants.SLICERS[setup.slicer].slices if setup.slicer else 1
    sigma = seeing / 2.3548
    return float(erf(slices * setup.slit_width / (2.0 * np.sqrt(2.0) * sigma)))


def _profile(lit: LightPath, source: Source, seeing: float) -> tuple[Profile, float]:
    """Light along the slit, and the pixels whose background counts in an optimal extraction."""
    setup = lit.frame.template.setup
    length = setup.slit_length / lit.arcsec
    if source.shape == "extended":
        return sloped_profile(length, source.gradient), 1.0
    fwhm = seeing / lit.arcsec
    if setup.slicer:
        return _sliced(lit, seeing), length
    effective = 2.0 * np.sqrt(np.pi) * fwhm / 2.3548
    if source.beta:
        return moffat_profile(fwhm, source.beta, length), effective
    return point_profile(fwhm), effective


def _sliced(lit: LightPath, seeing: float) -> Profile:
    """Slices of a Gaussian image side by side along the slit; integral 1."""
    setup = lit.frame.template.setup
    number = constants.SLICERS[setup.slicer].slices
    height = setup.slit_length / lit.arcsec / number
    edges = (np.arange(number + 1) - number / 2.0) * setup.slit_width * 2.3548 / seeing
    shares = np.diff(erf(edges / np.sqrt(2.0)))
    parts = [
        point_profile(seeing / lit.arcsec, (n - 0.5 * (number - 1)) * height, slice_of=height)
        for n in range(number)
    ]
    reach = max(part.reach for part in parts)
    total = sum(
        share * part.widened(reach).values for share, part in zip(shares, parts, strict=True)
    )
    # What the ends of the slices cut is lost before the slit.
    return Profile(np.asarray(total)).normalised()


def _scale(
    lit: LightPath, source: Source, electrons: np.ndarray, sky: np.ndarray, pixels: float
) -> tuple[float, np.ndarray]:
    """Factor on the object that gives the wanted signal to noise, and the background's variance."""
    chip, template = lit.layout.chip, lit.frame.template
    dark = chip.dark_rate / 3600.0 * template.exptime * template.setup.binning**2
    background = pixels * (sky + chip.ron**2 + dark)
    if not source.snr:
        return 1.0, background
    # A nebula may have no line in the middle order: its brightest line counts.
    row = len(electrons) // 2
    rows = slice(None) if source.spectrum == "emission" else slice(row, row + 1)
    at = int(np.argmax(electrons[rows]))
    brightest, behind = electrons[rows].flat[at], background[rows].flat[at]
    if brightest <= 0.0:
        return 1.0, background
    square = source.snr**2
    wanted = 0.5 * (square + np.sqrt(square**2 + 4.0 * square * behind))
    return float(wanted / brightest), background


def _placement(lit: LightPath, source: Source) -> Placement:
    """Where the object lies along the slit: it moves with 1 / wavelength squared.

    The air's refraction is close to a + b / wavelength**2 (Filippenko 1982, PASP 94, 715).
    """
    length = lit.frame.template.setup.slit_length / lit.arcsec
    if source.shape == "extended":  # its profile has the slit's blurred ends
        return Placement(np.zeros_like(lit.format.wave_vac), np.inf)
    if lit.frame.template.setup.slicer:
        return Placement(np.zeros_like(lit.format.wave_vac), length)
    bend = lit.format.wave_vac**-2.0
    middle = bend[len(bend) // 2, bend.shape[1] // 2]
    moved = source.position + source.refraction * (bend - middle) / np.ptp(bend)
    return Placement(moved / lit.arcsec, length)


def sky_spectrum(lit: LightPath, brightness: str) -> np.ndarray:
    """Electrons (n_order, n_sample) per pixel along the slit."""
    setup = lit.frame.template.setup
    area = setup.slit_width * lit.arcsec
    wave, exptime = lit.fine.wave_vac, lit.frame.template.exptime
    surface = light.sky_continuum(wave)
    if brightness != "dark":  # sunlight, scattered: blue, with the sun's lines
        surface = surface * (1.0 + SKY_FACTORS[brightness] * _resolved(lit, light.sunlight(wave)))
    continuum = light.photon_rate(surface * area, wave, constants.TELESCOPE_AREA_CM2)
    # One Rayleigh is 1e6 / 4 pi photons per s, cm2 and sr; a square arcsec is 2.35e-11 sr.
    rayleigh = 1e6 / (4.0 * np.pi) * 2.3504e-11 * area * constants.TELESCOPE_AREA_CM2
    rate = rayleigh * exptime * max(constants.THROUGHPUT[lit.arm][1])
    per_pixel = lit.efficiency * lit.fine.dispersion * exptime
    return continuum * per_pixel + lit.line_spectrum(light.SKY_LINES, rate)
