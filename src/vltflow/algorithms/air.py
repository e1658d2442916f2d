"""What the air does to light: wavelengths in vacuum and in air, and the share that passes."""

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


def transmission(
    wave: np.ndarray, airmass: float, table: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """Share of the light that passes the air: 10^(-0.4 k X); NaN outside the table.

    Parameters
    ----------
    wave
        Angstrom.
    airmass
        X, 1 or more.
    table
        Wavelengths (Angstrom, ascending) and extinction k (mag per airmass).
    """
    coefficient = np.interp(wave, *table, left=np.nan, right=np.nan)
    return np.asarray(10.0 ** (-0.4 * airmass * coefficient))
