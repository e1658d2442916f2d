"""Spectra of windows along a trace: the plain mean over some pixels across it."""

from __future__ import annotations

import math

import numpy as np

from vltflow.algorithms.blocks import over_blocks
from vltflow.algorithms.compiled import compiled


def mean_spectra(
    image: np.ndarray,
    variance: np.ndarray,
    centres: np.ndarray,
    *,
    height: float,
    offsets: np.ndarray,
    saturation: float = np.inf,
    threads: int = 1,
) -> tuple[np.ndarray, np.ndarray]:
    """Mean over windows across each trace, parts of pixels counted as parts.

    Parameters
    ----------
    image, variance
        Values and squared errors, shape (rows, columns).
    centres
        Row of the trace's centre in each column, pixels from 0, shape (traces, columns).
    height
        Size of a window across the trace, pixels.
    offsets
        Distance of the middle of each window from the trace, pixels, shape (windows,).
    saturation
        Columns with a value from here on in a window give NaN there.

    Returns
    -------
    spectra, variances
        Shape (windows, traces, columns); NaN where a window is not wholly on the image.
    """
    shape = (len(offsets), *centres.shape)
    spectra, errors = np.empty(shape), np.empty(shape)

    def work(start: int, stop: int) -> None:
        for window, offset in enumerate(offsets):
            _mean(image, variance, centres[start:stop], offset, height, saturation,
                  spectra[window, start:stop], errors[window, start:stop])  # fmt: skip

    blocks = [(row, row + 1) for row in range(len(centres))]
    over_blocks(work, blocks, threads=threads)
    return spectra, errors


@compiled
def _mean(
    image: np.ndarray,
    variance: np.ndarray,
    centres: np.ndarray,
    offset: float,
    height: float,
    saturation: float,
    spectra: np.ndarray,
    errors: np.ndarray,
) -> None:
    rows = image.shape[0]
    for n in range(centres.shape[0]):
        for x in range(centres.shape[1]):
            # A pixel j reaches from j - 0.5 to j + 0.5.
            low = centres[n, x] + offset - 0.5 * height
            high = low + height
            first, last = math.floor(low + 0.5), math.floor(high + 0.5)
            spectra[n, x] = errors[n, x] = math.nan
            if first < 0 or last >= rows:
                continue
            total, noise, trusted = 0.0, 0.0, True
            for j in range(first, last + 1):
                part = min(high, j + 0.5) - max(low, j - 0.5)
                total += part * image[j, x]
                noise += part * part * variance[j, x]
                trusted = trusted and image[j, x] < saturation
            if trusted:
                spectra[n, x], errors[n, x] = total / height, noise / height**2
