"""Reduced spectra as recipes leave them: a table of ours, or images of ESO's UVES pipeline.

=============  ===========================================================================
table          extension SPECTRUM, a row a bin: WAVE [Angstrom], FLUX_REDUCED, ERR_REDUCED,
               BGFLUX_REDUCED, QUAL, and with a response FLUX, ERR; extension ORDERS, a row
               an order: WAVE, FLUX, ERR, BLAZE
images         one row a spectrum, CRVAL1 and CDELT1 the wavelengths; errors and sky are
               files of their own on the same grid. Orders: a row an order, WSTARTn its begin
=============  ===========================================================================

ESO's images fill bins without a value with flux 0 and error 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vltflow.core.errors import UnreadableFile
from vltflow.fits.header import Header
from vltflow.fits.scanner import scan
from vltflow.fits.table import read_tables

NO_VALUE = 16
"""Quality of a bin without a value."""
_TABLE, _ORDERS = "SPECTRUM", "ORDERS"


@dataclass(frozen=True, slots=True)
class ReducedSpectrum:
    """A merged spectrum of one chip: arrays (n,) each."""

    wave: np.ndarray
    """Ascending [Angstrom, air]."""
    flux: np.ndarray
    """[adu]; NaN where undefined."""
    error: np.ndarray
    """One sigma [adu]; NaN where unknown."""
    quality: np.ndarray
    """int32, 0 good."""
    sky: np.ndarray | None
    """[adu]; None: no sky was subtracted."""
    calibrated: tuple[np.ndarray, np.ndarray] | None
    """Flux and error [erg/s/cm2/Angstrom], if there was a response."""
    header: Header
    """Of the primary HDU."""


@dataclass(frozen=True, slots=True)
class ReducedOrder:
    """One order before merging, blaze taken out: arrays (n,) each, wavelengths ascending."""

    wave: np.ndarray
    flux: np.ndarray
    error: np.ndarray


def read_reduced(
    path: Path, *, error: Path | None = None, sky: Path | None = None
) -> ReducedSpectrum:
    """Read a reduced spectrum of either layout.

    Parameters
    ----------
    path
        Table or image.
    error, sky
        Images that go with an image; a table has these columns itself.

    Raises
    ------
    UnreadableFile
        If the file is neither, or the images do not fit together.
    """
    rows = read_tables(path, {_TABLE}).get(_TABLE)
    header = scan(path)[0]
    if rows is not None:
        return _of_table(rows, header, path)
    return _of_images(path, header, error, sky)


def read_orders(path: Path, *, error: Path | None = None) -> tuple[ReducedOrder, ...]:
    """Orders before merging, of either layout; none if the file has none.

    Raises
    ------
    UnreadableFile
        If the images do not fit together.
    """
    headers = scan(path)
    if any(one.get("XTENSION") == "BINTABLE" for one in headers):
        rows = read_tables(path, {_ORDERS}).get(_ORDERS, ())
        return tuple(_order_of_row(row) for row in rows if _is_known(row["WAVE"]))
    header, flux = _image(path)
    if flux.ndim != 2 or "WSTART1" not in header:
        return ()
    errors = np.full(flux.shape, np.nan) if error is None else _image(error)[1]
    if errors.shape != flux.shape:
        raise UnreadableFile(f"{error}: {errors.shape} errors do not fit {path}, {flux.shape}")
    return tuple(_order_of_image(header, number, flux, errors) for number in range(len(flux)))


def _order_of_image(
    header: Mapping[str, Any], number: int, flux: np.ndarray, errors: np.ndarray
) -> ReducedOrder:
    start, end = header[f"WSTART{number + 1}"], header[f"WEND{number + 1}"]
    step = header["CDELT1"]
    size = min(flux.shape[1], round((end - start) / step) + 1)
    wave = start + step * np.arange(size)
    return ReducedOrder(wave, flux[number, :size], errors[number, :size])


def _is_known(wave: np.ndarray) -> bool:
    return bool(np.isfinite(wave).all())


def _order_of_row(row: Any) -> ReducedOrder:
    """An order of ours: what the lamp shows of the blaze is taken out."""
    turned = slice(None, None, -1 if row["WAVE"][0] > row["WAVE"][-1] else 1)
    wave, flux, error = (np.asarray(row[name][turned], float) for name in ("WAVE", "FLUX", "ERR"))
    if "BLAZE" not in row.dtype.names:
        return ReducedOrder(wave, flux, error)
    blaze = np.asarray(row["BLAZE"][turned], float)
    with np.errstate(divide="ignore", invalid="ignore"):
        blaze = np.where(blaze > 0, blaze, np.nan)
        return ReducedOrder(wave, flux / blaze, error / blaze)


def _of_table(rows: Any, header: Header, path: Path) -> ReducedSpectrum:
    names = set(rows.dtype.names)
    absent = {"WAVE", "FLUX_REDUCED", "ERR_REDUCED"} - names
    if absent:
        raise UnreadableFile(f"{path}: its SPECTRUM has no column {', '.join(sorted(absent))}")

    def column(name: str) -> np.ndarray:
        return np.asarray(rows[name], float)

    quality = rows["QUAL"] if "QUAL" in names else np.zeros(len(rows))
    sky = column("BGFLUX_REDUCED") if "BGFLUX_REDUCED" in names else None
    return ReducedSpectrum(
        wave=column("WAVE"),
        flux=column("FLUX_REDUCED"),
        error=column("ERR_REDUCED"),
        quality=np.asarray(quality, np.int32),
        sky=sky if sky is not None and np.isfinite(sky).any() else None,
        calibrated=(column("FLUX"), column("ERR")) if {"FLUX", "ERR"} <= names else None,
        header=header,
    )


def _of_images(path: Path, header: Header, error: Path | None, sky: Path | None) -> ReducedSpectrum:
    keywords, flux = _image(path)
    if flux.ndim != 1 or "CRVAL1" not in keywords:
        raise UnreadableFile(f"{path}: neither a table SPECTRUM nor an image of one row")
    step = float(keywords.get("CD1_1", keywords.get("CDELT1", 0.0)))
    place = np.arange(flux.size) + 1.0 - float(keywords.get("CRPIX1", 1.0))
    wave = float(keywords["CRVAL1"]) + step * place
    errors = _beside(error, flux, path)
    empty = (flux == 0) | ~np.isfinite(flux)
    background = None if sky is None else _beside(sky, flux, path)
    return ReducedSpectrum(
        wave=wave,
        flux=np.where(empty, np.nan, flux),
        error=np.where(empty, np.nan, errors),
        quality=np.where(empty, NO_VALUE, 0).astype(np.int32),
        sky=background if background is not None and background.any() else None,
        calibrated=None,
        header=header,
    )


def _beside(path: Path | None, flux: np.ndarray, owner: Path) -> np.ndarray:
    if path is None:
        return np.full(flux.shape, np.nan)
    _, values = _image(path)
    if values.shape != flux.shape:
        raise UnreadableFile(f"{path}: {values.size} bins do not fit {owner}, {flux.size}")
    return values


def _image(path: Path) -> tuple[Mapping[str, Any], np.ndarray]:
    from astropy.io import fits  # noqa: PLC0415 - slow to load, and most commands read no pixels

    try:
        with fits.open(path, memmap=False) as hdus:
            data = hdus[0].data
            if data is None:
                raise UnreadableFile(f"{path}: its primary HDU has no image")
            return dict(hdus[0].header), np.asarray(data, float)
    except OSError as error:
        raise UnreadableFile(f"{path}: {error}", hint="Restore it, or make it anew") from error
