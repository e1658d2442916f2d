"""The spectra of several chips as one: side by side in wavelength, each bin from one chip."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vltflow.fits import NO_VALUE, ReducedSpectrum
from vltflow.publish.spectrum import ExtraColumn, Spectrum

ADU = "adu"
ABSOLUTE = "erg.s**(-1).cm**(-2).angstrom**(-1)"
_FLUX_UCD = "phot.flux.density;em.wl"


def joined(spectra: Sequence[ReducedSpectrum]) -> Spectrum:
    """One spectrum of those of all chips, without empty ends.

    Where two chips overlap, each gives its half. Without a response the flux is that of the
    detector; with one for all chips it is absolute, and the detector's goes beside it. Where the
    response does not reach, flux is undefined, and the quality says so.

    Raises
    ------
    UnprocessableData
        If nothing in them has a value.
    """
    parts = [_useful(one) for one in sorted(spectra, key=lambda one: float(one.wave[0]))]
    kept = [parts[0]]
    for part in parts[1:]:
        before, after = _without_overlap(kept[-1], part)
        kept[-1:] = [before, after]
    return _spectrum(kept)


def _useful(one: ReducedSpectrum) -> ReducedSpectrum:
    spectrum = Spectrum(one.wave, one.flux, one.error).useful()
    start = int(np.searchsorted(one.wave, spectrum.wave[0]))
    return _cut(one, slice(start, start + spectrum.wave.size))


def _without_overlap(
    first: ReducedSpectrum, second: ReducedSpectrum
) -> tuple[ReducedSpectrum, ReducedSpectrum]:
    if first.wave[-1] < second.wave[0]:
        return first, second
    middle = (first.wave[-1] + second.wave[0]) / 2
    end = int(np.searchsorted(first.wave, middle, side="right"))
    start = int(np.searchsorted(second.wave, middle, side="right"))
    return _cut(first, slice(0, end)), _cut(second, slice(start, None))


def _cut(one: ReducedSpectrum, part: slice) -> ReducedSpectrum:
    calibrated = one.calibrated
    return ReducedSpectrum(
        wave=one.wave[part],
        flux=one.flux[part],
        error=one.error[part],
        quality=one.quality[part],
        sky=None if one.sky is None else one.sky[part],
        calibrated=None if calibrated is None else (calibrated[0][part], calibrated[1][part]),
        header=one.header,
    )


def _spectrum(parts: Sequence[ReducedSpectrum]) -> Spectrum:
    wave, flux, error = (
        np.concatenate([getattr(one, name) for one in parts]) for name in ("wave", "flux", "error")
    )
    absolute = all(one.calibrated is not None for one in parts)
    extra = [*_detector_columns(flux, error, absolute=absolute), *_sky_column(parts, absolute)]
    if absolute:
        flux = np.concatenate([one.calibrated[0] for one in parts if one.calibrated])
        error = np.concatenate([one.calibrated[1] for one in parts if one.calibrated])
    quality = np.concatenate([one.quality for one in parts])
    return Spectrum(
        wave=wave,
        flux=flux,
        error=error,
        quality=np.where(np.isfinite(flux), quality, quality | NO_VALUE),
        flux_unit=ABSOLUTE if absolute else ADU,
        is_net=all(one.sky is not None for one in parts),
        extra=(*extra, _snr_column(flux, error)),
    )


def _detector_columns(flux: np.ndarray, error: np.ndarray, *, absolute: bool) -> list[ExtraColumn]:
    if not absolute:
        return []
    ucd = f"{_FLUX_UCD};stat.uncalib"
    return [
        ExtraColumn(
            "FLUX_REDUCED", flux, ADU, "eso:Data.FluxAxis.Value", ucd, "flux of the detector"
        ),
        ExtraColumn(
            "ERR_REDUCED",
            error,
            ADU,
            "eso:Data.FluxAxis.Accuracy.StatError",
            f"stat.error;{ucd}",
            "its error, one sigma",
        ),
    ]


def _sky_column(parts: Sequence[ReducedSpectrum], absolute: bool) -> list[ExtraColumn]:  # noqa: FBT001
    if all(one.sky is None for one in parts):
        return []
    values = np.concatenate(
        [np.full(one.wave.shape, np.nan) if one.sky is None else one.sky for one in parts]
    )
    prefix = "eso:" if absolute else "Spectrum."
    return [
        ExtraColumn(
            "BGFLUX_REDUCED",
            values,
            ADU,
            f"{prefix}Data.BackgroundModel.Value",
            f"{_FLUX_UCD};stat.uncalib",
            "sky that was subtracted",
        )
    ]


def _snr_column(flux: np.ndarray, error: np.ndarray) -> ExtraColumn:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(error > 0, flux / error, np.nan)
    return ExtraColumn("SNR", ratio, "", "", "stat.snr", "flux over error")
