"""What shines into MUSE: lamps, the twilight sky, stars and the night sky."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from vltflow.instruments.muse.geometry import SLICES, slices
from vltflow.instruments.muse.lamps import arc_lines
from vltflow.simulate import light
from vltflow.simulate.image import scattered_light
from vltflow.simulate.muse import optics
from vltflow.simulate.muse.header import target_of, template_start
from vltflow.simulate.uves import conditions

if TYPE_CHECKING:
    from collections.abc import Callable

    from vltflow.simulate.plan import PlannedFrame

Truth = dict[str, float | str]

PIXEL_ARCSEC = 0.2
TELESCOPE_AREA_CM2 = 4.86e5
"""8.2 m primary less the obscuration of the Nasmyth focus' M3 and of M2."""
_THROUGHPUT = (
    (4500.0, 4800.0, 5500.0, 6500.0, 7000.0, 7500.0, 8500.0, 9350.0, 9900.0),
    (0.04, 0.13, 0.27, 0.35, 0.37, 0.35, 0.26, 0.13, 0.06),
)
"""Telescope, instrument and detector: rounded from the figure in the MUSE User Manual."""
_CUT_OFF = {"N": 4750.0, "E": 4600.0}
"""Angstrom: where the blue cut-off filter opens in nominal and extended mode."""
_SODIUM = (5800.0, 5970.0)
"""Angstrom: what the notch filter against the laser's light takes in the AO modes."""
_FLAT_PEAK, _FLAT_TIME = 30_000.0, 0.35
"""Electrons per pixel and exposure time (s) of the brightest flat."""
_ARC_PEAK, _ARC_TIME = 30_000.0, {"Ne": 2.0, "Xe": 12.0, "HgCd": 8.0}
"""Electrons in the brightest pixel of a lamp's brightest line, at that exposure time (s)."""
_TWILIGHT_PEAK = 22_000.0
_SCATTERED = 0.002


@lru_cache(maxsize=2)
def scene(frame: PlannedFrame, ifu: int) -> tuple[np.ndarray, Truth]:
    """Expected electrons of an exposure on an IFU's detector, (4112, 4096), and its truth.

    `frame` stands for all frames of its template with the same light.
    """
    way = optics_of(frame, ifu)
    image = np.zeros((optics.ROWS, optics.COLUMNS), dtype=np.float32)
    truth = _PAINTERS[frame.template.kind](frame, way, image)
    image += scattered_light(image, _SCATTERED)
    drift = {"drift_x_pixel": way.drift_x, "drift_y_pixel": way.drift_y}
    return image, {**drift, "scattered_fraction": _SCATTERED, **truth}


def optics_of(frame: PlannedFrame, ifu: int) -> optics.Optics:
    """The way of the light at the template's start: it moves with the temperature."""
    warm = conditions.temperature(template_start(frame)) - 12.4
    return optics.Optics(ifu, round(0.08 * warm, 4), round(-0.06 * warm, 4))


def throughput(mode: str) -> np.ndarray:
    """Share of the photons above the air that is detected, on `optics.GRID`.

    Parameters
    ----------
    mode
        INS MODE: ``WFM-NOAO-N``.
    """
    wave = optics.GRID
    share = np.interp(wave, *_THROUGHPUT)
    share *= 0.5 * (1.0 + np.tanh((wave - _CUT_OFF[mode[-1]]) / 8.0)) + 1e-3
    if "-AO-" in mode:
        notch = (wave > _SODIUM[0]) & (wave < _SODIUM[1])
        share[notch] *= 1e-3
    return share


def lamp_of(frame: PlannedFrame) -> str:
    """Arc lamp of a frame: templates take one after the other."""
    lamps = frame.template.lamp.split(",")
    return lamps[(frame.number - 1) * len(lamps) // frame.template.count]


def arc_electrons(lamp: str, exptime: float, mode: str) -> tuple[np.ndarray, np.ndarray]:
    """Wavelengths (air, Angstrom) and electrons per pixel along a slice of a lamp's lines."""
    lines = [line for line in arc_lines() if line.lamp == lamp]
    wave = light.air_from_vacuum(np.array([line.wave_vac for line in lines]))
    flux = np.array([line.intensity for line in lines])
    flux *= np.interp(wave, optics.GRID, throughput(mode)) / max(_THROUGHPUT[1])
    width = optics.line_fwhm(wave) / optics.DISPERSION * np.sqrt(np.pi / np.log(16.0))
    return wave, _ARC_PEAK * exptime / _ARC_TIME[lamp] * width * flux / flux.max()


def _paint_flat(frame: PlannedFrame, way: optics.Optics, image: np.ndarray) -> Truth:
    template = frame.template
    output = conditions.lamp_output("flat", template_start(frame))
    shape = light.halogen_lamp(optics.GRID) * throughput("WFM-NOAO-E")
    shape *= throughput(template.setup.mode) / np.maximum(throughput("WFM-NOAO-E"), 1e-6)
    level = _FLAT_PEAK * template.exptime / _FLAT_TIME * output / optics.DISPERSION
    optics.paint(image, way, level * shape / shape.max(), _slit(way.ifu))
    return {"lamp": "continuum", "lamp_level": round(output, 6)}


def _paint_arc(frame: PlannedFrame, way: optics.Optics, image: np.ndarray) -> Truth:
    template, lamp = frame.template, lamp_of(frame)
    wave, electrons = arc_electrons(lamp, template.exptime, template.setup.mode)
    optics.paint(image, way, optics.line_spectrum(wave, electrons), _slit(way.ifu))
    return {"lamp": lamp, "line_fwhm_7000_angstrom": float(optics.line_fwhm(np.array(7000.0)))}


def _paint_twilight(frame: PlannedFrame, way: optics.Optics, image: np.ndarray) -> Truth:
    """The Sun's light, scattered by the air; the sky gets darker from frame to frame."""
    template = frame.template
    shape = light.blackbody(optics.GRID, 5800.0) * (optics.GRID / 5500.0) ** -1.5
    for centre, width, depth in _FRAUNHOFER:
        shape *= 1.0 - depth * np.exp(-0.5 * ((optics.GRID - centre) / width) ** 2)
    shape *= throughput(template.setup.mode)
    level = _TWILIGHT_PEAK * 0.85 ** (frame.number - 1) / optics.DISPERSION
    gradient = 0.02
    weights = _slit(way.ifu) * _sky_gradient(way.ifu, gradient)
    optics.paint(image, way, level * shape / shape.max(), weights)
    return {"sky_level": round(0.85 ** (frame.number - 1), 6), "sky_gradient": gradient}


_FRAUNHOFER = (
    # Air wavelength (Angstrom), Gaussian sigma, depth: H beta, Mg b, Na D, H alpha, O2 B and A,
    # H2O, Ca II triplet; positions from the NIST data base, depths at this resolution rough.
    (4861.3, 2.5, 0.25), (5172.7, 3.0, 0.25), (5183.6, 3.0, 0.25), (5892.9, 4.0, 0.25),
    (6562.8, 3.0, 0.35), (6875.0, 12.0, 0.25), (7605.0, 15.0, 0.55), (8225.0, 30.0, 0.1),
    (8498.0, 2.5, 0.15), (8542.1, 3.0, 0.3), (8662.1, 3.0, 0.3), (9350.0, 60.0, 0.25),
)  # fmt: skip


def _slit(ifu: int) -> np.ndarray:
    """Transmission of the slices and along them, (48, 97): differs by a few percent."""
    number = np.arange(SLICES)[:, None]
    along = np.arange(-optics.REACH, optics.REACH + 1)[None, :] / optics.REACH
    across = 1.0 + 0.03 * np.sin(2.3 * number + ifu)
    return np.asarray(across * (1.0 + 0.01 * along * np.cos(number + ifu)))


def _sky_gradient(ifu: int, size: float) -> np.ndarray:
    x, _ = _on_sky(ifu)
    return 1.0 + size * x / 150.0


def _on_sky(ifu: int) -> tuple[np.ndarray, np.ndarray]:
    """Where each slice and distance from its middle looks, pixels from the field's middle.

    x on the sky falls along x on the detector: what ESO's recipes assume (found with
    muse_twilight, which gives a painted gradient back).
    """
    along = np.arange(-optics.REACH, optics.REACH + 1)[None, :]
    places = slices(ifu)
    x = np.array([one.x for one in places])[:, None] - along
    y = np.array([one.y for one in places])[:, None] + 0.0 * along
    return x, y


def _paint_sky(frame: PlannedFrame, way: optics.Optics, image: np.ndarray) -> Truth:
    """The night sky and, if the telescope points at one, a star in the middle of the IFU's strip.

    Each IFU gets a star of its own, so that a set of fewer IFUs is no worse than a full one.
    """
    template, target = frame.template, target_of(frame)
    per_angstrom = TELESCOPE_AREA_CM2 * template.exptime * throughput(template.setup.mode)
    area = PIXEL_ARCSEC**2
    continuum = light.photon_rate(light.sky_continuum(optics.GRID) * area, optics.GRID, 1.0)
    lines = light.SKY_LINES
    # One Rayleigh is 1e6 / 4 pi photons per s, cm2 and sr; a square arcsec is 2.35e-11 sr.
    rayleigh = 1e6 / (4.0 * np.pi) * 2.3504e-11 * area
    emission = optics.line_spectrum(
        light.air_from_vacuum(lines.wave_vac), rayleigh * lines.intensity
    )
    optics.paint(image, way, (continuum + emission) * per_angstrom, _slit(way.ifu))
    if target is None or template.kind == "sky":
        return {"target": "sky"}
    return _paint_star(frame, way, image, per_angstrom)


def _paint_star(
    frame: PlannedFrame, way: optics.Optics, image: np.ndarray, per_angstrom: np.ndarray
) -> Truth:
    start, target = template_start(frame), target_of(frame)
    if target is None:
        raise ValueError(f"template {frame.template.tpl_id} has no target to paint")
    if frame.template.kind == "standard":
        flux = light.hot_white_dwarf(
            optics.GRID, magnitude=target.magnitude, temperature=target.parameter
        )
    else:
        flux = light.quasar(
            optics.GRID, magnitude=target.magnitude, redshift=target.parameter,
            seed=int(target.ra * 1000),
        )  # fmt: skip
    airmass = conditions.pointing(target, start).airmass
    photons = light.photon_rate(flux, optics.GRID, 1.0)
    photons *= 10.0 ** (-0.4 * airmass * light.paranal_extinction(optics.GRID))
    seeing = conditions.seeing(start)
    x, y = _on_sky(way.ifu)
    place = (10.0, float(y.mean()))
    sigma = seeing / PIXEL_ARCSEC / 2.3548
    psf = np.exp(-0.5 * ((x - place[0]) ** 2 + (y - place[1]) ** 2) / sigma**2)
    weights = psf / (2.0 * np.pi * sigma**2) * _slit(way.ifu)
    optics.paint(image, way, photons * per_angstrom, weights)
    return {
        "target": target.name, "magnitude_v": target.magnitude, "airmass": round(airmass, 4),
        "seeing_arcsec": round(seeing, 3), "star_x_pixel": place[0], "star_y_pixel": place[1],
    }  # fmt: skip


_PAINTERS: dict[str, Callable[[PlannedFrame, optics.Optics, np.ndarray], Truth]] = {
    "flat": _paint_flat,
    "illumination": _paint_flat,
    "arc": _paint_arc,
    "twilight": _paint_twilight,
    "standard": _paint_sky,
    "science": _paint_sky,
    "sky": _paint_sky,
}
