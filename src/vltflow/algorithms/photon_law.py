"""Signal to noise against signal: the law of photon noise, and who falls below it.

The noise of N electrons is their square root, so SNR = scale * sqrt(N): the scale is 1 for
bins that are pixels. Sky, read noise, cosmics and poor extraction only lower it: products
of one mode lie below an upper envelope, which is shot noise alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ENVELOPE = 0.9
"""Quantile of the scales that is the envelope: of ten products one may be too good by chance."""
BRIGHT_SHARE = 0.5
"""Share of the brightest products that shot noise rules most, which define the envelope."""
FEWEST = 3


@dataclass(frozen=True, slots=True)
class PhotonLaw:
    """Law of one mode: SNR = scale * sqrt(electrons)."""

    scale: float
    """NaN with fewer than three products."""
    used: int
    """Products that defined it."""

    def snr(self, electrons: np.ndarray) -> np.ndarray:
        """Highest signal to noise of a bin with so many electrons, (n,)."""
        return self.scale * np.sqrt(np.clip(electrons, 0.0, None))


def fit_photon_law(electrons: np.ndarray, snr: np.ndarray) -> PhotonLaw:
    """Upper envelope of the products of one mode.

    The 90 % quantile of SNR/sqrt(N) of the brighter half: where read noise matters least;
    robust against single products with wrong errors on either side.

    Parameters
    ----------
    electrons, snr : ndarray of float, (n,)
        Median of the bins of each product; those that are not positive are left out.
    """
    told = np.isfinite(electrons) & np.isfinite(snr) & (electrons > 0) & (snr > 0)
    electrons, snr = electrons[told], snr[told]
    if electrons.size < FEWEST:
        return PhotonLaw(float("nan"), int(electrons.size))
    number = max(FEWEST, round(BRIGHT_SHARE * electrons.size))
    bright = np.argsort(electrons, kind="stable")[-number:]
    scales = snr[bright] / np.sqrt(electrons[bright])
    return PhotonLaw(float(np.quantile(scales, ENVELOPE)), number)


def far_below(
    electrons: np.ndarray, snr: np.ndarray, law: PhotonLaw, *, factor: float
) -> np.ndarray:
    """Products with less than `factor` of the signal to noise of the law, (n,) of bool."""
    with np.errstate(invalid="ignore"):
        return np.asarray(snr < factor * law.snr(electrons))
