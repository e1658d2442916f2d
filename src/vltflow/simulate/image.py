"""Painting light on a detector: traces with a profile across them, and scattered light."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numba import njit
from scipy.ndimage import gaussian_filter, zoom
from scipy.special import erf

_FINE = 20
"""Entries of a profile table per pixel."""


@dataclass(frozen=True)
class Scene:
    """The light on one chip, the same in every frame of a template."""

    image: np.ndarray
    """Expected electrons per pixel and exposure before the pixel response; raw orientation."""
    truth: dict[str, float | str] = field(default_factory=dict)
    """Numbers that describe the light."""
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    """Traces, wavelengths and spectra."""


@dataclass(frozen=True)
class Profile:
    """Light across an order: per pixel, as a function of the distance from the centre."""

    values: np.ndarray
    """At distances ``(i - centre) / 20`` pixels."""

    @property
    def reach(self) -> int:
        """Half width in pixels."""
        return len(self.values) // (2 * _FINE)


@dataclass(frozen=True)
class SlitBend:
    """Shift of light along x with its height d above the order: tilt * d + curvature * d**2."""

    tilt: np.ndarray
    """Pixel per pixel, (n_order, n_x)."""
    curvature: np.ndarray
    """1 / pixel, (n_order, n_x)."""


def _distances(reach: int) -> np.ndarray:
    return np.arange(-reach * _FINE, reach * _FINE + 1) / _FINE


def slit_profile(length: float, blur: float = 0.6) -> Profile:
    """Evenly lit slit: 1 per pixel inside, edges blurred (pixels, Gaussian sigma)."""
    d = _distances(int(length / 2 + 5 * blur) + 2)
    width = blur * np.sqrt(2.0)
    values = 0.5 * (erf((d + length / 2) / width) - erf((d - length / 2) / width))
    return Profile(values)


def point_profile(fwhm: float, offset: float = 0.0, *, length: float = np.inf) -> Profile:
    """Point source: integral 1 over the profile where the slit does not cut it."""
    sigma = max(fwhm, 0.8) / 2.3548
    d = _distances(int(5 * sigma + abs(offset)) + 2)
    low, high = np.maximum(d - 0.5, -length / 2), np.minimum(d + 0.5, length / 2)
    width = sigma * np.sqrt(2.0)
    share = 0.5 * (erf((high - offset) / width) - erf((low - offset) / width))
    return Profile(np.where(high > low, share, 0.0))


def fibre_profile(centres: np.ndarray, fwhm: float) -> Profile:
    """Several fibres side by side, peak about 1."""
    sigma = max(fwhm, 0.8) / 2.3548
    d = _distances(int(np.abs(centres).max() + 5 * sigma) + 2)
    parts = np.exp(-0.5 * ((d[:, None] - centres[None, :]) / sigma) ** 2)
    return Profile(parts.sum(axis=1))


@njit(cache=True)
def _paint(  # noqa: PLR0913, PLR0917 - numba takes plain arguments
    image: np.ndarray,
    trace: np.ndarray,
    spectrum: np.ndarray,
    bend: np.ndarray,
    values: np.ndarray,
    reach: int,
    fine: int,
) -> None:
    orders, nx = trace.shape
    ny = image.shape[1]
    for n in range(orders):
        for i in range(nx):
            centre = trace[n, i]
            tilt, stretch, curve = bend[0, n, i], bend[1, n, i], bend[2, n, i]
            first = max(0, int(np.ceil(centre - reach)))
            last = min(ny - 1, int(np.floor(centre + reach)))
            for j in range(first, last + 1):
                height = j - centre
                place = (height + reach) * fine
                k = int(place)
                if 0 <= k < len(values) - 1:
                    part = place - k
                    value = values[k] * (1.0 - part) + values[k + 1] * part
                    at = i - height * (tilt + curve * height)
                    # The slit's image is squeezed where its tilt changes along x.
                    squeeze = 1.0 - height * stretch
                    image[i, j] += np.float32(_between(spectrum[n], at) * value * squeeze)


@njit(cache=True)
def _between(spectrum: np.ndarray, at: float) -> float:
    """Spectrum between its pixels by the cubic through four of them.

    It keeps a line's flux, place and width exactly, whatever the shift: it reproduces
    parabolas (Hamming, Numerical Methods, chapter 14). Beyond the ends the last value goes on.
    """
    last = len(spectrum) - 1
    if at <= 1.0 or at >= last - 2.0:
        near = min(max(at, 0.0), float(last))
        i = min(int(near), last - 1)
        return float(spectrum[i] + (near - i) * (spectrum[i + 1] - spectrum[i]))
    i = int(at)
    t = at - i
    a, b, c, d = spectrum[i - 1], spectrum[i], spectrum[i + 1], spectrum[i + 2]
    return float(
        b * (1.0 + t) * (1.0 - t) * (2.0 - t) / 2.0
        + c * t * (1.0 + t) * (2.0 - t) / 2.0
        - a * t * (1.0 - t) * (2.0 - t) / 6.0
        - d * t * (1.0 - t) * (1.0 + t) / 6.0
    )


def paint(
    image: np.ndarray,
    trace: np.ndarray,
    spectrum: np.ndarray,
    profile: Profile,
    bend: SlitBend | None = None,
) -> np.ndarray:
    """Add an order spectrum to `image` (x, y), in place.

    Parameters
    ----------
    trace
        y of each order's centre at each x, 0-based, shape (n_order, n_x).
    spectrum
        Electrons per x pixel, times the profile; same shape.
    bend
        Tilt and curvature of the slit's image; none: it runs along the columns.
    """
    parts = np.zeros((3, *trace.shape))
    if bend is not None:
        parts[:] = bend.tilt, np.gradient(bend.tilt, axis=1), bend.curvature
    _paint(image, trace, spectrum, parts, profile.values, profile.reach, _FINE)
    return image


def scattered_light(image: np.ndarray, fraction: float, *, reach: float = 0.08) -> np.ndarray:
    """A smooth halo that holds `fraction` of the light of `image`.

    `reach` is the halo's Gaussian sigma as a share of the image's height.
    """
    block = max(1, image.shape[0] // 94)
    rows, columns = (size // block * block for size in image.shape)
    coarse = image[:rows, :columns].reshape(rows // block, block, columns // block, block)
    halo = gaussian_filter(
        coarse.mean(axis=(1, 3), dtype=np.float64), reach * image.shape[0] / block, mode="nearest"
    )
    factors = (image.shape[0] / halo.shape[0], image.shape[1] / halo.shape[1])
    return (fraction * zoom(halo, factors, order=1, mode="nearest")).astype(np.float32)


@njit(cache=True)
def _deposit(spectrum: np.ndarray, centres: np.ndarray, fluxes: np.ndarray, sigma: float) -> None:
    root = sigma * np.sqrt(2.0)
    reach = 5.0 * sigma + 1.0
    for k in range(len(centres)):
        first = max(0, int(centres[k] - reach))
        last = min(len(spectrum) - 1, int(centres[k] + reach))
        for i in range(first, last + 1):
            low = math.erf((i - 0.5 - centres[k]) / root)
            high = math.erf((i + 0.5 - centres[k]) / root)
            spectrum[i] += 0.5 * fluxes[k] * (high - low)


def add_lines(spectrum: np.ndarray, centres: np.ndarray, fluxes: np.ndarray, fwhm: float) -> None:
    """Add emission lines to one order: each a Gaussian, integrated over the pixels."""
    _deposit(spectrum, centres, fluxes, fwhm / 2.3548)
