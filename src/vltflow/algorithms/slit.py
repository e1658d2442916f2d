"""Where the slit's image lies: a window along each trace, and pixels of equal wavelength."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from vltflow.algorithms.compiled import compiled


@dataclass(frozen=True)
class SlitImage:
    """Windows along all traces of one chip; arrays (traces, columns), pixels counted from 0.

    Raises
    ------
    ValueError
        If the arrays have different shapes.
    """

    centre: np.ndarray
    """Row of the slit's middle."""
    tilt: np.ndarray
    """How far a wavelength moves along x per pixel along the slit."""
    curvature: np.ndarray
    """How much it moves with the square of that distance, 1 / pixel."""
    low: np.ndarray
    """Lower end of the usable window, pixels from the centre; NaN where there is none."""
    high: np.ndarray
    """Upper end."""
    half: float
    """Half of the slit's length, pixels: light of the object beyond does not pass."""

    def __post_init__(self) -> None:
        for one in fields(self):
            if one.name != "half" and getattr(self, one.name).shape != self.centre.shape:
                raise ValueError(f"{one.name} has not the shape {self.centre.shape} of the centres")

    def lean(self, trace: int) -> np.ndarray:
        """Tilt and curvature of one trace, shape (2, columns)."""
        return np.stack((self.tilt[trace], self.curvature[trace]))

    def shift(self, distance: np.ndarray) -> np.ndarray:
        """How far a wavelength lies right of where the slit's middle has it, pixels.

        Parameters
        ----------
        distance
            From the slit's middle, pixels, shape (traces, columns).
        """
        return (self.tilt + self.curvature * distance) * distance


def slit_image(
    centre: np.ndarray,
    tilt: np.ndarray,
    curvature: np.ndarray,
    *,
    length: float,
    margin: float,
    rows: int,
    share: float = 0.8,
) -> SlitImage:
    """Windows of a slit along traces, cut where the blurred rim of the next trace's slit begins.

    Parameters
    ----------
    centre, tilt, curvature
        Row of the slit's middle and the place of a wavelength along it, shape (traces, columns).
    length
        Of the slit, pixels.
    margin
        Blurred rim at each end that is left out, pixels; negative: what is added.
    rows
        Of the chip.
    share
        Of the window that must lie on the chip, or there is none.
    """
    reach = np.full(centre.shape, max(0.5, 0.5 * length - margin))
    low, high = -reach, reach.copy()
    place = np.argsort(centre[:, centre.shape[1] // 2])
    free = np.diff(with_neighbours(centre[place]), axis=0) - (0.5 * length + abs(margin))
    high[place] = np.minimum(high[place], free[1:])
    low[place] = np.maximum(low[place], -free[:-1])
    # Of a slit that the chip's rim cuts too little tells the sky from the source.
    inside = np.minimum(centre + high, rows - 0.5) - np.maximum(centre + low, -0.5)
    outside = (inside < share * (high - low)) | (high - low < 2.0)
    low[outside] = high[outside] = np.nan
    return SlitImage(centre, tilt, curvature, low, high, 0.5 * length)


def with_neighbours(centre: np.ndarray) -> np.ndarray:
    """Traces by row, and one more on each side: off the chip, but their slits may reach it.

    Parameters
    ----------
    centre
        Rows of the traces, ascending, shape (traces, columns).

    Returns
    -------
    numpy.ndarray
        Shape (traces + 2, columns); with one trace alone its neighbours are far away.
    """
    if len(centre) < 2:
        far = 2.0 * np.max(np.abs(centre)) + 1e4
        return np.vstack([centre[:1] - far, centre, centre[-1:] + far])
    below, above = 2.0 * centre[0] - centre[1], 2.0 * centre[-1] - centre[-2]
    return np.vstack([below[None], centre, above[None]])


@compiled
def window_pixels(
    image: np.ndarray,
    bad: np.ndarray,
    centre: np.ndarray,
    lean: np.ndarray,
    low: float,
    high: float,
    column: int,
    middle: float,
    pixels: np.ndarray,
) -> int:
    """Pixels of one wavelength along a tilted slit: whole shifts along x, the rest is told.

    Parameters
    ----------
    image, bad
        The light, and which pixels are not to be used (not 0), shape (rows, columns).
    centre
        Of one trace, shape (columns,).
    lean
        Its tilt and curvature, shape (2, columns).
    low, high
        Ends of the window, pixels from the centre.
    column
        Column that the wavelength has at `middle`.
    middle
        Distance from the centre that the wavelength is counted from, pixels.
    pixels
        Output, shape (6, n): value, distance from the centre, rest of the shift (pixels by
        which the pixel's wavelength lies right of the column), usable (0 or 1), row, column.

    Returns
    -------
    int
        Number of pixels; 0 where the window is not on the chip.
    """
    rows, columns = image.shape
    count = 0
    slope, bow = lean[0, column], lean[1, column]
    base = (slope + bow * middle) * middle
    first = max(0, int(np.ceil(centre[column] + low)))
    last = min(rows - 1, int(np.floor(centre[column] + high)))
    for row in range(first, last + 1):
        distance = row - centre[column]
        shift = int(np.round((slope + bow * distance) * distance - base))
        x = column + shift
        if x < 0 or x >= columns or count >= pixels.shape[1]:
            continue
        distance = row - centre[x]
        value = image[row, x]
        pixels[0, count] = value
        pixels[1, count] = distance
        pixels[2, count] = shift - (slope + bow * distance) * distance + base
        pixels[3, count] = 1.0 if bad[row, x] == 0 and np.isfinite(value) else 0.0
        pixels[4, count] = row
        pixels[5, count] = x
        count += 1
    return count
