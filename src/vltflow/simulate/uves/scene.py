"""The light in UVES: lamps, stars and sky through slit and echelle onto a chip."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vltflow.simulate import conditions, light
from vltflow.simulate.image import Profile, Scene, fibre_profile, point_profile, scattered_light
from vltflow.simulate.uves import constants
from vltflow.simulate.uves.drift import format_drift
from vltflow.simulate.uves.header import template_start
from vltflow.simulate.uves.light_path import light_path
from vltflow.simulate.uves.sources import paint_source

if TYPE_CHECKING:
    from collections.abc import Callable

    from vltflow.simulate.detector import Layout
    from vltflow.simulate.plan import PlannedFrame
    from vltflow.simulate.uves.light_path import LightPath
    from vltflow.simulate.uves.sources import Painted

_SCATTERED = 0.015
_FLAT_PEAK_ADU = {"flat": 26_000.0, "order": 15_000.0, "fibres": 18_000.0}
_ARC_RATE = 0.45
"""Electrons per second, unbinned pixel along the slit and unit of line intensity."""
_SHIFT = (20.0, -20.0)
"""Pixels along x and y by which a shifted format is off."""
_FIBRES = np.arange(-3.5, 4.0)
"""Eight fibres, in units of their distance."""


def scene(frame: PlannedFrame, layout: Layout) -> Scene:
    """Expected electrons of one exposure of the template on one chip."""
    mjd = frame.mjd if frame.template.source else template_start(frame)
    setup = frame.template.setup
    drift = format_drift(setup.arm, mjd)
    if frame.template.fault == "shifted-format":
        drift = (drift[0] + _SHIFT[0], drift[1] + _SHIFT[1])
    lit = light_path(frame, layout, drift, mjd)
    fmt = lit.format
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


def _lamp_shape(lit: LightPath) -> Callable[[np.ndarray], np.ndarray]:
    if lit.frame.template.lamp == "deuterium":
        return light.deuterium_lamp
    return light.halogen_lamp


def _continuum(lit: LightPath, peak_adu: float) -> tuple[np.ndarray, float]:
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
    wave = lit.fine.wave_vac
    return lit.efficiency * shape(wave) * wave / highest * level, output


def _paint_flat(lit: LightPath, image: np.ndarray) -> Painted:
    kind = lit.frame.template.kind
    spectrum, output = _continuum(lit, _FLAT_PEAK_ADU[kind])
    if kind == "fibres":
        distance = 5.6 * lit.layout.zoom / lit.layout.step
        profile = fibre_profile(_FIBRES * distance, 0.75 * distance)
    elif kind == "order":
        profile = point_profile(2.6 * max(1.0 / lit.layout.step, 0.8))
        profile = Profile(profile.values / profile.values.max())
    else:
        profile = lit.evenly_lit()
    lit.paint(image, spectrum, profile)
    return {"lamp": lit.frame.template.lamp, "lamp_level": round(output, 6)}, {
        "spectrum": lit.on_pixels(spectrum).astype(np.float32)
    }


def _lamp_lines(fault: str) -> light.LineList:
    """Lines of the ThAr lamp; of a lamp that lost every second one, the others."""
    lines = light.thorium_argon()
    if fault != "half-the-lines":
        return lines
    return light.LineList(lines.wave_vac[::2], lines.intensity[::2])


def _paint_arc(lit: LightPath, image: np.ndarray) -> Painted:
    template = lit.frame.template
    output = conditions.lamp_output("thar", lit.mjd)
    rate = _ARC_RATE * output * template.exptime * template.setup.binning
    rate *= template.setup.slit_width / 0.8
    spectrum = lit.line_spectrum(_lamp_lines(template.fault), rate)
    short = template.kind == "format"
    profile = point_profile(2.6 * max(1.0 / lit.layout.step, 0.8)) if short else lit.evenly_lit()
    if short:
        profile = Profile(profile.values / profile.values.max())
    lit.paint(image, spectrum, profile)
    return {"lamp": "thar", "lamp_level": round(output, 6)}, {
        "spectrum": lit.on_pixels(spectrum).astype(np.float32)
    }


_PAINTERS: dict[str, Callable[[LightPath, np.ndarray], Painted]] = {
    "flat": _paint_flat,
    "order": _paint_flat,
    "fibres": _paint_flat,
    "format": _paint_arc,
    "arc": _paint_arc,
    "standard": paint_source,
    "science": paint_source,
}
