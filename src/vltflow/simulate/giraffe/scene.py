"""The light in GIRAFFE: lamps and stars through fibres and spectrograph onto the chip."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from vltflow.instruments.giraffe.spectrograph import (
    CALIBRATION_FIBRES,
    FIBRE_FWHM,
    SETTINGS,
    Setting,
    slit_places,
)
from vltflow.simulate import light
from vltflow.simulate.giraffe import constants, fibres
from vltflow.simulate.giraffe.header import template_start
from vltflow.simulate.giraffe.optics import Misalignment, Trace, trace
from vltflow.simulate.image import Scene, add_lines, paint, point_profile, scattered_light
from vltflow.simulate.uves import conditions

if TYPE_CHECKING:
    from vltflow.simulate.detector import Layout
    from vltflow.simulate.plan import PlannedFrame, Template

_EVERY = 16


def scene(frame: PlannedFrame, layout: Layout) -> Scene:
    """Expected electrons of one exposure of the template."""
    template, mjd = frame.template, template_start(frame)
    slit, name = template.setup.mode.split()
    moved = misalignment(mjd)
    traces = _trace(slit, name, moved)
    spectra = _spectra(template, SETTINGS[name], slit, traces, mjd)
    image = np.zeros((layout.rows, layout.columns), dtype=np.float32)
    paint(image, traces.column, spectra, point_profile(FIBRE_FWHM))
    image += scattered_light(image, constants.SCATTERED)
    truth: dict[str, float | str] = {
        "slit": slit,
        "setting": name,
        "shift_along_dispersion_mm": round(moved.along, 6),
        "shift_across_dispersion_mm": round(moved.across, 6),
        "fibre_fwhm_pixel": FIBRE_FWHM,
        "scattered_fraction": constants.SCATTERED,
        "lamp": template.lamp,
        "lamp_level": round(conditions.lamp_output(template.lamp, mjd), 6),
    }
    arrays = {
        "fps": np.arange(1, len(spectra) + 1),
        "row": np.arange(0, layout.rows, _EVERY) + 1.0,
        "column": traces.column[:, ::_EVERY] + 1.0,
        "wave_air": traces.wavelength[:, ::_EVERY],
        "spectrum": spectra.astype(np.float32),
        "transmission": fibres.transmission(slit),
    }
    return Scene(image, truth, arrays)


def misalignment(mjd: float) -> Misalignment:
    """How the slit stands: by the temperature, and a little off its table always."""
    warm = conditions.temperature(mjd) - 12.4
    return Misalignment(0.03 + 0.003 * warm, -0.01 + 0.002 * warm)


@lru_cache(maxsize=2)
def _trace(slit: str, setting: str, moved: Misalignment) -> Trace:
    return trace(SETTINGS[setting], slit_places(slit), moved)


def _spectra(
    template: Template, setting: Setting, slit: str, traces: Trace, mjd: float
) -> np.ndarray:
    """Electrons of each fibre by row, (n_fibre, n_rows)."""
    wave = traces.wavelength
    efficiency = np.interp(wave, *constants.THROUGHPUT) * fibres.transmission(slit)[:, None]
    if template.kind == "flat":
        return _lamp(template, setting, efficiency, wave, mjd)
    if template.kind == "arc":
        return _lines(template, setting, efficiency, wave, mjd)
    return _field(template, efficiency, wave, setting.dispersion)


def _lamp(
    template: Template, setting: Setting, efficiency: np.ndarray, wave: np.ndarray, mjd: float
) -> np.ndarray:
    """The halogen lamp; in the middle of the setting a mean fibre peaks at the nominal level."""
    shape = efficiency * light.halogen_lamp(10.0 * wave) * wave
    middle = setting.wavelength
    nominal = np.interp(middle, *constants.THROUGHPUT)
    nominal *= float(light.halogen_lamp(np.array(10.0 * middle))) * middle
    width = FIBRE_FWHM / 2.3548 * np.sqrt(2.0 * np.pi)
    exposure = template.exptime / constants.EXPOSURES[setting.name].flat
    level = constants.FLAT_PEAK_ADU * constants.CARRERAS.conad * width * exposure
    return np.asarray(shape / nominal * level * conditions.lamp_output("flat", mjd))


def _lines(
    template: Template, setting: Setting, efficiency: np.ndarray, wave: np.ndarray, mjd: float
) -> np.ndarray:
    """The lines of thorium and argon."""
    lines = light.thorium_argon()
    air = light.air_from_vacuum(lines.wave_vac) / 10.0
    nominal = constants.EXPOSURES[setting.name]
    scale = nominal.line * template.exptime / nominal.arc * conditions.lamp_output("thar", mjd)
    spectra, rows = np.zeros(wave.shape), np.arange(wave.shape[1])
    relative = efficiency / np.interp(setting.wavelength, *constants.THROUGHPUT)
    for spectrum, own, share in zip(spectra, wave, relative, strict=True):
        inside = (air > own[0]) & (air < own[-1])
        centres = np.interp(air[inside], own, rows)
        flux = scale * lines.intensity[inside] * np.interp(centres, rows, share)
        add_lines(spectrum, centres, flux, FIBRE_FWHM)
    return spectra


def _field(
    template: Template, efficiency: np.ndarray, wave: np.ndarray, dispersion: float
) -> np.ndarray:
    """Stars like the sun and the dark sky; nothing in the calibration fibres."""
    angstrom = 10.0 * wave
    magnitude = np.full(len(wave), 99.0)
    science = fibres.retractors() > 0
    table = fibres.ozpoz_table(None)
    stars = np.where(table["TYPE"] == b"M", fibres.magnitudes(len(table)), 99.0)
    magnitude[science] = stars
    flux = light.energy_shape(angstrom, 5770.0)
    flux *= np.array([light.flux_density(m) for m in magnitude])[:, None] * 0.6
    flux += light.sky_continuum(angstrom) * np.pi / 4.0 * constants.FIBRE_ARCSEC**2
    photons = light.photon_rate(flux, angstrom, constants.TELESCOPE_AREA_CM2)
    electrons = photons * efficiency * 10.0 * dispersion * template.exptime
    electrons[np.array(CALIBRATION_FIBRES) - 1] = 0.0
    return np.asarray(electrons)
