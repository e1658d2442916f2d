"""Spectra of lamps, stars and the sky, and the air between vacuum and slit.

Wavelengths are in vacuum and in Angstrom unless a name says ``air``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from vltflow.instruments import data

_HC_OVER_K = 1.438776877e8
"""Second radiation constant, Angstrom kelvin (CODATA 2018)."""
_HC = 1.98644586e-8
"""Planck's constant times the speed of light, erg Angstrom (CODATA 2018)."""


def air_from_vacuum(wave_vac: np.ndarray) -> np.ndarray:
    """Wavelength in standard air (15 degrees, 1013.25 hPa): Ciddor 1996, Applied Optics 35, 1566.

    The two-term form for standard air of N. Piskunov, as used by the VALD data base.
    """
    wave = np.asarray(wave_vac, dtype=float)
    s2 = (1e4 / wave) ** 2
    index = 1.0 + 0.0000834254 + 0.02406147 / (130.0 - s2) + 0.00015998 / (38.9 - s2)
    return wave / index


@dataclass(frozen=True)
class LineList:
    """Emission lines."""

    wave_vac: np.ndarray
    """Angstrom, ascending."""
    intensity: np.ndarray


@lru_cache(maxsize=1)
def thorium_argon() -> LineList:
    """Lines of a ThAr hollow-cathode lamp, on one scale of intensity."""
    lines = data.thorium_argon()
    # NIST's argon intensities come from another source: in lamps argon is this much weaker.
    return LineList(lines.wave_vac, np.where(lines.argon, 0.12, 1.0) * lines.intensity)


SKY_LINES = LineList(
    # [O I], Na I D, and OH lines of the night sky: Osterbrock et al. 1996, PASP 108, 277 (air
    # values converted to vacuum); intensities in Rayleigh, typical of a dark site.
    wave_vac=np.array(
        [5578.888, 5891.583, 5897.558, 6302.046, 6365.536, 6866.21, 7278.28, 7318.30, 7718.64,
         7752.77, 7796.00, 7823.46, 7915.85, 7966.84, 7995.52, 8346.90, 8401.50, 8432.34,
         8829.52, 8888.28, 8922.08, 9378.54, 9442.27]
    ),
    intensity=np.array(
        [180.0, 40.0, 25.0, 120.0, 40.0, 30.0, 60.0, 55.0, 45.0, 70.0, 60.0, 70.0, 80.0, 90.0,
         110.0, 130.0, 140.0, 120.0, 150.0, 180.0, 140.0, 130.0, 110.0]
    ),
)  # fmt: skip


def blackbody(wave: np.ndarray, temperature: float) -> np.ndarray:
    """Photon flux per Angstrom of a black body, 1 at 5500 Angstrom."""

    def photons(w: np.ndarray) -> np.ndarray:
        return w**-4 / np.expm1(_HC_OVER_K / (w * temperature))

    return photons(np.asarray(wave, float)) / photons(np.array(5500.0))


def halogen_lamp(wave: np.ndarray) -> np.ndarray:
    """Flat-field lamp: 3200 K through a blue-balancing filter; photons per Angstrom, relative."""
    return blackbody(wave, 3200.0) / (0.02 + (np.asarray(wave) / 5500.0) ** 5)


def deuterium_lamp(wave: np.ndarray) -> np.ndarray:
    """Deuterium lamp: continuum that falls from the ultraviolet to the red; relative."""
    return np.exp(-(np.asarray(wave) - 3000.0) / 900.0) + 0.01


_BALMER = np.array([6564.6, 4862.7, 4341.7, 4102.9, 3971.2, 3890.2, 3836.5, 3798.9])
"""H alpha to H 10, vacuum: NIST Atomic Spectra Database."""


def hot_white_dwarf(wave: np.ndarray, *, magnitude: float, temperature: float) -> np.ndarray:
    """Hot star beyond the catalogue: black body with broad Balmer lines, erg/s/cm2/Angstrom."""
    flux = flux_density(magnitude) * energy_shape(wave, temperature)
    for number, centre in enumerate(_BALMER):
        width, depth = 28.0 * 0.85**number, 0.55 * 0.9**number
        flux = flux * (1.0 - depth / (1.0 + ((wave - centre) / width) ** 2))
    return flux


def energy_shape(wave: np.ndarray, temperature: float) -> np.ndarray:
    """Energy flux per Angstrom of a black body, 1 at 5500 Angstrom."""
    return blackbody(wave, temperature) * 5500.0 / np.asarray(wave)


def quasar(wave: np.ndarray, *, magnitude: float, redshift: float, seed: int) -> np.ndarray:
    """Power law with emission lines and a forest of narrow absorption, erg/s/cm2/Angstrom."""
    flux = flux_density(magnitude) * (wave / 5500.0) ** -1.5
    for rest, width, height in ((1215.67, 18.0, 2.0), (1549.06, 22.0, 0.8), (1908.73, 25.0, 0.4)):
        line = (wave / (1.0 + redshift) - rest) / width
        flux = flux * (1.0 + height * np.exp(-0.5 * line**2))
    lines = absorption_lines(redshift, seed)
    return flux * np.exp(-_optical_depth(wave, lines))


def absorption_lines(redshift: float, seed: int) -> np.ndarray:
    """Forest and metal lines: columns wavelength, width (sigma), central optical depth."""
    rng = np.random.default_rng(seed)
    edge = 1215.67 * (1.0 + redshift)
    forest = rng.uniform(3000.0, max(edge, 3001.0), max(0, int((edge - 3000.0) / 12.0)))
    metals = rng.uniform(max(edge, 3000.0), 10_500.0, 60)
    wave = np.concatenate([forest, metals])
    speed = np.concatenate([rng.uniform(15, 35, len(forest)), rng.uniform(3, 8, len(metals))])
    depth = rng.lognormal(-0.3, 1.0, len(wave))
    return np.column_stack([wave, wave * speed / 299_792.458, depth])


_NEBULA = np.array(
    # [O II], Balmer, He, [O III], [N II], [S II], [Ar III], [S III]: air wavelengths of the NIST
    # Atomic Spectra Database, strengths of an H II region with H beta 100 (Osterbrock & Ferland).
    [(3726.03, 90), (3728.82, 110), (3835.39, 7), (3868.76, 30), (3889.05, 18), (3967.47, 10),
     (3970.07, 16), (4101.74, 26), (4340.47, 47), (4363.21, 2), (4471.50, 4), (4861.33, 100),
     (4958.91, 95), (5006.84, 285), (5875.62, 12), (6300.30, 3), (6312.10, 2), (6548.05, 18),
     (6562.82, 286), (6583.45, 54), (6678.15, 3.5), (6716.44, 22), (6730.82, 18), (7065.19, 3),
     (7135.79, 11), (7319.9, 3), (7330.2, 3), (7751.11, 3), (9068.6, 22), (9531.1, 55)]
)  # fmt: skip


def nebular_lines(redshift: float) -> np.ndarray:
    """Lines of an H II region: columns vacuum wavelength, width (sigma of 8 km/s), strength."""
    wave = _vacuum(_NEBULA[:, 0]) * (1.0 + redshift)
    return np.column_stack([wave, wave * 8.0 / 299_792.458, _NEBULA[:, 1]])


def _vacuum(wave_air: np.ndarray) -> np.ndarray:
    wave = wave_air
    for _ in range(3):
        wave = wave_air + wave - air_from_vacuum(wave)
    return wave


def nebula(wave: np.ndarray, *, magnitude: float, redshift: float) -> np.ndarray:
    """Emission lines without a continuum, erg/s/cm2/Angstrom; H beta peaks at the magnitude."""
    lines = nebular_lines(redshift)
    lines[:, 2] /= 100.0
    return flux_density(magnitude) * _optical_depth(wave, lines)


def sunlight(wave: np.ndarray) -> np.ndarray:
    """Scattered sunlight: relative to the dark sky's colour, with narrow absorption lines."""
    rng = np.random.default_rng(5772)
    centres = np.sort(rng.uniform(3000.0, 11_000.0, 4000))
    strength = rng.lognormal(-1.2, 1.0, 4000) * (5000.0 / centres) ** 3
    lines = np.column_stack([centres, centres * 4.0 / 299_792.458, strength])
    return (np.asarray(wave) / 5000.0) ** -3 * np.exp(-_optical_depth(wave, lines))


_BANDS = (
    # First and last wavelength, lines, mean depth: oxygen's gamma, B and A bands, and water.
    (6278.0, 6325.0, 30, 0.15, 1), (6868.0, 6945.0, 40, 1.0, 2), (7164.0, 7340.0, 130, 0.25, 3),
    (7594.0, 7700.0, 46, 3.0, 4), (8130.0, 8350.0, 130, 0.25, 5), (8940.0, 9800.0, 500, 0.8, 6),
)  # fmt: skip


@lru_cache(maxsize=1)
def telluric_lines() -> np.ndarray:
    """Model of the air's absorption: columns vacuum wavelength, width (sigma), depth at zenith.

    Places and depths are drawn, bands are where the real ones are (Smette et al. 2015, A&A 576,
    A77, figure 1): good to judge what is done with such lines, not to correct real spectra.
    """
    parts = []
    for first, last, count, depth, seed in _BANDS:
        rng = np.random.default_rng(seed)
        wave = np.sort(rng.uniform(first, last, count))
        parts.append(np.column_stack(
            [wave, wave * 1.0 / 299_792.458, depth * rng.lognormal(-0.5, 1.0, count)]
        ))  # fmt: skip
    return np.concatenate(parts)


def telluric_transmission(wave: np.ndarray, airmass: float) -> np.ndarray:
    """Share of the light that oxygen and water vapour let pass."""
    return np.exp(-airmass * _optical_depth(wave, telluric_lines()))


def _optical_depth(wave: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """Sum of Gaussian optical depths; `wave` may have any shape."""
    flat = np.asarray(wave, float).ravel()
    order = np.argsort(flat)
    ascending, depth = flat[order], np.zeros(flat.size)
    for centre, sigma, peak in lines:
        first, last = np.searchsorted(ascending, [centre - 6 * sigma, centre + 6 * sigma])
        depth[first:last] += peak * np.exp(-0.5 * ((ascending[first:last] - centre) / sigma) ** 2)
    result = np.empty_like(depth)
    result[order] = depth
    return result.reshape(np.shape(wave))


def flux_density(magnitude: float) -> float:
    """Flux at 5500 Angstrom of a V magnitude, erg/s/cm2/Angstrom (Bessell 1998, A&A 333, 231)."""
    return float(3.631e-9 * 10.0 ** (-0.4 * magnitude))


def photon_rate(flux: np.ndarray, wave: np.ndarray, area_cm2: float) -> np.ndarray:
    """Photons per second and Angstrom on `area_cm2` from a flux in erg/s/cm2/Angstrom."""
    return flux * area_cm2 * np.asarray(wave) / _HC


def sky_continuum(wave: np.ndarray) -> np.ndarray:
    """Dark night sky, erg/s/cm2/Angstrom/arcsec2: 22.5 mag in the blue, 21 mag in the red.

    After Patat 2003, A&A 400, 1183 (Paranal, broad bands).
    """
    magnitude = np.interp(wave, [3000.0, 4400.0, 5500.0, 6500.0, 8000.0, 11000.0],
                          [22.3, 22.6, 21.6, 20.9, 19.7, 18.8])  # fmt: skip
    return np.asarray(3.631e-9 * 10.0 ** (-0.4 * magnitude) * (5500.0 / np.asarray(wave)) ** 2)


def paranal_extinction(wave: np.ndarray) -> np.ndarray:
    """Atmospheric extinction, mag per airmass; below 3100 Angstrom that of 3100."""
    return np.interp(wave, *data.paranal_extinction())


def standard_star(wave: np.ndarray, name: str) -> np.ndarray:
    """Flux of a standard star by its name in `data`, erg/s/cm2/Angstrom.

    Raises
    ------
    KeyError
        If there is no such star.
    """
    star = {one.name: one for one in data.standard_stars()}[name]
    return np.interp(wave, star.wave, star.flux)
