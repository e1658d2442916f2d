"""Preview figures of spectra: of arrays at hand, or of product files of anybody."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vltflow.core.errors import UnprocessableData
from vltflow.fits import Header
from vltflow.plots.spectrum import SpectrumPreview
from vltflow.publish.document import open_document
from vltflow.publish.standard.values import text


def preview_of(path: Path) -> SpectrumPreview:
    """What a preview of a product shows: its first flux, error and quality.

    Parameters
    ----------
    path : Path
        A spectrum of the Science Data Products standard.

    Raises
    ------
    UnprocessableData
        If it is none: damaged, without a table of one row, or without wavelengths and flux.
    InvalidHeader, UnreadableFile
        If its table cannot be read.
    """
    document = open_document(path, now=0.0)
    if document.damage:
        raise UnprocessableData(f"{path}: {document.damage}")
    hdu, header = document.table
    if not hdu or header.get("NAXIS2") != 1:
        raise UnprocessableData(
            f"{path}: there is no table of one row", hint="Give a SCIENCE.SPECTRUM product"
        )
    cells = document.row(hdu)
    names = [text(header, f"TTYPE{number}") or "" for number in (1, 2, 3)]
    wave, flux, error = (cells.get(name) for name in names)
    if wave is None or flux is None or wave.shape != flux.shape or wave.size < 2:
        raise UnprocessableData(
            f"{path}: columns 1 and 2 are no wavelengths and fluxes ({names[0]!r}, {names[1]!r})",
            hint="`vltflow validate` tells what is wrong",
        )
    if not np.isfinite(wave).all() or not (np.diff(wave) > 0).all():
        raise UnprocessableData(f"{path}: its wavelengths do not increase")
    quality = next((cells[name] for name in cells if name.startswith("QUAL")), None)
    fits = error is not None and error.shape == wave.shape
    return SpectrumPreview(
        title=_title(document.primary, header, path),
        wave=wave,
        flux=flux,
        error=error if error is not None and fits else np.full(wave.shape, np.nan),
        quality=_whole(quality, wave),
        wave_label=_label("wavelength" if names[0] == "WAVE" else names[0], header, 1),
        flux_label=_label("flux", header, 2),
    )


def _title(primary: Header, table: Header, path: Path) -> str:
    target = text(table, "OBJECT") or text(primary, "OBJECT") or path.name
    parts = [target, text(primary, "INSTRUME"), (text(primary, "DATE-OBS") or "")[:19]]
    exposure, ratio = primary.get("TEXPTIME"), primary.get("SNR")
    if isinstance(exposure, int | float):
        parts.append(f"{exposure:.0f} s")
    if isinstance(ratio, int | float):
        parts.append(f"SNR {ratio:.3g}")
    return "  ".join(part for part in parts if part)


def _label(name: str, header: Header, column: int) -> str:
    unit = text(header, f"TUNIT{column}")
    return f"{name} [{unit}]" if unit else name


def _whole(quality: np.ndarray | None, wave: np.ndarray) -> np.ndarray:
    """Flags as integers; all good where there are none that fit."""
    if quality is None or quality.shape != wave.shape or not np.isfinite(quality).all():
        return np.zeros(wave.shape, np.int64)
    return np.asarray(np.maximum(quality, 0), np.int64)
