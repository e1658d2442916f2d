"""The files of one science product, in a folder: the spectrum and what goes with it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from vltflow.algorithms import Quality
from vltflow.core.time import iso_from_mjd, mjd_from_iso
from vltflow.fits import ReducedSpectrum, amend, read_reduced, write_bytes
from vltflow.instruments import Instrument
from vltflow.publish.describing import describe
from vltflow.publish.joining import ADU, joined
from vltflow.publish.naming import archive_name, product_name
from vltflow.publish.sources import Sources
from vltflow.publish.spectrum import Associated, Description, Spectrum
from vltflow.publish.spectrum_file import write_spectrum
from vltflow.store import Vault

PREVIEW = "ANCILLARY.PREVIEW"
_MILLISECOND = 1e-3 / 86_400.0
_GAP = 10.0
"""Steps after which a preview breaks the line: between two chips."""


@dataclass(frozen=True, slots=True)
class Companion:
    """A file that goes with a spectrum."""

    path: Path
    category: str


@dataclass(frozen=True, slots=True)
class Files:
    """What was written."""

    path: Path
    companions: tuple[Companion, ...]
    said: Description
    snr: float
    archive_name: str


def file_name(sources: Sources, target: str) -> str:
    """ORIGFILE: instrument, target, begin, setup; the same for all versions."""
    begin = iso_from_mjd(sources.frames[0].mjd_obs)
    # The mark stands before what may be cut off.
    words = (sources.block.instrument, target, begin, sources.entry.mark, sources.block.setup)
    return product_name(*words)


def make_files(
    sources: Sources, instrument: Instrument, vault: Vault, folder: Path, *, later: int = 0
) -> Files:
    """Write a science product with its associated files into an empty folder.

    Parameters
    ----------
    later
        Milliseconds that its archive name is later than its making, so that it is its own.

    Raises
    ------
    UnprocessableData
        If the reduced spectra hold no value.
    InvalidHeader
        If a keyword of the standard cannot be given.
    """
    reduced = [_reduced(sources, chip, vault, folder) for chip in sources.products]
    spectrum = joined(reduced)
    headers = [one.header for one in reduced]
    said = describe(sources, instrument, headers, ())
    name = file_name(sources, said.target)
    archived = archive_name(mjd_from_iso(sources.ended) + later * _MILLISECOND)
    companions = list(_companions(sources, vault, folder))
    companions.append(_preview(spectrum, said.shown_title, folder / name))
    said = replace(
        said,
        archive_name=archived,
        is_absolute=spectrum.flux_unit != ADU,
        associated=tuple(_associated(one) for one in companions),
    )
    write_spectrum(folder / name, spectrum, said)
    return Files(folder / name, tuple(companions), said, spectrum.median_snr or 0.0, archived)


def later_of(sources: Sources, archived: str) -> int:
    """Milliseconds by which an archive name is later than the making of its product."""
    begin = mjd_from_iso(sources.ended)
    moment = mjd_from_iso(archived.removeprefix("ADP.").removesuffix(".fits"))
    return round((moment - begin) / _MILLISECOND)


def _reduced(sources: Sources, chip: str, vault: Vault, folder: Path) -> ReducedSpectrum:
    roles = sources.products[chip]
    place = folder / "parts"
    place.mkdir(exist_ok=True)

    def file(role: str) -> Path | None:
        return vault.local_path(roles[role].file_id, place) if role in roles else None

    main = vault.local_path(roles[sources.entry.role].file_id, place)
    return read_reduced(main, error=file(sources.entry.error), sky=file(sources.entry.sky))


def _companions(sources: Sources, vault: Vault, folder: Path) -> Iterator[Companion]:
    """Products that go with the spectrum, marked as such."""
    for kind in sources.entry.ancillary:
        if kind.runner not in {None, sources.runner}:
            continue
        for roles in sources.products.values():
            if kind.role not in roles:
                continue
            product = roles[kind.role]
            path = folder / product.name
            shutil.copyfile(vault.local_path(product.file_id, folder / "parts"), path)
            amend(path, {"PRODCATG": kind.category})
            yield Companion(path, kind.category)


def _preview(spectrum: Spectrum, title: str, beside: Path) -> Companion:
    from vltflow.plots.spectrum import (  # noqa: PLC0415 - slow to load, and judging draws nothing
        SpectrumPreview,
        draw_preview,
    )

    gaps = np.flatnonzero(np.diff(spectrum.wave) > _GAP * np.median(np.diff(spectrum.wave))) + 1
    middles = (spectrum.wave[gaps - 1] + spectrum.wave[gaps]) / 2
    quality = spectrum.quality if spectrum.quality is not None else np.zeros(spectrum.wave.shape)
    shown = SpectrumPreview(
        title=title,
        wave=np.insert(spectrum.wave, gaps, middles),
        flux=np.insert(spectrum.flux, gaps, np.nan),
        error=np.insert(spectrum.error, gaps, np.nan),
        quality=np.insert(quality, gaps, 0).astype(np.int32),
        wave_label=f"wavelength [{spectrum.wave_unit}]",
        flux_label=f"flux [{spectrum.flux_unit}]",
        flag_names=[(bit.value, bit.name or "") for bit in Quality if bit],
    )
    path = beside.with_suffix(".png")
    write_bytes(path, draw_preview(shown))
    return Companion(path, PREVIEW)


def _associated(one: Companion) -> Associated:
    if one.path.suffix == ".fits":
        return Associated(one.path.name)
    return Associated(one.path.name, one.category, md5_of(one.path))


def md5_of(path: Path) -> str:
    """MD5 sum of a file, as the standard wants it."""
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
