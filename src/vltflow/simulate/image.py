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

    def widened(self, reach: int) -> Profile:
        """The same with this half width, dark outside its own."""
        return Profile(np.pad(self.values, (reach - self.reach) * _FINE))

    def normalised(self) -> Profile:
        """The same with the integral 1."""
        return Profile(self.values * _FINE / self.values.sum())


@dataclass(frozen=True)
class SlitBend:
    """Shift of light along x with its height d above the order: tilt * d + curvature * d**2."""

    tilt: np.ndarray
    """Pixel per pixel, (n_order, n_x)."""
    curvature: np.ndarray
    """1 / pixel, (n_order, n_x)."""


@dataclass(frozen=True)
class Placement:
    """A source in a slit of some length."""

    shift: np.ndarray
    """Height of the profile's centre above the slit's, pixels, (n_order, n_x)."""
    length: float
    """The slit cuts what lies outside, pixels."""


def _distances(reach: int) -> np.ndarray:
    return np.arange(-reach * _FINE, reach * _FINE + 1) / _FINE


def slit_profile(length: float, blur: float = 0.6) -> Profile:
    """Evenly lit slit: 1 per pixel inside, edges blurred (pixels, Gaussian sigma)."""
    d = _distances(int(length / 2 + 5 * blur) + 2)
    width = blur * np.sqrt(2.0)
    values = 0.5 * (erf((d + length / 2) / width) - erf((d - length / 2) / width))
    return Profile(values)


def point_profile(fwhm: float, offset: float = 0.0, *, slice_of: float = np.inf) -> Profile:
    """Point source: integral 1 over the profile where its slice, around it, does not cut."""
    sigma = max(fwhm, 0.8) / 2.3548
    d = _distances(int(5 * sigma + abs(offset)) + 2)
    low = np.maximum(d - 0.5, offset - slice_of / 2)
    high = np.minimum(d + 0.5, offset + slice_of / 2)
    width = sigma * np.sqrt(2.0)
    share = 0.5 * (erf((high - offset) / width) - erf((low - offset) / width))
    return Profile(np.where(high > low, share, 0.0))


def sloped_profile(length: float, gradient: float, blur: float = 0.6) -> Profile:
    """A slit lit unevenly: 1 per pixel in its middle, changing by `gradient` from end to end."""
    even = slit_profile(length, blur)
    return Profile(even.values * (1.0 + gradient * _distances(even.reach) / length))


def moffat_profile(fwhm: float, beta: float, reach: float) -> Profile:
    """Moffat image with wings, integrated over the width of a wide slit; integral 1.

    (1 + (d / alpha)**2)**(0.5 - beta), the projection of Moffat 1969, A&A 3, 455, on a line.
    """
    d = _distances(int(reach) + 2)
    exponent = beta - 0.5
    alpha = 0.5 * max(fwhm, 0.8) / np.sqrt(2.0 ** (1.0 / exponent) - 1.0)
    values = (1.0 + (d / alpha) ** 2) ** -exponent
    box = np.ones(_FINE + 1) / (_FINE + 1)
    return Profile(np.convolve(values, box, mode="same") * _FINE / values.sum())


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
    shift: np.ndarray,
    cut: float,
    values: np.ndarray,
    reach: int,
    sampling: tuple[int, int],
) -> None:
    orders, nx = trace.shape
    ny = image.shape[1]
    fine, rim = sampling
    for n in range(orders):
        for i in range(nx):
            centre, off = trace[n, i], shift[n, i]
            tilt, stretch, curve = bend[0, n, i], bend[1, n, i], bend[2, n, i]
            first = max(0, int(np.ceil(centre + off - reach)))
            last = min(ny - 1, int(np.floor(centre + off + reach)))
            for j in range(first, last + 1):
                height = j - centre
                inside = min(height + 0.5, cut) - max(height - 0.5, -cut)
                place = (height - off + reach) * _FINE
                k = int(place)
                if inside > 0.0 and 0 <= k < len(values) - 1:
                    part = place - k
                    value = values[k] * (1.0 - part) + values[k + 1] * part
                    at = (i - height * (tilt + curve * height) + rim) * fine
                    # The slit's image is squeezed where its tilt changes along x.
                    value *= inside * (1.0 - height * stretch)
                    image[i, j] += np.float32(_between(spectrum[n], at) * value)


@njit(cache=True)
def _between(spectrum: np.ndarray, at: float) -> float:
    """Spectrum between its samples by the cubic through four of them; beyond, the last one.

    It keeps a line's flux, place and width, whatever the shift, because it reproduces parabolas.
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


def paint(  # noqa: PLR0913 - what is painted, and where
    image: np.ndarray,
    trace: np.ndarray,
    spectrum: np.ndarray,
    profile: Profile,
    bend: SlitBend | None = None,
    *,
    place: Placement | None = None,
    sampling: tuple[int, int] = (1, 0),
) -> np.ndarray:
    """Add an order spectrum to `image` (x, y), in place.

    Parameters
    ----------
    trace
        y of each order's centre at each x, 0-based, shape (n_order, n_x).
    spectrum
        Electrons per x pixel, times the profile; same shape, or sampled more finely.
    bend
        Tilt and curvature of the slit's image; none: it runs along the columns.
    place
        Where the profile lies in the slit; none: its centre is that of the slit.
    sampling
        Samples of the spectrum per pixel, and pixels sampled before the first column.
    """
    parts = np.zeros((3, *trace.shape))
    if bend is not None:
        parts[:] = bend.tilt, np.gradient(bend.tilt, axis=1), bend.curvature
    shift = np.zeros(trace.shape) if place is None else place.shift
    cut = math.inf if place is None else place.length / 2.0
    _paint(image, trace, spectrum, parts, shift, cut, profile.values, profile.reach, sampling)
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
def _deposit(
    spectrum: np.ndarray, centres: np.ndarray, fluxes: np.ndarray, sigma: float, half: float
) -> None:
    root = sigma * np.sqrt(2.0)
    reach = 5.0 * sigma + 2.0 * half
    for k in range(len(centres)):
        first = max(0, int(centres[k] - reach))
        last = min(len(spectrum) - 1, int(centres[k] + reach))
        for i in range(first, last + 1):
            low = math.erf((i - half - centres[k]) / root)
            high = math.erf((i + half - centres[k]) / root)
            spectrum[i] += 0.5 * fluxes[k] * (high - low)


def add_lines(
    spectrum: np.ndarray, centres: np.ndarray, fluxes: np.ndarray, fwhm: float, fine: int = 1
) -> None:
    """Add emission lines to one order: each a Gaussian, integrated over the pixels.

    A pixel has `fine` samples; centres and widths are counted in samples.
    """
    _deposit(spectrum, centres, fluxes, fwhm / 2.3548, fine / 2.0)
