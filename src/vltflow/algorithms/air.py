"""Wavelengths in vacuum and in air: always one or the other by name."""

from __future__ import annotations

import numpy as np


def air_from_vacuum(wave: np.ndarray) -> np.ndarray:
    """Wavelength in standard air from that in vacuum.

    Parameters
    ----------
    wave
        Vacuum wavelengths, Angstrom, any shape; 2000 to 25000.

    Returns
    -------
    numpy.ndarray
        Angstrom, same shape. Ciddor 1996, Applied Optics 35, 1566, equation 1: 15 degrees
        Celsius, 101325 Pa, 450 ppm of carbon dioxide.
    """
    sigma2 = (1e4 / np.asarray(wave, dtype=float)) ** 2
    excess = 5_792_105e-8 / (238.0185 - sigma2) + 167_917e-8 / (57.362 - sigma2)
    return np.asarray(wave / (1.0 + excess))


def vacuum_from_air(wave: np.ndarray) -> np.ndarray:
    """Wavelength in vacuum from that in standard air, Angstrom: the inverse of the above.

    The index hardly depends on the wavelength, so three iterations are exact to 1e-12.
    """
    air = np.asarray(wave, dtype=float)
    vacuum = air
    for _ in range(3):
        vacuum = air * (vacuum / air_from_vacuum(vacuum))
    return vacuum
