"""The light on a quadrant: illuminated fields, spectra of slits and of fibres."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

from vltflow.simulate.image import Profile, fibre_profile, paint, slit_profile
from vltflow.simulate.vimos.constants import DISPERSION, LINES
from vltflow.simulate.vimos.night import exptime, is_arc

if TYPE_CHECKING:
    from vltflow.simulate.detector import Layout
    from vltflow.simulate.plan import PlannedFrame

_SCREEN = 1500.0
"""Electrons per second and pixel of the lit screen at the middle of the field."""
_TWILIGHT = 12_000.0
"""Electrons per second and pixel at the beginning of the sky flats."""
_FADING = 0.77
"""Twilight of an exposure over that of the exposure before."""
_SKY = 8.0
"""Electrons per second and pixel of the dark sky in R."""
_CONTINUUM = 900.0
"""Electrons per second and pixel along the dispersion of a flat spectrum, times the profile."""
_NIGHT_CONTINUUM = 0.05
_SLITS, _SLIT_LENGTH = 8, 190.0
_FIBRES, _FIBRE_PITCH, _FIBRE_WIDTH = 400, 5.0, 2.6
_LINE_FWHM = 3.8


def light(frame: PlannedFrame, layout: Layout) -> np.ndarray | None:
    """Expected electrons per pixel before the pixel response, float32; None for the dark."""
    template = frame.template
    if template.kind in ("bias", "dark"):
        return None
    if template.setup.mode == "IMG":
        return _image(frame, layout)
    return _spectra(frame, layout)


def _illumination(layout: Layout) -> np.ndarray:
    """The field: brightest off the middle, a quarter less in the corners. 1 at the middle."""
    rows = (np.arange(layout.rows, dtype=np.float32) / layout.rows - 0.5)[:, None]
    columns = (np.arange(layout.columns, dtype=np.float32) / layout.columns - 0.5)[None, :]
    tilt = 0.08 * columns - 0.05 * rows * layout.chip.index / 4.0
    return np.asarray(1.0 + tilt - 0.5 * (rows**2 + columns**2), np.float32)


def _image(frame: PlannedFrame, layout: Layout) -> np.ndarray:
    template, seconds = frame.template, exptime(frame.template, frame.number)
    if template.lamp == "twilight":
        rate = _TWILIGHT * _FADING ** (frame.number - 1)
    else:
        rate = _SCREEN if template.lamp else _SKY
    image = _illumination(layout) * np.float32(rate * seconds)
    if template.target:
        image += _stars(frame, layout) * np.float32(seconds)
    return image


def _stars(frame: PlannedFrame, layout: Layout) -> np.ndarray:
    """Stars of the field, the same in each exposure of it: electrons per second."""
    rng = np.random.default_rng(
        [zlib.crc32(f"{frame.night}{frame.template.target}".encode()), layout.chip.index]
    )
    image = np.zeros((layout.rows, layout.columns), np.float32)
    d = np.arange(-8, 9)
    core = np.exp(-0.5 * (d[:, None] ** 2 + d[None, :] ** 2) / 1.7**2) / (2 * np.pi * 1.7**2)
    for flux in 10.0 ** rng.uniform(1.5, 4.5, 300):
        y, x = rng.integers(9, layout.rows - 9), rng.integers(9, layout.columns - 9)
        image[y - 8 : y + 9, x - 8 : x + 9] += (flux * core).astype(np.float32)
    return image


def _spectra(frame: PlannedFrame, layout: Layout) -> np.ndarray:
    """Dispersion runs along y: orders are painted along the first axis."""
    seconds = exptime(frame.template, frame.number)
    spectrum = _spectrum(frame, layout.rows) * seconds
    centres, profile = _traces(frame.template.setup.mode, layout)
    bend = 2.0 * ((np.arange(layout.rows) / layout.rows - 0.5) ** 2)
    trace = centres[:, None] + bend[None, :]
    image = np.zeros((layout.rows, layout.columns), np.float32)
    return paint(image, trace, np.broadcast_to(spectrum, trace.shape).copy(), profile)


def _traces(mode: str, layout: Layout) -> tuple[np.ndarray, Profile]:
    if mode == "MOS":
        pitch = layout.columns / _SLITS
        return (np.arange(_SLITS) + 0.5) * pitch, slit_profile(_SLIT_LENGTH)
    first = 0.5 * (layout.columns - (_FIBRES - 1) * _FIBRE_PITCH)
    return first + np.arange(_FIBRES) * _FIBRE_PITCH, fibre_profile(np.zeros(1), _FIBRE_WIDTH)


def _spectrum(frame: PlannedFrame, rows: int) -> np.ndarray:
    """Electrons per second and pixel along y."""
    y = np.arange(rows)
    if not is_arc(frame.template, frame.number):
        shape = 1.0 - 1.8 * (y / rows - 0.45) ** 2
        return shape * _CONTINUUM * (1.0 if frame.template.lamp else _NIGHT_CONTINUUM)
    middle, step = DISPERSION[frame.template.setup.mode]
    centres = rows / 2 + (np.array(list(LINES)) - middle) / step
    flux = np.array(list(LINES.values())) * 2.0
    sigma = _LINE_FWHM / 2.3548
    return np.asarray(
        (flux[:, None] * np.exp(-0.5 * ((y[None, :] - centres[:, None]) / sigma) ** 2)).sum(axis=0)
    )
