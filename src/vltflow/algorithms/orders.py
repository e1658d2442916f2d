"""Extracted light of traces: one row an order, on the pixels of the detector."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np


@dataclass(frozen=True)
class OrderSpectra:
    """Spectra of all traces of one chip, on the detector's own pixels: nothing was resampled.

    All arrays but `orders` have the shape (orders, columns). Where a trace has no value, flux
    and variance are NaN and the quality says why (`Quality.NO_DATA`).

    Raises
    ------
    ValueError
        If the arrays have different shapes.
    """

    orders: np.ndarray
    """Absolute order numbers, (orders,), ascending."""
    wave: np.ndarray
    """Wavelength in air at the centres of the pixels, Angstrom, float64; it may fall with x."""
    flux: np.ndarray
    """Light of the object, ADU in the exposure and per pixel along x, not divided by the blaze."""
    variance: np.ndarray
    """Square of the flux's unit; pixels of one spectrum are independent of each other."""
    quality: np.ndarray
    """Bits of `Quality`, uint8."""
    sky: np.ndarray
    """Light of the sky that was subtracted: as the flux, in the object's effective aperture."""
    blaze: np.ndarray
    """What the flat lamp gives in the same aperture, 1 on average over the chip; NaN unknown."""

    def __post_init__(self) -> None:
        shape = (len(self.orders), self.wave.shape[-1])
        for one in fields(self):
            found = getattr(self, one.name).shape
            if one.name != "orders" and found != shape:
                raise ValueError(f"{one.name} has the shape {found} instead of {shape}")
