"""QC1 values of science spectra that no header holds: process QC, whichever recipe made them."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vltflow.algorithms.spectrum_quality import (
    good_bins,
    measured_over_expected,
    merging_step,
    negative_share,
)
from vltflow.core.errors import VltflowError
from vltflow.fits import RawImage, materialise, read_orders, read_reduced, scan
from vltflow.instruments import Instrument
from vltflow.instruments.idp import SpectrumType
from vltflow.instruments.model import ChipSection
from vltflow.qc.dossier import Dossier
from vltflow.records import MasterMatch, MatchState, Product
from vltflow.store import Store

FEWEST_ELECTRONS = 100.0
"""Below, read noise and sky rule the noise, and it says nothing to compare it with shot noise."""
_ROWS = 512
_HOUR = 3600.0
Values = Iterator[tuple[str, float]]
_FileOf = Callable[[str], Path | None]
"""Gives the file of a product by its role."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Chip:
    """Products of one chip of an AB."""

    section: ChipSection
    roles: Mapping[str, Product]


@dataclass(frozen=True, slots=True)
class _Exposure:
    """One chip of a raw frame."""

    gain: float
    """Electrons in one ADU; 0 if its header does not tell."""
    saturated: int
    """Number of saturated pixels."""
    area: float
    """cm2 of the chip that was read out; 0 if its header does not tell."""


def science_values(
    store: Store,
    instrument: Instrument,
    dossier: Dossier,
    known: Mapping[tuple[str, str], float],
    folder: Path,
) -> Iterator[tuple[Product, str, float]]:
    """Product, parameter and value of what is measured on spectra for astronomers.

    Parameters
    ----------
    known
        Values that headers hold, by category and parameter: these are not measured again.
    folder
        For temporary files.

    Raises
    ------
    UnreadableFile
        If a product cannot be read.
    """
    raw_type = dossier.block.raw_type
    entry = next((one for one in instrument.idp.spectra if raw_type in one.raw_types), None)
    if entry is None:
        return
    for chip in _chips(instrument, dossier):
        if entry.role not in chip.roles:
            continue
        main = chip.roles[entry.role]
        counted = known.get((main.category, "QC NCRH"), math.nan)
        found = dict(_of_chip(store, instrument, dossier, entry, chip, folder, counted=counted))
        for parameter, value in found.items():
            if (main.category, parameter) not in known and math.isfinite(value):
                yield main, parameter, value


def _chips(instrument: Instrument, dossier: Dossier) -> list[_Chip]:
    types = instrument.products_of(dossier.block.raw_type)
    detector = instrument.raw_types[dossier.block.raw_type].detector
    made = {one.category: one for one in dossier.products}
    return [
        _Chip(
            section,
            {
                kind.role: made[category]
                for category, kind in types.items()
                if category in made and kind.category.replace("{chip}", section.name) == category
            },
        )
        for section in instrument.header.detectors[detector]
    ]


def _of_chip(  # noqa: PLR0913 - all that a measurement may look at
    store: Store,
    instrument: Instrument,
    dossier: Dossier,
    entry: SpectrumType,
    chip: _Chip,
    folder: Path,
    *,
    counted: float,
) -> Values:
    def file(role: str) -> Path | None:
        found = chip.roles.get(role)
        return None if found is None else store.vault.local_path(found.file_id, folder)

    exposures = [_exposure(frame.location, chip.section, folder) for frame in dossier.frames]
    told = [one for one in exposures if one is not None]
    yield from _of_spectrum(file, entry, told)
    yield from _of_frames(file, entry, dossier, told, counted=counted)
    for name, categories in instrument.idp.distances.items():
        yield from _distances(name, categories, chip.section.name, dossier.block.masters)


def _of_spectrum(file: _FileOf, entry: SpectrumType, exposures: list[_Exposure]) -> Values:
    main = file(entry.role)
    if main is None:
        return
    spectrum = read_reduced(main, error=file(entry.error), sky=file(entry.sky))
    good = good_bins(spectrum.flux, spectrum.error, spectrum.quality)
    flux, error = spectrum.flux[good], spectrum.error[good]
    if not flux.size:
        return
    snr = float(np.median(flux / error))
    yield "QC SPEC SNR", snr
    yield "QC SPEC NEGFRAC", negative_share(flux, error)
    yield "QC SPEC SNRRATIO", measured_over_expected(flux, error)
    told = 0 if spectrum.sky is None else int(np.isfinite(spectrum.sky[good]).sum())
    yield "QC SPEC SKYFRAC", 100.0 * told / flux.size
    if exposures and exposures[0].gain:
        electrons = float(np.median(flux)) * exposures[0].gain
        yield "QC SPEC COUNTS", electrons
        if electrons >= FEWEST_ELECTRONS:
            yield "QC SPEC SNRSHOT", snr / math.sqrt(electrons)
    # Ours has its orders beside the spectrum; ESO's are a product of their own.
    orders = file(entry.orders) or main
    rows = read_orders(orders, error=file(entry.orders_error))
    yield "QC SPEC MERGSTEP", merging_step([(one.wave, one.flux, one.error) for one in rows])


def _of_frames(
    file: _FileOf,
    entry: SpectrumType,
    dossier: Dossier,
    exposures: list[_Exposure],
    *,
    counted: float,
) -> Values:
    """`counted` are the cosmic-ray pixels that the recipe itself tells; NaN: it does not."""
    if exposures:
        yield "QC NPIXSAT", float(max(one.saturated for one in exposures))
    hits = file(entry.cosmics)
    seconds = sum(frame.exptime for frame in dossier.frames)
    if hits is not None:
        rows = scan(hits)[1].get("NAXIS2")
        counted = float(rows) if isinstance(rows, int) else counted
        yield "QC NCRH", counted
    area = sum(one.area for one in exposures) / max(1, len(exposures))
    if seconds > 0 and area > 0:
        yield "QC CRH RATE", counted * _HOUR / seconds / area


def _exposure(location: str, chip: ChipSection, folder: Path) -> _Exposure | None:
    """What process QC looks at in a raw frame; None if it is away."""
    try:
        path = materialise(location, folder)
        with RawImage(path, chip.extension) as image:
            # Each extension of a red frame numbers its own outputs from 1.
            own = _number(image, "ESO DET OUT1 CONAD")
            gain = _number(image, f"ESO DET OUT{chip.output} CONAD", own)
            number = sum(
                int(np.count_nonzero(image.rows(row, row + _ROWS) >= chip.saturation))
                for row in range(0, image.shape[0], _ROWS)
            )
            area = _area(image)
    except (OSError, VltflowError) as error:
        _log.warning("raw=%s reason=%s", location, error)
        return None
    return _Exposure(gain, number, area)


def _area(image: RawImage) -> float:
    """What was read out, cm2: a window is hit as often as its share of the chip.

    All chips of a detector have pixels of one size.
    """
    size = float(math.prod(image.shape))
    for axis in "XY":
        other = _number(image, f"ESO DET CHIP2 PSZ{axis}")
        micrometres = _number(image, f"ESO DET CHIP1 PSZ{axis}", other)
        size *= 1e-4 * micrometres * _number(image, f"ESO DET WIN1 BIN{axis}", 1.0)
    return size


def _number(image: RawImage, name: str, default: float = 0.0) -> float:
    value = image.header.get(name)
    return float(value) if isinstance(value, int | float) else default


def _distances(
    name: str, categories: tuple[str, ...], chip: str, masters: tuple[MasterMatch, ...]
) -> Values:
    """Distance in time and temperature to the masters of one kind, the largest of this chip."""
    matches = [
        one
        for one in masters
        if one.category.startswith(categories)
        and one.category.endswith(chip)
        and one.state is not MatchState.MISSING
    ]
    days = [abs(one.distance_days) for one in matches if one.distance_days is not None]
    degrees = [abs(one.distance_celsius) for one in matches if one.distance_celsius is not None]
    if days:
        yield f"QC CAL DT {name}", max(days)
    if degrees:
        yield f"QC CAL DTEMP {name}", max(degrees)
