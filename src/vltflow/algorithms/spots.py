"""Spots of light on an image: lines of an arc lamp through a slit that is short."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from vltflow.algorithms.peaks import measure_peaks

_BOX = 64
"""Pixels of the boxes whose medians are the background."""
_SMOOTH = 3
"""Pixels over which light is averaged before spots are looked for."""


@dataclass(frozen=True)
class Spots:
    """Centres of spots, pixels from 0; arrays of one length."""

    x: np.ndarray
    y: np.ndarray
    height: np.ndarray
    """Above the background, averaged over 3 by 3 pixels, image units."""

    def __getitem__(self, which: np.ndarray) -> Spots:
        return Spots(self.x[which], self.y[which], self.height[which])


def find_spots(
    image: np.ndarray, *, noise: float, conad: float, fwhm: float, threshold: float
) -> Spots:
    """Find the spots of an image and measure their centres with Gaussians along both axes.

    Parameters
    ----------
    image
        Light above the bias, ADU, shape (rows, columns); NaN where there is none.
    noise
        Read noise of a pixel, ADU.
    conad
        Electrons per ADU.
    fwhm
        Expected width of a spot along x and y, pixels.
    threshold
        Smallest height in units of its error.
    """
    light = np.where(np.isfinite(image), image, np.float32(0.0))
    background = _background(light)
    smooth = ndimage.uniform_filter(light - background, _SMOOTH)
    error = np.sqrt(noise**2 + np.maximum(background, 0.0) / conad) / _SMOOTH
    highest = ndimage.maximum_filter(smooth, 2 * max(2, round(0.8 * fwhm)) + 1)
    row, column = np.nonzero((smooth == highest) & (smooth > threshold * error))
    reach = max(4, round(2.5 * fwhm))
    rows, columns = image.shape
    inside = (row >= reach) & (row < rows - reach) & (column >= reach) & (column < columns - reach)
    row, column = row[inside], column[inside]
    centres = np.array(
        [
            _centre(image[y - reach : y + reach + 1, x - reach : x + reach + 1], noise, conad, fwhm)
            for y, x in zip(row, column, strict=True)
        ]
    ).reshape(-1, 2)
    good = np.isfinite(centres).all(axis=1)
    x, y = column + centres[:, 0] - reach, row + centres[:, 1] - reach
    return Spots(x, y, smooth[row, column])[good]


def _background(light: np.ndarray) -> np.ndarray:
    """Medians of boxes, the same in all pixels of a box."""
    rows, columns = light.shape
    result = np.empty_like(light)
    for y in range(0, rows, _BOX):
        for x in range(0, columns, _BOX):
            part = light[y : y + _BOX, x : x + _BOX]
            result[y : y + _BOX, x : x + _BOX] = np.median(part)
    return result


def _centre(box: np.ndarray, noise: float, conad: float, fwhm: float) -> tuple[float, float]:
    """Place of the spot in the middle of a box; NaN where it is none."""
    middle = box.shape[0] // 2
    near = slice(middle - 2, middle + 3)
    found = []
    for profile in (box[near].mean(axis=0), box[:, near].mean(axis=1)):
        variance = (noise**2 + np.maximum(profile, 0.0) / conad) / 5.0
        peak = measure_peaks(profile, variance, np.array([float(middle)]), fwhm=fwhm)
        found.append(float(peak["x"][0]))
    return found[0], found[1]
